package service

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/progress"
	"banyan/platform/wallet"
)

// served is a built campaign, ready to answer claims: in memory, or in a file
// that is mapped. It never changes, as the campaign never does, so any number
// of callers read it. Each of them holds it while it reads, and the last one to
// leave unmaps the file: nobody reads what is no longer mapped.
type served struct {
	campaign string
	tree     *merkle.Tree
	file     string // "": in memory
	// common is set where leaves are plain and pairs sorted; noWallets where no
	// value of the leaves is a wallet.
	common, noWallets bool
	bytes             int64        // of memory that only this process has
	holders           atomic.Int64 // 0: the file is unmapped
}

// bytesPerRow is what a tree in memory needs for a row: the row with its own
// index, two nodes, the place of its leaf, and the order of the wallets.
const bytesPerRow = merkle.RowSize + 8 + 2*merkle.HashSize + 4 + 8

// A mapped tree is in the system's page cache, which evicts it when it needs
// the memory. This process remembers which of its blocks are checked, a bit
// each.
const (
	mappedBytes     = 4 << 10
	rowsPerSeenByte = 8 * 4096 / bytesPerRow
)

// newServed sorts the wallets now, so that no caller waits for it later; in a
// file they are sorted. The caller holds the result.
func newServed(campaign string, tree *merkle.Tree, file string) (*served, error) {
	t := &served{campaign: campaign, tree: tree, file: file, bytes: int64(tree.Count())*bytesPerRow + tree.RecordBytes()}
	spec := tree.Spec()
	who, _ := spec.Leaf.Roles()
	t.common, t.noWallets = !tree.Typed() && !spec.Positional, who < 0
	t.holders.Store(1)
	if file != "" {
		t.bytes = mappedBytes + int64(tree.Count()/rowsPerSeenByte)
		return t, nil
	}
	if _, _, err := tree.Find(wallet.Address{}); err != nil {
		return nil, fmt.Errorf("sort the wallets of campaign %s: %w", campaign, err)
	}
	return t, nil
}

// hold keeps the tree readable until leave. It returns false when the tree is
// unmapped already.
func (t *served) hold() bool {
	for {
		n := t.holders.Load()
		if n == 0 {
			return false
		}
		if t.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave ends a hold; the last one unmaps the file.
func (t *served) leave() {
	if t.holders.Add(-1) == 0 {
		_ = t.tree.Close() // what was mapped can always be unmapped
	}
}

// claim returns the claim of one wallet. It fails with fault.NotFound.
func (t *served) claim(who wallet.Address) (airdrop.Claim, error) {
	at, several, found, err := t.tree.FindSeveral(who)
	if err != nil {
		return airdrop.Claim{}, t.unreadable(err)
	}
	if !found || t.noWallets {
		return airdrop.Claim{}, t.notListed(who)
	}
	c, err := t.claimOf(who, at)
	if err != nil || !several {
		return c, err
	}
	return t.withOthers(c)
}

func (t *served) notListed(who wallet.Address) error {
	if t.noWallets {
		return fault.NoSuch("claim", "the leaves of this campaign have no wallet: its claims are not looked up by wallet; download its list, and look there")
	}
	return fault.NoSuch("claim", "the wallet %s is not on the list of this campaign, so it has nothing to claim: check the address", who)
}

// claimOf returns the claim of a row.
func (t *served) claimOf(who wallet.Address, at int) (airdrop.Claim, error) {
	leaf, proof, err := t.tree.Prove(merkle.NewProof(), at)
	if err != nil {
		return airdrop.Claim{}, t.unreadable(err)
	}
	row, err := t.tree.At(at)
	if err != nil {
		return airdrop.Claim{}, t.unreadable(err)
	}
	c := airdrop.Claim{
		Campaign: t.campaign, Wallet: who, Index: row.Index, Amount: row.Amount,
		Leaf: leaf, Proof: proof, Root: t.tree.Root(),
	}
	if !t.common {
		err = t.addRare(&c, at)
	}
	return c, err
}

// addRare adds the values of leaves that are not plain, and the sides of
// positional pairs.
func (t *served) addRare(c *airdrop.Claim, at int) error {
	var err error
	if t.tree.Typed() {
		if c.Values, err = t.tree.Values(at); err != nil {
			return t.unreadable(err)
		}
	}
	left, err := t.tree.LeftSides(at)
	if err != nil {
		return t.unreadable(err)
	}
	c.Sides = merkle.SideNames(left)
	return nil
}

// withOthers adds all claims of a wallet that has several.
func (t *served) withOthers(first airdrop.Claim) (airdrop.Claim, error) {
	var rows []int
	err := t.tree.FindAll(first.Wallet, func(row int) bool {
		if first.Rows++; len(rows) < airdrop.MaxClaims {
			rows = append(rows, row)
		}
		return true
	})
	if err != nil {
		return first, t.unreadable(err)
	}
	for _, row := range rows {
		c, err := t.claimOf(first.Wallet, row)
		if err != nil {
			return first, err
		}
		first.Claims = append(first.Claims, airdrop.RowClaim{
			Wallet: c.Wallet, Index: c.Index, Amount: c.Amount, Leaf: c.Leaf, Proof: c.Proof, Root: c.Root, Values: c.Values, Sides: c.Sides,
		})
	}
	return first, nil
}

func (t *served) unreadable(cause error) error { return &unreadable{tree: t, cause: cause} }

// buildStored reads a campaign's list and builds its tree. Fails with
// fault.NotFound, and with fault.Conflict for a draft. tell learns how far it is.
func (s *service) buildStored(ctx context.Context, id string, tell progress.Tell) (c stored, tree *merkle.Tree, err error) {
	leave, err := s.enterBuild(ctx)
	if err != nil {
		return stored{}, nil, err
	}
	defer leave()
	var rows *merkle.List
	err = s.options.DB.Snapshot(ctx, func(r database.Reader) error {
		if c, err = s.store.campaign(ctx, r, id); err != nil {
			return err
		}
		if c.State == airdrop.Draft {
			return errNoList(id)
		}
		rows = merkle.NewListOf(c.Format)
		return s.store.readChunks(ctx, r, c.listID, func(body []byte) error {
			tell(progress.Reading, int64(rows.Len()), int64(c.Count))
			return rows.AppendChunk(body)
		})
	})
	if err != nil {
		return stored{}, nil, err
	}
	if rows.Len() != c.Count || rows.Total() != c.Total {
		return stored{}, nil, damaged(id, "its list", fmt.Errorf("%d rows, not %d, or another total", rows.Len(), c.Count))
	}
	tree, err = merkle.Build(ctx, c.Format, rows, merkle.Options{Progress: func(_ string, done, total int64) { tell(progress.Hashing, done, total) }})
	if err != nil {
		return stored{}, nil, fmt.Errorf("build the tree of campaign %s: %w", id, err)
	}
	return c, tree, nil
}

// loadTree makes a built campaign ready to serve, from its file if there is a
// good one. Otherwise the root is computed again and must be the stored one: no
// proof is better than a wrong one.
func (s *service) loadTree(ctx context.Context, id string) (*served, error) {
	c, err := s.store.campaign(ctx, s.options.DB.Read(), id)
	if err != nil {
		return nil, err
	}
	if c.State != airdrop.Built {
		return nil, fault.New(fault.Conflict, "the tree of this campaign is not built yet, so nothing can be claimed: try again when the campaign is built")
	}
	if tree, file := s.loadFile(ctx, c); tree != nil {
		return newServed(id, tree, file)
	}
	c, tree, err := s.buildStored(ctx, id, progress.Untold)
	if err != nil {
		return nil, err
	}
	if tree.Root() != *c.Root {
		return nil, errRoot(id, *c.Root, tree.Root())
	}
	return s.serve(ctx, c, tree)
}

// serve makes the tree that was just built for a campaign ready, from a file if
// one can be written.
func (s *service) serve(ctx context.Context, c stored, built *merkle.Tree) (*served, error) {
	tree, file := s.kept.keep(ctx, c, built)
	return newServed(c.ID, tree, file)
}

// errRoot reports a defect: the list in the database does not have the
// announced root. Its text is for the log; a caller sees an internal fault.
func errRoot(campaign string, announced, computed merkle.Hash) error {
	return damaged(campaign, "its list", errors.New("its root is "+computed.String()+" and not the announced "+announced.String()))
}
