package process_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/modules/reputation"
)

// An epoch is computed by processes that are killed in the middle, in each of its
// stages. Until it is done, scores are those of the one before; then they are those of
// a computation that nobody disturbed, and nothing is left of the others.
func TestAnEpochSurvivesKill(t *testing.T) {
	const wallets = 12_000
	walletOf := func(n int) string { return fmt.Sprintf("0x%040x", 1_000_003*(n+1)) }
	list := func(weight int) *bytes.Buffer {
		var csv bytes.Buffer
		csv.WriteString("source,target,weight\n")
		for n := 1; n < wallets; n++ {
			fmt.Fprintf(&csv, "%s,%s,%d\n%s,%s,%d\n", walletOf(n/3), walletOf(n), 1+(n*weight)%9, walletOf(n), walletOf((n*7)%wallets), weight)
		}
		return &csv
	}
	eachPlace(t, func(t *testing.T, p place) {
		const api = "/api/v1/reputation"
		token := p.token(t)
		seeds := "BANYAN_REPUTATION_SEEDS=" + walletOf(0) + "," + walletOf(1)
		begin := func() *process { return p.start(t, []string{seeds}, "--listen", "127.0.0.1:0") }
		server := begin()
		server.must("POST", api+"/trust/import", token, list(1), nil)
		server.must("POST", api+"/epochs", token, strings.NewReader("{}"), nil)
		first := epochWhen(&server, token, 1, nil)
		server.must("POST", api+"/trust/import", token, list(2), nil)
		killed := map[string]bool{}
		var asking sync.WaitGroup
		defer asking.Wait()
		at := server.url
		asking.Go(func() { // it answers when the epoch is done, or never when its process is killed
			_, _, _ = call(t.Context(), "POST", at+api+"/epochs", token, strings.NewReader("{}"), nil)
		})
		second := epochWhen(&server, token, 2, func(stage string) {
			if killed[stage] || len(killed) == 3 { // a job is begun five times at most
				return
			}
			killed[stage] = true
			server.kill()
			server = begin()
			var now reputation.Epoch
			if server.must("GET", api+"/epochs/current", "", nil, &now); now.Number == 1 && now.Root != first.Root {
				t.Errorf("after a kill while %s the current epoch is %+v, want the first", stage, now)
			}
			var score reputation.Score
			if server.must("GET", api+"/scores/"+walletOf(5), "", nil, &score); score.Epoch < 1 || score.Standing.Standing != reputation.Trusted {
				t.Errorf("after a kill while %s a score is %+v", stage, score)
			}
		})
		if len(killed) == 0 {
			t.Error("the process was never killed while it computed")
		}
		server.must("POST", api+"/epochs", token, strings.NewReader("{}"), nil)
		third := epochWhen(&server, token, 3, nil)
		if second.Root == first.Root || third.Root != second.Root || third.InputHash != second.InputHash {
			t.Errorf("after %d kills the roots are %s, %s and %s of an undisturbed one", len(killed), first.Root, second.Root, third.Root)
		}
		var all reputation.EpochPage
		if server.must("GET", api+"/epochs", "", nil, &all); len(all.Epochs) != 3 {
			t.Errorf("%d epochs, want 3", len(all.Epochs))
		}
		t.Logf("killed while %v", killed)
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
}

// epochWhen waits until an epoch is the current one; look is told the stage of what
// is being computed.
func epochWhen(server **process, token string, number int64, look func(stage string)) reputation.Epoch {
	const api = "/api/v1/reputation"
	for deadline := time.Now().Add(3 * time.Minute); ; {
		p := *server // look may begin another
		var now reputation.Epoch
		if status, _, err := call(p.t.Context(), "GET", p.url+api+"/epochs/current", token, nil, &now); err == nil && status == 200 && now.Number >= number {
			return now
		}
		var computing reputation.Computing
		if status, _, err := call(p.t.Context(), "GET", p.url+api+"/epochs/computing", token, nil, &computing); err == nil && status == 200 {
			if computing.State == reputation.ComputingFailed {
				p.t.Fatalf("the computation failed: %+v", computing)
			}
			if look != nil && computing.State == reputation.ComputingRunning && computing.Stage != "" {
				look(computing.Stage)
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("epoch %d is not computed: %+v\n%s", number, computing, p.logged())
		}
	}
}
