package process_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/rollout"
)

// Uploads of 20 MB that begin before the module's data moves to another host, or back, and
// end after it: the sender notices nothing, and the list is imported once, as it was sent.
func TestAnUploadGoesOnWhileItsModuleMoves(t *testing.T) {
	const half = 10 << 20
	data := t.TempDir()
	g := place{[]string{"BANYAN_DATA=" + data}}.startAlone(t)
	g.startOthers()
	rows := bytes.NewBufferString("source,target,weight\n")
	for n := range 300 {
		fmt.Fprintf(rows, "%s,%s,%d\n", newAuthor(n%2).address, newAuthor(2+n).address, n+1)
	}
	comment := []byte("# " + strings.Repeat("x", 4094) + "\n")
	for n, to := range []string{g.url["reputation"], rollout.Home} {
		body, sender := io.Pipe()
		type result struct {
			status int
			text   string
			err    error
			answer reputation.TrustImported
		}
		done := make(chan result, 1)
		go func() {
			var r result
			r.status, r.text, r.err = call(t.Context(), http.MethodPost, fmt.Sprintf("%s/api/v1/reputation/trust/import?import=move-%d", g.trunk.url, n), g.token, body, &r.answer)
			_ = body.CloseWithError(io.ErrClosedPipe) // the sender is not to wait for a server that has answered
			done <- r
		}()
		send := func(text []byte) {
			if _, err := sender.Write(text); err != nil {
				t.Fatalf("the upload was cut off: %v, %+v", err, <-done)
			}
		}
		send(rows.Bytes())
		for range half / len(comment) {
			send(comment)
		}
		g.beginMove("reputation", to)
		state := g.awaitMove("reputation")
		for range half / len(comment) {
			send(comment)
		}
		if err := sender.Close(); err != nil {
			t.Fatal(err)
		}
		if r := <-done; r.err != nil || r.status != http.StatusOK || r.answer.Edges != 300 || r.answer.Diff.Added != 300 || r.answer.Version != 1 {
			t.Fatalf("the upload over a move to %s: %d %s %v %+v", state.To, r.status, r.text, r.err, r.answer)
		}
		var list reputation.ImportList
		g.trunk.must(http.MethodGet, "/api/v1/reputation/imports", g.token, nil, &list)
		if len(list.Imports) != n+1 || list.Imports[n].Edges != 300 || list.Imports[n].Version != 1 {
			t.Errorf("the imports after a move to %s: %+v", state.To, list.Imports)
		}
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".banyan-upload-") {
			t.Errorf("%s is left of an upload", e.Name())
		}
	}
}
