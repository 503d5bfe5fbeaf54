package service

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
)

// parameters are what ratings depend on beside the reviews: the day, and the
// average opinion of the latest epoch, which is decoded once per epoch.
type parameters struct {
	clock   func() time.Time
	decoded atomic.Pointer[decodedPrior]
	readMS  atomic.Int64 // when a write read it last
}

type decodedPrior struct {
	epoch int64
	prior [ranking.Dimensions][5]uint64
}

// today returns the day, since 1970.
func (p *parameters) today() int { return ranking.DayOf(p.clock().UnixMilli()) }

// read returns the parameters of now.
func (p *parameters) read(ctx context.Context, q database.Queryer) (ranking.Parameters, error) {
	row, err := readPrior(ctx, q)
	if err != nil {
		return ranking.Parameters{}, fmt.Errorf("read the average opinion: %w", err)
	}
	known := p.decoded.Load()
	if known == nil || known.epoch != row.Epoch {
		known = &decodedPrior{epoch: row.Epoch}
		if known.prior, err = row.decode(); err != nil {
			return ranking.Parameters{}, err
		}
		p.decoded.Store(known)
	}
	return ranking.Parameters{Landmark: ranking.Landmark, Day: p.today(), Prior: known.prior}, nil
}

// forWrite is read for writes, which look for a new epoch once a second: a rank
// order of the epoch before is corrected by the job that orders all of them.
func (p *parameters) forWrite(ctx context.Context, q database.Queryer) (ranking.Parameters, error) {
	now := p.clock().UnixMilli()
	if known := p.decoded.Load(); known != nil && now-p.readMS.Load() < 1000 {
		return ranking.Parameters{Landmark: ranking.Landmark, Day: p.today(), Prior: known.prior}, nil
	}
	p.readMS.Store(now)
	return p.read(ctx, q)
}
