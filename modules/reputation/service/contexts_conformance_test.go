package service_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// A wallet has a standing in each context that somebody with a voice names, of the
// statements with it alone; a ring in a context has none.
func TestConformanceContexts(t *testing.T) {
	ann, bob := keyed(t, 1), keyed(t, 2)
	conformAt(t, []wallet.Address{ann.wallet(), bob.wallet()}, func(t *testing.T, s reputation.Service, _ *atomic.Int64) {
		if list, err := s.Contexts(nobody, reputation.ContextsQuery{}); err != nil || list.Epoch != 0 || len(list.Contexts) != 0 {
			t.Errorf("before the first epoch: %+v, %v", list, err)
		}
		if board, err := s.ContextBoard(nobody, reputation.ContextBoardQuery{Context: "code"}); err != nil || len(board.Standings) != 0 {
			t.Errorf("before the first epoch: %+v, %v", board, err)
		}
		var others []string
		for _, by := range []signer{ann, bob} {
			for n := range 60 {
				others = append(others, fmt.Sprintf("%s,%s,5", by.wallet(), person(100+n)))
			}
		}
		imported(t, s, others...)
		cid, dan := keyed(t, 3), keyed(t, 4)
		for n := range 5 {
			said(t, s, ann, statement{subject: person(60 + n), level: 1 + n, context: "code"})
		}
		said(t, s, bob, statement{subject: person(60), level: -8, context: "trading"})
		said(t, s, bob, statement{subject: person(61), level: 5})
		said(t, s, cid, statement{subject: dan.wallet(), level: 10, context: "ring"})
		said(t, s, dan, statement{subject: cid.wallet(), level: 10, context: "ring"})
		epoch := computed(t, s)
		list, err := s.Contexts(nobody, reputation.ContextsQuery{})
		want := []reputation.ContextCount{{Context: "code", Statements: 5, Ranked: 5}, {Context: "ring", Statements: 2}, {Context: "trading", Statements: 1}}
		if err != nil || list.Epoch != epoch.Number || fmt.Sprint(list.Contexts) != fmt.Sprint(want) {
			t.Errorf("contexts: %+v, %v", list, err)
		}
		of := func(w wallet.Address) string {
			t.Helper()
			got, err := s.ContextScores(nobody, reputation.ContextScoresQuery{Wallet: w})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, c := range got.Scores {
				text += fmt.Sprintf("%s %s rank %d score %t weight %t. ", c.Context, c.Standing, c.Rank, c.Score > 0, c.WeightPPM > 0)
			}
			return text
		}
		if got := of(person(60)); got != "code trusted rank 5 score true weight true. trading distrusted rank 0 score false weight false. " {
			t.Errorf("60: %s", got)
		}
		if got := of(person(64)); got != "code trusted rank 1 score true weight true. " {
			t.Errorf("64: %s", got)
		}
		for _, w := range []wallet.Address{person(100), cid.wallet(), person(999)} {
			if got := of(w); got != "" {
				t.Errorf("%s: %s", w.Short(), got)
			}
		}
		var order []wallet.Address
		for q := (reputation.ContextBoardQuery{Context: "code", Limit: 2}); ; {
			board, err := s.ContextBoard(nobody, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, standing := range board.Standings {
				order = append(order, standing.Wallet)
			}
			if q.Cursor = board.Next; q.Cursor == "" {
				break
			}
		}
		if len(order) != 5 || order[0] != person(64) || order[4] != person(60) {
			t.Errorf("by rank: %v", order)
		}
		if _, err := s.ContextBoard(nobody, reputation.ContextBoardQuery{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("without a context: %v", err)
		}
		first, err := s.ContextBoard(nobody, reputation.ContextBoardQuery{Context: "code", Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // two are kept
			computed(t, s)
		}
		if _, err := s.ContextBoard(nobody, reputation.ContextBoardQuery{Context: "code", Limit: 2, Cursor: first.Next}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a page of an epoch that is not kept: %v", err)
		}
	})
}
