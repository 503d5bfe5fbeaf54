// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

error AlreadyClaimed();
error InvalidProof();
error InvalidSignature();
error SignatureExpired();
error ClaimWindowFinished();
error NoWithdrawDuringClaim();
error EndTimeInPast();
error NotOwner();
error NotAccount();
error InvalidToken();
error InvalidOwner();
error InvalidRoot();
error InvalidReceiver();
error TokenTookFee();

/// What the distributors share: the token, the end, the owner who may withdraw
/// after it, and who may send an account's tokens elsewhere. Claims are open while
/// block.timestamp < endTime, the rest is withdrawn from endTime on: no moment has both.
abstract contract Payout is EIP712 {
    using SafeERC20 for IERC20;

    address public immutable token;
    address public immutable owner;

    /// All that a signature is about: a relayer can choose nothing.
    bytes32 private constant CLAIM_TO = keccak256(
        "ClaimTo(bytes32 leaf,address account,address to,uint256 deadline)"
    );

    constructor(address token_, address owner_) EIP712("Banyan", "1") {
        if (token_.code.length == 0) revert InvalidToken(); // a call of it would succeed
        if (owner_ == address(0)) revert InvalidOwner();
        token = token_;
        owner = owner_;
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    /// When claims end, in seconds since 1970.
    function endTime() public view virtual returns (uint256);

    /// Takes amount from the caller, who has approved it, and refuses a token of
    /// which less arrives: it would pay less to the claimers, and nothing to the last.
    function fund(uint256 amount) external {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        if (IERC20(token).balanceOf(address(this)) - before != amount) revert TokenTookFee();
    }

    /// Pays what is left to the owner, from the end on. A token that was sent here by
    /// mistake can be withdrawn in the same way.
    function withdraw(address token_) public onlyOwner {
        if (block.timestamp < endTime()) revert NoWithdrawDuringClaim();
        IERC20(token_).safeTransfer(owner, IERC20(token_).balanceOf(address(this)));
    }

    /// The same as Uniswap names it.
    function withdraw() external {
        withdraw(token);
    }

    function requireOpen() internal view {
        if (block.timestamp >= endTime()) revert ClaimWindowFinished();
    }

    /// Only the account itself may name another receiver without a signature.
    function requireAccount(address account, address to) internal view {
        if (msg.sender != account) revert NotAccount();
        if (to == address(0)) revert InvalidReceiver();
    }

    /// The account's key has signed, also where the account has code by EIP-7702; or
    /// the account is a contract that accepts the signature (ERC-1271).
    function requireSignature(bytes32 leaf, address account, address to, uint256 deadline, bytes calldata signature)
        internal
        view
    {
        if (to == address(0)) revert InvalidReceiver();
        if (block.timestamp > deadline) revert SignatureExpired();
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(CLAIM_TO, leaf, account, to, deadline)));
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && signer == account) return;
        if (!SignatureChecker.isValidERC1271SignatureNow(account, digest, signature)) revert InvalidSignature();
    }
}
