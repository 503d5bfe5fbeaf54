package offline

import (
	"context"
	"fmt"
	"strings"

	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/table"
)

// MultiproofJob proves the rows of several wallets together.
type MultiproofJob struct {
	Tree string
	// In has a wallet on each line, or wallet,amount to name one row of a wallet that
	// has several; "-" is standard input.
	In string
	// Decimals are those of the amounts on the lines; 0: in base units.
	Decimals int
	Columns  list.Columns
}

// Multiproof is what OpenZeppelin's MerkleProof.multiProofVerify takes.
type Multiproof struct {
	Leaves [][]string    `json:"leaves"` // the values of each leaf, in the order that the contract needs
	Hashes []merkle.Hash `json:"hashes"` // the same leaves, hashed
	Proof  []merkle.Hash `json:"proof"`
	Flags  []bool        `json:"proofFlags"`
	Root   merkle.Hash   `json:"root"`
	// Solidity is the line of a contract that computes a leaf.
	Solidity string `json:"solidity"`
}

// maxTogether bounds the rows of a multiproof: a contract's call has no space for
// more.
const maxTogether = 10_000

// Multiproof returns one proof of all rows of the wallets. It fails with
// fault.Invalid and names each line that has no wallet, or one that is not on the
// list, and with fault.Unsupported on trees that have no multiproofs.
func (r Runner) Multiproof(ctx context.Context, job MultiproofJob) (m Multiproof, err error) {
	if job.Tree == "" {
		return m, fault.UsageOf("--tree", "name the tree file")
	}
	if job.In == "" {
		return m, fault.UsageOf("--in", "name the list of wallets to prove together, or - for standard input")
	}
	if job.Decimals < 0 || job.Decimals > list.MaxDecimals {
		return m, fault.UsageOf("--decimals", fmt.Sprintf("decimals are 0 to %d", list.MaxDecimals))
	}
	t, err := merkle.Open(job.Tree)
	if err != nil {
		return m, err
	}
	defer func() {
		if closeErr := t.Close(); err == nil {
			err = closeErr
		}
	}()
	if who, _ := t.Spec().Leaf.Roles(); who < 0 {
		return m, fault.Newf(fault.Unsupported, "the leaves of this tree are (%s), without a wallet by which rows are found: prove rows by their numbers (banyan airdrop proof --row)", strings.Join(t.Spec().Leaf.Types(), ", "))
	}
	rows, err := r.rowsOfList(ctx, t, job)
	if err != nil {
		return m, fmt.Errorf("%s: %w", job.In, err)
	}
	proof, err := t.Multiproof(rows)
	if err != nil {
		return m, fmt.Errorf("%s: %w", job.Tree, err)
	}
	m = Multiproof{Hashes: proof.Leaves, Proof: proof.Proof, Flags: proof.Flags, Root: t.Root(), Solidity: t.Spec().Leaf.Solidity()}
	for _, row := range proof.Rows {
		values, err := t.Values(row)
		if err != nil {
			return m, err
		}
		m.Leaves = append(m.Leaves, values)
	}
	return m, nil
}

// rowsOfList returns the rows of a list of wallets, each once.
func (r Runner) rowsOfList(ctx context.Context, t *merkle.Tree, job MultiproofJob) ([]int, error) {
	in, _, err := r.open(job.In)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	options := list.Options{
		Decimals: job.Decimals, Columns: job.Columns, Flags: list.Flags{Address: columnFlags.Address, Amount: columnFlags.Amount},
		MaxRows: maxTogether, Limits: decompress.Files(), Workers: 1,
	}
	g := gathered{tree: t, seen: map[int]bool{}}
	same := func(questions []list.Question) ([]list.Question, error) { return questions, nil }
	err = list.Questions(ctx, in, options, same, func(questions []list.Question) error {
		for i := range questions {
			if err := g.add(&questions[i]); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(g.problems) > 0:
		return nil, table.Refuse(g.problems)
	case len(g.rows) > maxTogether:
		return nil, fault.Newf(fault.TooLarge, "these wallets have more than %d rows: prove fewer together", maxTogether)
	}
	return g.rows, nil
}

// gathered are the rows of the wallets so far.
type gathered struct {
	tree     *merkle.Tree
	rows     []int
	seen     map[int]bool
	problems []fault.Field
}

func (g *gathered) add(q *list.Question) error {
	refuse := func(text string) {
		if len(g.problems) < table.MaxProblems {
			g.problems = append(g.problems, fault.Field{Name: "address", Line: q.Line, Message: text})
		}
	}
	if q.Problem != "" {
		refuse(q.Problem)
		return nil
	}
	var rows []int
	err := g.tree.FindAll(q.Wallet, func(row int) bool {
		rows = append(rows, row)
		return len(g.rows)+len(rows) <= maxTogether
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		refuse(q.Wallet.String() + " is not on the list of this tree")
		return nil
	}
	if q.WithAmount {
		row, _, found, err := g.tree.FindAmount(q.Wallet, q.Amount)
		if err != nil {
			return err
		}
		if rows = []int{row}; !found {
			refuse(q.Wallet.String() + " has another amount on the list")
			return nil
		}
	}
	for _, row := range rows {
		if !g.seen[row] {
			g.seen[row] = true
			g.rows = append(g.rows, row)
		}
	}
	return nil
}
