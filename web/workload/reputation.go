package workload

import (
	"context"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/seam"
	"banyan/platform/wallet"
	"banyan/web/keywallet"
)

// statements is how many subjects a new wallet says something of.
const statements = 2

// Reputation reads scores, and has new wallets state whom they trust.
func Reputation(ctx context.Context, run Run, route *seam.Route) ([]load.Visit, error) {
	s := reputation.NewClient(route)
	board, err := s.Leaderboard(ctx, reputation.LeaderboardQuery{Limit: 100})
	if err != nil {
		return nil, err
	}
	var known []wallet.Address
	for _, entry := range board.Standings {
		known = append(known, entry.Wallet)
	}
	if len(known) == 0 { // nobody has a score yet: any wallet can be asked for
		for range 20 {
			known = append(known, nobody())
		}
	}
	r := reputationVisits{s, run, known}
	return []load.Visit{
		{Name: "a wallet's score", Share: 20, Do: r.score},
		{Name: "the leaderboard", Share: 10, Do: r.board},
		{Name: "a batch of standings", Share: 10, Do: r.batch},
		{Name: "a signed statement", Share: 10, Do: r.attest},
	}, nil
}

type reputationVisits struct {
	s     reputation.Service
	run   Run
	known []wallet.Address
}

func (r reputationVisits) any() wallet.Address { return r.known[load.Any(len(r.known))] }

func (r reputationVisits) score(ctx context.Context, c *load.Caller) error {
	w := r.any()
	if c.Read(ctx, "reputation/score", func(ctx context.Context) error {
		_, err := r.s.Score(ctx, reputation.ScoreQuery{Wallet: w})
		if fault.Is(err, fault.NotFound) { // an answer: the wallet has no score
			return nil
		}
		return err
	}) {
		c.Read(ctx, "reputation/activities", func(ctx context.Context) error {
			_, err := r.s.Activities(ctx, reputation.ActivitiesQuery{Wallet: w})
			return err
		})
	}
	return nil
}

func (r reputationVisits) board(ctx context.Context, c *load.Caller) error {
	c.Read(ctx, "reputation/leaderboard", func(ctx context.Context) error {
		_, err := r.s.Leaderboard(ctx, reputation.LeaderboardQuery{Limit: 50})
		return err
	})
	return nil
}

func (r reputationVisits) batch(ctx context.Context, c *load.Caller) error {
	c.Read(ctx, "reputation/scores", func(ctx context.Context) error {
		_, err := r.s.Scores(ctx, reputation.ScoresQuery{Wallets: r.known})
		return err
	})
	return nil
}

// attest has a new wallet state something of some others, as a page would: prepare,
// sign, send.
func (r reputationVisits) attest(ctx context.Context, c *load.Caller) error {
	key, attester, err := keywallet.New()
	if err != nil {
		return err
	}
	for range statements {
		subject := nobody()
		var prepared reputation.PreparedAttestation
		draft := reputation.StatementDraft{Attester: attester, Subject: subject, Kind: attestation.Vouch, Note: r.run.mark()}
		if !c.Read(ctx, "reputation/prepareAttestation", func(ctx context.Context) (err error) {
			prepared, err = r.s.PrepareAttestation(ctx, draft)
			return err
		}) {
			return nil
		}
		signature, err := keywallet.Sign(key, prepared.TypedData)
		if err != nil {
			return err
		}
		signed := prepared.Attestation
		signed.Sig.Signature = signature
		entry := load.Entry{Operation: "reputation/attest", Wallet: attester.String(), About: subject.String(), ID: signed.Sig.UID.String()}
		if ok, err := c.Write(ctx, entry, func(ctx context.Context, key string) (string, error) {
			stored, err := r.s.Attest(seam.WithIdempotencyKey(ctx, key), reputation.AttestationUpload{Package: signed})
			return stored.UID.String(), err
		}); !ok {
			return err
		}
	}
	return nil
}
