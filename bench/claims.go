package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/holiman/uint256"

	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// maxWallets bounds the number of different wallets in the requests.
const maxWallets = 1000

// asked is a client's request for a claim, and the answer. Its headers are all
// but the date and the length, which every server sets; a list, which is faster
// to iterate than a map.
type asked struct {
	Path, Answer []byte
	Header       []header
}

type header struct {
	Name   string
	Values []string
}

// someClaims requests the claims of wallets across the list, and compares each with
// our own tree of it.
func (s *server) someClaims(ctx context.Context, tree *merkle.Tree) ([]asked, error) {
	all := make([]asked, min(maxWallets, tree.Count()))
	for i := range all {
		at := i * (tree.Count() / len(all))
		e, err := tree.At(at)
		if err != nil {
			return nil, err
		}
		path := s.campaign + "/claims/" + e.Wallet.String()
		answer, headers, err := s.send(ctx, "GET", path, nil)
		if err != nil {
			return nil, err
		}
		headers.Del("Date")
		headers.Del("Content-Length")
		if err := isClaim(answer, tree, at, e); err != nil {
			return nil, fmt.Errorf("the claim of %s: %w", e.Wallet, err)
		}
		all[i] = asked{Path: []byte(path), Answer: answer, Header: listed(headers)}
	}
	return all, nil
}

func listed(headers http.Header) []header {
	list := make([]header, 0, len(headers))
	for name, values := range headers {
		list = append(list, header{name, values})
	}
	return list
}

// isClaim compares an answer with the row and the proof of our own tree.
func isClaim(answer []byte, tree *merkle.Tree, at int, e merkle.Entry) error {
	var got struct {
		Wallet     wallet.Address
		Index      uint64
		Amount     uint256.Int
		Leaf, Root merkle.Hash
		Proof      []merkle.Hash
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	leaf, err := tree.Leaf(at)
	if err != nil {
		return err
	}
	proof, err := tree.AppendProof(nil, at)
	if err != nil {
		return err
	}
	same := len(got.Proof) == len(proof)
	for i := 0; same && i < len(proof); i++ {
		same = got.Proof[i] == proof[i]
	}
	if !same || got.Wallet != e.Wallet || got.Amount != e.Amount || got.Index != e.Index || got.Leaf != leaf || got.Root != tree.Root() {
		return fmt.Errorf("it is not what the tree says: %s", answer)
	}
	return nil
}

// askingClaims measures banyan and the bare handler alternately.
func (b *bench) askingClaims(ctx context.Context, e engine, s *server, claims []asked) error {
	bare, err := b.startBare(ctx, claims)
	if err != nil {
		return err
	}
	defer bare.stop()
	var callers [2]*callers
	for i, server := range []*process{s.process, bare} {
		if callers[i], err = dialAll(ctx, server, claims); err != nil {
			return err
		}
		defer callers[i].close()
	}
	var used, rate []float64 // ratios of the bare handler's figures to ours
	var best [2]cost
	for turn := range 4*b.rounds + 1 {
		var turns [2]cost
		for i := range callers {
			if turns[i], err = callers[i].ask(ctx, b.claims); err != nil {
				return err
			}
		}
		if turn == 0 {
			continue // warm-up
		}
		ours, theirs := turns[0], turns[1]
		rate = append(rate, 100*theirs.took.Seconds()/ours.took.Seconds())
		if ours.used > 0 {
			used = append(used, 100*theirs.used.Seconds()/ours.used.Seconds())
		}
		for i := range best {
			best[i].better(turns[i])
		}
	}
	b.claimed(e, best, used, rate)
	return nil
}

// claimed reports what the requests for claims took.
func (b *bench) claimed(e engine, best [2]cost, used, rate []float64) {
	each := func(d time.Duration) time.Duration { return d / time.Duration(b.claims) }
	b.report.reach(claimsRate, e, median(rate))
	for i, by := range []string{e.Name(), "bare chi"} {
		ratio := ""
		if i == 0 {
			ratio = fmt.Sprintf("%.0f %% of bare chi's rate", median(rate))
		}
		b.report.add(result{
			work: fmt.Sprintf("claims over HTTP, %d connections", connections), by: by, took: best[i].took,
			ratio: fmt.Sprintf("%.0f claims/s  %s", float64(b.claims)/best[i].took.Seconds(), ratio),
		})
	}
	if len(used) == 0 {
		return // no CPU time of other processes on this system
	}
	b.report.reach(claimsProcessor, e, median(used))
	b.report.add(result{
		work: "processors' time of one claim", by: e.Name(), took: each(best[0].used),
		ratio: fmt.Sprintf("bare chi takes %s, %.0f %% of it", short(each(best[1].used)), median(used)),
	})
}

// startBare starts this program again, as the bare handler.
func (b *bench) startBare(ctx context.Context, claims []asked) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	answers := b.path("claims.json")
	if err := os.WriteFile(answers, text, 0o600); err != nil {
		return nil, err
	}
	ctx, kill := context.WithCancel(ctx)
	return startServer(bareProgram(ctx, self, answers), kill)
}

// errOtherAnswer reports that a server gave a different answer under load.
var errOtherAnswer = errors.New("a claim is not, byte for byte, what it was before")

func (a asked) check(answer []byte) error {
	if !bytes.Equal(answer, a.Answer) {
		return errOtherAnswer
	}
	return nil
}
