package service

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/wallet"
)

// effectsOf returns what single ratings do beside an epoch.
func effectsOf(row epochRow) (trust.Effects, error) {
	e, err := row.epoch()
	if err != nil {
		return trust.Effects{}, err
	}
	p := e.Parameters
	return trust.Effects{
		Parameters: trust.Parameters{
			Method: row.Method, Reserve: p.Reserve, Voice: p.Voice, AccusingVoice: p.AccusingVoice, Doubt: p.Doubt, Cap: p.Cap, Distrust: p.Distrust, Conduct: p.Conduct,
		},
		Alpha: row.Alpha, Unit: e.Statistics.Unit,
	}, nil
}

// judged is what is kept of a score.
func (r scoreRow) judged() trust.Judged {
	return trust.Judged{Evidence: r.Evidence, Word: r.Word, Value: r.Value}
}

// wholes are what the contributions to a score were divided by, in units, in the epoch
// before and in this one; 0 = not known.
type wholes struct{ before, now float64 }

func (e computed) wholes(before, now scoreRow) wholes {
	whole := func(of trust.Effects, row scoreRow) float64 {
		if row.Evidence == 0 || of.Unit == 0 {
			return 0
		}
		return of.Contribution(row.judged(), 1) / of.Unit
	}
	return wholes{whole(e.effectsBefore, before), whole(e.effects, now)}
}

// cause says why the part of a rating in a score is another, though the rating is the
// same: whether its author contributes another amount, or the whole is another. Of the
// difference between n/N and o/O that is (n−o)/N and o/N − o/O.
func (w wholes) cause(before, now float64) string {
	if w.before == 0 || w.now == 0 {
		return reputation.CauseAuthor
	}
	was, is := before*w.before, now*w.now
	if math.Abs(is-was)/w.now >= math.Abs(was/w.now-before) {
		return reputation.CauseAuthor
	}
	return reputation.CauseOutvoted
}

// movedScore is a score beside that of the epoch before, and what moved it.
type movedScore struct {
	before, now scoreRow
	changes     []reputation.Change
}

// pairOf names who rates whom.
type pairOf struct{ from, to wallet.Address }

// ratedBy returns whose rating of whom a reason of a wallet's score is.
func ratedBy(c *reputation.Change, of wallet.Address) pairOf {
	if c.Kind == reputation.FromConduct {
		return pairOf{of, *c.From}
	}
	return pairOf{*c.From, of}
}

// tell makes the rows of what moved, with the causes of what is gone.
func (s service) tell(ctx context.Context, e computed, moved []movedScore) ([]changeRow, error) {
	var pairs []pairOf
	for _, m := range moved {
		for _, c := range m.changes {
			if c.What == reputation.ReasonGone && c.From != nil {
				pairs = append(pairs, ratedBy(&c, m.now.Wallet))
			}
		}
	}
	became := map[pairOf]string{}
	const pairsAtOnce = 100
	for part := range slices.Chunk(pairs, pairsAtOnce) {
		rows, err := readEnded(ctx, s.o.DB.Read(), part)
		if err != nil {
			return nil, err
		}
		for _, row := range rows { // ordered by time: the last counts
			became[pairOf{row.Attester, row.Subject}] = row.became(e.row.TimeMS)
		}
	}
	rows := make([]changeRow, len(moved))
	for i, m := range moved {
		for k := range m.changes {
			c := &m.changes[k]
			if c.What != reputation.ReasonGone || c.From == nil {
				continue
			}
			cause, attested := became[ratedBy(c, m.now.Wallet)]
			switch {
			case !attested && c.Kind == reputation.FromConduct: // on a list, or contradicted no more
			case !attested:
				c.Cause = reputation.CauseRemoved
			case c.Kind != reputation.FromConduct || cause != reputation.CauseReplaced:
				c.Cause = cause
			}
		}
		text, err := json.Marshal(m.changes)
		if err != nil {
			return nil, fmt.Errorf("encode what changed a score: %w", err)
		}
		rows[i] = changeRow{
			Wallet: m.now.Wallet, Epoch: e.row.Number, TimeMS: e.row.TimeMS, Value: m.now.Value, Points: m.now.Points, Before: m.before.Points,
			Rank: m.now.Rank, RankBefore: m.before.Rank, Changes: string(text),
		}
	}
	return rows, nil
}
