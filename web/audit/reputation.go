package audit

import (
	"context"
	"slices"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Reputation checks that each statement is stored once, and that what wallets did in
// other modules has come here once.
func Reputation(route *seam.Route) load.Check {
	s := reputation.NewClient(route)
	return func(ctx context.Context, r *load.Record) ([]load.Finding, error) {
		statements, err := checkStatements(ctx, s, r)
		if err != nil {
			return nil, err
		}
		activities, err := checkActivities(ctx, s, r)
		return append(statements, activities...), err
	}
}

func checkStatements(ctx context.Context, s reputation.Service, r *load.Record) (found []load.Finding, err error) {
	const operation = "reputation/attest"
	byAttester := make(map[string][]load.Entry)
	var attesters []string
	for _, e := range r.Of(operation) {
		if byAttester[e.Wallet] == nil {
			attesters = append(attesters, e.Wallet)
		}
		byAttester[e.Wallet] = append(byAttester[e.Wallet], e)
	}
	for _, attester := range attesters {
		w, err := wallet.Parse(attester)
		if err != nil {
			return nil, wrongLog(err)
		}
		stored := make(map[string][]reputation.Attestation)
		err = eachPage(ctx, func(cursor string) (string, error) {
			list, err := s.Attestations(ctx, reputation.AttestationsQuery{Attester: w, Cursor: cursor, Limit: 200})
			for _, a := range list.Attestations {
				stored[a.UID.String()] = append(stored[a.UID.String()], a)
			}
			return list.Next, err
		})
		if err != nil {
			return nil, err
		}
		for _, e := range byAttester[attester] {
			found = append(found, judgeStatement(e, stored[e.ID])...)
			delete(stored, e.ID)
		}
		for uid := range stored {
			found = append(found, load.Finding{Operation: operation, ID: uid, Problem: "is stored for " + attester + ", who did not send it"})
		}
	}
	return found, nil
}

func judgeStatement(e load.Entry, stored []reputation.Attestation) (found []load.Finding) {
	switch {
	case len(stored) == 0 && e.Acknowledged():
		return append(found, load.Found(e, "was acknowledged, and is not stored"))
	case len(stored) > 1:
		found = append(found, load.Found(e, "is stored %d times", len(stored)))
	}
	for _, a := range stored {
		if a.Subject.String() != e.About || a.State != reputation.Live {
			found = append(found, load.Found(e, "is stored about %s and %s, and was sent about %s", a.Subject, a.State, e.About))
		}
	}
	return found
}

// checkActivities compares the activities of each wallet, by kind and what they are
// about, with its writes.
func checkActivities(ctx context.Context, s reputation.Service, r *load.Record) (found []load.Finding, err error) {
	writes := slices.DeleteFunc(slices.Clone(r.Writes), func(e load.Entry) bool { return e.Activity == "" })
	events := make(map[string]bool)
	byWallet := make(map[string][]load.Entry)
	var wallets []string
	for _, e := range writes {
		if byWallet[e.Wallet] == nil {
			wallets = append(wallets, e.Wallet)
		}
		byWallet[e.Wallet] = append(byWallet[e.Wallet], e)
	}
	for _, of := range wallets {
		w, err := wallet.Parse(of)
		if err != nil {
			return nil, wrongLog(err)
		}
		counts := make(map[activity]int)
		err = eachPage(ctx, func(cursor string) (string, error) {
			list, err := s.Activities(ctx, reputation.ActivitiesQuery{Wallet: w, Cursor: cursor, Limit: 200})
			for _, a := range list.Activities {
				counts[activity{a.Kind, a.Ref}]++
				if events[a.Event] {
					found = append(found, load.Finding{Operation: "reputation/record", ID: a.Event, Problem: "is an event that counts twice, last as " + a.Kind + " of " + of})
				}
				events[a.Event] = true
			}
			return list.Next, err
		})
		if err != nil {
			return nil, err
		}
		found = append(found, judgeActivities(of, byWallet[of], counts)...)
	}
	return found, nil
}

// activity is what one is for: a kind, and what it is about.
type activity struct{ kind, about string }

func judgeActivities(of string, writes []load.Entry, counts map[activity]int) (found []load.Finding) {
	least, most, last := make(map[activity]int), make(map[activity]int), make(map[activity]load.Entry)
	for _, e := range writes {
		a := activity{e.Activity, e.About}
		most[a]++
		if e.Acknowledged() {
			least[a]++
		}
		last[a] = e
	}
	for a, e := range last {
		switch n := counts[a]; {
		case n < least[a]:
			f := load.Found(e, "counts as %d activities %s of %s about %s, and %d writes of it were acknowledged", n, a.kind, of, a.about, least[a])
			f.Late = true // the event may be on its way
			found = append(found, f)
		case n > most[a]:
			found = append(found, load.Found(e, "counts as %d activities %s of %s about %s, and was written %d times", n, a.kind, of, a.about, most[a]))
		}
		delete(counts, a)
	}
	for a, n := range counts {
		found = append(found, load.Finding{Operation: "reputation/record", ID: of, Problem: "has activities of which the log says nothing: " + a.kind + " about " + a.about + times(n)})
	}
	return found
}

func wrongLog(err error) error {
	return fault.Wrap(err, fault.Invalid, "the log names something that is no wallet: use the file as `banyan load` wrote it")
}
