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
	eachWay(t, func(t *testing.T, w *world) {
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

// The answer is made from a packed form in several pieces and by several
// goroutines; here each of many lines is checked against what was sent.
func TestVerdictsOfManyLinesMatchTheirLines(t *testing.T) {
	const rows, asked = 3000, 40_000
	eachWay(t, func(t *testing.T, w *world) {
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

func TestAVerifyThatCannotBeWholeFailsBeforeItBegins(t *testing.T) {
	eachWayWith(t, service.Options{MaxWallets: 1000, MaxWalletsBytes: 100_000}, func(t *testing.T, w *world) {
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
			"a gzip that was cut":     {bytes.NewReader(packed[:len(packed)-6]), fault.Invalid},
			"a line too many":         {strings.NewReader(wallets + numbered(1).String()), fault.TooLarge},
			"a bomb":                  {bytes.NewReader(gzipped(t, strings.Repeat("\n", 10_000_000))), fault.TooLarge},
			"a stream that broke off": {io.MultiReader(strings.NewReader(wallets), broken{io.ErrUnexpectedEOF}), fault.Invalid},
			"nothing":                 {strings.NewReader(""), fault.Invalid},
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

// In process only: over HTTP the answer is written, and its memory given back,
// before the caller has it.
func TestChecksShareTheirMemory(t *testing.T) {
	w := open(t, service.Options{DB: databasetest.SQLite(t, airdrop.Name), VerifyBytes: 10 << 20}, seamtest.InProcess)
	c := w.built(t, draft(merkle.OZ), three())
	ask := func() airdrop.WalletsUpload {
		return airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader(numbered(1).String())}
	}
	for range 3 { // memory that is not given back would be missed in the second round
		first := must(w.VerifyWallets(anybody, ask()))(t)
		second := must(w.VerifyWallets(anybody, ask()))(t)
		f := refused(w.VerifyWallets(anybody, ask()))(t, fault.Busy)
		if f.RetryAfter <= 0 {
			t.Error("who is sent away is not told when to come back")
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

func TestAVerifyEndsWithItsCaller(t *testing.T) {
	eachWay(t, func(t *testing.T, w *world) {
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
