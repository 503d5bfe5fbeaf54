// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Has the views, the function and the events of Sablier's campaigns, in one of their
/// versions, as far as whoever follows them looks. Where the tokens stay after a claim
/// (a stream, or the account) makes no difference to that: here it is the account.
contract PeerSablier {
    event Claim(uint256 index, address indexed recipient, uint128 amount);
    event Claim(uint256 index, address indexed recipient, uint128 amount, uint256 indexed streamId);
    event ClaimInstant(uint256 index, address indexed recipient, uint128 amount, address to, bool viaSig);
    event ClaimLLWithTransfer(uint256 index, address indexed recipient, uint128 amount, address to, bool viaSig);
    event ClaimLLWithVesting(uint256 index, address indexed recipient, uint128 amount, uint256 indexed streamId, address to, bool viaSig);
    event ClaimLTWithTransfer(uint256 index, address indexed recipient, uint128 amount, address to, bool viaSig);
    event ClaimLTWithVesting(uint256 index, address indexed recipient, uint128 amount, uint256 indexed streamId, address to, bool viaSig);
    event ClaimVCA(uint256 index, address indexed recipient, uint128 claimAmount, uint128 forgoneAmount, address to, bool viaSig);

    // The versions: 1.2 instant and with a stream, 1.3 instant, and 2 in its six ways; 9 is of the kind VCA.
    uint256 private immutable way;
    IERC20 private immutable paid;
    bytes32 public immutable MERKLE_ROOT;
    uint40 public immutable EXPIRATION;
    uint40 private immutable start;
    uint256 private immutable fee;
    mapping(uint256 => bool) public hasClaimed;

    error None();

    constructor(uint256 way_, IERC20 token, bytes32 root, uint40 expiration, uint40 start_, uint256 fee_) {
        (way, paid, MERKLE_ROOT, EXPIRATION, start, fee) = (way_, token, root, expiration, start_, fee_);
    }

    function ASSET() external view returns (IERC20) {
        require(way < 2, None());
        return paid;
    }

    function TOKEN() external view returns (IERC20) {
        require(way >= 2, None());
        return paid;
    }

    function FEE() external view returns (uint256) {
        require(way == 2, None());
        return fee;
    }

    function calculateMinFeeWei() external view returns (uint256) {
        require(way > 2, None());
        return fee;
    }

    function CAMPAIGN_START_TIME() external view returns (uint40) {
        require(way > 2, None());
        return start;
    }

    function totalForgoneAmount() external view returns (uint256) {
        require(way == 9, None());
        return 0;
    }

    function claim(uint256 index, address recipient, uint128 amount, bytes32[] calldata proof) external payable {
        require(block.timestamp >= start && (EXPIRATION == 0 || block.timestamp < EXPIRATION), "closed");
        require(msg.value >= fee, "fee");
        require(!hasClaimed[index], "claimed");
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(index, recipient, amount))));
        require(MerkleProof.verifyCalldata(proof, MERKLE_ROOT, leaf), "proof");
        hasClaimed[index] = true;
        require(paid.transfer(recipient, amount), "transfer");
        if (way == 0 || way == 2) emit Claim(index, recipient, amount);
        else if (way == 1) emit Claim(index, recipient, amount, 1000 + index);
        else if (way == 3) emit ClaimInstant(index, recipient, amount, recipient, false);
        else if (way == 4) emit ClaimLLWithTransfer(index, recipient, amount, recipient, false);
        else if (way == 5) emit ClaimLLWithVesting(index, recipient, amount, 1000 + index, recipient, false);
        else if (way == 6) emit ClaimLTWithTransfer(index, recipient, amount, recipient, true);
        else if (way == 7) emit ClaimLTWithVesting(index, recipient, amount, 1000 + index, recipient, true);
        else emit ClaimVCA(index, recipient, amount, 0, recipient, false);
    }
}

/// Has the views, the functions and the events of Merkl's distributor, as far as whoever
/// follows it looks: several tokens in one tree, whose root holds after a time without a dispute.
contract PeerMerkl {
    event Claimed(address indexed user, address indexed token, uint256 amount);
    event Disputed(string reason);
    event Revoked();
    event TreeUpdated(bytes32 merkleRoot, bytes32 ipfsHash, uint48 endOfDisputePeriod);

    struct Tree {
        bytes32 merkleRoot;
        bytes32 ipfsHash;
    }

    Tree public tree;
    Tree public lastTree;
    uint48 public endOfDisputePeriod;
    address public disputer;
    mapping(address => mapping(address => uint256)) public claimed;

    function getMerkleRoot() public view returns (bytes32) {
        return block.timestamp >= endOfDisputePeriod && disputer == address(0) ? tree.merkleRoot : lastTree.merkleRoot;
    }

    function update(bytes32 root, uint48 wait) external {
        lastTree = tree;
        tree.merkleRoot = root;
        endOfDisputePeriod = uint48(block.timestamp) + wait;
        emit TreeUpdated(root, 0, endOfDisputePeriod);
    }

    function dispute(string calldata reason) external {
        require(disputer == address(0) && block.timestamp < endOfDisputePeriod, "too late");
        disputer = msg.sender;
        emit Disputed(reason);
    }

    function revoke() external {
        tree = lastTree;
        endOfDisputePeriod = 0;
        disputer = address(0);
        emit Revoked();
    }

    function claim(address[] calldata users, address[] calldata tokens, uint256[] calldata amounts, bytes32[][] calldata proofs) external {
        for (uint256 i; i < users.length; i++) {
            require(msg.sender == users[i], "not allowed");
            bytes32 leaf = keccak256(abi.encode(users[i], tokens[i], amounts[i]));
            require(MerkleProof.verifyCalldata(proofs[i], getMerkleRoot(), leaf), "proof");
            uint256 due = amounts[i] - claimed[users[i]][tokens[i]];
            claimed[users[i]][tokens[i]] = amounts[i];
            emit Claimed(users[i], tokens[i], due);
            require(IERC20(tokens[i]).transfer(users[i], due), "transfer");
        }
    }
}
