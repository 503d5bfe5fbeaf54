package service

import (
	"context"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
	"banyan/platform/wallet"
)

// Multiproof implements Service.
func (s *service) Multiproof(ctx context.Context, q airdrop.MultiproofQuery) (airdrop.Multiproof, error) {
	m, err := s.multiproof(ctx, q)
	err, again := s.dropDamaged(ctx, err)
	if again {
		m, err = s.multiproof(ctx, q)
		err, _ = s.dropDamaged(ctx, err)
	}
	return m, err
}

func (s *service) multiproof(ctx context.Context, q airdrop.MultiproofQuery) (airdrop.Multiproof, error) {
	t, err := s.trees.get(ctx, q.ID)
	if err != nil {
		return airdrop.Multiproof{}, err
	}
	defer t.leave()
	rows, err := t.rowsOf(q.Wallets)
	if err != nil {
		return airdrop.Multiproof{}, err
	}
	m, err := t.tree.Multiproof(rows)
	if fault.Is(err, fault.Unsupported) {
		return airdrop.Multiproof{}, err
	}
	if err != nil {
		return airdrop.Multiproof{}, t.unreadable(err)
	}
	answer := airdrop.Multiproof{Campaign: t.campaign, Leaves: m.Leaves, Proof: m.Proof, Flags: m.Flags, Root: t.tree.Root()}
	for _, row := range m.Rows {
		values, err := t.tree.Values(row)
		if err != nil {
			return airdrop.Multiproof{}, t.unreadable(err)
		}
		answer.Values = append(answer.Values, values)
	}
	return answer, nil
}

// rowsOf returns all rows of wallets, each wallet once.
func (t *served) rowsOf(wallets []wallet.Address) ([]int, error) {
	var rows []int
	seen := make(map[wallet.Address]bool, len(wallets))
	for _, who := range wallets {
		if seen[who] {
			continue
		}
		seen[who] = true
		before := len(rows)
		err := t.tree.FindAll(who, func(row int) bool {
			rows = append(rows, row)
			return len(rows) <= airdrop.MostTogether
		})
		switch {
		case err != nil:
			return nil, t.unreadable(err)
		case len(rows) == before || t.noWallets:
			return nil, t.notListed(who)
		case len(rows) > airdrop.MostTogether:
			return nil, fault.Newf(fault.Invalid, "these wallets have more than %d rows: prove fewer together", airdrop.MostTogether)
		}
	}
	return rows, nil
}

// CheckProof implements Service.
func (s *service) CheckProof(_ context.Context, c airdrop.ProofCheck) (airdrop.CheckedProofs, error) {
	var root *merkle.Hash
	if c.Root != "" {
		parsed, err := merkle.ParseHash(c.Root)
		if err != nil {
			return airdrop.CheckedProofs{}, err
		}
		root = &parsed
	}
	format := c.Format
	if format != "" {
		var err error
		if format, err = merkle.ParseFormat(string(format)); err != nil {
			return airdrop.CheckedProofs{}, err
		}
	}
	used, checks, err := published.CheckText(c.Text, root, format, airdrop.MaxChecked)
	if err != nil {
		return airdrop.CheckedProofs{}, err
	}
	answer := airdrop.CheckedProofs{Root: used}
	for _, check := range checks {
		f := check.Finding
		answer.Proofs = append(answer.Proofs, airdrop.CheckedProof{
			Name: check.Name, Right: check.Right, Text: check.Text, Format: f.Format,
			Leaf: f.Choices.Leaf, Encoding: f.Choices.Encoding, Hash: f.Choices.Hash, Pairs: f.Choices.Pairs, Solidity: f.Solidity,
		})
	}
	return answer, nil
}
