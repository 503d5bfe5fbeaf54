package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/rollout"
)

// What keeps a command from the program is said in words that help at the command
// line; what the program itself says is left as it is.
func TestWhyTheProgramCouldNotBeAskedIsExplained(t *testing.T) {
	program := testProgram(t)
	t.Chdir(t.TempDir())
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	contract := func(w http.ResponseWriter) { w.Header().Set("Banyan-Contract", "1") }
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		handler http.HandlerFunc // nil: nobody listens
		code    fault.Code
		says    string
	}{
		"nobody listens": {nil, fault.Unavailable, "nothing answers at "},
		"the program refuses the token": {
			func(w http.ResponseWriter, _ *http.Request) {
				fault.WriteProblem(w, fault.New(fault.Unauthenticated, "the token is wrong"), "")
			}, fault.Unauthenticated, "does not take this token",
		},
		"the token's role is not enough": {
			func(w http.ResponseWriter, _ *http.Request) {
				contract(w)
				fault.WriteProblem(w, fault.New(fault.Forbidden, "this needs the role operator"), "")
			}, fault.Forbidden, "this needs the role operator",
		},
		"the program cannot reach the module": {
			func(w http.ResponseWriter, _ *http.Request) {
				contract(w)
				fault.WriteProblem(w, fault.New(fault.Unavailable, "the module reputation cannot be reached"), "")
			}, fault.Unavailable, "the module reputation cannot be reached",
		},
		"another program":   {http.NotFound, fault.Unavailable, "is not Banyan"},
		"a page of another": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, fault.Unavailable, "is not Banyan"},
		"a redirect": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }, fault.Unavailable, "is not Banyan",
		},
		"the connection breaks": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Unavailable, "look with `banyan module list`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := gone.URL
			if c.handler != nil {
				server := httptest.NewServer(c.handler)
				defer server.Close()
				at = server.URL
			}
			o := &operating{source: &source{program: program.host()}, server: at, token: "secret", errOut: io.Discard}
			err := o.with(t.Context(), func(ctx context.Context, modules rollout.Client) error {
				_, err := modules.Set(ctx, rollout.SetRequest{Name: "first", Change: rollout.Change{Mode: "local"}})
				return err
			})
			if !fault.Is(err, c.code) || !strings.Contains(fault.From(err).Message, c.says) {
				t.Errorf("%v, want %s with %q", err, c.code, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the message shows the token: %v", err)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("the token was carried to where a redirect led")
	}
}

func TestAnAddressThatIsNoneIsAMistakeInTheCommandLine(t *testing.T) {
	program := testProgram(t)
	t.Chdir(t.TempDir())
	for _, address := range []string{"ftp://x", "localhost", "http://a/%70ath"} {
		o := &operating{source: &source{program: program.host()}, server: address, token: "secret", errOut: io.Discard}
		err := o.with(t.Context(), func(context.Context, rollout.Client) error { return errors.New("asked") })
		if !fault.IsUsage(err) || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
