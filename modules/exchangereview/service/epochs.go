package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/bursts"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/seam"
)

const (
	exportsKept   = 3         // of the latest epochs
	exportPart    = 512 << 10 // bytes of an export in one row
	placesListed  = 100
	exportMIME    = "application/zstd"
	noSuchEpoch   = "there is no ranking epoch %d: list them with GET /api/v1/exchange-review/epochs"
	exportDropped = "the export of epoch %d is not kept any more, only those of the latest %d epochs are"
)

// CloseEpoch implements Service.
func (s *service) CloseEpoch(ctx context.Context, _ exchangereview.EpochRequest) (exchangereview.Epoch, error) {
	return s.epochs.close(ctx)
}

// epochCloser computes epochs, one at a time.
type epochCloser struct {
	store store
	now   *parameters
	site  string
	one   chan struct{} // holds a value while an epoch is computed
}

func newEpochCloser(st store, now *parameters, site string) *epochCloser {
	return &epochCloser{store: st, now: now, site: site, one: make(chan struct{}, 1)}
}

// close computes the ranking of now, stores its export and puts its average
// opinion in force.
func (c *epochCloser) close(ctx context.Context) (exchangereview.Epoch, error) {
	select {
	case c.one <- struct{}{}:
		defer func() { <-c.one }()
	case <-ctx.Done():
		return exchangereview.Epoch{}, ctx.Err()
	}
	latest, err := c.store.latestEpoch(ctx)
	if err != nil {
		return exchangereview.Epoch{}, fmt.Errorf("look for the latest epoch: %w", err)
	}
	number := latest.Number + 1
	if err := c.store.dropExportsFrom(ctx, number); err != nil { // of one that was interrupted
		return exchangereview.Epoch{}, fmt.Errorf("make room for epoch %d: %w", number, err)
	}
	made := &epochMade{number: number, timeMS: c.now.clock().UnixMilli()}
	made.at = ranking.Parameters{Landmark: ranking.Landmark, Day: ranking.DayOf(made.timeMS)}
	out := &partWriter{ctx: ctx, store: c.store, number: number}
	if err := c.store.db.Snapshot(ctx, func(r database.Reader) error { return made.write(ctx, r, c.site, out) }); err != nil {
		return exchangereview.Epoch{}, fmt.Errorf("compute epoch %d: %w", number, err)
	}
	if err := out.flush(); err != nil {
		return exchangereview.Epoch{}, fmt.Errorf("store the export of epoch %d: %w", number, err)
	}
	row := epochRow{
		Number: number, TimeMS: made.timeMS, Root: made.manifest.Root[:], Exchanges: made.manifest.Exchanges, Reviews: made.manifest.Reviews,
		Tombstones: made.manifest.Tombstones, Size: out.size,
	}
	if err := c.store.storeEpoch(ctx, row, made); err != nil {
		return exchangereview.Epoch{}, fmt.Errorf("store epoch %d: %w", number, err)
	}
	c.now.decoded.Store(&decodedPrior{epoch: number, prior: made.at.Prior})
	return row.epoch(), nil
}

// epochMade is an epoch that is being computed.
type epochMade struct {
	number   int64
	timeMS   int64
	at       ranking.Parameters
	manifest export.Manifest
	places   []placeRow
}

// write computes the ranking from one state of the database and writes its
// export.
func (m *epochMade) write(ctx context.Context, r database.Reader, site string, out io.Writer) error {
	rows, err := allTallies(ctx, r)
	if err != nil {
		return err
	}
	tallies, days := make([]*ranking.Tally, len(rows)), make([]*bursts.Days, len(rows))
	for i, row := range rows {
		s, err := row.sums()
		if err != nil {
			return fmt.Errorf("exchange %s: %w", row.Slug, err)
		}
		tallies[i], days[i] = &s.tally, &s.days
	}
	m.at.Prior = ranking.PriorOf(tallies, m.at.Landmark, m.at.Day)
	w, err := export.NewWriter(out, export.Parameters{
		Format: export.Format, Site: site, Epoch: m.number, TimeMS: m.timeMS, Day: m.at.Day, Landmark: m.at.Landmark,
		Formula: ranking.Version, Prior: m.at.Prior,
	})
	if err != nil {
		return err
	}
	if err := m.writeExchanges(w, rows, tallies, days); err != nil {
		return err
	}
	if err := eachForExport(ctx, r, false, func(row *reviewRow) error { return w.Review(exported(row)) }); err != nil {
		return err
	}
	if err := eachForExport(ctx, r, true, func(row *reviewRow) error { return w.Tombstone(exported(row)) }); err != nil {
		return err
	}
	m.manifest, err = w.Close()
	return err
}

func (m *epochMade) writeExchanges(w *export.Writer, rows []tallyRow, tallies []*ranking.Tally, days []*bursts.Days) error {
	exchanges, overall := make([]export.Exchange, len(rows)), make([]ranking.Score, len(rows))
	for i := range rows {
		found := days[i].Find(m.at.Day)
		e := export.Exchange{Slug: rows[i].Slug, Reviews: tallies[i].Reviews(), Warned: found.Warn, Holds: found.Hold}
		for d := range e.Scores {
			score := m.at.WithoutBounds(tallies[i], d)
			e.Scores[d] = export.ScoreOf(score)
			if d == 0 {
				overall[i] = score
			}
		}
		exchanges[i] = e
	}
	export.Rank(exchanges, overall)
	for i := range exchanges {
		e := &exchanges[i]
		if err := w.Exchange(e); err != nil {
			return err
		}
		if e.Reviews > 0 {
			m.places = append(m.places, placeRow{ExchangeID: rows[i].ID, Number: m.number, Rank: e.Rank, Key: e.Scores[0].Key, Mean: e.Scores[0].Mean, Reviews: e.Reviews})
		}
	}
	return nil
}

// exported converts a row into a line of the export.
func exported(row *reviewRow) *export.Review {
	v := row.review()
	r := &export.Review{
		Exchange: v.Exchange, Wallet: v.Wallet, Site: v.Site, Stars: row.stars(), Text: v.Text, TextHash: v.TextHash, CreatedMS: v.CreatedMS,
		Version: v.Version, Previous: v.Previous, Hash: v.Hash, Signature: v.Signature, ChainID: v.ChainID, Block: v.Block, State: v.State, HeldUntilMS: v.HeldUntilMS, Group: v.Group,
		Proof: proofNames[row.Proof],
	}
	if row.State == stateCounted {
		r.Weight = row.counts(row.rated(row.CreatedMS)).Weight
	}
	return r
}

// partWriter stores what is written to it in rows.
type partWriter struct {
	ctx    context.Context //nolint:containedctx // an io.Writer has no other way to it
	store  store
	number int64
	part   int
	bytes  []byte
	size   int64
}

func (w *partWriter) Write(p []byte) (int, error) {
	w.bytes = append(w.bytes, p...)
	if len(w.bytes) < exportPart {
		return len(p), nil
	}
	return len(p), w.flush()
}

func (w *partWriter) flush() error {
	if len(w.bytes) == 0 {
		return nil
	}
	err := w.store.addExportPart(w.ctx, w.number, w.part, w.bytes)
	w.size += int64(len(w.bytes))
	w.part, w.bytes = w.part+1, w.bytes[:0]
	return err
}

// partReader reads an export.
type partReader struct {
	ctx    context.Context //nolint:containedctx // an io.Reader has no other way to it
	store  store
	number int64
	part   int
	rest   []byte
}

func (r *partReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		part, err := r.store.exportPart(r.ctx, r.number, r.part)
		if database.IsNoRows(err) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		r.part, r.rest = r.part+1, part
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// RankingEpochs implements Service.
func (s *service) RankingEpochs(ctx context.Context, q exchangereview.EpochsQuery) (exchangereview.EpochPage, error) {
	list := page.NewList[int64]("ranking epochs")
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return exchangereview.EpochPage{}, err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := s.store.epochsBefore(ctx, before, size+1)
	if err != nil {
		return exchangereview.EpochPage{}, fmt.Errorf("list the epochs: %w", err)
	}
	rows, next := page.Cut(list, rows, size, func(row epochRow) int64 { return row.Number })
	answer := exchangereview.EpochPage{Epochs: []exchangereview.Epoch{}, Next: next}
	for _, row := range rows {
		answer.Epochs = append(answer.Epochs, row.epoch())
	}
	return answer, nil
}

func (r *epochRow) epoch() exchangereview.Epoch {
	return exchangereview.Epoch{
		Number: r.Number, TimeMS: r.TimeMS, Root: exchangereview.Hash(r.Root), Exchanges: r.Exchanges, Reviews: r.Reviews, Tombstones: r.Tombstones, Size: r.Size,
	}
}

// kept returns an epoch whose export is there.
func (s *service) kept(ctx context.Context, number int64) (epochRow, error) {
	row, err := s.store.epoch(ctx, number)
	if database.IsNoRows(err) {
		return row, fault.Newf(fault.NotFound, noSuchEpoch, number)
	}
	if err == nil && row.Size == 0 {
		err = fault.Newf(fault.NotFound, exportDropped, number, exportsKept)
	}
	return row, err
}

// ExportEpoch implements Service.
func (s *service) ExportEpoch(ctx context.Context, q exchangereview.EpochQuery) (seam.Stream, error) {
	row, err := s.kept(ctx, q.Number)
	if err != nil {
		return seam.Stream{}, err
	}
	return seam.Stream{ContentType: exportMIME, Write: func(w io.Writer) error {
		n, err := io.Copy(w, &partReader{ctx: ctx, store: s.store, number: q.Number})
		if err == nil && n != row.Size {
			err = fault.Newf(fault.Conflict, exportDropped, q.Number, exportsKept)
		}
		return err
	}}, nil
}

// ProveReview implements Service.
func (s *service) ProveReview(ctx context.Context, q exchangereview.ReviewProofQuery) (exchangereview.ReviewProof, error) {
	row, err := s.kept(ctx, q.Number)
	if err != nil {
		return exchangereview.ReviewProof{}, err
	}
	found, err := export.Prove(ctx, &partReader{ctx: ctx, store: s.store, number: q.Number}, func(r *export.Review) bool {
		return r.Exchange == q.Slug && r.Wallet == q.Wallet
	})
	if err != nil {
		return exchangereview.ReviewProof{}, err
	}
	if string(found.Root[:]) != string(row.Root) {
		return exchangereview.ReviewProof{}, fault.Newf(fault.Internal, "the export of epoch %d is damaged: restore a backup, or close another epoch", q.Number)
	}
	return exchangereview.ReviewProof{
		Epoch: q.Number, Root: found.Root, Kind: export.KindReview, Line: found.Line, Leaf: found.Leaf, Proof: found.Proof,
	}, nil
}

// Places implements Service.
func (s *service) Places(ctx context.Context, q exchangereview.PlacesQuery) (exchangereview.Places, error) {
	id, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Places{}, err
	}
	rows, err := s.store.placesOf(ctx, id, placesListed)
	if err != nil {
		return exchangereview.Places{}, fmt.Errorf("read the places of %s: %w", q.Slug, err)
	}
	answer := exchangereview.Places{Places: []exchangereview.Place{}}
	for _, row := range rows {
		answer.Places = append(answer.Places, exchangereview.Place{
			Epoch: row.Number, TimeMS: row.TimeMS, Rank: row.Rank, Key: stars(row.Key), Mean: stars(row.Mean), Reviews: int(row.Reviews),
		})
	}
	return answer, nil
}

// Breakdown implements Service.
func (s *service) Breakdown(ctx context.Context, q exchangereview.BreakdownQuery) (exchangereview.Breakdown, error) {
	id, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Breakdown{}, err
	}
	now, err := s.now.read(ctx, s.store.db.Read())
	if err != nil {
		return exchangereview.Breakdown{}, err
	}
	t, err := s.store.tally(ctx, id)
	if err != nil {
		return exchangereview.Breakdown{}, fmt.Errorf("read the sums of %s: %w", q.Slug, err)
	}
	answer := exchangereview.Breakdown{MeanMillionths: now.Score(t, 0).Mean}
	for _, line := range now.Breakdown(t) {
		l := exchangereview.BreakdownLine{
			Group: line.Group, Reviews: line.Reviews, ShareMillionths: line.Share, MeanMillionths: line.Mean, PartMillionths: line.Part,
		}
		if line.To > 0 {
			l.FromMS, l.ToMS = ranking.Date(line.From).UnixMilli(), ranking.Date(line.To).UnixMilli()
		}
		answer.Lines = append(answer.Lines, l)
	}
	return answer, nil
}

// priorText is the average opinion as it is stored.
func (m *epochMade) priorText() (string, error) {
	text, err := json.Marshal(m.at.Prior)
	return string(text), err
}
