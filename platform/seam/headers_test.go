package seam_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
	"banyan/platform/seam"
)

// hostile are headers that would do harm if anybody were believed.
var hostile = map[string]string{
	"Banyan-Contract": "99", "Banyan-Deadline": "1", "Banyan-Epoch": "1", "Banyan-Problem": `{"code":"internal"}`,
}

// TestHeadersBetweenProcessesNeedProof asks a server with the same headers as
// somebody from outside, signed in or not, and as a process.
func TestHeadersBetweenProcessesNeedProof(t *testing.T) {
	for name, c := range map[string]struct {
		caller  identity.Caller
		process string
		status  int
		epoch   string
	}{
		"anybody":          {identity.Caller{}, "", 200, ""},
		"an operator":      {identity.Caller{Subject: "op", Role: identity.Operator}, "", 200, ""},
		"a module's name":  {identity.Caller{Service: "testModule"}, "", 200, ""},
		"one of processes": {identity.Caller{}, identity.TrunkIssuer, 415, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			var epochs []string
			var left time.Duration
			router := chi.NewRouter()
			router.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, r.WithContext(identity.WithProcess(r.Context(), c.caller, c.process)))
				})
			})
			light := &scripted{change: func(ctx context.Context, _ numberQuery) (changed, error) {
				deadline, _ := ctx.Deadline()
				left = time.Until(deadline)
				return changed{"x"}, nil
			}}
			seam.NewRoute(light.bind()).Mount(router, seam.MountOptions{Timeout: time.Hour, Epoch: func(_ context.Context, header string) error {
				epochs = append(epochs, header)
				return nil
			}})
			send := func(headers map[string]string) *httptest.ResponseRecorder {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/api/v1/scripted/light", strings.NewReader("{}"))
				req.Header.Set("Content-Type", "application/json")
				for name, value := range headers {
					req.Header.Set(name, value)
				}
				w := httptest.NewRecorder()
				router.ServeHTTP(w, req)
				return w
			}
			w := send(hostile)
			if w.Code != c.status {
				t.Fatalf("with hostile headers: %d %s", w.Code, w.Body)
			}
			for name, value := range hostile {
				if got := w.Header().Get(name); got == value {
					t.Errorf("%s: %s came back", name, value)
				}
			}
			if c.process == "" {
				if left < 59*time.Minute {
					t.Errorf("a deadline from outside was believed: %s were left", left)
				}
			} else if send(map[string]string{"Banyan-Contract": "1", "Banyan-Deadline": "60000", "Banyan-Epoch": "1"}); left <= 0 || left > time.Minute {
				t.Errorf("a process has a minute, and %s were left", left)
			}
			if len(epochs) != 1 || epochs[0] != c.epoch {
				t.Errorf("the epochs that were asked for: %q, want one %q", epochs, c.epoch)
			}
		})
	}
}

// TestAContractFromOutsideLiftsNoTimeLimit: our processes may wait as long as
// they like.
func TestAContractFromOutsideLiftsNoTimeLimit(t *testing.T) {
	var bounded bool
	router := chi.NewRouter()
	light := &scripted{profile: func(ctx context.Context, _ profileQuery) (profile, error) {
		_, bounded = ctx.Deadline()
		return profile{}, nil
	}}
	seam.NewRoute(light.bind()).Mount(router, mountOptions)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/scripted/profiles/"+member.Wallet.String(), strings.NewReader("{}"))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Banyan-Contract", "1")
	w := httptest.NewRecorder()
	router.ServeHTTP(w, req)
	if w.Code != http.StatusOK || !bounded {
		t.Errorf("%d %s, bounded %v", w.Code, w.Body, bounded)
	}
}

// split is a trunk whose module testModule runs in another process, with the keys
// and tokens of the program, and anybody outside.
type split struct {
	url    string
	remote *seam.Remote
	client *http.Client
}

func newSplit(t *testing.T, h testModule) split {
	t.Helper()
	ring, err := identity.NewKeyring(identity.KeyringOptions{})
	if err != nil {
		t.Fatal(err)
	}
	alone := chi.NewRouter()
	alone.Use(identity.BearerOnly(identity.NewVerifier(nil, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: ring}), "testModule", nil))
	seam.NewRoute(h.bind()).Mount(alone, mountOptions)
	module := httptest.NewServer(alone)
	t.Cleanup(module.Close)
	remote, err := seam.NewRemote(contract, seam.RemoteOptions{URLs: []string{module.URL}, Tokens: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	trunk := chi.NewRouter()
	seam.NewRemoteRoute(contract, remote).Mount(trunk, mountOptions)
	server := httptest.NewServer(trunk)
	t.Cleanup(server.Close)
	return split{server.URL, remote, server.Client()}
}

// send asks the trunk as an anonymous client who stops waiting after a while; the
// status is 0 then.
func (s split) send(t *testing.T, within time.Duration, method, path string, body io.Reader, headers map[string]string) (status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/api/v1/testModule"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// TestAnAnonymousClientCannotSwitchAModuleOff sends what has closed the breaker
// on everybody else: deadlines, uploads that stall, and what makes the module say
// that it is busy.
func TestAnAnonymousClientCannotSwitchAModuleOff(t *testing.T) {
	const members = "/groups/a/members/0x52908400098527886E0F7030069857D2E4169EE7"
	slow := make(chan struct{})
	for name, attack := range map[string]func(*testing.T, split){
		"deadlines": func(t *testing.T, s split) {
			s.send(t, 400*time.Millisecond, http.MethodGet, members, nil, map[string]string{"Banyan-Deadline": "120"})
		},
		"deadlines on stalled uploads": func(t *testing.T, s split) {
			read, write := io.Pipe()
			defer time.AfterFunc(400*time.Millisecond, func() { _ = write.CloseWithError(io.ErrUnexpectedEOF) }).Stop()
			s.send(t, 400*time.Millisecond, http.MethodPut, "/public-upload", read, map[string]string{"Banyan-Deadline": "120", "Content-Type": "text/csv"})
		},
		"busy": func(t *testing.T, s split) {
			for range 10 {
				if status := s.send(t, time.Minute, http.MethodPost, "/fail/busy", strings.NewReader(`{}`), nil); status != http.StatusServiceUnavailable {
					t.Errorf("busy is answered %d", status)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := testModule{}
			if name == "deadlines" {
				h.delay = slow
			}
			s := newSplit(t, h)
			done := make(chan struct{})
			const attackers = 30
			for range attackers {
				go func() {
					defer func() { done <- struct{}{} }()
					attack(t, s)
				}()
			}
			for range attackers {
				<-done
			}
			if h.delay != nil {
				close(slow)
			}
			for n := range 50 {
				if status := s.send(t, time.Minute, http.MethodGet, members, nil, nil); status != http.StatusOK {
					t.Fatalf("read %d of others is answered %d: %+v", n, status, s.remote.Endpoints())
				}
			}
			if e := s.remote.Endpoints()[0]; e.State != "closed" || e.Failures != 0 {
				t.Errorf("the endpoint is blamed: %+v", e)
			}
		})
	}
}
