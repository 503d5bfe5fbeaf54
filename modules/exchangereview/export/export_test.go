package export_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/klauspost/compress/zstd"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const timeMS = 1_790_000_000_000

// made is what an export is made of, so that a test can change a part.
type made struct {
	parameters export.Parameters
	exchanges  []export.Exchange
	reviews    []export.Review
	tombstones []export.Review
}

func key(t testing.TB, n byte) *ecdsa.PrivateKey {
	t.Helper()
	k, err := crypto.ToECDSA(bytes.Repeat([]byte{n + 1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sample(t testing.TB, n int) made {
	t.Helper()
	m := made{parameters: export.Parameters{
		Format: export.Format, Site: "a.example", Epoch: 7, TimeMS: timeMS, Day: ranking.DayOf(timeMS), Landmark: ranking.Landmark, Formula: ranking.Version,
	}}
	tallies := []*ranking.Tally{{}, {}, {}}
	slugs := []string{"alpha", "beta", "gamma"}
	for i := range n {
		r := signed(t, i, slugs[i%2], i%5+1)
		m.reviews = append(m.reviews, r)
		counted := ranking.Review{Day: ranking.DayOf(r.CreatedMS), Group: ranking.Unproven, Weight: r.Weight, Stars: r.Stars}
		tallies[i%2].Add(&counted, ranking.Landmark)
	}
	gone := signed(t, 200, "alpha", 5)
	hash := exchangereview.TextHash(gone.Text)
	gone.Text, gone.TextHash, gone.State, gone.Weight = "", &hash, exchangereview.Removed, 0
	m.tombstones = append(m.tombstones, gone)
	m.parameters.Prior = ranking.PriorOf(tallies, ranking.Landmark, m.parameters.Day)
	at := ranking.Parameters{Landmark: ranking.Landmark, Day: m.parameters.Day, Prior: m.parameters.Prior}
	var overall []ranking.Score
	for i, slug := range slugs {
		e := export.Exchange{Slug: slug, Reviews: tallies[i].Reviews()}
		for d := range e.Scores {
			e.Scores[d] = export.ScoreOf(at.Score(tallies[i], d))
		}
		overall = append(overall, at.Score(tallies[i], 0))
		m.exchanges = append(m.exchanges, e)
	}
	export.Rank(m.exchanges, overall)
	return m
}

// flooded is a sample of which alpha has received 25 bad reviews on the day of the
// ranking: the alarms follow from the reviews.
func flooded(t testing.TB) made {
	t.Helper()
	m := sample(t, 16)
	for i := range 25 {
		r := signed(t, 100+i, "alpha", 1)
		s := exchangereview.SignedReview{Slug: r.Exchange, Wallet: r.Wallet, Overall: 1, Text: r.Text, CreatedMS: timeMS, Aspects: exchangereview.Aspects[int]{Withdrawals: 1, Support: 2, Fees: 3, Execution: 4, Security: 5, Ease: 1}}
		r.CreatedMS, r.State, r.HeldUntilMS, r.Weight = timeMS, exchangereview.Held, timeMS+7*86_400_000, 0
		r.Hash = exchangereview.NewDigester("a.example").Hash(&s)
		made, err := crypto.Sign(r.Hash[:], key(t, byte(100+i)))
		if err != nil {
			t.Fatal(err)
		}
		r.Signature = exchangereview.Signature(made)
		m.reviews = append(m.reviews, r)
	}
	m.exchanges[0].Warned, m.exchanges[0].Holds = true, true
	return m
}

func signed(t testing.TB, i int, slug string, stars int) export.Review {
	t.Helper()
	k := key(t, byte(i))
	s := exchangereview.SignedReview{
		Slug: slug, Wallet: wallet.Address(crypto.PubkeyToAddress(k.PublicKey)), Overall: stars, Text: "Ünïcode \"text\"\n<b>" + slug,
		Aspects: exchangereview.Aspects[int]{Withdrawals: 1, Support: 2, Fees: 3, Execution: 4, Security: 5, Ease: stars}, CreatedMS: timeMS - int64(i)*86_400_000,
	}
	hash := exchangereview.NewDigester("a.example").Hash(&s)
	made, err := crypto.Sign(hash[:], k)
	if err != nil {
		t.Fatal(err)
	}
	return export.Review{
		Exchange: slug, Wallet: s.Wallet, Site: "a.example", Stars: s.Stars(), Text: s.Text, CreatedMS: s.CreatedMS, Version: 1, Hash: hash,
		Signature: exchangereview.Signature(made), State: exchangereview.Counted, Group: "unproven", Weight: 20_000 + uint32(i),
	}
}

func (m made) write(t testing.TB) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := export.NewWriter(&file, m.parameters)
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	fail(err)
	for i := range m.exchanges {
		fail(w.Exchange(&m.exchanges[i]))
	}
	for i := range m.reviews {
		fail(w.Review(&m.reviews[i]))
	}
	for i := range m.tombstones {
		fail(w.Tombstone(&m.tombstones[i]))
	}
	_, err = w.Close()
	fail(err)
	return file.Bytes()
}

func verify(t testing.TB, file []byte) export.Report {
	t.Helper()
	r, err := export.Verify(t.Context(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatFollowsFromItsReviewsIsValid(t *testing.T) {
	r := verify(t, sample(t, 60).write(t))
	if !r.Valid || r.Epoch != 7 || r.Exchanges != 3 || r.Reviews != 60 || r.Tombstones != 1 || r.Signatures != 61 || r.Ranked != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestAlarmsFollowFromTheReviews(t *testing.T) {
	if r := verify(t, flooded(t).write(t)); !r.Valid {
		t.Errorf("got %+v", r)
	}
	for name, change := range map[string]func(*made){
		"an alarm less":    func(m *made) { m.exchanges[0].Warned = false },
		"a hold less":      func(m *made) { m.exchanges[0].Holds = false },
		"an alarm more":    func(m *made) { m.exchanges[1].Warned = true },
		"the flood hidden": func(m *made) { m.reviews = m.reviews[:16] },
	} {
		m := flooded(t)
		change(&m)
		if r := verify(t, m.write(t)); r.Valid || !strings.Contains(strings.Join(r.Problems, "\n"), "other scores, reviews, alarms") {
			t.Errorf("%s: found %q", name, r.Problems)
		}
	}
}

// Whoever changes a number can write the root again: then what does not follow is
// found, and named.
func TestWhatDoesNotFollowIsNamed(t *testing.T) {
	for says, change := range map[string]func(*made){
		"not the digest":             func(m *made) { m.reviews[3].Text += "!" },
		"its hash is not":            func(m *made) { m.reviews[3].Stars[0] = m.reviews[3].Stars[0]%5 + 1 },
		"its signature is that of":   func(m *made) { m.reviews[3].Signature = changed(m.reviews[3].Signature, 40, 1) },
		"other scores":               func(m *made) { m.reviews[3].Weight++ },
		"is not a group":             func(m *made) { m.reviews[3].Group = "friends" },
		"than its reviews give":      func(m *made) { m.exchanges[0].Rank += 2 },
		"alpha has other scores":     func(m *made) { m.exchanges[0].Scores[3].Mean++ },
		"the prior":                  func(m *made) { m.parameters.Prior[0][4]++ },
		"two reviews":                func(m *made) { m.reviews = append(m.reviews, m.reviews[0]) },
		"not among the exchanges":    func(m *made) { m.exchanges = m.exchanges[1:] },
		"listed twice":               func(m *made) { m.exchanges = append(m.exchanges, m.exchanges[2]) },
		"the day of the ranking":     func(m *made) { m.parameters.TimeMS += 86_400_000 },
		"of format":                  func(m *made) { m.parameters.Format = "other" },
		"a tombstone":                func(m *made) { m.tombstones[0].State = exchangereview.Counted },
		"tombstone of alpha":         func(m *made) { m.tombstones[0].TextHash[0] ^= 1 },
		"beta has other scores":      func(m *made) { m.reviews = m.reviews[:59] },
		"its weight":                 func(m *made) { m.reviews[3].Weight = ranking.One + 1 },
		"weight is more":             func(m *made) { m.reviews[3].Weight = ranking.One*4/10 + 1 },
		"has no proof":               func(m *made) { m.reviews[3].Group = "proven" },
		"its signature is malformed": func(m *made) { m.reviews[3].Signature = changed(m.reviews[3].Signature, 64, 9) },
		"its stars are not 1 to 5":   func(m *made) { m.reviews[3].Stars[2] = 0 },
		`it is "removed"`:            func(m *made) { m.reviews[3].State = exchangereview.Removed },
	} {
		m := sample(t, 60)
		change(&m)
		r := verify(t, m.write(t))
		if r.Valid || !strings.Contains(strings.Join(r.Problems, "\n"), says) {
			t.Errorf("%s: found %q", says, r.Problems)
		}
	}
}

// changed returns a signature with the bits of a byte turned.
func changed(s exchangereview.Signature, at int, bits byte) exchangereview.Signature {
	b := []byte(s)
	b[at] ^= bits
	return exchangereview.Signature(b)
}

// One byte changed anywhere in the archive is found.
func TestAChangedByteIsFound(t *testing.T) {
	packed := sample(t, 4).write(t)
	for i := range packed {
		changed := bytes.Clone(packed)
		changed[i] ^= 1
		if r, err := export.Verify(t.Context(), bytes.NewReader(changed)); err == nil && r.Valid {
			t.Fatalf("byte %d of %d may be changed", i, len(packed))
		}
	}
	plain := decompressed(t, packed)
	for _, part := range []string{`"text":"`, `"landmark":`, `"weight":`, `"root":"0x`, `"rank":`} {
		at := bytes.Index(plain, []byte(part)) + len(part)
		changed := bytes.Clone(plain)
		changed[at] ^= 1
		r, err := export.Verify(t.Context(), bytes.NewReader(compressed(t, changed)))
		if err == nil && r.Valid {
			t.Errorf("a byte behind %s may be changed", part)
		}
	}
	for _, n := range []int{0, 10, len(packed) / 2, len(packed) - 1} {
		if r, err := export.Verify(t.Context(), bytes.NewReader(packed[:n])); err == nil && r.Valid || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("the first %d bytes: %+v, %v", n, r, err)
		}
	}
}

// A line is one value: what follows it would be hashed, and counted by nobody.
func TestALineHasOneValue(t *testing.T) {
	plain := decompressed(t, sample(t, 4).write(t))
	changed := bytes.Replace(plain, []byte("\n{\"exchange\""), []byte(" {\"exchange\""), 1)
	if bytes.Equal(changed, plain) {
		t.Fatal("there are no two lines")
	}
	r, err := export.Verify(t.Context(), bytes.NewReader(compressed(t, changed)))
	if err != nil || r.Valid || !strings.Contains(strings.Join(r.Problems, "\n"), "more than one value") {
		t.Errorf("%+v, %v", r, err)
	}
}

func decompressed(t testing.TB, packed []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func compressed(t testing.TB, plain []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	file := e.EncodeAll(plain, nil)
	sum := sha256.Sum256(file)
	return append(append(file, 0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0), sum[:]...)
}

// A second program, of nothing but Python's standard library and written from the
// description alone, comes to the same root and the same scores.
func TestAnIndependentProgramComesToTheSame(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	m := flooded(t)
	packed := m.write(t)
	run := func(packed []byte) (string, error) {
		path := filepath.Join(t.TempDir(), "export.tar")
		if err := os.WriteFile(path, decompressed(t, packed), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), python, "testdata/verify.py", path).CombinedOutput()
		return string(out), err
	}
	out, err := run(packed)
	if err != nil || !strings.Contains(out, verify(t, packed).Root.String()) || !strings.Contains(out, "41 reviews") {
		t.Errorf("it says %v: %s", err, out)
	}
	m.exchanges[0].Holds = false
	if out, err := run(m.write(t)); err == nil || !strings.Contains(out, "alarms") {
		t.Errorf("it accepts another alarm: %s", out)
	}
	m.exchanges[0].Holds = true
	m.reviews[5].Weight++
	if out, err := run(m.write(t)); err == nil {
		t.Errorf("it accepts another weight: %s", out)
	}
}
