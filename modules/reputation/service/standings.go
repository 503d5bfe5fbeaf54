package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// CurrentEpoch implements Service.
func (s service) CurrentEpoch(ctx context.Context, _ reputation.EpochQuery) (reputation.Epoch, error) {
	row, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if database.IsNoRows(err) {
		return reputation.Epoch{}, errNoEpoch
	}
	if err != nil {
		return reputation.Epoch{}, fmt.Errorf("read the current epoch: %w", err)
	}
	return row.epoch()
}

// Score implements Service.
func (s service) Score(ctx context.Context, q reputation.ScoreQuery) (reputation.Score, error) {
	answer := reputation.Score{
		Standing:   reputation.Standing{Wallet: q.Wallet, Standing: reputation.NoStanding},
		Components: []reputation.Component{}, Activity: []reputation.ActivityCount{},
	}
	scored := false
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if err != nil && !database.IsNoRows(err) {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch, answer.TimeMS = epoch.Number, epoch.TimeMS
		row, err := readScore(ctx, r, epoch.Number, q.Wallet)
		switch {
		case database.IsNoRows(err):
		case err != nil:
			return fmt.Errorf("read a score: %w", err)
		default:
			scored = true
			answer.Standing = row.standing()
			if answer.Components, err = decodeReasons(row.Reasons); err != nil {
				return err
			}
		}
		if answer.Provisional, err = readProvisional(ctx, r, epoch.Number, q.Wallet); err != nil {
			return err
		}
		if answer.LastChange, err = lastChange(ctx, r, q.Wallet); err != nil {
			return err
		}
		activity, err := readActivity(ctx, r, q.Wallet)
		for _, a := range activity {
			answer.Activity = append(answer.Activity, reputation.ActivityCount(a))
		}
		return err
	})
	if err != nil {
		return reputation.Score{}, err
	}
	if !scored && len(answer.Activity) == 0 && answer.LastChange == nil && answer.Provisional == nil {
		return reputation.Score{}, s.unscored(ctx, q.Wallet)
	}
	return answer, nil
}

func (r scoreRow) standing() reputation.Standing {
	return reputation.Standing{
		Wallet: r.Wallet, Standing: kindOf(r.Value), Score: r.Points, WeightPPM: r.WeightPPM, Value: r.Value, Share: r.Share,
		Rank: r.Rank, Percentile: r.Percentile,
	}
}

func kindOf[N int64 | float64](value N) string {
	switch {
	case value > 0:
		return reputation.Trusted
	case value < 0:
		return reputation.Distrusted
	}
	return reputation.NoStanding
}

// Scores implements Service.
func (s service) Scores(ctx context.Context, q reputation.ScoresQuery) (reputation.Scores, error) {
	answer := reputation.Scores{Standings: make([]reputation.Standing, len(q.Wallets))}
	known := make(map[wallet.Address]reputation.Standing, len(q.Wallets))
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if database.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch = epoch.Number
		rows, err := readStandings(ctx, r, epoch.Number, q.Wallets)
		for _, row := range rows {
			known[row.Wallet] = row.standing()
		}
		return err
	})
	for i, w := range q.Wallets {
		standing, ok := known[w]
		if !ok {
			standing = reputation.Standing{Wallet: w, Standing: reputation.NoStanding}
		}
		answer.Standings[i] = standing
	}
	return answer, err
}

// Weights implements Service.
func (s service) Weights(ctx context.Context, q reputation.WeightsQuery) (reputation.Weights, error) {
	answer := reputation.Weights{Weights: make([]reputation.Weight, len(q.Wallets))}
	known := make(map[wallet.Address]scoreRow, len(q.Wallets))
	var active map[wallet.Address]int64
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) (err error) {
		if active, err = readFirstActivity(ctx, r, q.Wallets); err != nil {
			return err
		}
		epoch, err := readCurrentEpoch(ctx, r)
		if database.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch = epoch.Number
		rows, err := readStandings(ctx, r, epoch.Number, q.Wallets)
		for _, row := range rows {
			known[row.Wallet] = row
		}
		return err
	})
	for i, of := range q.Wallets {
		row := known[of] // of an unknown wallet all zeros
		first := active[of]
		if row.FirstMS != nil && (first == 0 || *row.FirstMS < first) {
			first = *row.FirstMS
		}
		answer.Weights[i] = reputation.Weight{
			Wallet: of, Standing: kindOf(row.Value), Score: row.Points, WeightPPM: row.WeightPPM, Share: row.Share, FirstSeenMS: first,
		}
	}
	return answer, err
}

// boardPlace is a position in the leaderboard of one epoch.
type boardPlace struct {
	Epoch int64 `json:"epoch"`
	Place int   `json:"place"` // 1 = the first
}

// Leaderboard implements Service. A cursor names its epoch, so that the pages
// of one walk are consistent; when that epoch is deleted, the walk ends with a
// conflict instead of mixing epochs.
func (s service) Leaderboard(ctx context.Context, q reputation.LeaderboardQuery) (reputation.Leaderboard, error) {
	answer := reputation.Leaderboard{Standings: []reputation.Standing{}}
	list := page.NewList[boardPlace]("leaderboard")
	after, err := list.After(q.Cursor, boardPlace{})
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		if q.Cursor == "" {
			current, err := readCurrentEpoch(ctx, r)
			if database.IsNoRows(err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the current epoch: %w", err)
			}
			after.Epoch = current.Number
		} else if kept, err := readEpoch(ctx, r, after.Epoch); err != nil && !database.IsNoRows(err) {
			return fmt.Errorf("look for an epoch: %w", err)
		} else if err != nil || kept.Kept == 0 {
			return fault.New(fault.Conflict, "the scores of the first page were replaced by newer ones: leave the cursor out to start again at the first page")
		}
		answer.Epoch = after.Epoch
		rows, err := readPlaces(ctx, r, after.Epoch, after.Place, size+1)
		if err != nil {
			return err
		}
		rows, answer.Next = page.Cut(list, rows, size, func(row scoreRow) boardPlace { return boardPlace{after.Epoch, row.Place} })
		for _, row := range rows {
			answer.Standings = append(answer.Standings, row.standing())
		}
		return nil
	})
	return answer, err
}
