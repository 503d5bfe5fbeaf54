package process_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
)

const ruledCampaign = `
version: 1
decimals: 18
sources:
  members: {kind: list, file: members.csv, values: {points: 0}}
  reviewers: {kind: reviews}
eligible: members
allocation:
  - {name: points, budget: 1000000, times: [{sqrt: members}], cap: 100}
  - {name: reviews, to: reviewers, each: 5}
`

// A campaign is collected and frozen by processes that are killed in the middle, again
// and again; its root is the one that the same rules have without a server.
func TestACampaignSurvivesKill(t *testing.T) {
	members := manyMembers()
	want := rootOfRules(t, members)
	eachPlace(t, func(t *testing.T, p place) {
		token := p.token(t)
		server := p.start(t, nil, "--listen", "127.0.0.1:0")
		id := server.ruledCampaign(token, members)
		at := "/api/v1/airdrop/campaigns/" + id
		kills := 0
		for _, phase := range []string{airdrop.Previewed, airdrop.Frozen} {
			seen := make(map[string]bool) // stages in which the process was killed
			for deadline := time.Now().Add(2 * time.Minute); ; {
				var c airdrop.Course
				server.must("GET", at+"/course", token, nil, &c)
				if c.Phase == phase && !c.Working {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("the campaign stays %+v\n%s", c, server.logged())
				}
				if c.Working && !seen[c.Stage] && len(seen) < 4 { // a job is begun five times at most
					seen[c.Stage] = true
					kills++
					server.kill()
					server = p.start(t, nil, "--listen", "127.0.0.1:0")
				}
			}
			if phase == airdrop.Previewed {
				var shown airdrop.CoursePreview
				server.must("GET", at+"/preview", token, nil, &shown)
				if status, text, err := call(t.Context(), "POST", server.url+at+"/freeze", token, strings.NewReader(fmt.Sprintf(`{"preview":%d}`, shown.Number)), nil); err != nil || status != 200 {
					t.Fatalf("freeze: %d %s %v", status, text, err)
				}
			}
		}
		if kills == 0 {
			t.Error("the process was never killed while it worked")
		}
		var c airdrop.Campaign
		server.must("GET", at, "", nil, &c)
		if c.Root == nil || *c.Root != want || c.Phase != airdrop.Frozen {
			t.Errorf("after %d kills the campaign is %+v, want the root %s", kills, c, want)
		}
		var why airdrop.Why
		server.must("GET", at+"/why/0x"+fmt.Sprintf("%040x", 1_000_003), "", nil, &why)
		if why.Amount.IsZero() || !strings.Contains(why.Reason, "in members") {
			t.Errorf("why: %+v", why)
		}
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
}

// manyMembers is a list that takes a while to be evaluated.
func manyMembers() []byte {
	var members bytes.Buffer
	members.WriteString("address,points\n")
	for i := range 30_000 {
		fmt.Fprintf(&members, "0x%040x,%d\n", 1_000_003*(i+1), i%977+1)
	}
	return members.Bytes()
}

// rootOfRules is the root that the rules of the campaign have without a server.
func rootOfRules(t *testing.T, members []byte) merkle.Hash {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"rules.yaml": ruledCampaign, "members.csv": string(members), "reviews.csv": "address,reviews\n" + newAuthor(1).address.String() + ",1\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errOut := banyan(t, "airdrop", "allocate", filepath.Join(folder, "rules.yaml"), "--input", "reviewers="+filepath.Join(folder, "reviews.csv"), "--json")
	if code != exitOK {
		t.Fatal(errOut)
	}
	var want struct{ Root merkle.Hash }
	if err := json.Unmarshal([]byte(out), &want); err != nil {
		t.Fatal(err)
	}
	return want.Root
}

// ruledCampaign writes the review that the rules ask for, and begins to collect a campaign.
func (p *process) ruledCampaign(token string, members []byte) (id string) {
	p.t.Helper()
	if signed, err := newAuthor(1).review(p.t.Context(), p.url, "kraken", 5); err != nil {
		p.t.Fatal(err)
	} else if _, err := publish(p.t.Context(), p.url, "kraken", signed); err != nil {
		p.t.Fatal(err)
	}
	const campaigns = "/api/v1/airdrop/campaigns"
	draft, err := json.Marshal(draftOf("by rules"))
	if err != nil {
		p.t.Fatal(err)
	}
	var c airdrop.Campaign
	p.must("POST", campaigns, token, bytes.NewReader(draft), &c)
	body, err := json.Marshal(airdrop.RulesDraft{Rules: ruledCampaign})
	if err != nil {
		p.t.Fatal(err)
	}
	at := campaigns + "/" + c.ID
	p.must("PUT", at+"/rules", token, bytes.NewReader(body), nil)
	p.must("PUT", at+"/inputs/members", token, bytes.NewReader(members), nil)
	p.must("POST", at+"/collect", token, nil, nil)
	return c.ID
}
