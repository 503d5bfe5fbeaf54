package process_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/merkle"
)

// The load: callers, each with a request ten times a second. Of them a quarter write
// signed reviews, an eighth create campaigns, as operators with a signed token, and two
// compute epochs; all others read.
const (
	pace      = 100 * time.Millisecond
	reviewing = callers / 4
	creating  = callers / 8
	computing = 2

	known            = 40        // wallets that the load asks for; fill makes them
	reviewedExchange = "binance" // the exchange that the load writes about
)

// load calls all three modules through the trunk until it is told to stop, and
// keeps what was acknowledged.
type load struct {
	t    *testing.T
	base string // the trunk's URL
	// token is an operator's.
	token string
	drop  airdrop.Campaign // a built one, on which the known wallets are
	// retryFor is how long a write is sent again, with its key, until it is
	// acknowledged. 0: any refusal is a failure.
	retryFor time.Duration
	// mayFail returns what reports afterwards whether a read that began now may
	// have failed.
	// nil: none may.
	mayFail func(module string) func() bool

	mu              sync.Mutex
	reviews         map[exchangereview.Hash]author // acknowledged
	campaigns       map[string]string              // acknowledged: id → name
	epochs          map[int64]bool                 // acknowledged
	claims          map[int]string                 // the one answer that is right for a known wallet
	took            map[string][]time.Duration     // by "read" and "write"
	failed          int
	repeated        int // writes that had to be sent again
	allowedFailures int // reads that failed and were allowed to
}

// newLoad makes a small community and the load on it.
func (g *cluster) newLoad() *load {
	g.t.Helper()
	fill(g.t, g.place, g.trunk)
	c := &load{
		t: g.t, base: g.trunk.url, token: g.token,
		reviews: make(map[exchangereview.Hash]author), campaigns: make(map[string]string), epochs: make(map[int64]bool),
		claims: make(map[int]string), took: make(map[string][]time.Duration),
	}
	draft, _ := json.Marshal(draftOf("The drop"))
	g.trunk.must("POST", "/api/v1/airdrop/campaigns", g.token, bytes.NewReader(draft), &c.drop)
	var list strings.Builder
	for n := range known {
		fmt.Fprintf(&list, "%s,%d\n", newAuthor(n).address, 1000+n)
	}
	g.trunk.must("PUT", "/api/v1/airdrop/campaigns/"+c.drop.ID+"/list", g.token, strings.NewReader(list.String()), nil)
	g.trunk.must("POST", "/api/v1/airdrop/campaigns/"+c.drop.ID+"/build", g.token, nil, &c.drop)
	return c
}

func draftOf(name string) airdrop.CampaignDraft {
	return airdrop.CampaignDraft{Name: name, Symbol: "TKN", Decimals: 18, Format: merkle.OZ}
}

// start starts the callers. They end with the context, each after its last
// request, which wait waits for.
func (c *load) start(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	for n := range callers {
		do := c.read
		switch {
		case n < reviewing:
			do = c.publishReview
		case n < reviewing+creating:
			do = c.createCampaign
		case n < reviewing+creating+computing:
			do = c.computeEpoch
		}
		all.Go(func() {
			ticker := time.NewTicker(pace)
			defer ticker.Stop()
			for turn := 0; ; turn++ {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
					do(n, turn)
				}
			}
		})
	}
	return all.Wait
}

// read asks one of the three modules for something.
func (c *load) read(caller, turn int) {
	n := (caller*7 + turn) % known
	w := newAuthor(n).address.String()
	reads := []struct{ module, method, path, body string }{
		{reputation.Name, "GET", "/scores/" + w, ""},
		{exchangereview.Name, "GET", "/exchanges/" + reviewedExchange, ""},
		{airdrop.Name, "GET", "/campaigns/" + c.drop.ID + "/claims/" + w, ""},
		{reputation.Name, "GET", "/leaderboard?limit=20", ""},
		{exchangereview.Name, "GET", "/exchanges/kraken/reviews", ""},
		{airdrop.Name, "GET", "/campaigns?limit=5", ""},
		{reputation.Name, "POST", "/scores/batch", `{"wallets":["` + w + `"]}`},
		{exchangereview.Name, "GET", "/wallets/" + w + "/reviews", ""},
		{airdrop.Name, "GET", "/campaigns/" + c.drop.ID, ""},
	}
	r := reads[(caller+turn)%len(reads)]
	text, ok := c.ask(r.module, r.method, r.path, strings.NewReader(r.body), nil)
	if ok && strings.Contains(r.path, "/claims/") {
		c.mu.Lock()
		defer c.mu.Unlock()
		if first, asked := c.claims[n]; asked && first != text {
			c.fail("a claim changed from %s to %s", first, text)
		}
		c.claims[n] = text
	}
}

// ask does a read and judges it.
func (c *load) ask(module, method, path string, body io.Reader, out any) (text string, ok bool) {
	allowed := func() bool { return false }
	if c.mayFail != nil {
		allowed = c.mayFail(module)
	}
	begun := time.Now()
	status, text, err := call(c.t.Context(), method, c.base+"/api/v1/"+module+path, "", body, out)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && status == http.StatusOK:
		c.took["read"] = append(c.took["read"], time.Since(begun))
		return text, true
	case allowed():
		c.allowedFailures++
	default:
		c.fail("%s %s%s after %s: %d %s %v", method, module, path, time.Since(begun), status, text, err)
	}
	return "", false
}

// publishReview has somebody new write about an exchange.
func (c *load) publishReview(caller, turn int) {
	a := newAuthor(1000 + turn*callers + caller)
	stars := 1 + turn%5
	draft, _ := json.Marshal(a.draft(stars))
	var prepared preparedReview
	if _, ok := c.ask(exchangereview.Name, "POST", "/exchanges/"+reviewedExchange+"/reviews/prepare", bytes.NewReader(draft), &prepared); !ok {
		return
	}
	signed, err := a.sign(prepared)
	if err != nil {
		c.t.Error(err)
		return
	}
	var stored exchangereview.Review
	if c.write(exchangereview.Name, "/exchanges/"+reviewedExchange+"/reviews", signed, &stored) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reviews[stored.Hash] = a
	}
}

// createCampaign creates a campaign of a name that occurs once.
func (c *load) createCampaign(caller, turn int) {
	name := fmt.Sprintf("Campaign %d of caller %d", turn, caller)
	var made airdrop.Campaign
	if c.write(airdrop.Name, "/campaigns", draftOf(name), &made) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.campaigns[made.ID] = name
	}
}

// computeEpoch asks for a new epoch. Who asks while one is computed gets that one, and
// number 0 when it takes longer than a call may.
func (c *load) computeEpoch(int, int) {
	var epoch reputation.Epoch
	if c.write(reputation.Name, "/epochs", reputation.EpochRequest{}, &epoch) && epoch.Number > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.epochs[epoch.Number] = true
	}
}

// write does a write, once or until it is acknowledged.
func (c *load) write(module, path string, body, out any) bool {
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Error(err)
		return false
	}
	key := rand.Text()
	for begun := time.Now(); ; pause(pace) {
		status, answer, err := callOnce(c.t.Context(), "POST", c.base+"/api/v1/"+module+path, c.token, key, bytes.NewReader(text), out)
		took := time.Since(begun)
		c.mu.Lock()
		if err == nil && status == http.StatusOK {
			c.took["write"] = append(c.took["write"], took)
			c.mu.Unlock()
			return true
		}
		if took >= c.retryFor {
			c.fail("POST %s%s after %s: %d %s %v", module, path, took, status, answer, err)
			c.mu.Unlock()
			return false
		}
		c.repeated++
		c.mu.Unlock()
	}
}

// fail counts, and shows the first failures. c.mu is held.
func (c *load) fail(format string, args ...any) {
	const shown = 5
	if c.failed++; c.failed <= shown {
		c.t.Errorf(format, args...)
	}
}

// requests are all that were answered.
func (c *load) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.took["read"]) + len(c.took["write"])
}

// slowest reads "write 143 ms (p99 22 ms)".
func (c *load) slowest(kind string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Sorted(slices.Values(c.took[kind]))
	if len(all) == 0 {
		return kind + " none"
	}
	ms := func(d time.Duration) int64 { return d.Milliseconds() }
	return fmt.Sprintf("%s %d ms (p99 %d ms)", kind, ms(all[len(all)-1]), ms(all[len(all)*99/100]))
}
