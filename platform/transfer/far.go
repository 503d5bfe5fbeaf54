package transfer

import (
	"context"
	"io"
)

// Far is another process that a module's data goes to, with a database of its own, as
// the process that the data leaves calls it. Receiver is the other end; platform/rollout
// carries the calls.
//
//	the source                                     the target
//	Begin ────────────────────────────────────────▶ empty, marked as arriving
//	Recall: attempt 1 ────────────────────────────▶ rows of an earlier attempt are refused from now on
//	Rows, Rows, … Sum, … ─────────────────────────▶ stored, a transaction each; read again
//	  writes are held
//	Rows, the last ───────────────────────────────▶ whole: no rows any more in this attempt
//	commit: moved, one epoch on (the decision)
//	Claim, until it is answered ──────────────────▶ commit: the owner, in the epoch of the decision
//	the calls are led there, and those that waited go there
//
// Before the decision the source's owner takes its writes back whatever happens; only
// after it does the source ask for the claim. So one side at most is written at every moment,
// whichever process ends and whichever answer is lost: what was asked is asked again.
type Far interface {
	// Begin prepares the target. Fails with fault.Conflict when it has data of its own, or
	// is of another release.
	Begin(ctx context.Context, o Opening) error
	// Recall begins an attempt.
	Recall(ctx context.Context, q RecallRequest) (Recalled, error)
	// Rows stores a batch, in one transaction; the last one says that all rows are there.
	Rows(ctx context.Context, b Batch) (Stored, error)
	// Sum adds up some rows of a table.
	Sum(ctx context.Context, q SumQuery) (SumPage, error)
	// Claim makes the target the owner. It may be repeated.
	Claim(ctx context.Context, c Claiming) error
	// Abandon leaves the target as it was before, but its rows.
	Abandon(ctx context.Context, a Abandoning) error
	// Close ends the connections.
	Close()
}

// RecallRequest names the move that goes on.
type RecallRequest struct {
	ID string `json:"id"`
}

// Recalled says whether the target knows of a move.
type Recalled struct {
	Known   bool  `json:"known"`
	Attempt int64 `json:"attempt"` // that begins: its number goes with all that follows
}

// Batch are rows of tables, as appendGroup writes them, and in the last one appendEnd.
type Batch struct {
	ID      string
	Attempt int64
	Body    io.Reader
}

// Stored are the sums of what is stored of each group with keys, in the order of the batch.
type Stored struct {
	Sums []RowSum `json:"sums"`
}

// RowSum is a number of rows and the sum of their hashes, as sum has it.
type RowSum struct {
	Rows int64  `json:"rows"`
	Hi   uint64 `json:"hi"`
	Lo   uint64 `json:"lo"`
}

func (s sum) wire() RowSum   { return RowSum{s.rows, s.hi, s.lo} }
func (r RowSum) toSum() sum  { return sum{r.Rows, r.Hi, r.Lo} }
func (s *sum) join(next sum) { s.rows, s.hi, s.lo = s.rows+next.rows, s.hi+next.hi, s.lo+next.lo }

// SumQuery asks for the sum of the rows after a key, as many as one call bears.
type SumQuery struct {
	ID      string `json:"id"`
	Attempt int64  `json:"attempt"`
	Table   string `json:"table"`
	After   string `json:"after,omitempty"` // SumPage.Next; "" = from the first
}

// SumPage is a part of a table.
type SumPage struct {
	RowSum
	Next string `json:"next,omitempty"` // "" = that was all
}

// Claiming says that it was decided: the data is the target's.
type Claiming struct {
	ID    string `json:"id"`
	Epoch int64  `json:"epoch"` // of the decision, and of the target's ownership
}

// Abandoning ends a move with the data where it was.
type Abandoning struct {
	ID    string `json:"id"`
	Epoch int64  `json:"epoch"` // of the source's owner
}

// Arrival says that the data has come to another process.
type Arrival struct {
	Remote string // the address of the process that has the data now; "" = it is this one
	By     string // who asked for the move
}
