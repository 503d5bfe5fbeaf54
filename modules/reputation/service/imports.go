package service

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/progress"
	"banyan/platform/seam"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

type trustRow = trustlist.Row[wallet.Address]

// ImportTrust implements Service. All rows are read before the first is
// written, and they are written in one transaction: an upload is kept whole or
// not at all.
func (s service) ImportTrust(ctx context.Context, q reputation.TrustUpload) (reputation.TrustImported, error) {
	tell, end := s.works.Begin(q.Name())
	defer end()
	list, err := s.readList(ctx, q, tell)
	if err != nil {
		return reputation.TrustImported{}, err
	}
	w := idempotency.Write{
		DB: s.o.DB, Operation: "importTrust", Key: seam.IdempotencyKey(ctx), Request: list.fingerprint(q), LookFirst: true,
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.TrustImported]) (reputation.TrustImported, error) {
		const attempts = 3 // each reads the import again after somebody else changed it
		for attempt := 1; ; attempt++ {
			answer, err := s.importOnce(ctx, q, list, tell, keep)
			if !fault.Is(err, fault.Conflict) || attempt == attempts {
				return answer, err
			}
		}
	})
}

// uploadedList is a trust list as it was read, by source and target.
type uploadedList struct {
	rows    []trustRow
	read    int // rows
	self    int // of wallets about themselves
	wallets int
	passed  string
}

// ImportWork implements Service.
func (s service) ImportWork(_ context.Context, q reputation.ImportWorkQuery) (progress.Work, error) {
	return s.works.Of(q.Import), nil
}

// readList reads a whole list; tell learns how many bytes of it.
func (s service) readList(ctx context.Context, q reputation.TrustUpload, tell progress.Tell) (uploadedList, error) {
	type pair struct{ source, target wallet.Address }
	var list uploadedList
	at := make(map[pair]int)
	wallets := make(map[wallet.Address]struct{})
	share := s.imports.Share(0)
	defer share.Return()
	options := table.Options{Limits: decompress.Files(), Progress: func(read int64) { tell(progress.Reading, read, 0) }}
	options.Limits.Max, options.Limits.Reserve = maxImportBytes, share.Take
	read, err := trustlist.Read(ctx, q.Body, options, trustlist.Wallet, func(r trustRow) error {
		wallets[r.Source], wallets[r.Target] = struct{}{}, struct{}{}
		if r.Source == r.Target {
			list.self++
			return nil
		}
		key := pair{r.Source, r.Target}
		if i, said := at[key]; said { // a later line is the source's later statement
			list.rows[i] = r
			return nil
		}
		if len(list.rows) == s.o.MaxRows {
			return fault.Newf(fault.TooLarge, "the upload has more than %d edges: send it in parts", s.o.MaxRows)
		}
		at[key] = len(list.rows)
		list.rows = append(list.rows, r)
		return nil
	})
	if err != nil {
		return list, err
	}
	tell(progress.Comparing, 0, 0) // which begins with their order
	list.read, list.wallets, list.passed = read.Rows, len(wallets), passedOver(trustlist.Passed(read), list.self)
	slices.SortFunc(list.rows, func(a, b trustRow) int { return comparePairs(a.Source, a.Target, b.Source, b.Target) })
	return list, nil
}

func passedOver(text string, self int) string {
	if self == 0 {
		return text
	}
	if text != "" {
		text += "; "
	}
	return text + fmt.Sprintf("not counted: %d rows of wallets about themselves", self)
}

func comparePairs(s1, t1, s2, t2 wallet.Address) int {
	return cmp.Or(bytes.Compare(s1[:], s2[:]), bytes.Compare(t1[:], t2[:]))
}

// fingerprint identifies an upload by what it does, however it was formatted.
func (l *uploadedList) fingerprint(q reputation.TrustUpload) idempotency.Fingerprint {
	return func() (sum [sha256.Size]byte, err error) {
		h := sha256.New()
		_, _ = fmt.Fprintf(h, "%s %v %v\n", q.Name(), q.Replace, q.Hold) // a hash never fails
		line := make([]byte, 0, 2*len(wallet.Address{})+16)
		for _, r := range l.rows {
			line = append(append(line[:0], r.Source[:]...), r.Target[:]...)
			line = binary.BigEndian.AppendUint64(line, math.Float64bits(r.Weight))
			line = binary.BigEndian.AppendUint64(line, uint64(r.Time))
			h.Write(line)
		}
		return [sha256.Size]byte(h.Sum(nil)), nil
	}
}

// importOnce makes a version of the import as it is now. It fails with
// fault.Conflict when the import changes meanwhile.
func (s service) importOnce(ctx context.Context, q reputation.TrustUpload, list uploadedList, tell progress.Tell, keep idempotency.Keep[reputation.TrustImported]) (reputation.TrustImported, error) {
	answer := reputation.TrustImported{
		Edges: list.read, Wallets: list.wallets, PassedOver: list.passed, Import: q.Name(), Held: q.Hold,
	}
	var before importRow
	var change versionChange
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) (err error) {
		before, err = readImport(ctx, r, q.Name())
		if database.IsNoRows(err) {
			before, err = importRow{Name: q.Name()}, nil
		}
		if err != nil {
			return fmt.Errorf("read an import: %w", err)
		}
		change, err = compareVersions(ctx, r, before, list.rows, q.Replace, tell)
		return err
	})
	if err != nil {
		return answer, err
	}
	answer.Diff = change.diff
	tell(progress.Storing, 0, int64(len(change.ended)+len(change.begun))) // as soon as no other write runs
	err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
		if answer.Version, err = s.writeVersion(ctx, tx, q, before, change, tell); err != nil {
			return err
		}
		return keep(ctx, tx, answer)
	})
	return answer, err
}

// versionChange is how a new version differs from the one that counts.
type versionChange struct {
	ended []storedEdge
	begun []trustRow
	diff  reputation.ImportDiff
}

// compareVersions compares the rows of an upload, by source and target, with the
// version that counts. replace ends the edges that the upload lacks. tell learns how
// many of both were compared.
func compareVersions(ctx context.Context, r database.Reader, before importRow, rows []trustRow, replace bool, tell progress.Tell) (versionChange, error) {
	var c versionChange
	total, stored := int64(len(rows)+before.Edges), 0
	tell(progress.Comparing, 0, total)
	add := func(row trustRow) {
		if row.Weight != 0 {
			c.begun = append(c.begun, row)
			c.diff.Added++
		}
	}
	next := 0
	err := eachStored(ctx, r, before.ID, before.Version, func(e storedEdge) error {
		if stored++; stored%rowsPerStatement == 0 {
			tell(progress.Comparing, int64(next+stored), total)
		}
		for next < len(rows) && comparePairs(rows[next].Source, rows[next].Target, e.Source, e.Target) < 0 {
			add(rows[next])
			next++
		}
		switch {
		case next == len(rows) || comparePairs(rows[next].Source, rows[next].Target, e.Source, e.Target) > 0:
			if replace {
				c.ended = append(c.ended, e)
				c.diff.Removed++
			}
			return nil
		case rows[next].Weight == 0:
			c.ended = append(c.ended, e)
			c.diff.Removed++
		case rows[next].Weight != e.Weight || rows[next].Time != timeOf(e.TimeMS):
			c.ended = append(c.ended, e)
			c.begun = append(c.begun, rows[next])
			c.diff.Changed++
		}
		next++
		return nil
	})
	for ; err == nil && next < len(rows); next++ {
		add(rows[next])
	}
	return c, err
}

func timeOf(ms *int64) int64 {
	if ms == nil {
		return trust.NoTime
	}
	return *ms
}

func (s service) writeVersion(ctx context.Context, tx *database.Tx, q reputation.TrustUpload, before importRow, c versionChange, tell progress.Tell) (version int64, err error) {
	now, who := s.o.Clock().UnixMilli(), identity.From(ctx).Name()
	row, err := s.lockImport(ctx, tx, before, now, who)
	if err != nil {
		return 0, err
	}
	if row.Held != 0 && !q.Hold {
		return 0, fault.Newf(fault.Conflict, "version %d of the import %s is held: accept or discard it first", row.Held, row.Name)
	}
	wrote, err := tellStored(ctx, tx, row, c, tell)
	if err != nil {
		return 0, err
	}
	for _, former := range []*int64{&row.Held, &row.Dropped} {
		if *former == 0 {
			continue
		}
		if err := dropVersion(ctx, tx, row.ID, *former, wrote); err != nil {
			return 0, err
		}
		*former = 0
	}
	if version, err = nextVersion(ctx, tx, row.ID); err != nil {
		return 0, fmt.Errorf("number a version of an import: %w", err)
	}
	if err := endEdges(ctx, tx, row.ID, version, c.ended, wrote); err != nil {
		return 0, err
	}
	if err := insertEdges(ctx, tx, row.ID, version, c.begun, wrote); err != nil {
		return 0, err
	}
	if err := insertVersion(ctx, tx, row.ID, importVersionRow{version, now, who, c.diff.Added, c.diff.Removed, c.diff.Changed}); err != nil {
		return 0, err
	}
	row.ChangedMS, row.ChangedBy = now, who
	if q.Hold {
		row.Held = version
	} else {
		row.Version = version
		row.Edges += c.diff.Added - c.diff.Removed
		if err := addUnused(ctx, tx, version); err != nil {
			return 0, err
		}
	}
	return version, updateImport(ctx, tx, row)
}

// tellStored says that nothing of a version is stored yet; wrote adds so many edges.
func tellStored(ctx context.Context, tx *database.Tx, row importRow, c versionChange, tell progress.Tell) (wrote func(edges int), err error) {
	total, done := len(c.ended)+len(c.begun), 0
	for _, former := range []int64{row.Held, row.Dropped} {
		if former == 0 {
			continue
		}
		v, err := readVersion(ctx, tx, row.ID, former)
		if err != nil {
			return nil, fmt.Errorf("read a version of an import: %w", err)
		}
		total += v.edges()
	}
	wrote = func(edges int) {
		done += edges
		tell(progress.Storing, int64(done), int64(total))
	}
	wrote(0)
	return wrote, nil
}

// lockImport returns the import, which it makes if there is none, as long as nobody
// has changed it since it was read as before.
func (s service) lockImport(ctx context.Context, tx *database.Tx, before importRow, nowMS int64, who string) (importRow, error) {
	if err := tx.Lock(ctx, "imports"); err != nil {
		return importRow{}, err
	}
	row, err := readImport(ctx, tx, before.Name)
	if database.IsNoRows(err) && before.ID == 0 {
		n, err := countImports(ctx, tx)
		if err != nil {
			return row, fmt.Errorf("count the imports: %w", err)
		}
		if n >= reputation.MaxImports {
			return row, fault.Newf(fault.TooLarge, "there are %d imports, which is the limit: remove one, or upload under the name of one", n)
		}
		row = importRow{Name: before.Name, ChangedMS: nowMS, ChangedBy: who}
		return row, insertImport(ctx, tx, &row)
	}
	if err != nil && !database.IsNoRows(err) {
		return row, fmt.Errorf("read an import: %w", err)
	}
	if err != nil || row.ID != before.ID || row.Version != before.Version {
		return row, fault.Newf(fault.Conflict, "the import %s was changed meanwhile: send the list again", before.Name)
	}
	return row, nil
}
