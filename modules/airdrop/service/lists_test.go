package service_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/holiman/uint256"
	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

func TestTheUNIListGivesUniswapsRoot(t *testing.T) {
	list := testneeds.ReadData(t, "uni/uni_claims.csv.zst")
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.Uniswap))
		must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: bytes.NewReader(list)}))(t)
		built := must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		if built.Root.String() != "0xc8500f8e2fcf3c9a32880e1b973fb28acc88be35787a8abcf9981b2b65dbdeb5" {
			t.Errorf("root is %s", built.Root)
		}
		if built.Count != 252_803 || built.Total.Dec() != "149999999975656000000000000" {
			t.Errorf("%d claims of %s in total", built.Count, built.Total.Dec())
		}
		again := w.restarted(t)
		for _, holder := range []string{"0x00000000219ab540356cBB839Cbe05303d7705Fa", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"} {
			ask := airdrop.ClaimQuery{ID: c.ID, Wallet: wallet.MustParse(holder)}
			claim, err := w.Claim(anybody, ask)
			if err != nil {
				refused(claim, err)(t, fault.NotFound)
				continue
			}
			e := merkle.Entry{Index: claim.Index, Wallet: claim.Wallet, Amount: claim.Amount}
			if !merkle.Verify(merkle.Uniswap, *built.Root, e, claim.Proof) {
				t.Errorf("the proof of %s does not lead to the root", holder)
			}
			same(t, "the claim after a restart", must(again.Claim(anybody, ask))(t), claim)
		}
	})
}

func TestOpenZeppelinsVectorsVerify(t *testing.T) {
	var vectors []struct {
		N       int
		Total   string
		Root    merkle.Hash `json:"root_address_amount"`
		Indexed merkle.Hash `json:"root_index_address_amount"`
		Proofs  []struct {
			Index   uint64
			Address wallet.Address
			Amount  string
			Proof   []merkle.Hash
			Indexed []merkle.Hash `json:"proof_indexed"`
		}
	}
	if err := json.Unmarshal(testneeds.ReadData(t, "oz/oz_vectors.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("there are no vectors")
	}
	eachWay(t, func(t *testing.T, w *fixture) {
		for _, v := range vectors {
			list := testneeds.ReadData(t, fmt.Sprintf("oz/oz_%d.csv", v.N))
			plain := w.built(t, draft(merkle.OZ), string(list))
			indexed := w.built(t, draft(merkle.OZIndexed), string(list))
			if *plain.Root != v.Root || *indexed.Root != v.Indexed || plain.Count != v.N || plain.Total.Dec() != v.Total {
				t.Errorf("%d rows: roots %s and %s, total %s", v.N, plain.Root, indexed.Root, plain.Total.Dec())
			}
			for _, p := range v.Proofs {
				for id, proof := range map[string][]merkle.Hash{plain.ID: p.Proof, indexed.ID: p.Indexed} {
					claim := must(w.Claim(anybody, airdrop.ClaimQuery{ID: id, Wallet: p.Address}))(t)
					if claim.Index != p.Index || claim.Amount != *uint256.MustFromDecimal(p.Amount) {
						t.Errorf("%d rows: %s has index %d and amount %s", v.N, p.Address, claim.Index, claim.Amount.Dec())
					}
					same(t, "proof", claim.Proof, proof)
				}
			}
		}
	})
}

func TestAListComesPlainGzippedOrZstandard(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		root := w.built(t, draft(merkle.OZ), three()).Root
		spreadsheet := "\xef\xbb\xbf" + strings.ReplaceAll(strings.TrimSuffix(three(), "\n"), "\n", "\r\n")
		for name, body := range map[string][]byte{
			"gzip": gzipped(t, three()), "zstd": zstandard(t, three()), "a spreadsheet's": []byte(spreadsheet),
		} {
			if c := w.built(t, draft(merkle.OZ), string(body)); *c.Root != *root {
				t.Errorf("the %s list has root %s, the plain one %s", name, c.Root, root)
			}
		}
	})
}

func TestAmountsMayBeDecimalsOfTheToken(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		d := draft(merkle.OZ)
		d.Decimals = 6
		c := w.drafted(t, d)
		list := fmt.Sprintf("%s,1.5\n%s,0.000001\n", numbered(1), numbered(2))
		listed := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Decimals: true, Body: strings.NewReader(list)}))(t)
		if listed.Total.Dec() != "1500001" {
			t.Errorf("1.5 and 0.000001 tokens of 6 decimals are %s", listed.Total.Dec())
		}
		refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(list)}))(t, fault.Invalid)
		fine := fmt.Sprintf("%s,1\n%s,0.0000001\n", numbered(1), numbered(2))
		f := refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Decimals: true, Body: strings.NewReader(fine)}))(t, fault.Invalid)
		if len(f.Fields) != 1 || f.Fields[0].Line != 2 {
			t.Errorf("an amount with too many decimals is answered with %v", f.Fields)
		}
	})
}

func TestDuplicateWalletsFollowTheRule(t *testing.T) {
	list := fmt.Sprintf("%s,1\n%s,20\n%s,300\n", numbered(1), numbered(2), numbered(1))
	eachWay(t, func(t *testing.T, w *fixture) {
		for rule, total := range map[string]string{"sum": "321", "first": "21"} {
			c := w.drafted(t, draft(merkle.OZ))
			got := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, OnDuplicate: rule, Body: strings.NewReader(list)}))(t)
			if got.Count != 2 || got.Total.Dec() != total {
				t.Errorf("%s: %d rows, total %s, want 2 and %s", rule, got.Count, got.Total.Dec(), total)
			}
		}
		c := w.drafted(t, draft(merkle.OZ))
		for _, rule := range []string{"", "error"} {
			f := refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, OnDuplicate: rule, Body: strings.NewReader(list)}))(t, fault.Invalid)
			if len(f.Fields) != 1 || f.Fields[0].Line != 3 || !strings.Contains(f.Fields[0].Message, "line 1") {
				t.Errorf("%q: a duplicate is answered with %v", rule, f.Fields)
			}
		}
		f := refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, OnDuplicate: "last", Body: strings.NewReader(list)}))(t, fault.Invalid)
		if len(f.Fields) != 1 || f.Fields[0].Name != "on_duplicate" {
			t.Errorf("an unknown rule is answered with %v", f.Fields)
		}
	})
}

func TestWrongRowsAreNamedAndNothingIsKept(t *testing.T) {
	good := numbered(5).String()
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		before := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t)
		for name, row := range map[string]string{
			"a short address":     "0x1234,5",
			"no hex":              "0xZZ345678901234567890123456789012345678zz,5",
			"a wrong checksum":    "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed,5",
			"an amount of zero":   good + ",0",
			"a negative amount":   good + ",-3",
			"a fraction":          good + ",1.5",
			"over uint256":        good + ",115792089237316195423570985008687907853269984665640564039457584007913129639936",
			"no number":           good + ",many",
			"no amount":           good + ",",
			"a column too few":    good,
			"a column too many":   good + ",5,6",
			"the address of line": numbered(1).String() + ",5", // 2, again
		} {
			list := fmt.Sprintf("address,amount\n%s,1\n\n%s\n%s,1\n", numbered(1), row, numbered(2))
			f := refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(list)}))(t, fault.Invalid)
			if len(f.Fields) != 1 || f.Fields[0].Line != 4 || f.Fields[0].Message == "" {
				t.Errorf("%s on line 4 is answered with %v", name, f.Fields)
			}
		}
		many := "address,amount\n" + strings.Repeat("0x,1\n", 150)
		f := refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(many)}))(t, fault.Invalid)
		if len(f.Fields) != 100 || f.Fields[0].Line != 2 || f.Fields[99].Line != 101 {
			t.Errorf("150 wrong rows are answered with %d fields", len(f.Fields))
		}
		for name, list := range map[string]string{
			"nothing": "", "a header alone": "address,amount\n", "only empty lines": "\n\n",
			"a sum over uint256": fmt.Sprintf("%s,1\n%s,115792089237316195423570985008687907853269984665640564039457584007913129639935\n", numbered(1), numbered(2)),
		} {
			f := refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(list)}))(t, fault.Invalid)
			if f.Message == "" {
				t.Errorf("%s is refused without a word", name)
			}
		}
		same(t, "the campaign after refused lists", must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t), before)
		if lists, chunks := w.stored(t); lists != 1 || chunks != 1 {
			t.Errorf("%d lists and %d chunks are stored after refused lists", lists, chunks)
		}
		must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		must(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(3)}))(t)
	})
}

func TestUploadsThatDoNotArriveKeepNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		before := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t)
		long := numberedList(1000)
		packed := gzipped(t, long)
		flipped := bytes.Clone(packed)
		flipped[len(flipped)/2] ^= 0x10
		frame := zstandard(t, long)
		for name, body := range map[string]io.Reader{
			"a gzip that was cut":     bytes.NewReader(packed[:len(packed)-9]),
			"a gzip with a wrong bit": bytes.NewReader(flipped),
			"a zstd that was cut":     bytes.NewReader(frame[:len(frame)/2]),
			"a stream that broke off": io.MultiReader(strings.NewReader(long), broken{io.ErrUnexpectedEOF}),
		} {
			if _, err := w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: body}); !fault.Is(err, fault.Invalid) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: got %v, want invalid", name, err)
			}
		}
		ctx, cancel := context.WithCancel(operator)
		body := io.MultiReader(strings.NewReader(long), during(func() error { cancel(); return ctx.Err() }))
		refused(w.UploadList(ctx, airdrop.ListUpload{ID: c.ID, Body: body}))(t, fault.Canceled)
		same(t, "the campaign after broken uploads", must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t), before)
		if lists, chunks := w.stored(t); lists != 1 || chunks != 1 {
			t.Errorf("%d lists and %d chunks are stored after broken uploads", lists, chunks)
		}
	})
}

func TestATruncatedUploadOverHTTPIsAProblem(t *testing.T) {
	databasetest.Each(t, airdrop.Name, func(t *testing.T, db *database.DB) {
		w := open(t, service.Options{DB: db}, seamtest.OverHTTP)
		c := w.drafted(t, draft(merkle.OZ))
		token := w.way.Token(t, identity.From(operator))
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.way.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT /api/v1/airdrop/campaigns/%s/list HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nContent-Length: 100000\r\n\r\n%s",
			c.ID, token, three())
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(answer), " 400 ") || !strings.Contains(string(answer), `"code":"invalid"`) {
			t.Errorf("a cut upload is answered with %q", answer)
		}
		if got := must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t); got.State != airdrop.Draft {
			t.Errorf("a cut upload has left the campaign %s", got.State)
		}
	})
}

func TestListsOverALimitAreTooLarge(t *testing.T) {
	limits := service.Options{MaxRows: 1000, MaxListBytes: 100_000}
	eachWayWith(t, limits, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		upload := func(body []byte) error {
			_, err := w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: bytes.NewReader(body)})
			return err
		}
		if err := upload([]byte(numberedList(1000))); err != nil {
			t.Fatalf("a list at the limit: %v", err)
		}
		for name, body := range map[string][]byte{
			"one row more": []byte(numberedList(1001)),
			"a bomb":       gzipped(t, numberedList(1000)+strings.Repeat("\n", 10_000_000)),
		} {
			if err := upload(body); !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s: got %v, want too_large", name, err)
			}
		}
		if w.way.URL != "" {
			if err := upload(make([]byte, seamtest.BodyLimit+1)); err == nil {
				t.Error("a body over the limit is taken")
			}
			resp := w.put(t, c.ID, bytes.NewReader(bytes.Repeat([]byte("\n"), 200_000)))
			if resp.StatusCode != http.StatusRequestEntityTooLarge || resp.Header.Get("Content-Type") != fault.MediaType {
				t.Errorf("a list over the limit is answered %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
		}
		if got := must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t); got.Count != 1000 {
			t.Errorf("the campaign has %d rows now", got.Count)
		}
	})
}

func TestTheLastOfConcurrentUploadsIsWhole(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		const rows = 45_000 // three chunks each
		totals := map[string]bool{}
		failed := make([]error, 4)
		var all sync.WaitGroup
		for i := range failed {
			var list strings.Builder
			for n := range rows {
				fmt.Fprintf(&list, "%s,%d\n", numbered(n), i+1)
			}
			totals[fmt.Sprint(rows*(i+1))] = true
			all.Go(func() {
				_, failed[i] = w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(list.String())})
			})
		}
		all.Wait()
		if err := errors.Join(failed...); err != nil {
			t.Fatal(err)
		}
		built := must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		claim := must(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(44_321)}))(t)
		e := merkle.Entry{Index: claim.Index, Wallet: claim.Wallet, Amount: claim.Amount}
		if !totals[built.Total.Dec()] || built.Count != rows || !merkle.Verify(merkle.OZ, *built.Root, e, claim.Proof) {
			t.Errorf("after four uploads the list has %d rows with the total %s", built.Count, built.Total.Dec())
		}
		if lists, chunks := w.stored(t); lists != 1 || chunks != 3 {
			t.Errorf("%d lists and %d chunks are stored for one campaign", lists, chunks)
		}
	})
}

// put uploads over HTTP without the Client.
func (w *fixture) put(t *testing.T, id string, body io.Reader) *http.Response {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, w.way.URL+"/api/v1/airdrop/campaigns/"+id+"/list", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+w.way.Token(t, identity.From(operator)))
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// numberedList returns n rows of amount 1.
func numberedList(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "%s,1\n", numbered(i))
	}
	return list.String()
}

// broken fails in the middle of a stream.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func zstandard(t testing.TB, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll([]byte(text), nil)
}
