package trustlist_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// The scores of a graph are the same bits, and the root over them the same root, on
// every machine and number of cores: `make test-arm64` runs this, too. A change of the
// method changes them, and nothing else may.
func TestAnEpochsRootIsTheSameOnEveryMachine(t *testing.T) {
	const nodes, at = 4000, 1_700_000_000_000
	for _, c := range []struct {
		name, method string
		halfLife     time.Duration
		values, root string
	}{
		{"banyan", trust.MethodBanyan, 0, "f2d1c54489e08bc73dad6eacba1a502b782e74d5e726bd73c0d2327a956c0ba5", "0x44f5dd95e4c90042a50e04f3aaf53300bf0da067602eaa9e921654098eac3c33"},
		{"banyan with a half-life", trust.MethodBanyan, 400 * 24 * time.Hour, "1afeca6db2ac8a9ae8b5ed6f985d2314719faa69d784dd02dd2cd1c42d36ab0a", "0xb2446c7003d9b867236fa7531ab7a03e40c6ed7fe9586367b658e2742bfd48d7"},
		{"eigentrust", trust.MethodEigenTrust, 0, "3eb0ebb893ca40bb322141f900ddbabbe802064c60ac0089ff1455c7a4d0a855", "0x6c85c92d552ab1f5ac3888af48b3121c14f1f32311c3932e3cab9c494c340b05"},
	} {
		for _, workers := range []int{1, 3, 16} {
			g, err := trust.NewGraph(nodes, drawn(t, nodes), trust.Decay{HalfLife: c.halfLife, At: at})
			if err != nil {
				t.Fatal(err)
			}
			pre, err := trust.Seeded(nodes, []trust.Seed{{Node: 0}, {Node: 17, Weight: 0.3}, {Node: 400, Weight: 2}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := trust.Rank(t.Context(), g, pre, parameters(c.method), trust.Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			values, list := sha256.New(), merkle.NewList()
			for _, p := range trustlist.Order(r.Value) {
				var bits [8]byte
				binary.BigEndian.PutUint64(bits[:], math.Float64bits(r.Value[p.Node]))
				_, _ = values.Write(bits[:]) // a hash does not fail
				score, _ := trustlist.Points(r.Weight(p.Node))
				var w wallet.Address
				binary.BigEndian.PutUint32(w[:], p.Node+1)
				if err := list.Append(w, *uint256.NewInt(uint64(score))); err != nil {
					t.Fatal(err)
				}
			}
			tree, err := merkle.Build(t.Context(), merkle.OZ, list, merkle.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got, root := hex.EncodeToString(values.Sum(nil)), tree.Root().String(); got != c.values || root != c.root {
				t.Errorf("%s on %d workers: the values are %s, the root is %s", c.name, workers, got, root)
			}
		}
	}
}

// drawn are ratings drawn by a generator of its own: those of libraries may change.
func drawn(t *testing.T, nodes uint32) *trust.Edges {
	t.Helper()
	state := uint64(1)
	draw := func(below uint32) uint32 { // Knuth's MMIX
		state = state*6364136223846793005 + 1442695040888963407
		return uint32(state>>33) % below
	}
	edges := &trust.Edges{}
	for range 10 * nodes {
		source, target := draw(nodes), draw(1+draw(nodes))
		e := trust.Edge{Source: source, Target: target, Weight: float64(draw(1300))/100 - 2, Time: 1_600_000_000_000 + int64(draw(100_000_000))*1000}
		if draw(50) == 0 {
			e.Time = trust.NoTime
		}
		if err := edges.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return edges
}
