package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const (
	// toldEffects is how many effects of each kind are told.
	toldEffects = 3
	// consideredVouchers is how many of the best wallets are asked what their vouch
	// would do: a score needs at most mostReasons of them left out.
	consideredVouchers = 40
)

// Outlook implements Epochs.
func (s service) Outlook(ctx context.Context, q reputation.OutlookQuery) (reputation.Outlook, error) {
	answer := reputation.Outlook{Effects: []reputation.Effect{}}
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if database.IsNoRows(err) {
			return fault.New(fault.Conflict, "no scores have been computed yet, so nothing can be said of what would change one")
		}
		if err != nil {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch = epoch.Number
		row, err := readScore(ctx, r, epoch.Number, q.Wallet)
		if err != nil && !database.IsNoRows(err) {
			return fmt.Errorf("read a score: %w", err)
		}
		answer.Score = row.Points
		if row.Value != 0 && row.Evidence == 0 && epoch.Method == trust.MethodBanyan {
			return nil // of an earlier release, which kept too little
		}
		effects, err := effectsOf(epoch)
		if err != nil {
			return err
		}
		o := outlook{service: s, reader: r, epoch: epoch.Number, of: q.Wallet, row: row, effects: effects, told: map[wallet.Address]reputation.Component{}}
		if err := o.look(ctx); err != nil {
			return err
		}
		answer.Effects = append(answer.Effects, o.found...)
		return nil
	})
	slices.SortStableFunc(answer.Effects, func(a, b reputation.Effect) int { return cmp.Compare(b.Points, a.Points) })
	return answer, err
}

// outlook is the state of one Outlook.
type outlook struct {
	service
	reader  database.Reader
	epoch   int64
	of      wallet.Address
	row     scoreRow
	effects trust.Effects
	told    map[wallet.Address]reputation.Component // ratings that are stored with the score
	found   []reputation.Effect
}

// add notes an effect that is large enough to be seen.
func (o *outlook) add(what string, from wallet.Address, value float64, atMS int64) {
	points := reputation.MaxScore * (o.effects.Weight(value) - o.effects.Weight(o.row.Value))
	if points >= leastPoints || points <= -leastPoints {
		o.found = append(o.found, reputation.Effect{What: what, From: from, Points: points, AtMS: atMS})
	}
}

func (o *outlook) look(ctx context.Context) error {
	components, err := decodeReasons(o.row.Reasons)
	if err != nil {
		return err
	}
	judged := o.row.judged()
	var trusting []reputation.Component
	withdrawn, contradicted := 0, 0
	for _, c := range components { // the largest first
		switch c.Kind {
		case reputation.FromTrust:
			o.told[*c.From] = c
			trusting = append(trusting, c)
		case reputation.FromDistrust:
			o.told[*c.From] = c
			if withdrawn++; withdrawn <= toldEffects {
				o.add(reputation.EffectTakeBack, *c.From, o.effects.Changed(judged, 0, o.effects.Contribution(judged, c.Share)), 0)
			}
		case reputation.FromConduct:
			if contradicted++; contradicted <= toldEffects {
				o.add(reputation.EffectConduct, *c.From, o.row.Value-c.Share, 0)
			}
		}
	}
	if err := o.raised(ctx, trusting[:min(toldEffects, len(trusting))]); err != nil {
		return err
	}
	if err := o.vouched(ctx); err != nil {
		return err
	}
	return o.expiring(ctx)
}

// raised adds what the highest level by those who trust the wallet most would do.
func (o *outlook) raised(ctx context.Context, by []reputation.Component) error {
	if len(by) == 0 {
		return nil
	}
	wallets := make([]wallet.Address, len(by))
	for i, c := range by {
		wallets[i] = *c.From
	}
	rows, err := readStandings(ctx, o.reader, o.epoch, wallets)
	if err != nil {
		return err
	}
	judged := o.row.judged()
	for _, row := range rows {
		c := o.told[row.Wallet]
		if c.Weight >= attestation.MaxLevel {
			continue
		}
		rater := trust.Rater{Trust: row.Share, Voice: row.Voice, Given: max(0, row.Given-c.Weight)}
		more := o.effects.Praise(rater, attestation.MaxLevel)
		o.add(reputation.EffectRaise, row.Wallet, o.effects.Changed(judged, more, o.effects.Contribution(judged, c.Share)), 0)
	}
	return nil
}

// vouched adds what a vouch by the best wallets would do that do not rate it.
func (o *outlook) vouched(ctx context.Context) error {
	if o.o.VouchWeight == 0 {
		return nil
	}
	best, err := readVouchers(ctx, o.reader, o.epoch, consideredVouchers)
	if err != nil {
		return err
	}
	var others []scoreRow
	for _, row := range best {
		if _, rates := o.told[row.Wallet]; !rates && row.Wallet != o.of {
			others = append(others, row)
		}
	}
	judged, first := o.row.judged(), len(o.found)
	for _, row := range others {
		more := o.effects.Praise(trust.Rater{Trust: row.Share, Voice: row.Voice, Given: row.Given}, o.o.VouchWeight)
		o.add(reputation.EffectVouch, row.Wallet, o.effects.Changed(judged, more), 0)
	}
	vouches := o.found[first:]
	slices.SortStableFunc(vouches, func(a, b reputation.Effect) int { return cmp.Compare(b.Points, a.Points) })
	o.found = o.found[:first+min(toldEffects, len(vouches))]
	return nil
}

// expiring adds what is lost when the statements expire that do so first.
func (o *outlook) expiring(ctx context.Context) error {
	rows, err := readExpiring(ctx, o.reader, o.of, o.o.Clock().Unix(), toldEffects)
	if err != nil {
		return err
	}
	judged := o.row.judged()
	for _, row := range rows {
		if c, told := o.told[row.Attester]; told {
			o.add(reputation.EffectExpiry, row.Attester, o.effects.Changed(judged, 0, o.effects.Contribution(judged, c.Share)), row.ExpiresS*1000)
		}
	}
	return nil
}
