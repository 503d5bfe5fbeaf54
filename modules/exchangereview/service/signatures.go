package service

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"banyan/modules/exchangereview"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// askedAt is where and when a smart wallet was asked for its signature; zero when
// the wallet's own key signed.
type askedAt struct {
	ChainID uint64 `db:"chain_id" json:"chain_id,omitempty"`
	Block   uint64 `db:"block" json:"block,omitempty"`
}

// signedBy refuses a signature that is malformed or another wallet's. A smart
// wallet is asked on the chain, 0 = 1.
func (s *service) signedBy(ctx context.Context, writer wallet.Address, hash exchangereview.Hash, signed exchangereview.Signature, chain uint64, what string) (askedAt, error) {
	if chain == 0 {
		chain = 1
	}
	checked, err := signature.Verifier{Contracts: s.contracts}.Verify(ctx, signature.Claim{Digest: hash, Signer: writer, ChainID: chain, What: what}, []byte(signed))
	if err != nil || checked.Block == 0 {
		return askedAt{}, err
	}
	return askedAt{chain, checked.Block}, nil
}

// requestSum is what a repeated request must have in common with the first.
func requestSum(hash exchangereview.Hash, signed exchangereview.Signature, chain uint64) [sha256.Size]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(append(hash[:], signed...), chain))
}
