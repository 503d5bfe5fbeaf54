// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import "./Payout.sol";

/// Pays several rounds from one contract. The tree of a round has the format
/// cumulative, with what each account has got in all rounds together:
///
///   leaf = keccak256(abi.encodePacked(address account, uint256 cumulativeAmount))
///
/// A new root holds only after a delay, in which everybody can compare it with the
/// published list and the owner can replace it. Claims name the root that they were made for, so
/// that one that meets another round fails with a clear error.
contract CumulativeDistributor is Payout {
    using SafeERC20 for IERC20;

    uint256 public immutable delay;
    uint256 private end;
    bytes32 private current;

    /// The root that was proposed last, and from when on it holds.
    bytes32 public pendingRoot;
    uint256 public pendingFrom;

    /// What an account was paid in all rounds together.
    mapping(address account => uint256) public cumulativeClaimed;

    event Claimed(address indexed account, uint256 amount);
    event RootProposed(bytes32 root, uint256 from);
    event EndTimeExtended(uint256 endTime);

    error MerkleRootWasUpdated();
    error NothingToClaim();
    error EndTimeNotLater();

    constructor(address token_, bytes32 merkleRoot_, uint256 delay_, uint256 endTime_, address owner_)
        Payout(token_, owner_)
    {
        if (merkleRoot_ == 0) revert InvalidRoot();
        if (endTime_ <= block.timestamp) revert EndTimeInPast();
        current = merkleRoot_;
        delay = delay_;
        end = endTime_;
        emit RootProposed(merkleRoot_, block.timestamp);
    }

    function endTime() public view override returns (uint256) {
        return end;
    }

    /// The root that holds now.
    function merkleRoot() public view returns (bytes32) {
        return pendingRoot != 0 && block.timestamp >= pendingFrom ? pendingRoot : current;
    }

    /// Proposes the root of the next round. One that does not hold yet is replaced; to
    /// take it back, propose the one that holds.
    function setMerkleRoot(bytes32 root) external onlyOwner {
        if (root == 0) revert InvalidRoot();
        current = merkleRoot();
        pendingRoot = root;
        pendingFrom = block.timestamp + delay;
        emit RootProposed(root, pendingFrom);
    }

    /// Moves the end, to later only, and only while claims are open.
    function extend(uint256 endTime_) external onlyOwner {
        requireOpen();
        if (endTime_ <= end) revert EndTimeNotLater();
        end = endTime_;
        emit EndTimeExtended(endTime_);
    }

    /// Pays the account what it has not got yet; anybody may call it.
    function claim(address account, uint256 cumulativeAmount, bytes32 expectedRoot, bytes32[] calldata merkleProof)
        external
    {
        (, uint256 due) = take(account, cumulativeAmount, expectedRoot, merkleProof);
        IERC20(token).safeTransfer(account, due);
    }

    /// Pays it to whom the account, which must be the caller, names.
    function claimTo(
        address account,
        address to,
        uint256 cumulativeAmount,
        bytes32 expectedRoot,
        bytes32[] calldata merkleProof
    ) external {
        requireAccount(account, to);
        (, uint256 due) = take(account, cumulativeAmount, expectedRoot, merkleProof);
        IERC20(token).safeTransfer(to, due);
    }

    /// Pays it to whom the account has named with its signature.
    function claimToWithSig(
        address account,
        address to,
        uint256 cumulativeAmount,
        bytes32 expectedRoot,
        uint256 deadline,
        bytes32[] calldata merkleProof,
        bytes calldata signature
    ) external {
        (bytes32 leaf, uint256 due) = take(account, cumulativeAmount, expectedRoot, merkleProof);
        requireSignature(leaf, account, to, deadline, signature);
        IERC20(token).safeTransfer(to, due);
    }

    function take(address account, uint256 cumulativeAmount, bytes32 expectedRoot, bytes32[] calldata merkleProof)
        private
        returns (bytes32 leaf, uint256 due)
    {
        requireOpen();
        if (merkleRoot() != expectedRoot) revert MerkleRootWasUpdated();
        leaf = keccak256(abi.encodePacked(account, cumulativeAmount));
        if (!MerkleProof.verifyCalldata(merkleProof, expectedRoot, leaf)) revert InvalidProof();
        uint256 before = cumulativeClaimed[account];
        if (before >= cumulativeAmount) revert NothingToClaim();
        due = cumulativeAmount - before;
        cumulativeClaimed[account] = cumulativeAmount;
        emit Claimed(account, due);
    }
}
