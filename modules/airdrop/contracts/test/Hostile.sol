// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Takes 1 % of each transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0)) return super._update(from, to, value);
        super._update(from, to, value - value / 100);
        super._update(from, address(0xfee), value / 100);
    }
}

/// Returns false, or reverts, or returns nothing, as it is told.
contract MoodToken {
    mapping(address => uint256) public balanceOf;
    uint256 public immutable mood;

    constructor(uint256 mood_) {
        mood = mood_; // 0: returns false; 1: reverts; 2: returns nothing, as USDT; 3: returns 2
        balanceOf[msg.sender] = 1e30;
    }

    function transfer(address to, uint256 value) external {
        if (mood == 0) answer(0);
        require(mood != 1, "not today");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        if (mood == 3) answer(2);
    }

    function answer(uint256 word) private pure {
        assembly {
            mstore(0, word)
            return(0, 32)
        }
    }

    function give(address to, uint256 value) external {
        balanceOf[to] += value;
    }
}

/// Calls back whoever is paid, as ERC-777 does: here, with the same claim.
contract HookToken is ERC20 {
    address private target;
    bytes private data;
    uint256 public succeeded;

    constructor() ERC20("Hook", "HOOK") {
        _mint(msg.sender, 1e30);
    }

    function arm(address target_, bytes calldata data_) external {
        target = target_;
        data = data_;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0) || from != target) return;
        (bool ok,) = target.call(data);
        if (ok) succeeded++;
    }
}

/// A smart wallet that accepts its owner's signatures.
contract OwnedWallet is IERC1271 {
    address private immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(hash, signature);
        return signer == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// The rules of trees that others have published, to hold them to our proofs.
contract OtherRules {
    function uniswap(bytes32 root, uint256 index, address account, uint256 amount, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return MerkleProof.verifyCalldata(proof, root, keccak256(abi.encodePacked(index, account, amount)));
    }

    function ens(bytes32 root, address account, uint256 amount, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return MerkleProof.verifyCalldata(proof, root, keccak256(abi.encodePacked(account, amount)));
    }
}
