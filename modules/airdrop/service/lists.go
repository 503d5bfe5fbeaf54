package service

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"time"

	"banyan/modules/airdrop"
	"banyan/platform/idempotency"
	"banyan/platform/merkle"
	"banyan/platform/progress"
)

const (
	// chunkRows keeps a chunk near 1 MiB: small enough that other writers run
	// between two of them.
	chunkRows = 20_000
	// deletedAtOnce is how many chunks one transaction deletes.
	deletedAtOnce = 8
	// cleanupTimeout bounds the deletion that follows an upload, also when the
	// caller has gone; Run deletes what is left.
	cleanupTimeout = 30 * time.Second
)

// lists keeps the campaigns' lists in the database.
type lists struct {
	options Options
	store   store
	ids     ids
}

func newLists(o Options) lists {
	return lists{options: o, store: store{o.DB}, ids: ids{random: o.Random}}
}

// keep stores rows as the campaign's list; report says how they were read, nil when
// they were not. On any error the campaign keeps the
// list it had and nothing of the new one stays.
func (l lists) keep(ctx context.Context, campaign string, rows *merkle.List, report *airdrop.ListReport, tell progress.Tell, keep idempotency.Keep[airdrop.Campaign]) (airdrop.Campaign, error) {
	listID, err := l.ids.draw(listIDLength)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	c, old, err := l.write(ctx, campaign, listID, rows, report, tell, keep)
	if err != nil {
		l.drop(ctx, listID)
		return airdrop.Campaign{}, err
	}
	if old != "" {
		l.drop(ctx, old)
	}
	return c.Campaign, nil
}

// write writes the chunks and then makes them the campaign's list; old is the
// list that it had before.
func (l lists) write(ctx context.Context, campaign, listID string, rows *merkle.List, report *airdrop.ListReport, tell progress.Tell, keep idempotency.Keep[airdrop.Campaign]) (c stored, old string, err error) {
	tell(progress.Storing, 0, int64(rows.Len()))
	if err := l.store.beginList(ctx, listID, l.options.nowMS()); err != nil {
		return stored{}, "", fmt.Errorf("add list: %w", err)
	}
	number, digest := 0, sha256.New()
	for chunk := range rows.Chunks(chunkRows) {
		tell(progress.Storing, int64(min(number*chunkRows, rows.Len())), int64(rows.Len()))
		digest.Write(chunk) // a hash does not fail
		if err := l.store.addChunk(ctx, listID, number, chunk, l.options.nowMS()); err != nil {
			return stored{}, "", fmt.Errorf("store list: %w", err)
		}
		number++
	}
	written := writtenList{id: listID, count: rows.Len(), total: rows.Total(), digest: digest.Sum(nil), report: report}
	c, old, err = l.store.setList(ctx, campaign, written, l.options.nowMS(), keep)
	if err != nil {
		return stored{}, "", fmt.Errorf("set the campaign's list: %w", err)
	}
	return c, old, nil
}

// listFingerprint identifies an upload by its campaign and its rows.
func listFingerprint(campaign string, rows *merkle.List) idempotency.Fingerprint {
	return func() (sum [sha256.Size]byte, err error) {
		h := sha256.New()
		_, _ = io.WriteString(h, campaign+"\n") // a hash does not fail
		for chunk := range rows.Chunks(chunkRows) {
			h.Write(chunk)
		}
		return [sha256.Size]byte(h.Sum(nil)), nil
	}
}

// drop deletes a list that no campaign has. A failure is logged and not
// returned: the caller's own outcome is decided, and Run tries again.
func (l lists) drop(ctx context.Context, listID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := l.delete(ctx, listID, math.MaxInt64); err != nil {
		l.options.Log.WarnContext(ctx, "a list that no campaign uses could not be deleted and takes space: it will be tried again in a minute", "list", listID, "error", err)
	}
}

// delete deletes a list unless a campaign has it or it was touched since
// beforeMS, in transactions short enough for other writers to run in between.
func (l lists) delete(ctx context.Context, listID string, beforeMS int64) error {
	if marked, err := l.store.abandon(ctx, listID, beforeMS); err != nil || !marked {
		return err
	}
	for done := false; !done; {
		var err error
		if done, err = l.store.deleteChunks(ctx, listID, deletedAtOnce); err != nil {
			return err
		}
	}
	return nil
}
