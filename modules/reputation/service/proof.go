package service

import (
	"context"
	"fmt"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Proof implements Epochs.
func (s service) Proof(ctx context.Context, q reputation.ProofQuery) (reputation.Proof, error) {
	var answer reputation.Proof
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := epochAt(ctx, r, q.Epoch)
		if err != nil {
			return err
		}
		if epoch.Kept == 0 || len(epoch.Root) == 0 {
			return fault.Newf(fault.Conflict, "the scores of epoch %d are not kept any more, or it has no tree: the setting reputation.keep_epochs says how many are", epoch.Number)
		}
		row, err := readScore(ctx, r, epoch.Number, q.Wallet)
		if database.IsNoRows(err) {
			return fault.NoSuch("wallet", "epoch %d says nothing of %s", epoch.Number, q.Wallet)
		}
		if err != nil {
			return fmt.Errorf("read a score: %w", err)
		}
		answer = reputation.Proof{
			Epoch: epoch.Number, Address: q.Wallet, Amount: strconv.Itoa(row.Points), Format: string(merkle.OZ), Root: merkle.Hash(epoch.Root),
			Leaf: merkle.LeafHash(merkle.OZ, merkle.Entry{Wallet: q.Wallet, Amount: *uint256.NewInt(uint64(row.Points))}),
		}
		answer.Proof, err = siblings(ctx, r, epoch.Number, row.Leaf)
		return err
	})
	if err != nil {
		return reputation.Proof{}, err
	}
	if merkle.ProcessProof(answer.Leaf, answer.Proof) != answer.Root {
		return reputation.Proof{}, fmt.Errorf("the tree of epoch %d is damaged: the proof of %s does not lead to its root", answer.Epoch, q.Wallet)
	}
	return answer, nil
}

// siblings returns the proof of a leaf. The tree is an array as OpenZeppelin
// numbers it: the children of node i are 2i+1 and 2i+2.
func siblings(ctx context.Context, r database.Queryer, epoch int64, leaf int) ([]merkle.Hash, error) {
	var numbers []int
	var parts []int64
	for node := leaf; node > 0; node = (node - 1) / 2 {
		sibling := node + 1
		if node%2 == 0 {
			sibling = node - 1
		}
		numbers = append(numbers, sibling)
		parts = append(parts, int64(sibling/nodesPerPart))
	}
	if len(numbers) == 0 {
		return []merkle.Hash{}, nil
	}
	found, err := readNodes(ctx, r, epoch, parts)
	if err != nil {
		return nil, err
	}
	proof := make([]merkle.Hash, len(numbers))
	for i, n := range numbers {
		part, at := found[parts[i]], n%nodesPerPart*merkle.HashSize
		if len(part) < at+merkle.HashSize {
			return nil, fmt.Errorf("node %d of the tree of epoch %d is missing", n, epoch)
		}
		proof[i] = merkle.Hash(part[at : at+merkle.HashSize])
	}
	return proof, nil
}
