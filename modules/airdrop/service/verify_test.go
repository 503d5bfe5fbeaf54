package service_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

func TestVerdictsComeInTheOrderOfTheLines(t *testing.T) {
	one, two, stranger := numbered(1).String(), numbered(2).String(), numbered(4).String()
	lines := []string{
		"wallet,amount",
		one + ",",
		strings.ToLower(two) + ",250",
		"",
		two + ",251",
		stranger + ",",
		"0x" + strings.ToUpper(one[2:]) + ",",
		"0X" + strings.ToLower(one[2:]) + ",100",
		"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed,100",
		one + ",lots",
		`0x<&>,1`,
		two + ",1,2",
		"  " + one + " , 100 ",
	}
	want := []airdrop.Verdict{
		{Line: 2, Address: one, Status: airdrop.Eligible, Amount: "100"},
		{Line: 3, Address: strings.ToLower(two), Status: airdrop.Eligible, Amount: "250"},
		{Line: 5, Address: two, Status: airdrop.Ineligible, Amount: "250", Reason: "has another amount on the list"},
		{Line: 6, Address: stranger, Status: airdrop.Ineligible, Reason: "is not on the list"},
		{Line: 7, Address: "0x" + strings.ToUpper(one[2:]), Status: airdrop.Eligible, Amount: "100"},
		{Line: 8, Address: "0X" + strings.ToLower(one[2:]), Status: airdrop.Eligible, Amount: "100"},
		{Line: 9, Address: "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", Status: airdrop.Invalid},
		{Line: 10, Address: one, Status: airdrop.Invalid},
		{Line: 11, Address: "0x<&>", Status: airdrop.Invalid},
		{Line: 12, Status: airdrop.Invalid},
		{Line: 13, Address: one, Status: airdrop.Eligible, Amount: "100"},
	}
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		text := strings.Join(lines, "\r\n")
		for name, body := range map[string][]byte{"plain": []byte(text), "gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
			got := verdictsOf(t, w.verified(t, c.ID, bytes.NewReader(body)))
			if len(got) != len(want) {
				t.Fatalf("%s: %d verdicts, want %d: %v", name, len(got), len(want), got)
			}
			for i, v := range got {
				if v.Status == airdrop.Invalid {
					if v.Reason == "" {
						t.Errorf("%s: line %d is invalid without a reason", name, v.Line)
					}
					v.Reason = ""
				}
				if want[i].Address == "" {
					v.Address = ""
				}
				if v != want[i] {
					t.Errorf("%s: verdict %d\n got %+v\nwant %+v", name, i, v, want[i])
				}
			}
		}
	})
}

// The answer is formatted from findings in several pieces and by several
// goroutines; here each of many lines is checked against what was sent.
func TestVerdictsOfManyLinesMatchTheirLines(t *testing.T) {
	const rows, asked = 3000, 40_000
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), numberedList(rows))
		var text strings.Builder
		for i := range asked {
			switch i % 5 {
			case 0:
				fmt.Fprintf(&text, "%s,\n", numbered(i))
			case 1:
				fmt.Fprintf(&text, "%s,1\n", strings.ToLower(numbered(i).String()))
			case 2:
				fmt.Fprintf(&text, "0xgarbage%d,\n", i)
			case 3:
				fmt.Fprintf(&text, "\n%s,%d\n", numbered(i), i)
			default:
				fmt.Fprintf(&text, "0x%s,\n", strings.ToUpper(numbered(i).String()[2:]))
			}
		}
		sent := strings.Split(text.String(), "\n")
		got := verdictsOf(t, w.verified(t, c.ID, strings.NewReader(text.String())))
		if len(got) != asked {
			t.Fatalf("%d verdicts on %d lines", len(got), asked)
		}
		for i, v := range got {
			address, _, _ := strings.Cut(sent[v.Line-1], ",")
			want := airdrop.Eligible
			switch {
			case i%5 == 2:
				want = airdrop.Invalid
			case i >= rows, i%5 == 3:
				want = airdrop.Ineligible
			}
			if v.Address != address || v.Status != want {
				t.Fatalf("line %d was %q: verdict %+v, want %s", v.Line, sent[v.Line-1], v, want)
			}
		}
	})
}

func TestAVerifyThatCannotCompleteFailsBeforeItsFirstLine(t *testing.T) {
	eachWayWith(t, service.Options{MaxWallets: 1000, MaxWalletsBytes: 100_000}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		wallets := strings.Repeat(numbered(1).String()+"\n", 1000)
		verify := func(body io.Reader) error {
			_, err := w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Body: body})
			return err
		}
		packed := gzipped(t, wallets)
		for name, refusal := range map[string]struct {
			body io.Reader
			code fault.Code
		}{
			"a truncated gzip":          {bytes.NewReader(packed[:len(packed)-6]), fault.Invalid},
			"a line too many":           {strings.NewReader(wallets + numbered(1).String()), fault.TooLarge},
			"a bomb":                    {bytes.NewReader(gzipped(t, strings.Repeat("\n", 10_000_000))), fault.TooLarge},
			"a stream that ended early": {io.MultiReader(strings.NewReader(wallets), broken{io.ErrUnexpectedEOF}), fault.Invalid},
			"nothing":                   {strings.NewReader(""), fault.Invalid},
		} {
			err := verify(refusal.body)
			if w.way.URL != "" && errors.Is(err, io.ErrUnexpectedEOF) {
				continue // the caller's own error, on the caller's side
			}
			if !fault.Is(err, refusal.code) {
				t.Errorf("%s: got %v, want %s", name, err, refusal.code)
			}
		}
		if got := verdictsOf(t, w.verified(t, c.ID, bytes.NewReader(packed))); len(got) != 1000 {
			t.Errorf("at the limit there are %d verdicts", len(got))
		}
		listed := w.drafted(t, draft(merkle.OZ))
		must(w.UploadList(operator, airdrop.ListUpload{ID: listed.ID, Body: strings.NewReader(three())}))(t)
		refused(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: listed.ID, Body: strings.NewReader(wallets)}))(t, fault.Conflict)
	})
}

// In process only: over HTTP the answer is written, and its memory returned,
// before the caller has it.
func TestChecksShareTheirMemory(t *testing.T) {
	w := open(t, service.Options{DB: databasetest.SQLite(t, airdrop.Name), VerifyBytes: 10 << 20}, seamtest.InProcess)
	c := w.built(t, draft(merkle.OZ), three())
	ask := func() airdrop.WalletsUpload {
		return airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader(numbered(1).String())}
	}
	for range 3 { // memory that is not returned would be missing in the second round
		first := must(w.VerifyWallets(anybody, ask()))(t)
		second := must(w.VerifyWallets(anybody, ask()))(t)
		f := refused(w.VerifyWallets(anybody, ask()))(t, fault.Busy)
		if f.RetryAfter <= 0 {
			t.Error("the refusal has no RetryAfter")
		}
		if err := first.Write(io.Discard); err != nil {
			t.Fatal(err)
		}
		refused(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Body: broken{io.ErrUnexpectedEOF}}))(t, fault.Invalid)
		if err := second.Write(broken{io.ErrClosedPipe}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a reader that went away: %v", err)
		}
	}
}

// The cost of a check is limited by its caller: anybody can claim to be another
// caller.
func TestTheCostOfACheckIsLimitedByItsCaller(t *testing.T) {
	o := service.Options{MaxWallets: 600_000, MaxWalletsAnonymous: 1000}
	eachWayWith(t, o, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		line := numbered(1).String() + "\n"
		member := as(identity.Member)
		for name, check := range map[string]struct {
			caller context.Context
			body   []byte
			code   fault.Code // "": answered
		}{
			"anybody's lines":                {anybody, []byte(strings.Repeat(line, 1000)), ""},
			"one too many":                   {anybody, []byte(strings.Repeat(line, 1001)), fault.TooLarge},
			"a member's":                     {member, []byte(strings.Repeat(line, 1001)), ""},
			"more than 16 MiB":               {anybody, bytes.Repeat([]byte("\n"), 16<<20+1), fault.TooLarge},
			"a long window":                  {anybody, longWindow(line), fault.TooLarge},
			"a member's long window":         {member, longWindow(line), fault.TooLarge},
			"an operator's":                  {operator, longWindow(line), ""},
			"an answer of any length":        {member, zstandard(t, strings.Repeat("x\n", 500_000)), fault.TooLarge},
			"an operator's long answer":      {operator, zstandard(t, strings.Repeat("x\n", 500_000)), ""},
			"many empty lines":               {member, gzipped(t, strings.Repeat("\n", 17<<20)+line), fault.TooLarge},
			"an operator's many empty lines": {operator, gzipped(t, strings.Repeat("\n", 17<<20)+line), ""},
		} {
			stream, err := w.VerifyWallets(check.caller, airdrop.WalletsUpload{ID: c.ID, Body: bytes.NewReader(check.body)})
			if err == nil {
				err = stream.Write(io.Discard)
			}
			if check.code == "" && err != nil || check.code != "" && !fault.Is(err, check.code) {
				t.Errorf("%s: %v, want %q", name, err, check.code)
			}
		}
	})
}

// longWindow is a zstd frame with a window of 128 MiB and one raw block.
func longWindow(text string) []byte {
	size := len(text)<<3 | 1
	return append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x88, byte(size), byte(size >> 8), byte(size >> 16)}, text...)
}

// A body that arrives slowly, or not to its end, occupies what has arrived: its
// memory is counted as it grows, and decoding starts when all of it is there.
func TestAnUnfinishedCheckOccupiesOnlyWhatItHasSent(t *testing.T) {
	const waiting = 100
	w := open(t, service.Options{DB: databasetest.SQLite(t, airdrop.Name), VerifyBytes: waiting * 5 << 20}, seamtest.InProcess)
	c := w.built(t, draft(merkle.OZ), three())
	begun, ended := make(chan struct{}), make(chan error)
	finish := make(chan struct{})
	for range waiting {
		rest := longWindow("")
		body := readerFunc(func(p []byte) (int, error) {
			n := copy(p, rest)
			if rest = rest[n:]; n > 0 {
				return n, nil
			}
			begun <- struct{}{}
			<-finish
			return 0, io.ErrUnexpectedEOF
		})
		go func() {
			_, err := w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Body: body})
			ended <- err
		}()
	}
	for range waiting { // with a window each they would not all get here
		select {
		case <-begun:
		case err := <-ended:
			t.Fatalf("an upload is refused because others are slow: %v", err)
		}
	}
	close(finish)
	for range waiting {
		if err := <-ended; !fault.Is(err, fault.Invalid) {
			t.Errorf("a body that ended early: %v", err)
		}
	}
	if got := verdictsOf(t, w.verified(t, c.ID, strings.NewReader(numbered(1).String()))); len(got) != 1 {
		t.Errorf("after that there are %d verdicts", len(got))
	}
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }

// The text is endless, so the check ends because its caller has gone.
func TestAVerifyEndsWithItsCallerWhileItReads(t *testing.T) {
	w := open(t, service.Options{DB: databasetest.SQLite(t, airdrop.Name), MaxWalletsBytes: 1 << 40, MaxWallets: 1 << 30, VerifyBytes: 1 << 30}, seamtest.InProcess)
	c := w.built(t, draft(merkle.OZ), three())
	for name, text := range map[string]string{"line ends": "\n", "wallets": numbered(1).String() + "\n"} {
		ctx, cancel := context.WithCancel(operator)
		read := 0
		body := readerFunc(func(p []byte) (int, error) {
			if read += len(p); read > 8<<20 {
				cancel()
			}
			if read > 256<<20 {
				return 0, io.ErrUnexpectedEOF
			}
			n := 0
			for n < len(p) {
				n += copy(p[n:], text)
			}
			return n, nil
		})
		if _, err := w.VerifyWallets(ctx, airdrop.WalletsUpload{ID: c.ID, Body: body}); !fault.Is(err, fault.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

func TestAVerifyEndsWithItsCaller(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		ctx, cancel := context.WithCancel(anybody)
		stream := must(w.VerifyWallets(ctx, airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader(strings.Repeat(numbered(1).String()+"\n", 200_000))}))(t)
		cancel()
		if err := stream.Write(io.Discard); !fault.Is(err, fault.Canceled) {
			t.Errorf("after the caller went away: %v", err)
		}
	})
}

func verdictsOf(t testing.TB, text string) (all []airdrop.Verdict) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var v airdrop.Verdict
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != lines.Text() {
			t.Fatalf("the line\n%s\nis not what encoding/json writes:\n%s", lines.Text(), again)
		}
		all = append(all, v)
	}
	return all
}
