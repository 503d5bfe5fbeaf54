package process_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// through brings a campaign that is being collected to its frozen list. While it works,
// move is called, up to twice in each phase: a job is begun five times at most. It fails
// when the work was done before anything moved.
func (g *cluster) through(id string, move func()) {
	g.t.Helper()
	at := "/api/v1/airdrop/campaigns/" + id
	moved := 0
	for _, phase := range []string{airdrop.Previewed, airdrop.Frozen} {
		moves := 0
		for deadline := time.Now().Add(3 * time.Minute); ; {
			var c airdrop.Course
			status, text, err := call(g.t.Context(), "GET", g.trunk.url+at+"/course", g.token, nil, &c)
			if err != nil || status != 200 {
				g.t.Fatalf("the campaign is not there: %d %s %v", status, text, err)
			}
			if c.Phase == phase && !c.Working {
				break
			}
			if time.Now().After(deadline) {
				g.t.Fatalf("the campaign stays %+v\n%s", c, g.trunk.logged())
			}
			if c.Working && moves < 2 {
				moves, moved = moves+1, moved+1
				move()
			}
		}
		if phase == airdrop.Previewed {
			var shown airdrop.CoursePreview
			g.trunk.must("GET", at+"/preview", g.token, nil, &shown)
			g.trunk.must("POST", at+"/freeze", g.token, strings.NewReader(fmt.Sprintf(`{"preview":%d}`, shown.Number)), nil)
		}
	}
	if moved == 0 {
		g.t.Error("nothing moved while the campaign was worked on")
	}
}

// frozenAs fails when the frozen list is not that of the rules.
func (g *cluster) frozenAs(id string, want merkle.Hash) {
	g.t.Helper()
	var c airdrop.Campaign
	g.trunk.must("GET", "/api/v1/airdrop/campaigns/"+id, "", nil, &c)
	if c.Root == nil || *c.Root != want || c.Phase != airdrop.Frozen {
		g.t.Errorf("the campaign is %+v, want the root %s", c, want)
	}
	var claim airdrop.Claim
	g.trunk.must("GET", "/api/v1/airdrop/campaigns/"+id+"/claims/0x"+fmt.Sprintf("%040x", 1_000_003), "", nil, &claim)
	if claim.Root != want || len(claim.Proof) == 0 {
		g.t.Errorf("a claim is %+v", claim)
	}
}

// A campaign works on while its module is moved to a process of its own and back: the new
// owner of the writes goes on where the old one stopped.
func TestACampaignWorksOnWhileItsModuleMoves(t *testing.T) {
	members := manyMembers()
	want := rootOfRules(t, members)
	eachPlace(t, func(t *testing.T, p place) {
		g := p.startCluster(t, nil)
		id := g.trunk.ruledCampaign(g.token, members)
		at := 0
		g.through(id, func() {
			to := []step{{string(seam.ModeRemote), 0}, {string(seam.ModeLocal), 0}}[at%2]
			at++
			if err := g.setState(airdrop.Name, to); err != nil {
				t.Errorf("to %s: %v", to, err)
			}
		})
		g.frozenAs(id, want)
	})
}

// A campaign works on while its module's data is moved to PostgreSQL and back.
func TestACampaignWorksOnWhileItsDataMoves(t *testing.T) {
	members := manyMembers()
	want := rootOfRules(t, members)
	url := newPostgres(t)
	g := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_CONNECTIONS=5"}}.startAlone(t)
	id := g.trunk.ruledCampaign(g.token, members)
	at := 0
	g.through(id, func() {
		to := []string{url, rollout.Home}[at%2]
		at++
		g.beginMove(airdrop.Name, to)
		state := g.awaitMove(airdrop.Name)
		t.Logf("moved to %s: %d rows, writes waited %d ms", state.To, state.Rows, state.PauseMS)
	})
	g.frozenAs(id, want)
}
