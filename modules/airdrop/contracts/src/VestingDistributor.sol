// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import "./Payout.sol";

/// Pays each row of a list little by little: at the time t a row of the amount A has
///
///   vested(A, t) = 0 before start + cliff; A · (t − start) / duration, rounded down; A from start + duration on
///
/// and each claim pays what has vested and was not paid yet. Nothing is forfeited by
/// an early claim, so anybody may claim for an account. The tree has the format
/// oz-indexed, as the Distributor's.
contract VestingDistributor is Payout {
    using SafeERC20 for IERC20;

    bytes32 public immutable merkleRoot;
    uint256 public immutable start;
    uint256 public immutable cliff;
    uint256 public immutable duration;
    uint256 private immutable end;

    /// What a row was paid until now, by its index.
    mapping(uint256 index => uint256) public paid;

    /// amount is what this claim has paid.
    event Claimed(uint256 index, address account, uint256 amount);

    error InvalidSchedule();
    error NothingToClaim();

    constructor(
        address token_,
        bytes32 merkleRoot_,
        uint256 start_,
        uint256 cliff_,
        uint256 duration_,
        uint256 endTime_,
        address owner_
    ) Payout(token_, owner_) {
        if (merkleRoot_ == 0) revert InvalidRoot();
        if (endTime_ <= block.timestamp) revert EndTimeInPast();
        // All of it must have vested, and be claimable, before the rest is withdrawn.
        if (duration_ == 0 || cliff_ > duration_ || start_ + duration_ >= endTime_) revert InvalidSchedule();
        merkleRoot = merkleRoot_;
        start = start_;
        cliff = cliff_;
        duration = duration_;
        end = endTime_;
    }

    function endTime() public view override returns (uint256) {
        return end;
    }

    /// How much of an amount has vested now.
    function vested(uint256 amount) public view returns (uint256) {
        if (block.timestamp < start + cliff) return 0;
        if (block.timestamp >= start + duration) return amount;
        return Math.mulDiv(amount, block.timestamp - start, duration);
    }

    /// Pays the account what has vested of its amount; anybody may call it.
    function claim(uint256 index, address account, uint256 amount, bytes32[] calldata merkleProof) external {
        (, uint256 due) = take(index, account, amount, merkleProof);
        IERC20(token).safeTransfer(account, due);
    }

    /// Pays it to whom the account, which must be the caller, names.
    function claimTo(uint256 index, address account, address to, uint256 amount, bytes32[] calldata merkleProof)
        external
    {
        requireAccount(account, to);
        (, uint256 due) = take(index, account, amount, merkleProof);
        IERC20(token).safeTransfer(to, due);
    }

    /// Pays it to whom the account has named with its signature, which is good for
    /// what vests until its deadline.
    function claimToWithSig(
        uint256 index,
        address account,
        address to,
        uint256 amount,
        uint256 deadline,
        bytes32[] calldata merkleProof,
        bytes calldata signature
    ) external {
        (bytes32 leaf, uint256 due) = take(index, account, amount, merkleProof);
        requireSignature(leaf, account, to, deadline, signature);
        IERC20(token).safeTransfer(to, due);
    }

    function take(uint256 index, address account, uint256 amount, bytes32[] calldata merkleProof)
        private
        returns (bytes32 leaf, uint256 due)
    {
        requireOpen();
        leaf = keccak256(bytes.concat(keccak256(abi.encode(index, account, amount))));
        if (!MerkleProof.verifyCalldata(merkleProof, merkleRoot, leaf)) revert InvalidProof();
        due = vested(amount) - paid[index];
        if (due == 0) revert NothingToClaim();
        paid[index] += due;
        emit Claimed(index, account, due);
    }
}
