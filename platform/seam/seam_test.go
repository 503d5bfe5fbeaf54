package seam_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/testenv/testneeds"
)

func TestARequestArrivesAsItWasSent(t *testing.T) {
	everywhere(t, func(t *testing.T, r *seam.Route) {
		for _, group := range []string{"a", "with space", "slash/inside", "100%", "%2F", "ü?&=#", "..", "+"} {
			q := findQuery{Group: group, Wallet: member.Wallet, Ratio: 0.1, Limit: 7, Exact: true, Mark: 1<<64 - 1}
			got, err := opFind.Call(as(member), r, q)
			if err != nil {
				t.Fatalf("group %q: %v", group, err)
			}
			if got.Echo != findEcho(q) || got.Caller != member.Wallet.String() {
				t.Errorf("group %q: arrived as %+v", group, got)
			}
		}
		in := batch{ID: "Ever Given", Items: []string{"<b>", "\u2028", ""}, Amount: 1 << 60}
		got, err := opStore.Call(as(member), r, in)
		if err != nil || got.ID != in.ID || got.Amount != in.Amount || strings.Join(got.Items, "|") != strings.Join(in.Items, "|") {
			t.Errorf("batch arrived as %+v, %v", got, err)
		}
	})
}

func TestErrorsKeepTheirCode(t *testing.T) {
	everywhere(t, func(t *testing.T, r *seam.Route) {
		for _, code := range []fault.Code{
			fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict,
			fault.TooLarge, fault.Unsupported, fault.RateLimited, fault.Internal, fault.Unavailable, fault.DeadlineExceeded,
		} {
			_, err := opFail.Call(context.Background(), r, batch{ID: string(code)})
			f := fault.From(err)
			if f.Code != code || f.Message != "as asked" || len(f.Fields) != 1 || f.Fields[0] != (fault.Field{Name: "id", Line: 7, Message: "named it"}) {
				t.Errorf("%s came back as %+v", code, f)
			}
		}
	})
}

func TestACauseNeverLeavesTheProcess(t *testing.T) {
	remote, _ := serve(t, testModule{})
	_, err := opFail.Call(context.Background(), seam.NewRemoteRoute(contract, remote), batch{ID: "plain"})
	if !fault.Is(err, fault.Internal) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestAccessIsCheckedInEveryState(t *testing.T) {
	operator, module := identity.Caller{Subject: "ops", Role: identity.Operator}, identity.Caller{Service: "airdrop"}
	everywhere(t, func(t *testing.T, r *seam.Route) {
		store := func(c identity.Caller) error {
			_, err := opStore.Call(as(c), r, batch{ID: "a"})
			return err
		}
		measure := func(c identity.Caller) error {
			_, err := opMeasure.Call(as(c), r, upload{Body: strings.NewReader("x")})
			return err
		}
		internalCall := func(c identity.Caller) error { _, err := opInternal.Call(as(c), r, nothing{}); return err }
		for _, c := range []struct {
			what string
			call func(identity.Caller) error
			who  identity.Caller
			want fault.Code
		}{
			{"store", store, identity.Caller{}, fault.Unauthenticated},
			{"store", store, member, ""},
			{"store", store, operator, ""},
			{"store", store, module, fault.Forbidden},
			{"measure", measure, member, fault.Forbidden},
			{"measure", measure, operator, ""},
			{"measure", measure, module, fault.Forbidden},
			{"internalCall", internalCall, operator, fault.Forbidden},
			{"internalCall", internalCall, module, ""},
		} {
			if got := fault.CodeOf(c.call(c.who)); got != c.want {
				t.Errorf("%s by %s: %q, want %q", c.what, c.who.Name(), got, c.want)
			}
		}
	})
}

// The server must not rely on its clients' check.
func TestTheServerChecksAccessItself(t *testing.T) {
	_, server := serve(t, testModule{})
	resp, err := http.Post(server.URL+"/api/v1/testModule/batches/a/batch", "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Content-Type") != fault.MediaType {
		t.Errorf("got %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}

func TestValidateIsAskedInEveryState(t *testing.T) {
	everywhere(t, func(t *testing.T, r *seam.Route) {
		_, err := opFind.Call(context.Background(), r, findQuery{Group: "a", Limit: 101})
		if f := fault.From(err); f == nil || f.Code != fault.Invalid || f.Fields[0].Name != "limit" {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheDeadlineCrosses(t *testing.T) {
	everywhere(t, func(t *testing.T, r *seam.Route) {
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		defer cancel()
		got, err := opFind.Call(ctx, r, findQuery{Group: "a"})
		if err != nil || got.LeftMS < 20_000 || got.LeftMS > 40_000 {
			t.Errorf("of 40 s the module saw %d ms left, %v", got.LeftMS, err)
		}
	})
}

func TestACallEndsAtItsDeadlineOrWhenItsCallerLeaves(t *testing.T) {
	stuck := testModule{delay: make(chan struct{})}
	remote, _ := serve(t, stuck)
	for name, r := range map[string]*seam.Route{"local": seam.NewRoute(stuck.bind()), "remote": seam.NewRemoteRoute(contract, remote)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			if _, err := opFind.Call(ctx, r, findQuery{Group: "a"}); !fault.Is(err, fault.DeadlineExceeded) {
				t.Errorf("deadline: %v", err)
			}
			ctx, cancel = context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			if _, err := opFind.Call(ctx, r, findQuery{Group: "a"}); !fault.Is(err, fault.Canceled) {
				t.Errorf("cancel: %v", err)
			}
		})
	}
}

func TestAWriteCarriesItsIdempotencyKey(t *testing.T) {
	everywhere(t, func(t *testing.T, r *seam.Route) {
		got, err := opStore.Call(seam.WithIdempotencyKey(as(member), "key-1"), r, batch{ID: "a"})
		if err != nil || got.Key != "key-1" {
			t.Errorf("key arrived as %q, %v", got.Key, err)
		}
	})
	remote, _ := serve(t, testModule{})
	r := seam.NewRemoteRoute(contract, remote)
	first, _ := opStore.Call(as(member), r, batch{ID: "a"})
	second, _ := opStore.Call(as(member), r, batch{ID: "a"})
	if first.Key == "" || first.Key == second.Key {
		t.Errorf("two writes without a key got %q and %q", first.Key, second.Key)
	}
}

func TestAnotherContractVersionIsRefused(t *testing.T) {
	other := seam.NewContract("testModule", 4, "Newer.")
	foundOf4 := seam.Read[findQuery, found](other, "found", "GET /groups/{group}/members/{wallet}", seam.Public, "")
	_, server := serve(t, testModule{})
	remote, err := seam.NewRemote(other, seam.RemoteOptions{URLs: []string{server.URL}, Tokens: plainTokens{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foundOf4.Call(context.Background(), seam.NewRemoteRoute(other, remote), findQuery{Group: "a"}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v", err)
	}
}

func TestStreams(t *testing.T) {
	operator := as(identity.Caller{Subject: "ops", Role: identity.Operator})
	everywhere(t, func(t *testing.T, r *seam.Route) {
		if got, err := opMeasure.Call(operator, r, upload{Body: strings.NewReader(strings.Repeat("x", 50_000))}); err != nil || got.Bytes != 50_000 {
			t.Errorf("upload: %+v, %v", got, err)
		}
		broken := errors.New("the disk is gone")
		if _, err := opMeasure.Call(operator, r, upload{Body: iotest.ErrReader(broken)}); !errors.Is(err, broken) {
			t.Errorf("a broken source led to %v", err)
		}
		stream, err := opLog.Call(context.Background(), r, logQuery{Lines: 3})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := stream.Write(&out); err != nil || out.String() != "{\"line\":0}\n{\"line\":1}\n{\"line\":2}\n" {
			t.Errorf("download: %q, %v", out.String(), err)
		}
		stream, err = opLog.Call(context.Background(), r, logQuery{Lines: 1000, Break: true})
		if err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if err := stream.Write(&out); !fault.Is(err, fault.Conflict) || strings.Count(out.String(), "\n") != 1000 {
			t.Errorf("a stream that broke off led to %v after %d lines", err, strings.Count(out.String(), "\n"))
		}
	})
}

// People read streams without trailers: the last line is for them.
func TestABrokenStreamEndsWithItsProblem(t *testing.T) {
	_, server := serve(t, testModule{})
	resp, err := http.Get(server.URL + "/api/v1/testModule/log?lines=2&break=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var p fault.Problem
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &p); err != nil || len(lines) != 3 || p.Code != fault.Conflict {
		t.Errorf("got %q", text)
	}
}

func TestBadRequests(t *testing.T) {
	_, server := serve(t, testModule{})
	const someWallet = "0x52908400098527886E0F7030069857D2E4169EE7"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"a wallet with a wrong checksum", "GET", "/groups/a/members/0x52908400098527886e0F7030069857D2E4169EE7", "", 400, "checksum"},
		{"no number", "GET", "/groups/a/members/" + someWallet + "?limit=many", "", 400, `"name":"limit"`},
		{"an unknown parameter", "GET", "/groups/a/members/" + someWallet + "?limt=1", "", 400, "use ratio, limit, exact, mark"},
		{"a parameter that stands twice", "GET", "/groups/a/members/" + someWallet + "?limit=1&limit=2", "", 400, "more than once"},
		{"broken JSON", "POST", "/fail/not_found", `{"amount": }`, 400, "at byte"},
		{"no body", "POST", "/fail/not_found", ``, 400, "is empty"},
		{"not UTF-8", "POST", "/fail/not_found", "{\"items\": [\"\xff\"]}", 400, "not UTF-8"},
		{"half a body", "POST", "/fail/not_found", `{"amount": 1`, 400, "in the middle"},
		{"two values", "POST", "/fail/not_found", `{} {}`, 400, "one value"},
		{"a wrong type", "POST", "/fail/not_found", `{"amount": "many"}`, 400, `"name":"amount"`},
		{"an unknown field", "POST", "/fail/not_found", `{"amounts": 1}`, 400, `"name":"amounts"`},
		{"a body over the limit", "POST", "/fail/not_found", `{"items": ["` + strings.Repeat("x", bodyLimit) + `"]}`, 413, "65536 bytes"},
		{"a good one, to compare", "POST", "/fail/not_found", `{"amount": 1}`, 404, "as asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequest(c.method, server.URL+"/api/v1/testModule"+c.path, strings.NewReader(c.body))
			req.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || !strings.Contains(string(text), c.says) {
				t.Errorf("got %d %s", resp.StatusCode, text)
			}
		})
	}
}

func TestAnUploadOverTheLimitOrCutShortIsRefused(t *testing.T) {
	remote, server := serve(t, testModule{})
	operator := as(identity.Caller{Subject: "ops", Role: identity.Operator})
	r := seam.NewRemoteRoute(contract, remote)
	if _, err := opMeasure.Call(operator, r, upload{Body: strings.NewReader(strings.Repeat("x", 70_000))}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("70,000 bytes led to %v", err)
	}
	token, _ := plainTokens{}.Token(identity.From(operator), "testModule")
	req := httptest.NewRequest("PUT", "/api/v1/testModule/upload", io.MultiReader(strings.NewReader("x"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	req.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	server.Config.Handler.ServeHTTP(answer, req)
	if answer.Code != 400 || !strings.Contains(answer.Body.String(), "ended before") {
		t.Errorf("a cut upload led to %d %s", answer.Code, answer.Body)
	}
}

func TestADeadRemoteIsUnavailableAndHeals(t *testing.T) {
	address := testneeds.Address(t)
	remote, server := serveAt(t, address, testModule{})
	r := seam.NewRemoteRoute(contract, remote)
	if _, err := opFind.Call(context.Background(), r, findQuery{Group: "a"}); err != nil {
		t.Fatal(err)
	}
	server.Close()
	_, err := opFind.Call(context.Background(), r, findQuery{Group: "a"})
	if f := fault.From(err); f.Code != fault.Unavailable || strings.Contains(f.Message, address) {
		t.Errorf("a dead remote led to %v", err)
	}
	listenAt(t, address, server.Config.Handler)
	if _, err := opFind.Call(context.Background(), r, findQuery{Group: "a"}); err != nil {
		t.Errorf("after its return: %v", err)
	}
}

func TestBindNamesWhatIsMissing(t *testing.T) {
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, "internalCall is not bound") {
			t.Errorf("said %q", said)
		}
	}()
	h := testModule{}
	contract.Bind(opFind.To(h.found), opStore.To(h.store), opMeasure.To(h.measure), opLog.To(h.log), opFail.To(h.fail))
}

// A module that has moved is still answered at the trunk's own address.
func TestTheTrunkForwards(t *testing.T) {
	remote, _ := serve(t, testModule{})
	router := chi.NewRouter()
	router.Use(readPlainToken)
	seam.NewRemoteRoute(contract, remote).Mount(router, mountOptions)
	trunk := httptest.NewServer(router)
	defer trunk.Close()
	resp, err := http.Get(trunk.URL + "/api/v1/testModule/log?lines=2")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if string(text) != "{\"line\":0}\n{\"line\":1}\n" {
		t.Errorf("got %q", text)
	}
}
