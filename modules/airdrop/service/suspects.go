package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/page"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// suspectPosition is where a page of suspects ends.
type suspectPosition struct {
	Wallet wallet.Address `json:"w"`
}

// Suspects implements airdrop.Suspects.
func (s *service) Suspects(ctx context.Context, q airdrop.SuspectsQuery) (answer airdrop.SuspectPage, err error) {
	row, err := s.store.course(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return answer, err
	}
	list := page.NewList[suspectPosition]("suspects", q.ID, q.State)
	after, err := list.After(q.Cursor, suspectPosition{})
	if err != nil {
		return answer, err
	}
	states := []string{q.State}
	if q.State == "" {
		states = []string{airdrop.Flagged, airdrop.Appealed, airdrop.Reported}
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.suspects(ctx, q.ID, states, after.Wallet, size+1)
	if err != nil {
		return answer, err
	}
	size = page.Fit(rows, size, func(r *suspectRow) int { return len(r.Evidence) + len(r.Appeal) + len(r.Reason) })
	rows, answer.Next = page.Cut(list, rows, size, func(r suspectRow) suspectPosition { return suspectPosition{r.Wallet} })
	answer.Suspects = make([]airdrop.Suspect, len(rows))
	for i, r := range rows {
		answer.Suspects[i] = r.suspect(row)
	}
	answer.Counts, err = s.store.suspectCounts(ctx, s.options.DB.Read(), q.ID)
	return answer, err
}

func (r suspectRow) suspect(c courseRow) airdrop.Suspect {
	return airdrop.Suspect{
		Campaign: r.Campaign, Wallet: r.Wallet, State: r.State, Cluster: r.Cluster, Score: r.Score, Evidence: r.Evidence,
		Reason: r.Reason, Appeal: r.Appeal, Appeals: r.Appeals, Open: undecided(c) == nil,
	}
}

// undecided refuses what comes too late to count.
func undecided(c courseRow) error {
	switch {
	case c.Freezing != 0:
		return fault.New(fault.Conflict, "the campaign is being frozen: wait until that has ended")
	case c.Phase == airdrop.Draft || c.Phase == airdrop.Collecting || c.Phase == airdrop.Previewed:
		return nil
	}
	return fault.Newf(fault.Conflict, "the campaign is %s, and its list does not change any more: what is decided late can be paid by another campaign", c.Phase)
}

// Suspect implements airdrop.Suspects.
func (s *service) Suspect(ctx context.Context, q airdrop.SuspectQuery) (airdrop.Suspect, error) {
	from := s.options.DB.Read()
	c, err := s.store.course(ctx, from, q.ID)
	if err != nil {
		return airdrop.Suspect{}, err
	}
	row, err := s.store.suspect(ctx, from, q.ID, q.Wallet)
	if err != nil {
		return airdrop.Suspect{}, err
	}
	caller := identity.From(ctx)
	operator := caller.Role >= identity.Operator || caller.Service != ""
	if !operator && row.State == airdrop.Flagged && caller.Wallet != q.Wallet {
		return airdrop.Suspect{}, errNoSuspect()
	}
	answer := row.suspect(c)
	events, err := s.store.suspectEvents(ctx, from, q.ID, q.Wallet)
	for _, e := range events {
		event := airdrop.SuspectEvent{TimeMS: e.TimeMS, What: e.What, Text: e.Body}
		if operator {
			event.By = e.By
		}
		answer.Events = append(answer.Events, event)
	}
	return answer, err
}

// Decide implements airdrop.Suspects.
func (s *service) Decide(ctx context.Context, q airdrop.SuspectDecision) (airdrop.Decided, error) {
	w := s.idempotent(ctx, "decide", idempotency.Of(struct {
		ID string
		Of airdrop.SuspectDecision
	}{q.ID, q}))
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[airdrop.Decided]) (answer airdrop.Decided, err error) {
		err = s.options.DB.Write(ctx, func(tx *database.Tx) (err error) {
			if answer, err = s.decide(ctx, tx, q); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

func (s *service) decide(ctx context.Context, tx *database.Tx, q airdrop.SuspectDecision) (answer airdrop.Decided, err error) {
	if err := tx.Lock(ctx, "campaign/"+q.ID); err != nil {
		return answer, err
	}
	c, err := s.store.course(ctx, tx, q.ID)
	if err != nil {
		return answer, err
	}
	if err := changeable(c); err != nil {
		return answer, err
	}
	if err := judged(c); err != nil {
		return answer, err
	}
	wallets := q.Wallets
	if q.Cluster != "" {
		more, err := s.store.clustered(ctx, tx, q.ID, q.Cluster, q.Appealed)
		if err != nil {
			return answer, err
		}
		wallets = append(slices.Clone(wallets), more...)
	}
	reason := strings.TrimSpace(q.Reason)
	for _, w := range wallets {
		row, err := s.store.suspect(ctx, tx, q.ID, w)
		if fault.Is(err, fault.NotFound) {
			return answer, fault.NoSuch("suspect", "%s is not flagged in this campaign and has not appealed: nothing was decided; check the address", w)
		}
		if err != nil {
			return answer, err
		}
		if row.State == q.As && row.Reason == reason {
			continue
		}
		row.State, row.Decision, row.Reason = q.As, q.As, reason
		if err := s.store.setSuspect(ctx, tx, row); err != nil {
			return answer, err
		}
		if err := s.store.addSuspectEvent(ctx, tx, q.ID, w, suspectEventRow{What: q.As, Body: reason, By: identity.From(ctx).Name()}); err != nil {
			return answer, err
		}
		answer.Changed++
	}
	if answer.Changed > 0 && c.Phase == airdrop.Previewed {
		_, err = s.store.changeCourse(ctx, tx, q.ID, func(row *courseRow) error {
			row.Phase, row.Reason = airdrop.Draft, "it was decided about flagged wallets since the preview: make it again"
			return nil
		})
		if err != nil {
			return answer, err
		}
	}
	answer.Counts, err = s.store.suspectCounts(ctx, tx, q.ID)
	return answer, err
}

// judged refuses decisions that no list would be computed from.
func judged(c courseRow) error {
	parsed, err := rules.Parse([]byte(c.Rules))
	if err != nil {
		return damaged(c.Campaign, "its rules", err)
	}
	at := slices.IndexFunc(parsed.Sources, func(s rules.Source) bool { return s.Kind == rules.Sybils })
	switch {
	case at < 0:
		return fault.New(fault.Conflict, "the rules have no source of the kind sybils, so decisions about flagged wallets would change nothing: add one, and deny it")
	case parsed.Sources[at].SHA256 != "":
		return fault.Newf(fault.Conflict, "the rules name the SHA-256 of the source %s, and decisions change what it says: take sha256 out of the rules", parsed.Sources[at].Name)
	}
	return nil
}

// PrepareAppeal implements airdrop.Suspects.
func (s *service) PrepareAppeal(ctx context.Context, q airdrop.AppealDraft) (airdrop.PreparedAppeal, error) {
	c, err := s.store.course(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return airdrop.PreparedAppeal{}, err
	}
	if err := undecided(c); err != nil {
		return airdrop.PreparedAppeal{}, err
	}
	a := airdrop.SignedAppeal{ID: q.ID, Wallet: q.Wallet, Kind: q.Kind, Text: strings.TrimSpace(q.Text), CreatedMS: s.options.nowMS()}
	return airdrop.PreparedAppeal{TypedData: airdrop.AppealDocument(s.options.Site, a), Appeal: a}, nil
}

// Appeal implements airdrop.Suspects. The signature says who appeals, so the caller's
// identity does not matter.
func (s *service) Appeal(ctx context.Context, q airdrop.SignedAppeal) (answer airdrop.Suspect, err error) {
	if away := s.options.nowMS() - q.CreatedMS; away > airdrop.AppealValid || away < -airdrop.AppealValid {
		return answer, fault.Newf(fault.Invalid, "the appeal was prepared more than %s before or after the server's time: prepare it again and sign that one", time.Duration(airdrop.AppealValid)*time.Millisecond)
	}
	chain := q.ChainID
	if chain == 0 {
		chain = 1
	}
	hash := airdrop.AppealHash(s.options.Site, q)
	checked, err := signature.Verifier{Contracts: s.options.Contracts}.Verify(ctx, signature.Claim{Digest: hash, Signer: q.Wallet, ChainID: chain, What: "this appeal"}, []byte(q.Signature))
	if err != nil {
		return answer, err
	}
	event := suspectEventRow{Body: q.Text, By: q.Wallet.String(), signature: []byte(q.Signature), block: checked.Block}
	if checked.Block > 0 {
		event.chain = chain
	}
	listed := false
	if q.Kind == airdrop.AReport { // outside of the write: it reads a chunk of the preview
		c, err := s.store.course(ctx, s.options.DB.Read(), q.ID)
		if err != nil {
			return answer, err
		}
		if _, listed, err = s.decisionOf(ctx, q.ID, c.Preview, q.Wallet); err != nil {
			return answer, err
		}
	}
	w := s.idempotent(ctx, "appeal", idempotency.Of(hash))
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[airdrop.Suspect]) (answer airdrop.Suspect, err error) {
		err = s.options.DB.Write(ctx, func(tx *database.Tx) (err error) {
			if answer, err = s.appeal(ctx, tx, q, event, listed); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

func (s *service) appeal(ctx context.Context, tx *database.Tx, q airdrop.SignedAppeal, event suspectEventRow, listed bool) (answer airdrop.Suspect, err error) {
	if err := tx.Lock(ctx, "campaign/"+q.ID); err != nil {
		return answer, err
	}
	c, err := s.store.course(ctx, tx, q.ID)
	if err != nil {
		return answer, err
	}
	row, err := s.store.suspect(ctx, tx, q.ID, q.Wallet)
	unknown := fault.Is(err, fault.NotFound)
	if err != nil && !unknown {
		return answer, err
	}
	if !unknown && row.AppealMS == q.CreatedMS && row.Appeal == q.Text { // sent again
		return row.suspect(c), nil
	}
	if err := undecided(c); err != nil {
		return answer, err
	}
	state := airdrop.Appealed
	if q.Kind == airdrop.AReport {
		state = airdrop.Reported
	}
	switch {
	case row.State == airdrop.Appealed || row.State == airdrop.Reported:
		return answer, fault.New(fault.Conflict, "an appeal or a report of this wallet waits for a decision already: wait for it, this page shows it")
	case row.Appeals >= airdrop.MaxAppeals:
		return answer, fault.Newf(fault.Conflict, "%d appeals of this wallet were decided in this campaign, and no more are taken: write to whoever runs the campaign", airdrop.MaxAppeals)
	case q.CreatedMS <= row.AppealMS:
		return answer, fault.New(fault.Conflict, "this appeal is older than the one before: prepare it again and sign that one")
	case state == airdrop.Appealed && (unknown || row.State == airdrop.Paid):
		return answer, fault.New(fault.Conflict, "nothing is held against this wallet in this campaign, so there is nothing to appeal against: check the address")
	case state == airdrop.Reported && unknown && !listed:
		return answer, fault.New(fault.Conflict, "this wallet is in none of the lists of the latest preview, so there is nothing to report: check the address")
	}
	row.Campaign, row.Wallet, row.State = q.ID, q.Wallet, state
	row.Appeal, row.AppealMS, row.Appeals = q.Text, q.CreatedMS, row.Appeals+1
	if err := s.store.setSuspect(ctx, tx, row); err != nil {
		return answer, err
	}
	event.What = state
	return row.suspect(c), s.store.addSuspectEvent(ctx, tx, q.ID, q.Wallet, event)
}
