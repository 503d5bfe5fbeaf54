// Package accesstest calls every operation of a contract as every kind of caller,
// by every way, in every state of the module's route. What must come of it follows
// from the operation's access level alone, so the matrix grows with the contract.
// It is imported by tests only.
package accesstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// intruder is the module that calls. The program has no such module.
const intruder = "intruder"

// The processes that serve a module.
const (
	alone   = "a process that serves it alone"
	atTrunk = "the trunk"
)

// inner returns a module that only records that a call reached it.
func inner(c *seam.Contract, reached *atomic.Bool) *seam.Local {
	return c.BindAny(func(_ context.Context, o seam.Info, _ any) (any, error) {
		reached.Store(true)
		if o.Streams {
			return seam.Stream{ContentType: "text/plain", Write: func(io.Writer) error { return nil }}, nil
		}
		return nil, nil
	})
}

// Check calls every operation of a contract, in process and over HTTP: a caller must
// get exactly those that the contract's access levels allow.
// client makes the contract's typed client; nil calls over HTTP only.
func Check(t *testing.T, c *seam.Contract, client func(*seam.Route) any) {
	w := newWorld(t)
	tries := w.attempts(t, c)
	for _, mode := range []seam.Mode{seam.ModeLocal, seam.ModeShadow, seam.ModeCanary, seam.ModeRemote} {
		var reached atomic.Bool
		route := w.route(t, c, mode, &reached)
		if client != nil {
			t.Run(string(mode)+", in process", func(t *testing.T) { checkInProcess(t, c, client(route), &reached) })
		}
		t.Run(string(mode)+", over HTTP", func(t *testing.T) { w.checkOverHTTP(t, c, route, atTrunk, tries, &reached) })
	}
	t.Run("alone, over HTTP", func(t *testing.T) {
		var reached atomic.Bool
		w.checkOverHTTP(t, c, seam.NewRoute(inner(c, &reached)), alone, tries, &reached)
	})
}

// route returns the trunk's route to a module in a state; the module also runs in
// another process.
func (w *world) route(t *testing.T, c *seam.Contract, mode seam.Mode, reached *atomic.Bool) *seam.Route {
	t.Helper()
	route := seam.NewRoute(inner(c, reached))
	if mode == seam.ModeLocal {
		return route
	}
	server := httptest.NewServer(w.serve(c, seam.NewRoute(inner(c, reached)), alone))
	t.Cleanup(server.Close)
	remote, err := seam.NewRemote(c, seam.RemoteOptions{URLs: []string{server.URL}, Tokens: w.keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	plan := seam.Plan{Mode: mode}
	if mode.Partial() {
		plan.Percent = 100
	}
	if err := route.Set(plan, remote); err != nil {
		t.Fatal(err)
	}
	return route
}

// serve returns a process that serves a module.
func (w *world) serve(c *seam.Contract, route *seam.Route, entry string) http.Handler {
	router := chi.NewRouter()
	if entry == alone {
		router.Use(identity.BearerOnly(w.verifier, c.Module, nil))
	} else {
		router.Use(w.api.Authenticate)
	}
	route.Mount(router, seam.MountOptions{})
	return router
}

// checkInProcess calls as callers of this process.
func checkInProcess(t *testing.T, c *seam.Contract, made any, reached *atomic.Bool) {
	client := reflect.ValueOf(made)
	for _, o := range c.Operations() {
		method := client.MethodByName(strings.ToUpper(o.ID[:1]) + o.ID[1:])
		if !method.IsValid() {
			t.Errorf("%s has no method for the operation %s", client.Type(), o.ID)
			continue
		}
		for who, a := range map[string]struct {
			caller identity.Caller
			says   map[seam.Access]int
		}{
			"nobody":      {identity.Caller{}, asNobody},
			"a member":    {identity.Caller{Wallet: wallets[identity.Member], Role: identity.Member}, asMember},
			"a moderator": {identity.Caller{Wallet: wallets[identity.Moderator], Role: identity.Moderator}, asModerator},
			"an operator": {identity.Caller{Wallet: wallets[identity.Operator], Role: identity.Operator}, asOperator},
			"a client":    {identity.Caller{Subject: "ci", Role: identity.Operator}, asOperator},
			"a module":    {identity.Caller{Service: intruder}, asModule},
		} {
			reached.Store(false)
			out := method.Call([]reflect.Value{reflect.ValueOf(identity.With(t.Context(), a.caller)), reflect.Zero(o.Request)})
			err, _ := out[1].Interface().(error)
			status := 200
			if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.Unauthenticated) {
				status = fault.Status(fault.CodeOf(err))
			}
			if want := a.says[o.Access]; status != want || want != 200 && reached.Load() {
				t.Errorf("%s at %s.%s, which is for %s: %d (%v), want %d", who, c.Module, o.ID, o.Access, status, err, want)
			}
		}
	}
}

// checkOverHTTP sends every attempt to every operation, without the checks that
// Banyan's client makes before it sends.
func (w *world) checkOverHTTP(t *testing.T, c *seam.Contract, route *seam.Route, entry string, tries []attempt, reached *atomic.Bool) {
	handler := w.serve(c, route, entry)
	for _, o := range c.Operations() {
		for _, a := range tries {
			if a.entry != "" && a.entry != entry {
				continue
			}
			reached.Store(false)
			status, text := request(t, handler, c, o, a)
			want := a.want(o)
			passed := status != 401 && status != 403 // the example request may be invalid, which is checked after the access
			if want == 200 && !passed || want != 200 && (status != want || reached.Load()) {
				t.Errorf("%s at %s.%s (%s, for %s): %d %s, want %d", a.who, c.Module, o.ID, entry, o.Access, status, text, want)
			}
		}
	}
}

// request sends one request to the server.
func request(t *testing.T, handler http.Handler, c *seam.Contract, o seam.Info, a attempt) (status int, text string) {
	t.Helper()
	target := o.Path
	for _, part := range strings.Split(o.Path, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		value := "x"
		if name == "wallet" {
			value = wallets[identity.Member].String()
		}
		target = strings.Replace(target, "{"+name+"}", value, 1)
	}
	req := httptest.NewRequestWithContext(t.Context(), o.Method, target, bytes.NewReader([]byte("{}")))
	req.Header.Set("Banyan-Contract", strconv.Itoa(c.Version))
	req.Header.Set("Content-Type", "application/json")
	for name, value := range a.headers {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	return w.Code, fmt.Sprintf("%.200s", w.Body.String())
}
