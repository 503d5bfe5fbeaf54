package webtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/page"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/diff"
	"banyan/platform/transfer"
)

// Modules is a rollout.Service in memory, with the same rules about versions,
// and figures that tests set.
type Modules struct {
	Down
	mu     sync.Mutex
	states []rollout.ModuleState // in the order of List
	audits map[string][]rollout.Entry
	found  map[string][]diff.Difference // differences by module and operation
	refuse error                        // what the next Set fails with
}

var _ rollout.Service = (*Modules)(nil)

// Change edits what the module reports from now on.
func (m *Modules) Change(name string, edit func(*rollout.ModuleState)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	edit(m.state(name))
}

// Add has a module more, in a place without figures.
func (m *Modules) Add(name string, mode seam.Mode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := rollout.Place{Mode: mode}
	m.states = append(m.states, rollout.ModuleState{Plan: rollout.Plan{Module: name, Place: at, Configured: true}, Config: at})
}

// Figures sets what the route of a module does, written as the JSON of a
// rollout.Status.
func (m *Modules) Figures(name string, figures any) {
	m.Change(name, func(s *rollout.ModuleState) { s.Route = read[rollout.Status](figures) })
}

// read makes a value of the JSON that a test writes down. It panics for a field
// that T does not have: a page that shows it would be tested with nothing.
func read[T any](written any) *T {
	text, err := json.Marshal(written)
	if err != nil {
		panic("webtest: figures that are not JSON: " + err.Error())
	}
	value := new(T)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(value); err != nil {
		panic(fmt.Sprintf("webtest: figures that are no %T: %v", value, err))
	}
	return value
}

// Refuse has the next steps fail, as when a remote does not answer; nil ends it.
func (m *Modules) Refuse(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

// Note writes into the audit what somebody else did, newest last.
func (m *Modules) Note(name string, e rollout.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.audits[name] = append([]rollout.Entry{e}, m.audits[name]...)
}

func (m *Modules) state(name string) *rollout.ModuleState {
	for i := range m.states {
		if m.states[i].Plan.Module == name {
			return &m.states[i]
		}
	}
	return nil
}

// List implements rollout.Service.
func (m *Modules) List(context.Context, rollout.ListQuery) (rollout.Modules, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return rollout.Modules{Modules: slices.Clone(m.states)}, m.failed()
}

// Module implements rollout.Service.
func (m *Modules) Module(_ context.Context, q rollout.ModuleQuery) (rollout.ModuleState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.state(q.Name); s != nil {
		return *s, m.failed()
	}
	return rollout.ModuleState{}, noModule(q.Name)
}

func noModule(name string) error {
	return fault.Newf(fault.NotFound, "there is no module %q here", name)
}

// Set implements rollout.Service.
func (m *Modules) Set(ctx context.Context, q rollout.SetRequest) (rollout.Plan, error) {
	if err := q.Validate(); err != nil {
		return rollout.Plan{}, err
	}
	to := rollout.Place{Mode: q.Mode, Percent: q.Percent, URLs: q.URLs}
	return m.change(ctx, q.Name, q.IfVersion, to, rollout.Entry{Why: q.Why, Anyway: q.Anyway})
}

// Reset implements rollout.Service.
func (m *Modules) Reset(ctx context.Context, q rollout.ResetRequest) (rollout.Plan, error) {
	m.mu.Lock()
	s := m.state(q.Name)
	m.mu.Unlock()
	if s == nil {
		return rollout.Plan{}, noModule(q.Name)
	}
	return m.change(ctx, q.Name, q.IfVersion, s.Config, rollout.Entry{Why: q.Why, Anyway: q.Anyway, Configured: true})
}

func (m *Modules) change(ctx context.Context, name string, version *int64, to rollout.Place, as rollout.Entry) (rollout.Plan, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, by := m.state(name), identity.From(ctx)
	switch {
	case m.failed() != nil:
		return rollout.Plan{}, m.failed()
	case by.Role < identity.Operator:
		return rollout.Plan{}, fault.New(fault.Forbidden, "this needs the role operator")
	case s == nil:
		return rollout.Plan{}, noModule(name)
	case version != nil && *version != s.Plan.Version:
		return rollout.Plan{}, fault.Newf(fault.Conflict, "the plan of %s is version %d by %s (%s): look at it, then decide again", name, s.Plan.Version, s.Plan.ChangedBy, s.Plan.Mode)
	case m.refuse != nil:
		return rollout.Plan{}, m.refuse
	case !as.Anyway && s.Route != nil && len(s.Route.Verdict.Missing) > 0 && further(s.Plan.Place, to):
		f := fault.Newf(fault.Conflict, "it is not shown that this step of %s is safe", name)
		for _, point := range s.Route.Verdict.Missing {
			f = f.With(fault.Field{Name: rollout.MissingPoint, Message: point})
		}
		return rollout.Plan{}, f
	}
	if len(to.URLs) == 0 {
		to.URLs = s.Plan.URLs
	}
	next := rollout.Plan{Module: name, Place: to, Version: s.Plan.Version + 1, Configured: as.Configured, ChangedBy: by.Name(), ChangedMS: SampleMS + s.Plan.Version*60_000, Why: as.Why}
	m.audits[name] = append([]rollout.Entry{{
		Version: next.Version, AtMS: next.ChangedMS, Who: next.ChangedBy, Configured: as.Configured, Anyway: as.Anyway, From: s.Plan.Place, To: to, Why: as.Why,
	}}, m.audits[name]...)
	s.Plan, s.Followed, s.Differs, s.Problem = next, next.Version, to.Mode != s.Config.Mode || to.Percent != s.Config.Percent, ""
	s.Route = read[rollout.Status](sampleFigures(name, to, 1))
	return next, nil
}

// further reports whether a step leads callers further away, which must be shown
// to be safe.
func further(from, to rollout.Place) bool {
	return to.Mode != seam.ModeShadow && (from.Mode.Before(to.Mode) || from.Mode == to.Mode && to.Percent > from.Percent)
}

// Audit implements rollout.Service.
func (m *Modules) Audit(_ context.Context, q rollout.AuditQuery) (rollout.AuditPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state(q.Name) == nil {
		return rollout.AuditPage{}, noModule(q.Name)
	}
	entries := m.audits[q.Name]
	list := page.NewList[int64]("changes of a module", q.Name)
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return rollout.AuditPage{}, err
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e rollout.Entry) bool { return e.Version >= before })
	size := page.Limits{Default: 3, Max: 200}.Size(q.Limit) // so that few changes make two pages
	entries, next := page.Cut(list, entries, size, func(e rollout.Entry) int64 { return e.Version })
	return rollout.AuditPage{Entries: entries, Next: next}, m.failed()
}

// Move implements rollout.Service: the move has begun, and tests change where it is.
func (m *Modules) Move(_ context.Context, q rollout.MoveRequest) (rollout.MoveState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state := rollout.MoveState{Module: q.Name, Status: transfer.Status{To: q.To, Step: transfer.StepCopying}}
	m.state(q.Name).Move = &state
	return state, m.failed()
}

// CancelMove implements rollout.Service.
func (m *Modules) CancelMove(_ context.Context, q rollout.MoveCancellation) (rollout.MoveState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state := m.state(q.Name).Move
	if state == nil {
		return rollout.MoveState{}, fault.Newf(fault.NotFound, "the data of %s is not being moved", q.Name)
	}
	state.Step, state.Ended = transfer.StepCanceled, true
	return *state, m.failed()
}

// Differences implements rollout.Service.
func (m *Modules) Differences(_ context.Context, q rollout.DifferencesQuery) (rollout.Differences, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.found[q.Name+"/"+q.Operation]
	if !ok {
		return rollout.Differences{}, fault.Newf(fault.NotFound, "the module %s has no operation of this name: its status lists them", q.Name)
	}
	return rollout.Differences{Module: q.Name, Operation: q.Operation, Differences: found}, m.failed()
}

// EventLag is how many events wait for each module.
func (m *Modules) EventLag(context.Context) (map[string]int64, error) {
	return map[string]int64{"reputation": 0, "exchange-review": 3}, m.failed()
}

// fields is JSON that a test writes down.
type fields = map[string]any

// sampleFigures is what a route reports in a place, under load times a thousand
// calls a second.
func sampleFigures(name string, at rollout.Place, load float64) fields {
	side := func(perSecond, p50, p99 float64) fields {
		return fields{"per_second": math.Round(perSecond*10) / 10, "failure_rate": 0, "p50": p50, "p99": p99}
	}
	here, there, shadow := 812.0*load, 0.0, 0.0
	verdict := fields{"step": "shadow 10 %", "safe": true, "next": fields{"mode": "shadow", "percent": 10}, "reasons": []string{"a shadow answers nobody: callers are answered by this process only"}, "missing": []string{}}
	shadowed, canary := fields{}, fields{}
	switch at.Mode {
	case seam.ModeShadow:
		shadow = here * at.Percent / 100
		shadowed = fields{"compared": 48210, "matched": 48203, "transient": 7, "persistent": 0, "failed": 0, "dropped": 12}
		verdict = fields{"step": "canary 10 %", "safe": true, "next": fields{"mode": "canary", "percent": 10}, "reasons": []string{"48210 comparisons are made, at least 1000 are needed", "99.99 % of the answers match", "no persistent difference", "the remote has answered every time"}, "missing": []string{}}
	case seam.ModeCanary:
		there = here * at.Percent / 100
		here -= there
		shadowed = fields{"compared": 48210, "matched": 48203, "transient": 7, "persistent": 0, "dropped": 12}
		canary = fields{"remote": 640, "fallbacks": 1}
		next := fields{"mode": "canary", "percent": 50}
		if at.Percent >= 50 {
			next = fields{"mode": "remote", "percent": 0}
		}
		verdict = fields{"step": "", "safe": false, "next": next, "reasons": []string{"1 of 640 reads failed at the remote and were answered here"}, "missing": []string{"640 of 1000 reads at this percentage"}}
	case seam.ModeRemote:
		here, there = 0, here
		verdict = fields{"step": "", "safe": false, "reasons": []string{"the module runs at the remote"}, "missing": []string{}}
	}
	out := fields{
		"mode": at.Mode, "percent": at.Percent, "epoch": 3, "contract_version": 1,
		"operations": []fields{
			{"operation": "score", "shadow": shadowed, "canary": canary, "recent": fields{"local": side(here*0.8, 0.0000041, 0.000062), "remote": side(there*0.8, 0.00041, 0.0031), "shadow": side(shadow, 0.00043, 0.0036)}},
			{"operation": "leaderboard", "shadow": fields{}, "recent": fields{"local": side(here*0.2, 0.00009, 0.0011), "remote": side(there*0.2, 0.0009, 0.0061), "shadow": side(0, 0, 0)}},
		},
		"guard": fields{"alarms": []string{}}, "verdict": verdict,
	}
	if at.Mode != seam.ModeLocal {
		var endpoints []fields
		for i, url := range at.URLs {
			endpoints = append(endpoints, fields{"url": url, "state": "closed", "in_flight": 3 - i, "calls": 91210 - 800*i, "failures": i, "p50": 0.00041, "p99": 0.0031})
		}
		out["url"], out["endpoints"] = strings.Join(at.URLs, ", "), endpoints
	}
	owner := fields{"epoch": 3, "owner": "trunk"}
	if at.Mode == seam.ModeRemote {
		owner = fields{"epoch": 4, "owner": name, "url": at.URLs[0]}
	}
	out["ownership"] = owner
	return out
}
