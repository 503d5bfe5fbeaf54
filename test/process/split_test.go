package process_test

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// TestSplit moves reputation into a process of its own and looks whether
// anybody can tell: the pages, the reviews' weights and the batch scores are
// the same. Then it kills the module, sees what fails and how, and starts it
// again.
func TestSplit(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		seeds := fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address)
		whole := p.start(t, []string{seeds}, "--listen", "127.0.0.1:0")
		fill(t, p, whole)
		settle(t, whole)
		before := viewsOf(whole)
		if err := whole.stop(); err != nil {
			t.Fatal(err)
		}

		trunkListen := testneeds.Address(t)
		aloneListen := testneeds.Address(t)
		alone := p.start(t, []string{seeds, "BANYAN_IDENTITY_TRUNK_URL=http://" + trunkListen}, "--module", reputation.Name, "--listen", aloneListen)
		remote := []string{"BANYAN_MODULES_REPUTATION_MODE=remote", "BANYAN_MODULES_REPUTATION_URL=" + alone.url}
		trunk := p.start(t, remote, "--listen", trunkListen)
		after := viewsOf(trunk)
		for what, text := range before {
			if after[what] != text {
				t.Errorf("%s changed when reputation moved out:\nbefore: %s\nafter:  %s", what, text, after[what])
			}
		}
		// an operator's command goes through, signed, and events arrive over there
		trunk.must("POST", "/api/v1/reputation/epochs", p.token(t), nil, nil)
		writer := newAuthor(50)
		write(t, trunk, writer, "okx", 5)
		eventually(t, "the review counts as activity", func() bool {
			return activity(t, trunk, writer) == 1
		})

		alone.kill()
		checkWithoutReputation(t, trunk)

		healed := p.start(t, []string{seeds, "BANYAN_IDENTITY_TRUNK_URL=http://" + trunkListen}, "--module", reputation.Name,
			"--listen", aloneListen)
		eventually(t, "reputation answers again", func() bool {
			status, _, err := call(t.Context(), "GET", trunk.url+"/api/v1/reputation/leaderboard", "", nil, nil)
			return err == nil && status == http.StatusOK
		})
		eventually(t, "the activity of the time apart arrives", func() bool { return activity(t, trunk, newAuthor(51)) == 1 })
		if err := trunk.stop(); err != nil {
			t.Error(err)
		}
		if err := healed.stop(); err != nil {
			t.Error(err)
		}
	})
}

// activity is how many reviews the author is known for.
func activity(t *testing.T, server *process, a author) (count int64) {
	t.Helper()
	var score reputation.Score
	if _, _, err := call(t.Context(), "GET", server.url+"/api/v1/reputation/scores/"+a.address.String(), "", nil, &score); err != nil {
		t.Fatal(err)
	}
	for _, c := range score.Activity {
		count += c.Count
	}
	return count
}

// checkWithoutReputation looks at a trunk whose reputation is dead: what needs it says so, the
// rest works.
func checkWithoutReputation(t *testing.T, trunk *process) {
	t.Helper()
	status, text, err := call(t.Context(), "GET", trunk.url+"/api/v1/reputation/leaderboard", "", nil, nil)
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, string(fault.Unavailable)) {
		t.Errorf("the leaderboard without reputation: %d %s %v", status, text, err)
	}
	if strings.Contains(text, "127.0.0.1") {
		t.Errorf("the error shows callers the module's address: %s", text)
	}
	for _, path := range []string{"/", "/exchanges", "/exchanges/kraken", "/airdrops", "/wallets/" + newAuthor(3).address.String()} {
		if status, text, err := call(t.Context(), "GET", trunk.url+path, "", nil, nil); err != nil || status != http.StatusOK {
			t.Errorf("%s without reputation: %d %.200s %v", path, status, text, err)
		}
	}
	// a review is taken, with the least weight until reputation is back
	if stored := write(t, trunk, newAuthor(51), "okx", 4); math.Abs(stored.Weight-0.05) > 1e-4 {
		t.Errorf("without reputation a review weighs %v", stored.Weight)
	}
}

// TestEachModuleAlone runs every module in a process of its own at once: three
// modules and the trunk that is left.
func TestEachModuleAlone(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		// one configuration for all: who runs where, and so whose keys to trust
		listen := testneeds.Address(t)
		env := []string{
			"BANYAN_IDENTITY_TRUNK_URL=http://" + listen, "BANYAN_PUBLIC_URL=http://127.0.0.1:8080",
			fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address),
		}
		at := map[string]string{"reputation": testneeds.Address(t), "exchange-review": testneeds.Address(t), "airdrop": testneeds.Address(t)}
		for module, address := range at {
			key := "BANYAN_MODULES_" + strings.ToUpper(strings.ReplaceAll(module, "-", "_"))
			env = append(env, key+"_MODE=remote", key+"_URL=http://"+address)
		}
		for module, address := range at {
			p.start(t, env, "--module", module, "--listen", address)
		}
		trunk := p.start(t, env, "--listen", listen)
		awaitDirectory(t, trunk)
		fill(t, p, trunk)
		eventually(t, "a review in one process counts as activity in another", func() bool {
			return activity(t, trunk, newAuthor(3)) == 1
		})
		// nobody gets into a module without a token of the trunk
		if status, text, err := call(t.Context(), "POST", "http://"+at["reputation"]+"/api/v1/reputation/epochs", "", nil, nil); err != nil || status != http.StatusUnauthorized {
			t.Errorf("a stranger at the module: %d %s %v", status, text, err)
		}
		// and a module serves nothing but itself
		if status, _, err := call(t.Context(), "GET", "http://"+at["airdrop"]+"/api/v1/reputation/leaderboard", "", nil, nil); err != nil || status != http.StatusNotFound {
			t.Errorf("airdrop answers for reputation: %d %v", status, err)
		}
	})
}

// awaitDirectory waits until the exchanges are there: over files of one host a module that
// starts first waits until the trunk has said whose the data is.
func awaitDirectory(t *testing.T, trunk *process) {
	t.Helper()
	eventually(t, "the module has filled its directory", func() bool {
		status, _, err := call(t.Context(), "GET", trunk.url+"/api/v1/exchange-review/exchanges/kraken", "", nil, nil)
		return err == nil && status == http.StatusOK
	})
}

// reviewers are those who have written about kraken after fill.
const reviewers = 12

// fill makes a small community through the API.
func fill(t *testing.T, p place, server *process) {
	t.Helper()
	token := p.token(t)
	var csv strings.Builder
	for n := 2; n < 40; n++ {
		fmt.Fprintf(&csv, "%s,%s,%d\n", newAuthor(n%2).address, newAuthor(n).address, n)
		fmt.Fprintf(&csv, "%s,%s,1\n", newAuthor(n).address, newAuthor(n/2).address)
	}
	server.must("POST", "/api/v1/reputation/trust/import", token, strings.NewReader(csv.String()), nil)
	server.must("POST", "/api/v1/reputation/epochs", token, nil, nil)
	for n := range reviewers {
		write(t, server, newAuthor(n), "kraken", 1+n%5)
	}
}

// settle waits for what follows the reviews of fill: they count as activity, and
// weigh what their writers' standings say, also those whose writer's standing
// took too long to come.
func settle(t *testing.T, server *process) {
	t.Helper()
	for n := range reviewers {
		eventually(t, "a review counts as activity", func() bool { return activity(t, server, newAuthor(n)) == 1 })
	}
	eventually(t, "the reviews weigh what their writers' standings say", func() bool {
		var page exchangereview.ReviewPage
		server.must("GET", "/api/v1/exchange-review/exchanges/kraken/reviews", "", nil, &page)
		for _, r := range page.Reviews {
			var standing reputation.Weights
			server.must("POST", "/api/v1/reputation/weights", "", strings.NewReader(`{"wallets":["`+r.Wallet.String()+`"]}`), &standing)
			if w := standing.Weights[0]; w.Standing == reputation.Distrusted || math.Abs(r.Weight-max(0.05, float64(w.WeightPPM)/1e6)) > 1e-4 {
				return false
			}
		}
		return len(page.Reviews) == reviewers
	})
}

func write(t *testing.T, server *process, a author, slug string, stars int) exchangereview.Review {
	t.Helper()
	signed, err := a.review(t.Context(), server.url, slug, stars)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := publish(t.Context(), server.url, slug, signed)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// earlierRanks is what an exchange's page has once a ranking was computed, at a time of
// its own.
var earlierRanks = regexp.MustCompile(`(?s)<details class="more"><summary>Where it stood before.*?</details>\s*`)

// withoutRanks returns a page without them.
func withoutRanks(page string) string {
	return blankLines.ReplaceAllString(earlierRanks.ReplaceAllString(page, ""), "\n")
}

// blankLines are what is left of a part that was taken out.
var blankLines = regexp.MustCompile(`\n\s*\n`)

// viewsOf returns what people and programs see that depends on reputation.
func viewsOf(server *process) map[string]string {
	var wallets []wallet.Address
	for n := range 45 {
		wallets = append(wallets, newAuthor(n).address)
	}
	names := strings.Trim(strings.ReplaceAll(fmt.Sprint(wallets), " ", `","`), "[]")
	seen := map[string]string{
		"batch":   server.must("POST", "/api/v1/reputation/scores/batch", "", strings.NewReader(`{"wallets":["`+names+`"]}`), nil),
		"reviews": server.must("GET", "/api/v1/exchange-review/exchanges/kraken/reviews", "", nil, nil),
	}
	for _, path := range []string{"/", "/exchanges", "/exchanges/kraken", "/reputation", "/wallets/" + newAuthor(3).address.String()} {
		seen["page "+path] = withoutRanks(nonce.ReplaceAllString(server.must("GET", path, "", nil, nil), ""))
	}
	return seen
}

// eventually waits for something that other processes bring about.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if happened() {
			return
		}
	}
	t.Fatalf("waited three minutes in vain: %s", what)
}
