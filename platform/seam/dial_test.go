package seam_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

type dialedQuestion struct {
	Text string `json:"text"`
}

type dialedAnswer struct {
	Text string `json:"text"`
}

// TestAClientFromOutsideSaysNothingThatProcessesSay looks at what reaches a
// server from a program that has dialed it, when that program does everything
// that makes a process of Banyan send an internal header.
func TestAClientFromOutsideSaysNothingThatProcessesSay(t *testing.T) {
	contract := seam.NewContract("dialed", 3, "A module for the test.")
	read := seam.Read[dialedQuestion, dialedAnswer](contract, "ask", "POST /ask", seam.Public, "Ask")
	write := seam.Write[dialedQuestion, dialedAnswer](contract, "say", "POST /say", seam.SignedIn, "Say", seam.Idempotent())
	seen := make(map[string]http.Header)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		seen[req.URL.Path] = req.Header
		text, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Banyan-Contract", "3")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}))
	defer server.Close()
	route, closeRoute, err := seam.Dial(contract, server.URL, "a.b.c")
	if err != nil {
		t.Fatal(err)
	}
	defer closeRoute()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx = seam.WithIdempotencyKey(ctx, "key-1")
	for _, call := range []func() (dialedAnswer, error){
		func() (dialedAnswer, error) { return read.Call(ctx, route, dialedQuestion{"x"}) },
		func() (dialedAnswer, error) { return write.Call(ctx, route, dialedQuestion{"x"}) },
	} {
		if answer, err := call(); err != nil || answer.Text != "x" {
			t.Errorf("the answer is %+v, %v", answer, err)
		}
	}
	for _, path := range []string{"/api/v1/dialed/ask", "/api/v1/dialed/say"} {
		header := seen[path]
		if header.Get("Authorization") != "Bearer a.b.c" {
			t.Errorf("%s: the token was not sent: %v", path, header)
		}
		for name := range header {
			if strings.HasPrefix(name, "Banyan-") {
				t.Errorf("%s: %s was sent from outside", path, name)
			}
		}
	}
	if key := seen["/api/v1/dialed/say"].Get("Idempotency-Key"); key != "key-1" {
		t.Errorf("the write has the key %q", key)
	}
}

// TestAClientFromOutsideReadsTheServersErrors: also those that are not of the
// module but of the server around it, which refuses a token or too many calls
// before the module is asked.
func TestAClientFromOutsideReadsTheServersErrors(t *testing.T) {
	contract := seam.NewContract("dialed", 1, "A module for the test.")
	write := seam.Write[dialedQuestion, dialedAnswer](contract, "say", "POST /say", seam.SignedIn, "Say")
	for _, code := range []fault.Code{fault.Unauthenticated, fault.Forbidden, fault.RateLimited, fault.NotFound} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fault.WriteProblem(w, fault.New(code, "because of the server"), "")
		}))
		route, closeRoute, err := seam.Dial(contract, server.URL, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = write.Call(t.Context(), route, dialedQuestion{"x"})
		if fault.CodeOf(err) != code || !strings.Contains(err.Error(), "because of the server") {
			t.Errorf("the server answered %s, and the client has %v", code, err)
		}
		closeRoute()
		server.Close()
	}
}

func TestDialRefusesWhatIsNoServer(t *testing.T) {
	contract := seam.NewContract("dialed", 1, "A module for the test.")
	for _, address := range []string{"", "banyan.example.org", "ftp://x", "https://x/%70ath"} {
		if _, _, err := seam.Dial(contract, address, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestASiteMayBeBelowAPath: public_url may have one, and programs dial it.
func TestASiteMayBeBelowAPath(t *testing.T) {
	contract := seam.NewContract("dialed", 3, "A module for the test.")
	read := seam.Read[dialedQuestion, dialedAnswer](contract, "ask", "POST /ask", seam.Public, "Ask")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Banyan-Contract", "3")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(dialedAnswer{req.URL.EscapedPath()})
	}))
	defer server.Close()
	for address, base := range map[string]string{"": "", "/": "", "/app": "/app", "/deep/app/": "/deep/app"} {
		route, closeRoute, err := seam.Dial(contract, server.URL+address, "")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := read.Call(t.Context(), route, dialedQuestion{"x"})
		if want := base + "/api/v1/dialed/ask"; err != nil || answer.Text != want {
			t.Errorf("%q: %q, %v; want %q", address, answer.Text, err, want)
		}
		closeRoute()
	}
	if _, err := seam.NewRemote(contract, seam.RemoteOptions{URLs: []string{server.URL + "/app"}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a module's own process has an address with a path: %v", err)
	}
}
