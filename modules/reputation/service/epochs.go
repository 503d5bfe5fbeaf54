package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/page"
)

// epoch makes the contract's value of a row.
func (r epochRow) epoch() (reputation.Epoch, error) {
	e := reputation.Epoch{
		Number: r.Number, TimeMS: r.TimeMS, Wallets: r.Wallets, Edges: r.Edges, Seeds: r.Seeds, Iterations: r.Iterations,
		Alpha: r.Alpha, Epsilon: r.Epsilon, Method: r.Method, Ranked: r.Ranked, Kept: r.Kept != 0,
		InputHash: hexOf(r.InputHash), Root: hexOf(r.Root),
	}
	if err := json.Unmarshal([]byte(r.Parameters), &e.Parameters); err != nil {
		return e, fmt.Errorf("decode the parameters of epoch %d: %w", r.Number, err)
	}
	if err := json.Unmarshal([]byte(r.Statistics), &e.Statistics); err != nil {
		return e, fmt.Errorf("decode the statistics of epoch %d: %w", r.Number, err)
	}
	if e.Statistics.Distribution == nil {
		e.Statistics.Distribution = []int{}
	}
	return e, nil
}

// hexOf is "" of nothing.
func hexOf(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return "0x" + hex.EncodeToString(b)
}

// epochAt reads an epoch, the current one for 0.
func epochAt(ctx context.Context, r database.Queryer, number int64) (epochRow, error) {
	var row epochRow
	var err error
	if number == 0 {
		row, err = readCurrentEpoch(ctx, r)
	} else {
		row, err = readEpoch(ctx, r, number)
	}
	switch {
	case database.IsNoRows(err) && number == 0:
		return row, errNoEpoch
	case database.IsNoRows(err):
		return row, fault.NoSuch("epoch", "there is no epoch %d", number)
	case err != nil:
		return row, fmt.Errorf("read an epoch: %w", err)
	}
	return row, nil
}

// EpochOf implements Epochs.
func (s service) EpochOf(ctx context.Context, q reputation.EpochNumber) (reputation.Epoch, error) {
	if q.Number <= 0 {
		return reputation.Epoch{}, fault.New(fault.Invalid, "an epoch's number is 1 or more")
	}
	row, err := epochAt(ctx, s.o.DB.Read(), q.Number)
	if err != nil {
		return reputation.Epoch{}, err
	}
	return row.epoch()
}

// Epochs implements Epochs.
func (s service) Epochs(ctx context.Context, q reputation.EpochsQuery) (reputation.EpochPage, error) {
	answer := reputation.EpochPage{Epochs: []reputation.Epoch{}}
	list := page.NewList[historyPlace]("epochs")
	after, err := list.After(q.Cursor, historyPlace{math.MaxInt64})
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := readEpochs(ctx, s.o.DB.Read(), after.Epoch, size+1)
	if err != nil {
		return answer, err
	}
	rows, answer.Next = page.Cut(list, rows, size, func(r epochRow) historyPlace { return historyPlace{r.Number} })
	for _, row := range rows {
		e, err := row.epoch()
		if err != nil {
			return answer, err
		}
		answer.Epochs = append(answer.Epochs, e)
	}
	return answer, nil
}

// ComputingEpoch implements Epochs.
func (s service) ComputingEpoch(ctx context.Context, _ reputation.ComputingQuery) (reputation.Computing, error) {
	status, ok, err := epochKind().Latest(ctx, s.o.DB.Read())
	if err != nil {
		return reputation.Computing{}, err
	}
	if !ok {
		return reputation.Computing{}, errNoEpoch
	}
	return computing(status), nil
}

func computing(s jobs.Status[int64]) reputation.Computing {
	c := reputation.Computing{State: string(s.State), Stage: s.Stage, Progress: s.Progress, Work: s.Work, Epoch: s.Result}
	if s.Err != nil {
		c.Reason = fault.From(s.Err).Message
	}
	return c
}

// CancelEpoch implements Epochs.
func (s service) CancelEpoch(ctx context.Context, _ reputation.CancelRequest) (reputation.Computing, error) {
	status, ok, err := epochKind().Latest(ctx, s.o.DB.Read())
	if err != nil {
		return reputation.Computing{}, err
	}
	found := false
	if ok && !status.State.Ended() {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) (err error) {
			found, err = epochKind().Cancel(ctx, tx, status.ID)
			return err
		})
		if err != nil {
			return reputation.Computing{}, err
		}
	}
	if !found {
		return reputation.Computing{}, fault.New(fault.Conflict, "no epoch is being computed, so there is none to cancel: the latest is on the page Reputation")
	}
	status, err = epochKind().Wait(ctx, s.o.DB, status.ID, waitForEpoch)
	return computing(status), err
}
