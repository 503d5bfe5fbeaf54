package exchangereview

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/platform/wallet"
)

// reference hashes the document as go-ethereum reads it from JSON, which is
// what a wallet does.
func reference(t testing.TB, document TypedData) Hash {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(text, &typed); err != nil {
		t.Fatalf("go-ethereum cannot read the document: %v", err)
	}
	hash, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		t.Fatalf("go-ethereum cannot hash the document: %v", err)
	}
	return Hash(hash)
}

func aReview() SignedReview {
	return SignedReview{
		Slug:    "kraken",
		Wallet:  wallet.MustParse("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
		Overall: 4, Aspects: Aspects[int]{1, 2, 3, 4, 5, 1},
		Text: "Fast, and the support answers. ✓\n\"quoted\"", CreatedMS: 1_790_000_000_123,
		Previous: Hash{0: 1, 31: 0xff},
	}
}

func TestDigestIsWhatGoEthereumComputes(t *testing.T) {
	first, empty, late := aReview(), aReview(), aReview()
	first.Previous = Hash{}
	empty.Text = ""
	late.CreatedMS = 1 << 60
	for name, r := range map[string]SignedReview{"edit": aReview(), "first": first, "without text": empty, "beyond 2^53": late} {
		d := NewDigester("banyan.example:8443")
		if got, want := d.Hash(&r), reference(t, d.Document(&r)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Signatures of years ago must stay verifiable: this one never changes.
func TestDigestStaysTheSame(t *testing.T) {
	const want = "0x8bd8ff432c8b9637ae6029be48ecd7e34e7eba5011272e1156b33932ec7129dd"
	r := aReview()
	if got := NewDigester("banyan.example").Hash(&r); got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A signature covers every field: changing any one changes the digest.
func TestEveryFieldIsSigned(t *testing.T) {
	seen := map[Hash]string{}
	add := func(name, site string, change func(*SignedReview)) {
		r := aReview()
		change(&r)
		h := NewDigester(site).Hash(&r)
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[h] = name
	}
	const site = "banyan.example"
	add("unchanged", site, func(*SignedReview) {})
	add("site", "other.example", func(*SignedReview) {})
	add("exchange", site, func(r *SignedReview) { r.Slug = "krakem" })
	add("wallet", site, func(r *SignedReview) { r.Wallet[19]++ })
	add("overall", site, func(r *SignedReview) { r.Overall-- })
	add("withdrawals", site, func(r *SignedReview) { r.Aspects.Withdrawals++ })
	add("support", site, func(r *SignedReview) { r.Aspects.Support++ })
	add("fees", site, func(r *SignedReview) { r.Aspects.Fees++ })
	add("execution", site, func(r *SignedReview) { r.Aspects.Execution++ })
	add("security", site, func(r *SignedReview) { r.Aspects.Security-- })
	add("ease", site, func(r *SignedReview) { r.Aspects.Ease++ })
	add("text", site, func(r *SignedReview) { r.Text += " " })
	add("created", site, func(r *SignedReview) { r.CreatedMS++ })
	add("previous", site, func(r *SignedReview) { r.Previous[5]++ })
}

func FuzzDigest(f *testing.F) {
	f.Add("banyan.example", "kraken", "a text", int64(1_790_000_000_000), []byte{1, 2, 3}, uint32(12345))
	f.Fuzz(func(t *testing.T, site, slug, text string, created int64, bytes []byte, stars uint32) {
		star := func(i int) int { return int(stars>>(4*i))%5 + 1 }
		r := SignedReview{
			Slug: slug, Text: text, CreatedMS: created, Overall: star(0),
			Aspects: Aspects[int]{star(1), star(2), star(3), star(4), star(5), star(6)},
		}
		copy(r.Wallet[:], bytes)
		copy(r.Previous[:], bytes)
		for _, s := range []string{site, slug, text} {
			if strings.ToValidUTF8(s, "") != s {
				t.Skip("JSON carries valid UTF-8 only")
			}
		}
		if created < 0 {
			t.Skip("Validate refuses it")
		}
		d := NewDigester(site)
		if got, want := d.Hash(&r), reference(t, d.Document(&r)); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

// A client that has only the JSON of the answer sends the review back unchanged.
func TestAPreparedReviewKeepsItsExchangeInJSON(t *testing.T) {
	d := NewDigester("banyan.example")
	review := SignedReview{Slug: "kraken", Overall: 4, Text: "fine"}
	text, err := json.Marshal(PreparedReview{TypedData: d.Document(&review), Review: review})
	if err != nil {
		t.Fatal(err)
	}
	var back PreparedReview
	if err := json.Unmarshal(text, &back); err != nil || back.Review != review {
		t.Errorf("read back %+v (%v), want %+v", back.Review, err, review)
	}
}
