package trustlist_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
)

// The served module and the command have one rule for two statements on the
// same wallet: the later counts.
func TestAPairNamedTwiceIsRankedAsInTheServer(t *testing.T) {
	ids := job(t, "", "")
	ids.Trust, ids.Seeds = testneeds.Data(t, "cases/trust/10-same-pair-twice/trust.csv"), testneeds.Data(t, "cases/trust/10-same-pair-twice/seeds.csv")
	out, report := ranked(t, ids)
	if report.Repeated != 1 {
		t.Errorf("%d rows were replaced by a later one, want 1:\n%s", report.Repeated, out)
	}
}

// Whom the trusted distrust has less than a twin, and with a half-life so has
// who was trusted long ago.
func TestDistrustAndAgeCount(t *testing.T) {
	j := job(t, "", "")
	j.Trust, j.Seeds = testneeds.Data(t, "cases/trust/14-served-scores-without-distrust-and-age/trust.csv"), testneeds.Data(t, "cases/trust/14-served-scores-without-distrust-and-age/seeds.csv")
	j.Parameters.Method = trust.MethodBanyan
	out, _ := ranked(t, j)
	if strings.Index(out, "\nX,") > strings.Index(out, "\nY,") {
		t.Errorf("Y is distrusted, and stands above its twin X:\n%s", out)
	}
	j.HalfLife = 365 * 24 * 3600e9
	if out, _ = ranked(t, j); strings.Index(out, "\nQ,") > strings.Index(out, "\nP,") {
		t.Errorf("P was trusted ten years ago, and stands above its twin Q:\n%s", out)
	}
}

func TestScoresGoToStandardOutputAndThroughLinks(t *testing.T) {
	j := job(t, "a,b,1\nb,a,1\n", "a\n")
	file, _ := ranked(t, j)
	var stdout bytes.Buffer
	toStdout := j
	toStdout.Out, toStdout.Stdout = "-", &stdout
	if _, err := toStdout.Run(t.Context()); err != nil || stdout.String() != file {
		t.Errorf("standard output has %q, the file %q (%v)", &stdout, file, err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(j.Out, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.Out, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	through := j
	through.Out = link
	if out, _ := ranked(t, through); out != file {
		t.Errorf("through a link there is %q, want %q", out, file)
	}
	if about, err := os.Lstat(link); err != nil || about.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is none any more: %v, %v", about.Mode(), err)
	}
}

func TestAListComesFromStandardInput(t *testing.T) {
	j := job(t, "a,b,1\nb,a,1\n", "a\n")
	file, _ := ranked(t, j)
	j.Trust, j.Stdin = "-", strings.NewReader("a,b,1\nb,a,1\n")
	if out, _ := ranked(t, j); out != file {
		t.Errorf("from standard input\n%s", out)
	}
	j.Stdin = strings.NewReader("a,b,x\n")
	if _, err := j.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "standard input: ") {
		t.Errorf("a wrong row of standard input: %v", err)
	}
	j.Seeds = "-"
	if _, err := j.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--seeds") {
		t.Errorf("both lists from standard input: %v", err)
	}
}

const cafe = "founder,ann,10,2024-01-01\nfounder,mal,-10\nann,bob,5\nann,mal,-5\nbob,mal,4\nring1,ring2,10\nring2,ring1,10\n"

func TestAnExplanationAddsUp(t *testing.T) {
	j := job(t, cafe, "founder\n")
	j.Parameters.Method = trust.MethodBanyan
	kinds := map[string]string{}
	for _, id := range []string{"founder", "ann", "bob", "mal", "ring1"} {
		x, err := trustlist.Explain(t.Context(), j.Inputs, id)
		if err != nil {
			t.Fatal(err)
		}
		total := x.Seed + x.Dangling
		for i, p := range x.Parts {
			total += p.Share
			if p.Share != 0 {
				kinds[id] += p.Kind + " " + p.ID + "; "
			}
			if i > 0 && math.Abs(p.Share) > math.Abs(x.Parts[i-1].Share) {
				t.Errorf("%s: part %d is larger than the one before it", id, i)
			}
		}
		if math.Abs(total-x.Score) > 1e-12 || (x.Rank > 0) != (x.Score > 0) || (x.Weight > 0) != (x.Score > 0) || x.Of != 3 {
			t.Errorf("%s: the parts add up to %g of %+v", id, total, x)
		}
	}
	if kinds["ring1"] != "" || !strings.HasPrefix(kinds["ann"], "trust founder; ") || !strings.Contains(kinds["mal"], "distrust founder; ") || !strings.Contains(kinds["bob"], "conduct mal; ") {
		t.Errorf("the reasons are %v", kinds)
	}
	if _, err := trustlist.Explain(t.Context(), j.Inputs, "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown id: %v", err)
	}
}

func TestASetHoldsAtMostItsBound(t *testing.T) {
	j := job(t, cafe+"ann,ring1,1\n", "founder\n")
	set := write(t, t.TempDir(), "set.csv", "ring1\nring2\nring2\nunknown\n")
	b, err := trustlist.Bound(t.Context(), j.Inputs, set)
	if err != nil {
		t.Fatal(err)
	}
	if b.Members != 2 || b.Unknown != 1 || len(b.Edges) != 1 || b.Edges[0].From != "ann" || b.Edges[0].To != "ring1" || b.Seeded != 0 {
		t.Errorf("bounded %+v", b)
	}
	// The ring passes all its trust round, so it holds just what it can.
	if b.Held <= 0 || math.Abs(b.Held-b.Limit) > 1e-8 {
		t.Errorf("a closed ring holds %g, its bound is %g", b.Held, b.Limit)
	}
	alone := job(t, cafe, "founder\n")
	if b, err = trustlist.Bound(t.Context(), alone.Inputs, set); err != nil || b.Limit != 0 || b.Held != 0 || b.Weight != 0 {
		t.Errorf("a ring without an edge from outside: %+v, %v", b, err)
	}
	if _, err := trustlist.Bound(t.Context(), j.Inputs, write(t, t.TempDir(), "none.csv", "x\ny\n")); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "none of its 2 ids") {
		t.Errorf("a set of unknown ids: %v", err)
	}
}

func TestEvaluateReachesTheQualityThatWasPromised(t *testing.T) {
	j := job(t, "", "1\n")
	j.Parameters.Method = trust.MethodBanyan
	j.Trust = testneeds.Data(t, "trust/bitcoin-otc.csv")
	e, err := trustlist.Evaluate(t.Context(), j.Inputs, testneeds.Data(t, "trust/otc_labels_dev.csv"))
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]float64{"B+": 0.96, "C": 0.90, "time": 0.60}
	for _, p := range e.Protocols {
		if p.AUC < least[p.Protocol] || p.Low >= p.AUC || p.High <= p.AUC {
			t.Errorf("%s: %+v, want at least %g", p.Protocol, p.Estimate, least[p.Protocol])
		}
	}
	if len(e.Protocols) != 4 || e.Protocols[1].Good != 62 || e.Protocols[1].Bad != 72 || e.Protocols[2].Good != 28 || e.Protocols[2].Bad != 66 {
		t.Errorf("the protocols have other cases: %+v", e.Protocols)
	}
	j.Trust = testneeds.Data(t, "trust/bitcoin-alpha.csv")
	if e, err = trustlist.Evaluate(t.Context(), j.Inputs, ""); err != nil || len(e.Protocols) != 1 || e.Protocols[0].AUC < 0.60 {
		t.Errorf("Alpha by time: %+v, %v", e.Protocols, err)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Errorf("the result is no JSON: %v", err)
	}
}

func TestWrongLabelsAreRefused(t *testing.T) {
	j := job(t, cafe, "founder\n")
	for labels, says := range map[string]string{
		"id,label\nann,1\nbob,perhaps\n": "line 3: label",
		"id,label\nx,1\n":                "no label is of an id",
		"":                               "empty",
	} {
		if _, err := trustlist.Evaluate(t.Context(), j.Inputs, write(t, t.TempDir(), "labels.csv", labels)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", labels, err)
		}
	}
	if _, err := trustlist.Evaluate(t.Context(), j.Inputs, ""); err == nil || !strings.Contains(err.Error(), "--labels") {
		t.Errorf("without labels and times: %v", err)
	}
	e, err := trustlist.Evaluate(t.Context(), j.Inputs, write(t, t.TempDir(), "labels.csv", "ann,1\nbob,good\nmal,-1\nnobody,0\n"))
	if err != nil || e.Labels != 3 || e.Unknown != 1 || e.Protocols[0].AUC != 1 || e.Protocols[1].Known() {
		t.Errorf("labels without a header: %+v, %v", e, err)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Errorf("a protocol without cases is no JSON: %v", err)
	}
}
