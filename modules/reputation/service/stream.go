package service

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"banyan/modules/reputation"
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
	epoch, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if err != nil && !database.IsNoRows(err) {
		return seam.Stream{}, fmt.Errorf("read the current epoch: %w", err)
	}
	table, err := s.tables.of(ctx, s.o.DB.Read(), epoch)
	if err != nil {
		return seam.Stream{}, err
	}
	asked, err := readWallets(q.Body, table)
	if err != nil {
		return seam.Stream{}, err
	}
	if table == nil {
		for _, part := range asked {
			s.tables.asks(len(part))
		}
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
func writeParts(ctx context.Context, w io.Writer, parts [][]askedWallet, lines func(ctx context.Context, part []askedWallet, to []byte) ([]byte, error)) error {
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
	to = append(to, kindOf(row.digits[ofValue])...)
	to = append(to, `","score":`...)
	to = strconv.AppendUint(to, uint64(row.points), 10)
	to = append(to, `,"weight_ppm":`...)
	to = strconv.AppendUint(to, uint64(row.weightPPM), 10)
	to = append(to, `,"value":`...)
	to = row.appendFraction(to, ofValue)
	to = append(to, `,"share":`...)
	to = row.appendFraction(to, ofShare)
	to = append(to, `,"rank":`...)
	to = strconv.AppendUint(to, uint64(row.rank), 10)
	to = append(to, `,"percentile":`...)
	to = row.appendFraction(to, ofPercentile)
	return append(to, "}\n"...)
}

// askedWallet is a wallet and which digits of its EIP-55 text are capitals, which is
// found once: for the check of the text that was sent, and for that of the answer.
type askedWallet struct {
	wallet   wallet.Address
	place    int32 // in the table; -1 = not there
	capitals uint64
}

// isUsual reports whether a text has the form in which wallets are sent.
func isUsual(text []byte) bool {
	return len(text) == 2+2*len(wallet.Address{}) && string(text[:2]) == "0x"
}

// read reads a wallet in any spelling that wallet.Parse takes. What has the usual form
// is still to be checked.
func (a *askedWallet) read(text []byte) error {
	if !isUsual(text) {
		return a.parse(text)
	}
	if _, err := hex.Decode(a.wallet[:], text[2:]); err != nil {
		return a.parse(text)
	}
	return nil
}

// check checks the letters of a text in its usual form, when its place is known.
func (a *askedWallet) check(text []byte, table *standingTable) error {
	if !isUsual(text) {
		return nil // it was parsed
	}
	if a.place >= 0 {
		a.capitals = table.rows[a.place].capitals
	} else {
		a.capitals = a.wallet.Capitals()
	}
	var right [2 + 2*len(a.wallet)]byte
	if bytes.Equal(text, a.wallet.AppendCapitals(right[:0], a.capitals)) {
		return nil
	}
	_, err := wallet.Parse(string(text)) // small or large letters only, or a wrong one
	return err
}

// parse tells what is wrong with a text that is not written as a wallet.
func (a *askedWallet) parse(text []byte) (err error) {
	a.wallet, err = wallet.Parse(string(text))
	a.capitals = a.wallet.Capitals()
	return err
}

// streamChunk is how many bytes of a stream are read before one processor reads the
// wallets in them: while it does, the next arrive.
const streamChunk = 256 << 10

// readWallets reads one wallet a line, in order; empty lines are passed over. The first
// line that is no wallet is an error.
func readWallets(r io.Reader, table *standingTable) ([][]askedWallet, error) {
	var parts []*walletPart
	var readers errgroup.Group
	wide := runtime.GOMAXPROCS(0)
	free := make(chan []byte, wide+1) // chunks; nil = not made yet
	for range cap(free) {
		free <- nil
	}
	lines, all := 0, 0
	var kept []byte // the start of a line whose end is still to come, in the last chunk
	for ended := false; !ended; {
		chunk := <-free
		if chunk == nil {
			chunk = make([]byte, streamChunk)
		}
		n := copy(chunk, kept)
		read, err := io.ReadFull(r, chunk[n:])
		if ended = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && !ended {
			_ = readers.Wait() // they have no errors
			return nil, fmt.Errorf("read the stream of wallets: %w", err)
		}
		if all += read; all > mostStreamBytes {
			_ = readers.Wait()
			return nil, fault.Newf(fault.TooLarge, "a stream of wallets has at most %d bytes: send them in parts, one a line", mostStreamBytes)
		}
		text := chunk[:n+read]
		whole := len(text)
		if end := bytes.LastIndexByte(text, '\n'); !ended && end >= 0 {
			whole = end + 1
		}
		text, kept = text[:whole], text[whole:]
		part := &walletPart{before: lines}
		parts = append(parts, part)
		lines += bytes.Count(text, []byte{'\n'})
		readers.Go(func() error {
			part.read(text, table)
			free <- chunk
			return nil
		})
	}
	_ = readers.Wait()
	return walletsOf(parts)
}

// walletPart is the wallets of some lines of a stream.
type walletPart struct {
	before  int // lines
	wallets []askedWallet
	wrong   fault.Field // the first line that is no wallet; its Line is 0 when all are
}

func (p *walletPart) read(all []byte, table *standingTable) {
	p.wallets = make([]askedWallet, 0, len(all)/(2*len(wallet.Address{})+3)+1)
	var texts [walletsAtOnce][]byte
	var lines [walletsAtOnce]int
	n, line := 0, p.before
	// finish looks up the last n wallets, and reports whether their texts are right.
	finish := func() bool {
		some := p.wallets[len(p.wallets)-n:]
		table.findAll(some)
		for i := range some {
			if err := some[i].check(texts[i], table); err != nil {
				p.refuse(lines[i], err)
				return false
			}
		}
		n = 0
		return true
	}
	for text := range bytes.Lines(all) {
		line++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		var one askedWallet
		if err := one.read(text); err != nil {
			if finish() { // those before it have no error
				p.refuse(line, err)
			}
			return
		}
		p.wallets = append(p.wallets, one)
		texts[n], lines[n] = text, line
		if n++; n == walletsAtOnce && !finish() {
			return
		}
	}
	finish()
}

func (p *walletPart) refuse(line int, err error) {
	p.wrong = fault.Field{Name: "wallet", Line: line, Message: fault.From(err).Message}
}

// walletsOf returns the wallets of all parts, at most streamPart together.
func walletsOf(parts []*walletPart) ([][]askedWallet, error) {
	all := 0
	var wallets [][]askedWallet
	for _, part := range parts {
		all += len(part.wallets)
		wallets = slices.AppendSeq(wallets, slices.Chunk(part.wallets, streamPart))
		if part.wrong.Line > 0 {
			return nil, fault.New(fault.Invalid, "a line is no wallet: see the fields").With(part.wrong)
		}
		if all > reputation.MaxStream {
			return nil, fault.Newf(fault.TooLarge, "a stream has at most %d wallets: send them in parts", reputation.MaxStream)
		}
	}
	if all == 0 {
		return nil, fault.New(fault.Invalid, "the stream has no wallets: send one a line")
	}
	return wallets, nil
}
