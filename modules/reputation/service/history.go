package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/database"
	"banyan/platform/jobs"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

const (
	// mostChanges is how many reasons of a change are kept.
	mostChanges = 8
	// leastPoints is the least change of a reason that is told.
	leastPoints = 0.05
)

// change compares a wallet's score with that of the epoch before; moved is false
// when it is the same in points and kind.
func (e computed) change(before, now scoreRow, why trust.Explanation) (m movedScore, moved bool, err error) {
	if before.Points == now.Points && kindOf(before.Value) == kindOf(now.Value) {
		return m, false, nil
	}
	former, err := decodeReasons(before.Reasons)
	if err != nil {
		return m, false, err
	}
	return movedScore{before, now, compareReasons(former, why, e.graph.wallets.Key, e.wholes(before, now))}, true, nil
}

// reasonKey names a reason of a score.
type reasonKey struct {
	kind string
	from wallet.Address
}

// compareReasons returns what became of the reasons, the largest change first.
// Of the former only the largest are stored: what is new here may have been among
// the others then, and is told as such when there were any.
func compareReasons(former []reputation.Component, why trust.Explanation, walletOf func(uint32) wallet.Address, w wholes) []reputation.Change {
	now := map[reasonKey]trust.Contribution{}
	for _, c := range why.Edges {
		now[reasonKey{kindOfRating(c.Weight), walletOf(c.Node)}] = c
	}
	for _, c := range why.Conduct {
		now[reasonKey{reputation.FromConduct, walletOf(c.Node)}] = c
	}
	var changes []reputation.Change
	others, hadOthers, seed := 0.0, false, why.Seed
	gone := map[wallet.Address]bool{} // trust that became distrust is told as both
	for _, c := range former {
		switch {
		case c.Kind == reputation.FromSeed:
			seed -= c.Share
			continue
		case c.From == nil:
			others -= c.Share
			hadOthers = hadOthers || c.Kind == reputation.FromOthers
			continue
		}
		key := reasonKey{c.Kind, *c.From}
		is, still := now[key]
		delete(now, key)
		what, cause := reputation.ReasonMoved, ""
		switch {
		case !still:
			what = reputation.ReasonGone
			gone[*c.From] = true
		case is.Weight != c.Weight || c.TimeMS != max(0, is.Time):
			what = reputation.ReasonChanged
		case c.Kind != reputation.FromConduct:
			cause = w.cause(c.Share, is.Share)
		}
		changes = append(changes, reputation.Change{
			What: what, Cause: cause, Kind: c.Kind, From: c.From, Weight: c.Weight, Points: reputation.MaxScore * (is.Share - c.Share),
		})
	}
	for key, is := range now {
		if hadOthers && !gone[key.from] {
			others += is.Share
			continue
		}
		from := key.from
		changes = append(changes, reputation.Change{What: reputation.ReasonNew, Kind: key.kind, From: &from, Weight: is.Weight, Points: reputation.MaxScore * is.Share})
	}
	changes = append(changes,
		reputation.Change{What: reputation.ReasonMoved, Kind: reputation.FromSeed, Points: reputation.MaxScore * seed},
		reputation.Change{What: reputation.ReasonMoved, Kind: reputation.FromOthers, Points: reputation.MaxScore * (others + why.Dangling)},
	)
	return largestChanges(changes)
}

func kindOfRating(weight float64) string {
	if weight < 0 {
		return reputation.FromDistrust
	}
	return reputation.FromTrust
}

// largestChanges orders changes, drops the smallest, and sums up those beyond
// mostChanges.
func largestChanges(all []reputation.Change) []reputation.Change {
	changes := slices.DeleteFunc(all, func(c reputation.Change) bool { return math.Abs(c.Points) < leastPoints })
	slices.SortFunc(changes, func(a, b reputation.Change) int {
		by := cmp.Or(cmp.Compare(math.Abs(b.Points), math.Abs(a.Points)), cmp.Compare(a.Kind, b.Kind))
		if by == 0 && a.From != nil && b.From != nil {
			return bytes.Compare(a.From[:], b.From[:])
		}
		return by
	})
	if len(changes) <= mostChanges {
		return changes
	}
	rest := reputation.Change{What: reputation.ReasonMoved, Kind: reputation.FromOthers}
	for _, c := range changes[mostChanges:] {
		rest.Points += c.Points
	}
	return append(changes[:mostChanges:mostChanges], rest)
}

// writeVanished tells those that had a score in the epoch before, and of whom
// nobody says anything any more.
func (s service) writeVanished(ctx context.Context, j *jobs.Job, e computed) error {
	var after wallet.Address
	for e.before != 0 {
		gone, err := readVanished(ctx, s.o.DB.Read(), e.before, e.row.Number, after, scoresPerWrite)
		if err != nil || len(gone) == 0 {
			return err
		}
		vanished := make([]movedScore, len(gone))
		for i, before := range gone {
			now := scoreRow{Wallet: before.Wallet}
			former, err := decodeReasons(before.Reasons)
			if err != nil {
				return err
			}
			vanished[i] = movedScore{before, now, compareReasons(former, trust.Explanation{}, e.graph.wallets.Key, e.wholes(before, now))}
		}
		rows, err := s.tell(ctx, e, vanished)
		if err != nil {
			return err
		}
		after = gone[len(gone)-1].Wallet
		if err := j.Step(ctx, jobs.Progress{Stage: "writing what changed"}, func(tx *database.Tx) error { return saveChanges(ctx, tx, rows) }); err != nil {
			return err
		}
	}
	return nil
}

// historyPlace is a position in the history of a wallet.
type historyPlace struct {
	Epoch int64 `json:"epoch"`
}

// History implements Service.
func (s service) History(ctx context.Context, q reputation.HistoryQuery) (reputation.HistoryPage, error) {
	answer := reputation.HistoryPage{Entries: []reputation.HistoryEntry{}}
	list := page.NewList[historyPlace]("history/" + q.Wallet.String())
	after, err := list.After(q.Cursor, historyPlace{math.MaxInt64})
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := readChanges(ctx, s.o.DB.Read(), q.Wallet, after.Epoch, size+1)
	if err != nil {
		return answer, err
	}
	rows, answer.Next = page.Cut(list, rows, size, func(r changeRow) historyPlace { return historyPlace{r.Epoch} })
	for _, row := range rows {
		entry, err := row.entry()
		if err != nil {
			return answer, err
		}
		answer.Entries = append(answer.Entries, entry)
	}
	return answer, nil
}

func (r changeRow) entry() (reputation.HistoryEntry, error) {
	entry := reputation.HistoryEntry{
		Epoch: r.Epoch, TimeMS: r.TimeMS, Standing: kindOf(r.Value), Score: r.Points, Before: r.Before, Rank: r.Rank, RankBefore: r.RankBefore,
		Changes: []reputation.Change{},
	}
	if err := json.Unmarshal([]byte(r.Changes), &entry.Changes); err != nil {
		return entry, fmt.Errorf("decode what changed a score: %w", err)
	}
	return entry, nil
}

// lastChange returns the last change of a wallet's score, nil when there was
// none.
func lastChange(ctx context.Context, r database.Queryer, of wallet.Address) (*reputation.HistoryEntry, error) {
	rows, err := readChanges(ctx, r, of, math.MaxInt64, 1)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	entry, err := rows[0].entry()
	return &entry, err
}
