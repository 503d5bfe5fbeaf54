package process_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/diff"
)

// findWrongAnswer puts a remote beside the trunk that answers one field of one
// operation wrong, a wallet's rank by one, and looks when a shadow of 10 % finds
// out, and what the operator then sees on the API and on the page.
func findWrongAnswer(t *testing.T, p place, f *figures) {
	operator := newAuthor(0)
	g := p.startCluster(t, func(_, address string) string { return answerRanksWrong(t, address) }, "BANYAN_IDENTITY_OPERATORS="+operator.address.String())
	fill(t, p, g.trunk)
	settle(t, g.trunk) // so that the wrong answer is all that differs
	if err := g.setState(reputation.Name, step{"shadow", 10}); err != nil {
		t.Fatal(err)
	}
	const within, many = 1000, 12_000
	score := func() analysis.OperationStats { return g.route(reputation.Name).operation(t, "score") }
	reads := 0
	for score().Shadow.Persistent == 0 && reads < within {
		g.readScores(20)
		reads += 20
	}
	eventually(t, "a persistent difference", func() bool { return score().Shadow.Persistent > 0 }) // the shadow asks after the readers are answered
	f.say(t, "found within %d reads of a shadow of 10 %%", reads)

	more := either(0, many)
	g.readScores(more)
	verdict := g.route(reputation.Name).Verdict
	if verdict.Safe || !strings.Contains(strings.Join(verdict.Missing, "\n"), "persistent differences") {
		t.Errorf("the verdict after %d reads: %+v", reads+more, verdict)
	}
	found := g.differences(reputation.Name, "score")
	if len(found) == 0 || len(found[0].Fields) != 1 || found[0].Fields[0].Path != "rank" || !found[0].Persistent {
		t.Fatalf("the differences: %+v", found)
	}
	browser := signIn(t, g.trunk.url, operator)
	page := browser("/operator/modules")
	for _, says := range []string{`data-verdict="problem"`, "Not safe", "persistent difference"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page of the modules does not say %q", says)
		}
	}
	field := found[0].Fields[0]
	page = browser("/operator/modules/reputation/differences/score")
	for _, says := range []string{"rank", field.Local, field.Remote} {
		if !strings.Contains(page, says) {
			t.Errorf("the page of the differences does not say %q", says)
		}
	}
	f.say(t, "the page shows rank %s here, %s there; after %d reads the verdict is still not safe", field.Local, field.Remote, reads+more)
}

// answerRanksWrong returns the address of a remote that answers each rank one too high.
func answerRanksWrong(t *testing.T, address string) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ModifyResponse = func(resp *http.Response) error {
		if !strings.Contains(resp.Request.URL.Path, "/scores/0x") || resp.StatusCode != http.StatusOK {
			return nil
		}
		var score reputation.Score
		if err := json.NewDecoder(resp.Body).Decode(&score); err != nil {
			return err
		}
		score.Rank++
		text, err := json.Marshal(score)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
		return err
	}
	proxy.ErrorLog = log.New(io.Discard, "", 0) // what ends with the test
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// readScores reads n scores.
func (g *cluster) readScores(n int) {
	g.t.Helper()
	for i := range n {
		g.trunk.must("GET", "/api/v1/reputation/scores/"+newAuthor(i%known).address.String(), "", nil, nil)
	}
}

// routeStatus are the figures of a route that the operator sees.
type routeStatus struct{ seam.Status }

func (g *cluster) route(module string) routeStatus {
	g.t.Helper()
	var state struct{ Route routeStatus }
	g.trunk.must("GET", "/api/v1/operator/modules/"+module, g.token, nil, &state)
	return state.Route
}

func (r routeStatus) operation(t *testing.T, id string) analysis.OperationStats {
	t.Helper()
	for _, o := range r.Operations {
		if o.Operation == id {
			return o
		}
	}
	t.Fatalf("no operation %s in %+v", id, r)
	return analysis.OperationStats{}
}

func (g *cluster) differences(module, operation string) []diff.Difference {
	g.t.Helper()
	var found struct{ Differences []diff.Difference }
	g.trunk.must("GET", "/api/v1/operator/modules/"+module+"/differences/"+operation, g.token, nil, &found)
	return found.Differences
}

// signIn signs in as a wallet does in the browser, and returns what reads pages.
func signIn(t *testing.T, base string, a author) (page func(path string) string) {
	t.Helper()
	b := newBrowser(t, base)
	b.signIn(a)
	return b.get
}
