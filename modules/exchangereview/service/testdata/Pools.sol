// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

// A constant-product exchange with the surface of Uniswap v2, as far as a swap needs
// it: the factory makes pairs and finds them, a pair holds two tokens and swaps them,
// and the router swaps for its caller. For tests.

interface IERC20 {
    function balanceOf(address) external view returns (uint256);
    function transfer(address, uint256) external returns (bool);
    function transferFrom(address, address, uint256) external returns (bool);
}

contract Pair {
    address public immutable factory;
    address public immutable token0;
    address public immutable token1;
    uint256 private reserve0;
    uint256 private reserve1;

    event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to);

    constructor(address a, address b) {
        factory = msg.sender;
        (token0, token1) = a < b ? (a, b) : (b, a);
    }

    function getReserves() external view returns (uint256, uint256) {
        return (reserve0, reserve1);
    }

    // sync takes what it holds as its reserves.
    function sync() public {
        reserve0 = IERC20(token0).balanceOf(address(this));
        reserve1 = IERC20(token1).balanceOf(address(this));
    }

    function swap(uint256 out0, uint256 out1, address to) external {
        require((out0 > 0 || out1 > 0) && out0 < reserve0 && out1 < reserve1, "amounts");
        if (out0 > 0) IERC20(token0).transfer(to, out0);
        if (out1 > 0) IERC20(token1).transfer(to, out1);
        uint256 balance0 = IERC20(token0).balanceOf(address(this));
        uint256 balance1 = IERC20(token1).balanceOf(address(this));
        uint256 in0 = balance0 > reserve0 - out0 ? balance0 - (reserve0 - out0) : 0;
        uint256 in1 = balance1 > reserve1 - out1 ? balance1 - (reserve1 - out1) : 0;
        require((balance0 * 1000 - in0 * 3) * (balance1 * 1000 - in1 * 3) >= reserve0 * reserve1 * 1000 ** 2, "K");
        sync();
        emit Swap(msg.sender, in0, in1, out0, out1, to);
    }
}

contract Factory {
    mapping(address => mapping(address => address)) public getPair;

    function createPair(address a, address b) external returns (address pair) {
        pair = address(new Pair(a, b));
        getPair[a][b] = pair;
        getPair[b][a] = pair;
    }
}

contract Router {
    // swap sells an amount of a token, which the caller has approved, to the pair.
    function swap(Pair pair, address token, uint256 amount, address to) external {
        (uint256 reserve0, uint256 reserve1) = pair.getReserves();
        bool first = token == pair.token0();
        (uint256 from, uint256 into) = first ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 out = (amount * 997 * into) / (from * 1000 + amount * 997);
        IERC20(token).transferFrom(msg.sender, address(pair), amount);
        pair.swap(first ? 0 : out, first ? out : 0, to);
    }
}
