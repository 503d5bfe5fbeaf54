package sybil_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop/sybil"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// hop is the airdrop whose labels are public.
type hop struct {
	transfers  sybil.Transfers
	candidates []wallet.Address
	excluded   map[wallet.Address]bool
	features   map[wallet.Address]sybil.Behaviour
	labels     map[wallet.Address]bool // true: sybil
}

func rows(t testing.TB, path string, header bool, each func(cells []string)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if header {
			header = false
			continue
		}
		each(strings.Split(strings.TrimSpace(lines.Text()), ","))
	}
}

func loadHop(t testing.TB) *hop {
	t.Helper()
	transfers, features := testneeds.Data(t, "hop-sybil"), testneeds.Data(t, "hop-airdrop")
	h := &hop{excluded: map[wallet.Address]bool{}, features: map[wallet.Address]sybil.Behaviour{}, labels: map[wallet.Address]bool{}}
	rows(t, filepath.Join(transfers, "edges.csv.zst"), true, func(c []string) {
		h.transfers.Add(wallet.MustParse(c[0]), wallet.MustParse(c[1]), sybil.NoTime)
	})
	rows(t, filepath.Join(transfers, "labels_dev.csv.zst"), true, func(c []string) { h.labels[wallet.MustParse(c[0])] = c[1] == "sybil" })
	rows(t, filepath.Join(transfers, "blacklist.txt.zst"), false, func(c []string) {
		if strings.HasPrefix(c[0], "0x") {
			h.excluded[wallet.MustParse(c[0])] = true
		}
	})
	rows(t, filepath.Join(features, "features.csv.zst"), true, func(c []string) {
		w := wallet.MustParse(c[0])
		volume, _ := strconv.ParseFloat(c[1], 64)
		first, _ := strconv.ParseInt(c[2], 10, 64)
		h.candidates = append(h.candidates, w)
		h.features[w] = sybil.Behaviour{Volume: volume, First: first}
	})
	return h
}

func (h *hop) judge(t testing.TB, features bool) []sybil.Judgement {
	t.Helper()
	in := sybil.Input{Transfers: &h.transfers, Candidates: h.candidates, Excluded: h.excluded}
	if features {
		in.Features = h.features
	}
	judged, err := sybil.Judge(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return judged
}

// quality returns precision and recall on the labels at a threshold.
func (h *hop) quality(judged []sybil.Judgement, threshold float64) (precision, recall float64, flagged int) {
	hits, all, sybils := 0, 0, 0
	for _, j := range judged {
		label, known := h.labels[j.Wallet]
		if j.Score >= threshold {
			flagged++
		}
		if !known {
			continue
		}
		if label {
			sybils++
		}
		if j.Score >= threshold {
			all++
			if label {
				hits++
			}
		}
	}
	return float64(hits) / float64(all), float64(hits) / float64(sybils), flagged
}

// The goals are for the development labels. The curve is printed: which point of it
// is right is for people to decide.
func TestQualityOnHop(t *testing.T) {
	h := loadHop(t)
	for _, c := range []struct {
		features          bool
		precision, recall float64
	}{{true, .93, .69}, {false, .915, .64}} {
		judged := h.judge(t, c.features)
		for _, at := range []float64{.4, .5, .6, sybil.Threshold, .7, .8, .9} {
			p, r, n := h.quality(judged, at)
			t.Logf("features %t, from %.2f: precision %.3f, recall %.3f, %d flagged", c.features, at, p, r, n)
		}
		if p, r, _ := h.quality(judged, sybil.Threshold); p < c.precision || r < c.recall {
			t.Errorf("features %t: precision %.3f and recall %.3f, want %.3f and %.3f", c.features, p, r, c.precision, c.recall)
		}
	}
}

// The scores are near the share of wallets that people have labelled, which the
// documentation promises.
func TestScoresAreNearTheObservedShare(t *testing.T) {
	h := loadHop(t)
	var known, labelled [10]int
	for _, j := range h.judge(t, true) {
		if label, ok := h.labels[j.Wallet]; ok && j.Score > 0 {
			known[int(j.Score*10)]++
			if label {
				labelled[int(j.Score*10)]++
			}
		}
	}
	for tenth := 6; tenth < 10; tenth++ {
		share := float64(labelled[tenth]) / float64(known[tenth])
		t.Logf("scores from .%d: %d wallets, %.2f labelled", tenth, known[tenth], share)
		if share < float64(tenth)/10-.1 {
			t.Errorf("scores from .%d: %.2f are labelled", tenth, share)
		}
	}
}
