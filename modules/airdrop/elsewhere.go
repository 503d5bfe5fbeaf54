package airdrop

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"banyan/platform/eip712"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// ClaimElsewhereQuery asks how a wallet's tokens are paid to another address. Without a
// signature the answer has the call that only the wallet itself can send, and the
// document that it signs so that somebody else can; with one, the call that anybody can
// send until the deadline.
type ClaimElsewhereQuery struct {
	ID        string           `path:"id" json:"-"`
	Wallet    wallet.Address   `path:"wallet" json:"-"`
	To        wallet.Address   `path:"to" json:"-"`
	Deadline  int64            `query:"deadline" json:"-"` // seconds since 1970; 0: ClaimSignatureValid from now
	Signature eip712.Signature `query:"signature" json:"-"`
}

// ClaimSignatureValid is how long a signature holds that says where a claim goes, in
// seconds, unless the query names another deadline; MaxClaimSignature how long at most.
const (
	ClaimSignatureValid = 7 * 24 * 3600
	MaxClaimSignature   = 366 * 24 * 3600
)

// Validate refuses a receiver and a signature that no contract takes.
func (q ClaimElsewhereQuery) Validate() error {
	var wrong []fault.Field
	if q.To.IsZero() {
		wrong = append(wrong, fault.Field{Name: "to", Message: "is the address that gets the tokens, and not zero"})
	}
	if q.Deadline < 0 {
		wrong = append(wrong, fault.Field{Name: "deadline", Message: "is a time in seconds since 1970"})
	}
	if len(q.Signature) > 8<<10 {
		wrong = append(wrong, fault.Field{Name: "signature", Message: "has at most 8 KB"})
	}
	if len(q.Signature) > 0 && q.Deadline == 0 {
		wrong = append(wrong, fault.Field{Name: "deadline", Message: "is part of what was signed: name it"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the claim cannot be sent elsewhere: see the fields").With(wrong...)
}

// ClaimElsewhere is a claim that is paid to another address.
type ClaimElsewhere struct {
	ClaimCall
	Receiver wallet.Address `json:"receiver"`
	Deadline int64          `json:"deadline"` // of the signature, seconds since 1970
	// Signed says that the call has the wallet's signature, so that anybody can send it;
	// otherwise only the wallet can.
	Signed bool `json:"signed"`
	// TypedData is what the wallet signs, for eth_signTypedData_v4; nil when it has.
	TypedData *eip712.TypedData `json:"typed_data,omitempty"`
}

// What a wallet signs is the EIP-712 struct ClaimTo of our contracts, see
// contracts/src/Payout.sol: all that a relayer could choose.
const (
	claimToName    = "Banyan"
	claimToVersion = "1"
	claimToDomain  = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
	claimToType    = "ClaimTo(bytes32 leaf,address account,address to,uint256 deadline)"
)

// ClaimToHash is the EIP-712 digest with which a wallet sends the row of a leaf to
// another address.
func ClaimToHash(chain uint64, contract wallet.Address, leaf merkle.Hash, account, to wallet.Address, deadline int64) [32]byte {
	var domain, message [5 * 32]byte
	put := func(into *[5 * 32]byte, at int, value []byte) { copy(into[(at+1)*32-len(value):], value) }
	for i, text := range []string{claimToDomain, claimToName, claimToVersion} {
		h := keccak([]byte(text))
		put(&domain, i, h[:])
	}
	put(&domain, 3, binary.BigEndian.AppendUint64(nil, chain))
	put(&domain, 4, contract[:])
	h := keccak([]byte(claimToType))
	put(&message, 0, h[:])
	put(&message, 1, leaf[:])
	put(&message, 2, account[:])
	put(&message, 3, to[:])
	put(&message, 4, binary.BigEndian.AppendUint64(nil, uint64(deadline)))
	outer, inner := keccak(domain[:]), keccak(message[:])
	return keccak([]byte{0x19, 0x01}, outer[:], inner[:])
}

// ClaimToDocument is what ClaimToHash hashes, as a document for eth_signTypedData_v4.
func ClaimToDocument(chain uint64, contract wallet.Address, leaf merkle.Hash, account, to wallet.Address, deadline int64) *eip712.TypedData {
	return &eip712.TypedData{
		Types: map[string][]eip712.TypedField{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}, {Name: "chainId", Type: "uint256"}, {Name: "verifyingContract", Type: "address"}},
			"ClaimTo":      {{Name: "leaf", Type: "bytes32"}, {Name: "account", Type: "address"}, {Name: "to", Type: "address"}, {Name: "deadline", Type: "uint256"}},
		},
		PrimaryType: "ClaimTo",
		Domain: map[string]any{
			"name": claimToName, "version": claimToVersion, "verifyingContract": contract.String(),
			"chainId": float64(chain), // a number, as wallets compare it with theirs; float64 is what JSON decodes to
		},
		Message: map[string]any{
			"leaf": "0x" + hex.EncodeToString(leaf[:]), "account": account.String(), "to": to.String(), "deadline": strconv.FormatInt(deadline, 10),
		},
	}
}
