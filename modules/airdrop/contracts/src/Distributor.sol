// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import "./Payout.sol";

/// Pays each row of a list once. The list is a tree of the format oz-indexed:
///
///   leaf = keccak256(keccak256(abi.encode(uint256 index, address account, uint256 amount)))
///
/// token, merkleRoot, isClaimed, claim and Claimed are those of Uniswap's
/// MerkleDistributor, so that pages and indexers made for it work with this one.
contract Distributor is Payout {
    using SafeERC20 for IERC20;
    using BitMaps for BitMaps.BitMap;

    /// A row of the list, with its proof.
    struct Claim {
        uint256 index;
        address account;
        uint256 amount;
        bytes32[] proof;
    }

    bytes32 public immutable merkleRoot;
    uint256 private immutable end;
    BitMaps.BitMap private claimed;

    event Claimed(uint256 index, address account, uint256 amount);

    constructor(address token_, bytes32 merkleRoot_, uint256 endTime_, address owner_) Payout(token_, owner_) {
        if (merkleRoot_ == 0) revert InvalidRoot();
        if (endTime_ <= block.timestamp) revert EndTimeInPast();
        merkleRoot = merkleRoot_;
        end = endTime_;
    }

    function endTime() public view override returns (uint256) {
        return end;
    }

    function isClaimed(uint256 index) external view returns (bool) {
        return claimed.get(index);
    }

    /// Pays the account; anybody may call it.
    function claim(uint256 index, address account, uint256 amount, bytes32[] calldata merkleProof) external {
        requireOpen();
        if (claimed.get(index)) revert AlreadyClaimed();
        take(index, account, amount, merkleProof);
        IERC20(token).safeTransfer(account, amount);
    }

    /// Pays whom the account, which must be the caller, names.
    function claimTo(uint256 index, address account, address to, uint256 amount, bytes32[] calldata merkleProof)
        external
    {
        requireOpen();
        requireAccount(account, to);
        if (claimed.get(index)) revert AlreadyClaimed();
        take(index, account, amount, merkleProof);
        IERC20(token).safeTransfer(to, amount);
    }

    /// Pays whom the account has named with its signature; anybody may call it. The
    /// signature is of the EIP-712 struct ClaimTo, with the row's leaf.
    function claimToWithSig(
        uint256 index,
        address account,
        address to,
        uint256 amount,
        uint256 deadline,
        bytes32[] calldata merkleProof,
        bytes calldata signature
    ) external {
        requireOpen();
        if (claimed.get(index)) revert AlreadyClaimed();
        bytes32 leaf = take(index, account, amount, merkleProof);
        requireSignature(leaf, account, to, deadline, signature);
        IERC20(token).safeTransfer(to, amount);
    }

    /// Pays the accounts of several rows, and skips those that are paid already:
    /// somebody's earlier claim of one row must not stop the others.
    function claimMany(Claim[] calldata rows) external {
        requireOpen();
        for (uint256 i = 0; i < rows.length; ++i) {
            Claim calldata row = rows[i];
            if (claimed.get(row.index)) continue;
            take(row.index, row.account, row.amount, row.proof);
            IERC20(token).safeTransfer(row.account, row.amount);
        }
    }

    /// Marks the row as paid before anything is called, so that no token can come
    /// back for it twice.
    function take(uint256 index, address account, uint256 amount, bytes32[] calldata merkleProof)
        private
        returns (bytes32 leaf)
    {
        leaf = keccak256(bytes.concat(keccak256(abi.encode(index, account, amount))));
        if (!MerkleProof.verifyCalldata(merkleProof, merkleRoot, leaf)) revert InvalidProof();
        claimed.set(index);
        emit Claimed(index, account, amount);
    }
}
