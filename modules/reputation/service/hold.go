package service

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// errNotKept refuses scores that the setting keep_epochs has deleted.
func errNotKept(number int64) error {
	return fault.Newf(fault.Conflict, "the scores of epoch %d are not kept any more (the setting reputation.keep_epochs); its root is", number)
}

// HoldEpoch implements Epochs.
func (s service) HoldEpoch(ctx context.Context, q reputation.EpochHold) (reputation.Epoch, error) {
	return s.changeHold(ctx, "holdEpoch", q, func(ctx context.Context, tx *database.Tx, epoch epochRow, holder string) error {
		if epoch.Kept == 0 {
			return errNotKept(epoch.Number)
		}
		return holdEpoch(ctx, tx, epoch.Number, holder)
	})
}

// ReleaseEpoch implements Epochs.
func (s service) ReleaseEpoch(ctx context.Context, q reputation.EpochHold) (reputation.Epoch, error) {
	return s.changeHold(ctx, "releaseEpoch", q, func(ctx context.Context, tx *database.Tx, epoch epochRow, holder string) error {
		return releaseEpoch(ctx, tx, epoch.Number, holder)
	})
}

// changeHold finds the epoch and changes what holds it, in one transaction, so that it
// is not pruned in between. Holders of different modules are different.
func (s service) changeHold(ctx context.Context, operation string, q reputation.EpochHold, change func(context.Context, *database.Tx, epochRow, string) error) (reputation.Epoch, error) {
	w := idempotency.Write{DB: s.o.DB, Operation: operation, Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(struct {
		Number int64
		Holder string
	}{q.Number, q.Holder})}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.Epoch]) (answer reputation.Epoch, err error) {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := tx.Lock(ctx, "epochs"); err != nil {
				return err
			}
			epoch, err := epochAt(ctx, tx, q.Number)
			if err != nil {
				return err
			}
			if err := change(ctx, tx, epoch, identity.From(ctx).Service+"/"+q.Holder); err != nil {
				return err
			}
			if answer, err = epoch.epoch(); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// EpochScores implements Epochs.
func (s service) EpochScores(ctx context.Context, q reputation.EpochNumber) (seam.Stream, error) {
	epoch, err := epochAt(ctx, s.o.DB.Read(), q.Number)
	switch {
	case err != nil:
		return seam.Stream{}, err
	case epoch.Kept == 0:
		return seam.Stream{}, errNotKept(epoch.Number)
	}
	return seam.Stream{ContentType: "text/csv", Write: func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<16)
		if _, err := out.WriteString("address,score,rank,percentile,weight\n"); err != nil {
			return err
		}
		written, after := 0, wallet.Address{}
		for first := true; ; first = false {
			rows, err := readAllScores(ctx, s.o.DB.Read(), epoch.Number, after, first, scoresPerWrite)
			if err != nil {
				return err
			}
			var line []byte
			for _, row := range rows {
				line = row.appendCSV(line[:0])
				if _, err := out.Write(line); err != nil {
					return err
				}
			}
			if written += len(rows); len(rows) < scoresPerWrite {
				break
			}
			after = rows[len(rows)-1].Wallet
		}
		if written != epoch.Wallets { // they were deleted meanwhile: half an epoch must not look like a whole one
			return errNotKept(epoch.Number)
		}
		return out.Flush()
	}}, nil
}

func (r scoreRow) appendCSV(line []byte) []byte {
	line, _ = r.Wallet.AppendText(line) // bytes: cannot fail
	line = strconv.AppendInt(append(line, ','), int64(r.Points), 10)
	line = append(line, ',')
	if r.Rank > 0 {
		line = strconv.AppendInt(line, int64(r.Rank), 10)
	}
	line = strconv.AppendFloat(append(line, ','), r.Percentile, 'f', 6, 64)
	return fmt.Appendf(line, ",%d.%06d\n", r.WeightPPM/reputation.MaxWeight, r.WeightPPM%reputation.MaxWeight)
}
