package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/web/webtest"
)

// Both forms that import trust say where the server is asked how far it is. Whoever ends
// the request of an upload ends its work; without a script the form answers with its page.
func TestAnUploadOfTrustIsWatchedAndCancelled(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get("/operator/imports", http.StatusOK), `data-work="../api/v1/reputation/imports/{import}/work"`, `name="import"`)
	contains(t, v.get("/operator", http.StatusOK), `data-work="./api/v1/reputation/imports/`+reputation.StandardImport+`/work"`)
	token := v.csrf()

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s.Reputation.Storing = func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	form := "--x\r\nContent-Disposition: form-data; name=\"import\"\r\n\r\notc\r\n--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n" + token +
		"\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"l.csv\"\r\n\r\na,b,1\n\r\n--x--\r\n"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/operator/imports", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	resp, err := v.client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("a request that was ended has the answer %s", resp.Status)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("its work has ended with %v", err)
	}

	s.Reputation.Storing = nil
	if status, page := v.upload("/operator/imports", token, "a,b,1\n", "import", "otc", "mode", "replace"); status != http.StatusOK || !strings.Contains(page, "was read, 1 row, and waits") {
		t.Errorf("sent again: %d", status)
	}
}
