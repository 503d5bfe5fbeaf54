package service_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/testenv/testneeds"
)

// caseRun is a command on a file of a case, and what it must say: texts of its
// output, or of its error after "!".
type caseRun struct {
	args string
	want []string
}

// Trees and claims like those of other people's bug reports. The roots are in the
// folder's expected.json, as the original tools computed them.
func TestCasesOfTreesAndClaims(t *testing.T) {
	const uniswapRoot = "--format uniswap --root 0xce0c2732ed156bc0abd432a8c0a998ddf4b5051ecbab9b901c913e44b0064a32 --out -"
	five := []string{`"line":1,`, `"line":5,`, "!ineligible", "!invalid"}
	for folder, runs := range map[string][]caseRun{
		"09-allowlist": {
			{"build --leaf address --in allow.csv --json", []string{"oz_address"}},
			{"build --leaf address --in allow-header.csv --json", []string{"oz_address"}},
			{"build --leaf address --encoding packed --hash 1 --tree promoted --leaves listed --in allow.csv --json", []string{"merkletreejs_packed_sortPairs"}},
			{"build --leaf address --encoding packed --hash 1 --tree promoted --in allow-header.csv --json", []string{"merkletreejs_packed_sort"}},
			{"import --in dump.json --json", []string{"oz_address"}},
		},
		"11-three-values": {
			{"build --leaf address,uint256,uint256 --in tri.csv --json", []string{"oz_address_uint_uint"}},
			{"build --leaf address,uint256,uint256 --in tri-noheader.csv --json", []string{"oz_address_uint_uint"}},
			{"import --in dump.json --json", []string{"oz_address_uint_uint"}},
		},
		"12-merkletreejs-tree": {
			{"build --format oz --tree promoted --leaves listed --in list.csv --json", []string{"root"}},
			{"verify --proofs proofs.ndjson --format oz --root 0x6f8b64ce7b25e20e094fdc985ebdaccd9723cd1dedeb4dbb6983926531fa8b75 --json", []string{`"eligible":6`}},
			{"import --in proofs.json --json", []string{"root"}},
		},
		"16-oz-unsorted-dump": {{"import --in unsorted.json --json", []string{"root"}}},
		"18-uint-aliases": {
			{"import --in uint.json --json", []string{"root_uint", `"format":"oz"`}},
			{"import --in uint128.json --json", []string{"root_uint128", `"format":"oz"`}},
			{"import --in sablier.json --json", []string{"root_indexed", `"format":"oz-indexed"`}},
		},
		"33-one-leaf": {
			{"build --format oz --in one.csv --json", []string{"root"}},
			{"verify --proofs proof.ndjson --format oz --root 0xeafe25f86097fe510fd8c0e91a13422f7bc7f164c3ef90aca07ba23d6f63d7e9 --json", []string{`"eligible":1`}},
		},
		"34-multiproof": {
			{"build --format oz --in list.csv --out x.tree --json", nil},
			{"multiproof --tree x.tree --in wallets.txt --json", []string{
				`"proofFlags":[false,false,false,false,true,true]`, `"leaves":[["0x26e539D3E681ba75f6a5fC2be2DB6Cb1Ebaa41dF","4000"]`,
				"0x63906f7e502731ad4b11db956fa5821dc1a5ab53df9faa7b33bd3c5340a586d7",
			}},
		},
		"35-claim-fails-in-contract": {
			{"verify --proofs proofs.ndjson --format oz --root 0x2c99004ba5167fb43d1fa611f67604ab6363debe24774292ebcbc307df3dc70e --json", []string{`"ineligible":5`, `"format":"cumulative"`, "abi.encodePacked(account, amount)"}},
			{"verify --proofs human-amount.ndjson --format oz --root 0x1450ca0514503a43f45cb51428fb5d5998c1e045d371f23e82fdaa945bee8a6d --json", []string{"times 10^3", `"format":"oz"`}},
			{"verify --proofs one-hash.ndjson --format oz --root 0x83d74e7f631775c8cc616f4b70781968164895a5910f74c8ffc95f9328fb21fa --json", []string{`"encoding":"abi","hash":"1"`}},
		},
		"36-lookup-in-other-case": {
			{"build --format oz --in list.csv --out x.tree --json", []string{"0x1450ca0514503a43f45cb51428fb5d5998c1e045d371f23e82fdaa945bee8a6d"}},
			{"verify --tree x.tree --in ask.csv --out -", []string{`"line":2,`, `"line":5,`, "!ineligible", "!invalid"}},
			{"proof --tree x.tree 0X296514DF6CD833FCE1490A151EE938D8D42D6EC6 --json", []string{`"amount":"3000"`}},
			{"proof --tree x.tree 0x296514df6cd833fce1490a151ee938d8d42d6ec6 --json", []string{`"amount":"3000"`}},
			{"proof --tree x.tree 0x296514DF6cd833fce1490A151ee938D8D42D6eC6 --json", []string{`"amount":"3000"`}},
		},
		"45-verify-inputs": {
			{"build --format oz --in list.csv --out x.tree --json", []string{"0x1450ca0514503a43f45cb51428fb5d5998c1e045d371f23e82fdaa945bee8a6d"}},
			{"verify --tree x.tree --in ask.csv --out -", []string{
				`{"line":2,"address":"0x3c37a62B3AB075bcD913DfA4bD3EDeDb02D13F78","status":"eligible","amount":"1000"}`, `"alisha.eth","status":"invalid","reason":"receiver: \"alisha.eth\" is a name`,
				`"line":4,`, `character 43`, `"line":5,`, `"line":6,`, `{"line":7,"address":"0x3dA74f350BD95eDf5c0047662F0b6f80A03E136c","status":"ineligible"`, `"line":9,`, "has no 0x before its 40 hex digits",
			}},
		},
		"42-indexes": {
			{"build --format oz-indexed --in huge.csv --out x.tree --json", nil},
			{"proof --tree x.tree 0x916CbE87c12422E4dd3FbB26C789B34F3AB8c1a1 --json", []string{`"index":18446744073709551615`}},
			{"build --leaf address,uint256,uint256 --in rank.csv --json", []string{`"count":5`}},
		},
		"49-claims-as-others-write-them": {
			{"verify --proofs hex.ndjson " + uniswapRoot, five},
			{"verify --proofs index-string.ndjson " + uniswapRoot, five},
			{"verify --proofs account.ndjson " + uniswapRoot, five},
			{"verify --proofs no0x.ndjson " + uniswapRoot, five},
			{"verify --proofs merkleProof.ndjson " + uniswapRoot, five},
			{"verify --proofs array.json " + uniswapRoot, five},
			{"import --in array.json --json", []string{"0xce0c2732ed156bc0abd432a8c0a998ddf4b5051ecbab9b901c913e44b0064a32", `"format":"uniswap"`}},
		},
	} {
		t.Run(folder, func(t *testing.T) {
			expected := testneeds.Data(t, "cases/airdrop/"+folder+"/expected.json")
			text, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			var about struct {
				Right map[string]any `json:"right"`
			}
			if err := json.Unmarshal(text, &about); err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir() // a later command may read x.tree of an earlier one
			for _, run := range runs {
				t.Logf("%-60.60s %s", run.args, runCase(t, filepath.Dir(expected), folder, run, about.Right))
			}
		})
	}
}

// A claim page on another site fetches proofs, a list is sent as a form, and a
// name is asked for.
func TestTheCaseOfHTTPAndPages(t *testing.T) {
	testneeds.Data(t, "cases/airdrop/41-http-and-pages/expected.json")
	w := open(t, service.Options{DB: databasetest.SQLite(t, airdrop.Name), Trees: filepath.Join(t.TempDir(), "trees")}, seamtest.InProcess)
	c := w.built(t, draft(merkle.OZ), numberedList(5))
	router := chi.NewRouter()
	router.Use(anonymous)
	w.way.Route.Mount(router, seam.MountOptions{Site: "https://drops.example"})
	ask := func(method, path, media, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1/airdrop"+path, strings.NewReader(body))
		r.Header.Set("Origin", "https://claims.example")
		r.Header.Set("Content-Type", media)
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, r)
		t.Logf("%-60.60s %d", method+" "+path, answer.Code)
		return answer
	}
	claim := ask("GET", "/campaigns/"+c.ID+"/claims/"+numbered(1).String(), "", "")
	if claim.Code != http.StatusOK || claim.Header().Get("Access-Control-Allow-Origin") != "*" || claim.Header().Get("Access-Control-Allow-Credentials") != "" ||
		claim.Header().Get("ETag") == "" || !strings.Contains(claim.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("a claim for another site: %d %v", claim.Code, claim.Header())
	}
	name := ask("GET", "/campaigns/"+c.ID+"/claims/alisha.eth", "", "")
	if name.Code != http.StatusBadRequest || !strings.Contains(name.Body.String(), "is a name") {
		t.Errorf("a name: %d %s", name.Code, name.Body)
	}
	form := ask("POST", "/campaigns/"+c.ID+"/verify", "multipart/form-data; boundary=x", "--x\r\n")
	if form.Code != http.StatusUnsupportedMediaType || !strings.Contains(form.Body.String(), "curl -X POST --data-binary @FILE 'https://drops.example/api/v1/airdrop/campaigns/"+c.ID+"/verify'") {
		t.Errorf("a form: %d %s", form.Code, form.Body)
	}
}

// runCase runs a command and returns its verdict.
func runCase(t *testing.T, from, folder string, run caseRun, right map[string]any) string {
	t.Helper()
	words := strings.Fields(run.args)
	hasOut := strings.Contains(run.args, "--out")
	for i, word := range words {
		switch {
		case word == "x.tree":
			words[i] = filepath.Join(folder, word)
		case word == "proofs.json":
			words[i] = asArray(t, filepath.Join(from, "proofs.ndjson"), folder)
		case i > 0 && (words[i-1] == "--in" || words[i-1] == "--proofs"):
			words[i] = filepath.Join(from, word)
		}
	}
	if !hasOut && (words[0] == "build" || words[0] == "import") {
		words = append(words, "--out", filepath.Join(folder, "y.tree"))
	}
	out, err := command(t, "", words...)
	if err != nil {
		t.Errorf("%s: %v", run.args, err)
		return "refused"
	}
	for _, want := range run.want {
		if root, known := right[want].(string); known {
			want = root
		}
		unwanted, not := strings.CutPrefix(want, "!")
		if strings.Contains(out, unwanted) == not {
			t.Errorf("%s: %s says %.600s", run.args, want, out)
			return "wrong"
		}
	}
	return "right"
}

// asArray writes claims on lines as one JSON array.
func asArray(t *testing.T, path, folder string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(folder, "proofs.json")
	if err := os.WriteFile(to, []byte("["+strings.Join(strings.Split(strings.TrimSpace(string(text)), "\n"), ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
