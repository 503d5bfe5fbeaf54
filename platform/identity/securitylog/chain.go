package securitylog

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
)

const (
	chainStep = 1000    // rows in memory
	maxLine   = 1 << 16 // bytes of a line of an exported file
)

// Chain is what Verify and VerifyFile found. Its text is SEQ:HASH of the end.
type Chain struct {
	From    int64  `json:"from"`    // the row before the first one; 0 = the log's beginning
	Entries int64  `json:"entries"` // that were checked
	Seq     int64  `json:"seq"`     // of the last one
	Hash    string `json:"hash"`    // likewise, hex
}

// String returns the end of the chain, as Verify takes it.
func (c Chain) String() string { return strconv.FormatInt(c.Seq, 10) + ":" + c.Hash }

// Verify computes the chain again. With a place that was written down earlier,
// SEQ:HASH, that row must be in it; "" = there is none. Fails with fault.Conflict
// for the first row that does not fit.
func (l *Log) Verify(ctx context.Context, place string) (Chain, error) {
	want, err := parsePlace(place)
	if err != nil {
		return Chain{}, err
	}
	base, err := readBase(ctx, l.db.Read())
	if err != nil {
		return Chain{}, fmt.Errorf("read the beginning of the security log: %w", err)
	}
	v := verification{last: base, want: want, chain: Chain{From: base.Seq}}
	if err := v.meet(base); err != nil {
		return v.chain, err
	}
	for {
		rows, err := readAfter(ctx, l.db.Read(), v.last.Seq, chainStep)
		if err != nil {
			return v.chain, fmt.Errorf("read the security log: %w", err)
		}
		for _, row := range rows {
			if err := v.next(row); err != nil {
				return v.chain, err
			}
		}
		if len(rows) < chainStep {
			return v.end()
		}
	}
}

// verification goes along a chain.
type verification struct {
	last  position
	want  position // Seq 0: none
	met   bool
	chain Chain
}

func (v *verification) next(row eventRow) error {
	if row.Seq != v.last.Seq+1 {
		return fault.Newf(fault.Conflict, "row %d follows row %d in the security log: what was between them was taken out", row.Seq, v.last.Seq)
	}
	if !bytes.Equal(row.chained(v.last.Hash), row.Hash) {
		return fault.Newf(fault.Conflict, "row %d of the security log does not fit its hash: it, or the hash before it, was changed", row.Seq)
	}
	v.last = position{row.Seq, row.Hash}
	v.chain.Entries++
	return v.meet(v.last)
}

// meet compares a row with the place that was written down.
func (v *verification) meet(at position) error {
	if v.want.Seq == 0 || at.Seq != v.want.Seq {
		return nil
	}
	v.met = true
	if !bytes.Equal(at.Hash, v.want.Hash) {
		return fault.Newf(fault.Conflict, "row %d of the security log is not the one that was written down: the log was made again", at.Seq)
	}
	return nil
}

func (v *verification) end() (Chain, error) {
	v.chain.Seq, v.chain.Hash = v.last.Seq, hex.EncodeToString(v.last.Hash)
	switch {
	case v.want.Seq == 0 || v.met:
		return v.chain, nil
	case v.want.Seq < v.chain.From:
		return v.chain, fault.Newf(fault.Conflict, "row %d, which was written down, was deleted because of its age; the rows from %d on fit", v.want.Seq, v.chain.From+1)
	}
	return v.chain, fault.Newf(fault.Conflict, "row %d, which was written down, is not in the security log, which ends with row %d: its end was taken off", v.want.Seq, v.chain.Seq)
}

func parsePlace(text string) (position, error) {
	if text == "" {
		return position{}, nil
	}
	seq, hash, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	sum, hexErr := hex.DecodeString(hash)
	if err != nil || hexErr != nil || n < 1 || len(sum) != 32 {
		return position{}, fault.Newf(fault.Invalid, "%q is not a place in the security log: write SEQ:HASH, as `banyan security-log verify` printed it", text)
	}
	return position{n, sum}, nil
}

// Export writes every entry, oldest first, as a line of JSON. The first line is the
// place behind which the log begins.
func (l *Log) Export(ctx context.Context, w io.Writer) (Chain, error) {
	base, err := readBase(ctx, l.db.Read())
	if err != nil {
		return Chain{}, fmt.Errorf("read the beginning of the security log: %w", err)
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	if err := out.Encode(fileHead{After: base.Seq, Hash: hex.EncodeToString(base.Hash)}); err != nil {
		return Chain{}, err
	}
	end := Chain{From: base.Seq, Seq: base.Seq, Hash: hex.EncodeToString(base.Hash)}
	for {
		rows, err := readAfter(ctx, l.db.Read(), end.Seq, chainStep)
		if err != nil {
			return end, fmt.Errorf("read the security log: %w", err)
		}
		for _, row := range rows {
			if err := out.Encode(row.entry()); err != nil {
				return end, err
			}
			end.Seq, end.Hash = row.Seq, hex.EncodeToString(row.Hash)
			end.Entries++
		}
		if len(rows) < chainStep {
			return end, nil
		}
	}
}

// fileHead is the first line of an exported file.
type fileHead struct {
	After int64  `json:"after"`
	Hash  string `json:"hash"`
}

// VerifyFile computes the chain of an exported file again. Fails with fault.Invalid
// for what is no such file, and with fault.Conflict for the first row that does not
// fit.
func VerifyFile(r io.Reader) (Chain, error) {
	lines := newLines(r)
	text, err := lines.next()
	var head fileHead
	if err != nil || json.Unmarshal(text, &head) != nil {
		return Chain{}, fault.New(fault.Invalid, "this is not an exported security log: its first line must say where it begins; `banyan security-log export` writes one")
	}
	sum, err := hex.DecodeString(head.Hash)
	if err != nil || len(sum) != 32 || head.After < 0 {
		return Chain{}, fault.New(fault.Invalid, "the first line of this file has no hash of 32 bytes: `banyan security-log export` writes one")
	}
	v := verification{last: position{head.After, sum}, chain: Chain{From: head.After}}
	for {
		text, err := lines.next()
		if errors.Is(err, io.EOF) {
			return v.end()
		}
		if err != nil {
			return v.chain, fault.Wrap(err, fault.Invalid, fmt.Sprintf("line %d of this file cannot be read", lines.number))
		}
		var e Entry
		if err := json.Unmarshal(text, &e); err != nil {
			return v.chain, fault.Wrap(err, fault.Invalid, fmt.Sprintf("line %d of this file is not an entry of the security log", lines.number))
		}
		hash, err := hex.DecodeString(e.Hash)
		if err != nil {
			return v.chain, fault.Newf(fault.Invalid, "line %d of this file has no hash", lines.number)
		}
		row := eventRow{
			Seq: e.Seq, AtMS: e.At.UnixMilli(), What: string(e.What), Who: e.Who, Whom: e.Whom, Origin: e.From, Detail: e.Detail, Times: e.Times, Hash: hash,
		}
		if e.Refused {
			row.Refused = 1
		}
		if err := v.next(row); err != nil {
			return v.chain, err
		}
	}
}

// Prune deletes rows by their age, some at a time, and says so in the log.
func (l *Log) Prune(ctx context.Context) error {
	before := l.o.Now().Add(-l.o.Keep).UnixMilli()
	for {
		if _, err := readOldest(ctx, l.db.Read(), before, chainStep); database.IsNoRows(err) {
			return nil // most of the time: not worth a transaction
		}
		done := true
		err := l.db.Write(ctx, func(tx *database.Tx) error {
			if err := tx.Lock(ctx, lockLog); err != nil {
				return err
			}
			oldest, err := readOldest(ctx, tx, before, chainStep)
			if done = database.IsNoRows(err); done {
				return nil
			}
			if err != nil {
				return err
			}
			if err := forget(ctx, tx, oldest); err != nil {
				return err
			}
			return l.Record(ctx, tx, Event{What: Pruned, Who: system, Whom: "rows up to " + strconv.FormatInt(oldest.Seq, 10)})
		})
		if err != nil || done {
			return err
		}
	}
}
