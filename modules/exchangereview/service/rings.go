package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"banyan/modules/exchangereview/rings"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

const (
	ringsEvery   = 24 * time.Hour
	ringsReviews = 500_000 // the newest, among which rings are looked for
	ringsVotes   = 500_000
	ringsFlags   = 200 // of one search
	ringsNamed   = 10  // wallets and exchanges in the words of one flag
)

// FindRings looks once a day for wallets that write or vote as one, and asks moderators to
// look at their newest reviews, with the evidence in words. Nothing else changes: it is for
// a person to decide.
func (j *Jobs) FindRings(ctx context.Context) error {
	now := j.now.clock().UnixMilli()
	before, err := ringsSearched(ctx, j.store.db.Read())
	if err != nil || now-before < ringsEvery.Milliseconds() {
		return err
	}
	var s ringSearch
	if err := j.store.db.Snapshot(ctx, func(r database.Reader) error { return s.read(ctx, r) }); err != nil {
		return fmt.Errorf("read the reviews among which rings are looked for: %w", err)
	}
	s.search()
	added := 0
	err = j.store.db.Write(ctx, func(tx *database.Tx) error {
		added = 0
		for _, found := range s.found {
			f := flagRow{Kind: found.kind, By: []byte{}, Evidence: found.evidence, CreatedMS: now}
			isNew, err := addFlagOnce(ctx, tx, found.review, f)
			if err != nil {
				return err
			}
			if isNew {
				added++
			}
			if added == ringsFlags {
				break
			}
		}
		return setRingsSearched(ctx, tx, now)
	})
	if err != nil {
		return fmt.Errorf("flag reviews of rings: %w", err)
	}
	if added > 0 {
		j.log.InfoContext(ctx, "wallets that seem to write as one are in the moderation queue", "reviews", added)
	}
	return nil
}

// ringSearch is one search. Wallets and exchanges are numbered from 0.
type ringSearch struct {
	wallets []wallet.Address
	newest  []int64 // id of the newest review of each wallet; 0 = none
	slugs   []string
	reviews []rings.Review
	votes   []rings.Vote
	found   []ringFlag
}

// ringFlag is a review to look at.
type ringFlag struct {
	review         int64
	kind, evidence string
}

func (s *ringSearch) read(ctx context.Context, r database.Reader) error {
	rows, err := newestShown(ctx, r, ringsReviews)
	if err != nil {
		return err
	}
	votes, err := helpfulVotes(ctx, r, ringsVotes)
	if err != nil {
		return err
	}
	slugs, err := slugsOf(ctx, r)
	if err != nil {
		return err
	}
	numbers, exchanges := make(map[wallet.Address]int32), make(map[int64]int32)
	number := func(w wallet.Address) int32 {
		n, known := numbers[w]
		if !known {
			n = int32(len(s.wallets))
			numbers[w] = n
			s.wallets, s.newest = append(s.wallets, w), append(s.newest, 0)
		}
		return n
	}
	for _, row := range rows {
		e, known := exchanges[row.ExchangeID]
		if !known {
			e = int32(len(s.slugs))
			exchanges[row.ExchangeID] = e
			s.slugs = append(s.slugs, slugs[row.ExchangeID])
		}
		w := number(row.Wallet)
		if s.newest[w] == 0 {
			s.newest[w] = row.ID
		}
		s.reviews = append(s.reviews, rings.Review{Wallet: w, Exchange: e, Stars: int8(row.Overall), TimeMS: row.CreatedMS})
	}
	for _, v := range votes {
		s.votes = append(s.votes, rings.Vote{By: number(v.By), For: number(v.For)})
	}
	return nil
}

// search fills found, the strongest evidence first.
func (s *ringSearch) search() {
	groups, _ := rings.Lockstep(s.reviews)
	for _, g := range groups {
		var shared []string
		for _, what := range g.Shared {
			shared = append(shared, fmt.Sprintf("%s (%d stars, from %s)", s.slugs[what.Exchange], what.Stars, time.UnixMilli(what.FromMS).UTC().Format("2 Jan 2006")))
		}
		evidence := fmt.Sprintf("%d wallets gave the same stars to the same exchanges within three days: %s. They are %s",
			len(g.Wallets), firstOf(shared), s.names(g.Wallets))
		for _, w := range g.Wallets {
			s.add(w, rings.KindLockstep, evidence)
		}
	}
	for _, m := range rings.Reciprocal(s.votes) {
		s.add(m.Wallet, rings.KindReciprocal, fmt.Sprintf("%d of the %d wallets that found its reviews helpful get its votes back: %s", len(m.Back), m.Received, s.names(m.Back)))
	}
	for _, o := range rings.Outliers(s.reviews) {
		s.add(o.Wallet, rings.KindOutlier, fmt.Sprintf("%d of its %d reviews are two stars or more from what fair wallets say of the exchange; its own fairness is %.2f of 1", o.Far, o.Reviews, o.Fairness))
	}
}

func (s *ringSearch) add(w int32, kind, evidence string) {
	if id := s.newest[w]; id != 0 {
		s.found = append(s.found, ringFlag{id, kind, evidence})
	}
}

func (s *ringSearch) names(wallets []int32) string {
	all := make([]string, len(wallets))
	for i, w := range wallets {
		all[i] = s.wallets[w].String()
	}
	return firstOf(all)
}

// firstOf lists the first of them.
func firstOf(all []string) string {
	if more := len(all) - ringsNamed; more > 0 {
		return strings.Join(all[:ringsNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(all, ", ")
}
