// Package sybil judges which wallets of an airdrop probably belong to somebody who
// has many: by the transfers that tie them together, and by behaviour that chance
// does not explain. It reads no file and knows no clock.
//
//	judgements, err := sybil.Judge(ctx, sybil.Input{Transfers: &t, Candidates: wallets, Excluded: exchanges, Features: features})
//
// The steps:
//
//  1. Transfers of excluded wallets (exchanges, contracts, entities) tie nobody to
//     anybody and are left out. What remains is who deals with whom; who is no
//     candidate and deals with one other at most is left out, again and again.
//  2. Communities are found by Louvain's method. An edge weighs 1 between two
//     candidates, and less the more others its other end deals with.
//  3. A community of 8 candidates or more is a cluster. A candidate's score in it is
//     logistic in the cluster's size, in the share of it that is tied to this one by
//     transfers between candidates (its piece), and in how far volumes and first
//     transfers are spread; a piece of 8 or more counts as a cluster of its own, too.
//  4. Where transfers have times, sharing both the first funder and the last
//     receiver ties candidates as a transfer between them does, and a funder's edges
//     weigh by how many it was the first to fund.
//  5. A wallet without transfers is judged by its twins: candidates whose first
//     transfer and volume are so close that chance explains it in one of 10,000
//     cases at most.
//
// The constants were chosen by cross-validation on 30,126 labels of an airdrop of
// 2022 (Hop), folds by component: at the threshold precision .935 (.88 to .98),
// recall .716 (.66 to .76); on all of them as they stand here .940 and .719, and .918
// and .650 without features. Those labels were partly made with components, so that
// they are no truth. What it cannot see: wallets with neither a transfer here nor a
// twin, groups below 8, funding from exchanges with varied sums and days. It may
// strike families, teams and payrolls. So a judgement is evidence for a person who
// decides, never a decision.
package sybil

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"banyan/platform/wallet"
)

const (
	// Threshold is the score from which a wallet is flagged.
	Threshold = .65
	// ReviewThreshold is the score from which a person should look at a wallet.
	ReviewThreshold = .40
	// mostByBehaviour is the greatest score by behaviour alone where there are
	// transfers: below the threshold, for review.
	mostByBehaviour = .64
	// leastCluster is the fewest candidates of a cluster.
	leastCluster = 8
)

// Behaviour is what a candidate did, beside transfers.
type Behaviour struct {
	Volume float64 // over 0, in any unit
	First  int64   // its first transfer, in seconds since 1970
}

// Input is what is judged.
type Input struct {
	Transfers  *Transfers
	Candidates []wallet.Address // may repeat
	Excluded   map[wallet.Address]bool
	Features   map[wallet.Address]Behaviour // nil: judged by transfers alone
}

// Judgement is what was found out about one candidate.
type Judgement struct {
	Wallet  wallet.Address
	Cluster int     // from 1, by size; 0 = none
	Score   float64 // 0 to 1, near the share of such wallets that were labelled
	Flagged bool
	Reason  string // for people, without commas; "" when there is nothing to say
}

// Judge judges each candidate once and returns them in the order of their addresses.
// The result depends on nothing but what is known: not on the order of rows, the
// machine, or the number of its processors. It fails with the context's error alone.
func Judge(ctx context.Context, in Input) ([]Judgement, error) {
	wallets := slices.Clone(in.Candidates)
	slices.SortFunc(wallets, compare)
	wallets = slices.Compact(wallets)
	judged := make([]Judgement, len(wallets))
	place := make(map[wallet.Address]int, len(wallets))
	for i, w := range wallets {
		judged[i].Wallet, place[w] = w, i
	}
	t := in.Transfers
	candidate, leftOut := make([]bool, len(t.wallets)), make([]bool, len(t.wallets))
	for i, w := range t.wallets {
		_, is := place[w]
		leftOut[i] = in.Excluded[w]
		candidate[i] = is && !leftOut[i]
	}
	g := t.build(candidate, leftOut)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	origins := t.origins(g, candidate, leftOut)
	g.weighOrigins(origins)
	clusters := g.clusters()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, c := range clusters {
		c.judge(g, origins, in.Features, func(w wallet.Address) *Judgement { return &judged[place[w]] })
	}
	if in.Features != nil {
		judgeBehaviour(judged, in, t)
	}
	for i := range judged {
		j := &judged[i]
		if in.Excluded[j.Wallet] {
			*j = Judgement{Wallet: j.Wallet, Reason: "on the exclusion list: not judged"}
		}
		j.Flagged = j.Score >= Threshold
	}
	return judged, nil
}

func compare(a, b wallet.Address) int { return bytes.Compare(a[:], b[:]) }

// bySize orders clusters: the largest first, then by their first address.
func bySize(a, b *cluster) int {
	return cmp.Or(cmp.Compare(len(b.members), len(a.members)), cmp.Compare(a.members[0], b.members[0]))
}
