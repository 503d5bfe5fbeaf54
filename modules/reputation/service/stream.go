package service

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"banyan/modules/reputation"
	"banyan/platform/appendjson"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// mostStreamBytes bounds a stream of wallets: each takes 42 characters and a line
// feed, with room for spaces.
const mostStreamBytes = 64 * reputation.MaxStream

// ScoreStream implements Epochs. All wallets are read before the first answer, so
// that an error can still be told as one.
func (s service) ScoreStream(ctx context.Context, q reputation.WalletStream) (seam.Stream, error) {
	texts, err := readLines(q.Body)
	if err != nil {
		return seam.Stream{}, err
	}
	epoch, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if err != nil && !database.IsNoRows(err) {
		return seam.Stream{}, fmt.Errorf("read the current epoch: %w", err)
	}
	table, err := s.tables.of(ctx, s.o.DB.Read(), epoch, len(texts))
	if err != nil {
		return seam.Stream{}, err
	}
	asked, err := readWallets(texts, table)
	if err != nil {
		return seam.Stream{}, err
	}
	lines := func(ctx context.Context, part []askedWallet, to []byte) ([]byte, error) {
		if table != nil {
			for _, of := range part {
				to = appendStanding(to, &of, table.row(of.place))
			}
			return to, nil
		}
		known, err := s.standingsOf(ctx, epoch.Number, part)
		for _, of := range part {
			row := known[of.wallet]
			to = appendStanding(to, &of, &row)
		}
		return to, err
	}
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(w io.Writer) error {
		return writeParts(ctx, w, asked, lines)
	}}, nil
}

// standingsOf reads the standings of some wallets.
func (s service) standingsOf(ctx context.Context, epoch int64, part []askedWallet) (map[wallet.Address]tableRow, error) {
	wallets := make([]wallet.Address, len(part))
	for i := range part {
		wallets[i] = part[i].wallet
	}
	rows, err := readStandings(ctx, s.o.DB.Read(), epoch, wallets)
	known := make(map[wallet.Address]tableRow, len(rows))
	for i := range rows {
		known[rows[i].Wallet] = rows[i].packed()
	}
	return known, err
}

// streamPart is how many wallets are read or written at a time by one processor.
const streamPart = reputation.MaxBatch

// writeParts writes the lines of all wallets, in their order. As many parts as there
// are processors are made at the same time.
func writeParts(ctx context.Context, w io.Writer, asked []askedWallet, lines func(ctx context.Context, part []askedWallet, to []byte) ([]byte, error)) error {
	type made struct {
		text []byte
		err  error
	}
	var makers errgroup.Group
	defer func() { _ = makers.Wait() }() // each has told its error
	wide := runtime.GOMAXPROCS(0)
	buffers := make(chan []byte, wide)
	for range wide {
		buffers <- make([]byte, 0, lineBytes*streamPart)
	}
	parts := slices.Collect(slices.Chunk(asked, streamPart))
	results := make([]chan made, len(parts))
	begin := func(n int) {
		if n < len(parts) {
			results[n] = make(chan made, 1)
			makers.Go(func() error {
				text, err := lines(ctx, parts[n], (<-buffers)[:0])
				results[n] <- made{text, err}
				return err
			})
		}
	}
	for n := range wide {
		begin(n)
	}
	for n := range parts {
		part := <-results[n]
		if part.err != nil {
			return part.err
		}
		if _, err := w.Write(part.text); err != nil {
			return err
		}
		buffers <- part.text
		begin(n + wide)
	}
	return ctx.Err()
}

// lineBytes is about the length of a line.
const lineBytes = 256

// appendStanding appends what encoding/json makes of the Standing, and a line feed.
func appendStanding(to []byte, of *askedWallet, row *tableRow) []byte {
	to = append(to, `{"wallet":"`...)
	to = of.wallet.AppendCapitals(to, of.capitals)
	to = append(to, `","standing":"`...)
	to = append(to, kindOf(row.value)...)
	to = append(to, `","score":`...)
	to = strconv.AppendUint(to, uint64(row.points), 10)
	to = append(to, `,"weight_ppm":`...)
	to = strconv.AppendUint(to, uint64(row.weightPPM), 10)
	to = append(to, `,"value":`...)
	to = appendjson.Float(to, row.value)
	to = append(to, `,"share":`...)
	to = appendjson.Float(to, row.share)
	to = append(to, `,"rank":`...)
	to = strconv.AppendUint(to, uint64(row.rank), 10)
	to = append(to, `,"percentile":`...)
	to = appendjson.Float(to, row.percentile)
	return append(to, "}\n"...)
}

// askedWallet is a wallet and which digits of its EIP-55 text are capitals, which is
// found once: for the check of the text that was sent, and for that of the answer.
type askedWallet struct {
	wallet   wallet.Address
	capitals uint64
	place    int // in the table; -1 = not there
}

// read reads a wallet in any spelling that wallet.Parse takes.
func (a *askedWallet) read(text []byte, table *standingTable) (err error) {
	const size = 2 + 2*len(a.wallet)
	if a.place = -1; len(text) != size || string(text[:2]) != "0x" {
		return a.parse(text)
	}
	if _, err := hex.Decode(a.wallet[:], text[2:]); err != nil {
		return a.parse(text)
	}
	if table != nil {
		a.place = table.find(&a.wallet)
	}
	if a.place >= 0 {
		a.capitals = table.rows[a.place].capitals
	} else {
		a.capitals = a.wallet.Capitals()
	}
	var right [size]byte
	if !bytes.Equal(text, a.wallet.AppendCapitals(right[:0], a.capitals)) { // small or large letters only, or a wrong one
		_, err = wallet.Parse(string(text))
	}
	return err
}

// parse tells what is wrong with a text that is not written as a wallet.
func (a *askedWallet) parse(text []byte) (err error) {
	a.wallet, err = wallet.Parse(string(text))
	a.capitals = a.wallet.Capitals()
	return err
}

// lineText is the text of a line, and its number.
type lineText struct {
	text []byte
	line int
}

// readLines reads one wallet a line; empty lines are passed over.
func readLines(r io.Reader) ([]lineText, error) {
	all, err := io.ReadAll(io.LimitReader(r, mostStreamBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the stream of wallets: %w", err)
	case len(all) > mostStreamBytes:
		return nil, fault.Newf(fault.TooLarge, "a stream of wallets has at most %d bytes: send them in parts, one a line", mostStreamBytes)
	}
	lines := make([]lineText, 0, min(len(all)/42+1, reputation.MaxStream))
	n := 0
	for text := range bytes.Lines(all) {
		n++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if len(lines) == reputation.MaxStream {
			return nil, fault.Newf(fault.TooLarge, "a stream has at most %d wallets: send them in parts", reputation.MaxStream)
		}
		lines = append(lines, lineText{text, n})
	}
	if len(lines) == 0 {
		return nil, fault.New(fault.Invalid, "the stream has no wallets: send one a line")
	}
	return lines, nil
}

// readWallets reads the wallets of all lines; the first line that is none is an error.
func readWallets(lines []lineText, table *standingTable) ([]askedWallet, error) {
	wallets := make([]askedWallet, len(lines))
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	wrong := fault.Field{}
	for from := 0; from < len(lines); from += streamPart {
		readers.Go(func() error {
			for i := from; i < min(from+streamPart, len(lines)); i++ {
				if err := wallets[i].read(lines[i].text, table); err != nil {
					mu.Lock()
					defer mu.Unlock()
					if wrong.Line == 0 || lines[i].line < wrong.Line {
						wrong = fault.Field{Name: "wallet", Line: lines[i].line, Message: fault.From(err).Message}
					}
					return nil
				}
			}
			return nil
		})
	}
	_ = readers.Wait() // wrong has what was wrong
	if wrong.Line > 0 {
		return nil, fault.New(fault.Invalid, "a line is no wallet: see the fields").With(wrong)
	}
	return wallets, nil
}
