package control

import (
	"context"
	"errors"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

const (
	maxURLs = 16  // of one module
	maxWhy  = 500 // characters
	maxURL  = 300 // bytes
	// undoWait bounds putting a route back after a change could not be kept. It
	// does not end with the caller, who may be why it failed.
	undoWait = 10 * time.Second
	// guardWait is how long the guard waits for the database.
	guardWait = 2 * time.Second
)

// Guard is Plan.ChangedBy of a step back that a route's guard made.
const Guard = "guard"

// Change is what an operator asks for.
type Change struct {
	Mode    seam.Mode `json:"mode"`
	Percent float64   `json:"percent,omitempty"` // 0–100, in shadow and canary only
	URLs    []string  `json:"urls,omitempty"`    // none = those of the present plan, or config.yaml's
	Why     string    `json:"why,omitempty"`     // up to 500 characters, for the audit
	// IfVersion is the version of the plan that was looked at; any other one in
	// the database is a conflict. nil = whatever is there.
	IfVersion *int64 `json:"if_version,omitempty"`
	// Anyway takes a step that is not shown to be safe; the audit says so.
	Anyway bool `json:"anyway,omitempty"`
}

// Validate implements seam.Validator.
func (c Change) Validate() error {
	var wrong []fault.Field
	if !c.Mode.Known() {
		wrong = append(wrong, fault.Field{Name: "mode", Message: "is one of local, shadow, canary and remote"})
	}
	switch {
	case math.IsNaN(c.Percent) || c.Percent < 0 || c.Percent > 100:
		wrong = append(wrong, fault.Field{Name: "percent", Message: "is from 0 to 100"})
	case c.Percent != 0 && !c.Mode.Partial():
		wrong = append(wrong, fault.Field{Name: "percent", Message: "is for shadow and canary: leave it out"})
	}
	if len(c.URLs) > maxURLs {
		wrong = append(wrong, fault.Field{Name: "urls", Message: "are at most 16: put a DNS name or a load balancer before more"})
	}
	for _, u := range c.URLs {
		if !isOrigin(u) {
			wrong = append(wrong, fault.Field{Name: "urls", Message: "are like http://10.0.0.7:8081, without a path or a password"})
			break
		}
	}
	if message := checkWhy(c.Why); message != "" {
		wrong = append(wrong, fault.Field{Name: "why", Message: message})
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "this is no place for a module: see the fields").With(wrong...)
	}
	return nil
}

// checkWhy keeps the audit printable.
func checkWhy(why string) string {
	switch {
	case utf8.RuneCountInString(why) > maxWhy:
		return "has at most 500 characters"
	case !utf8.ValidString(why) || strings.ContainsFunc(why, unicode.IsControl):
		return "is one line of text"
	}
	return ""
}

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxURL && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.Opaque == "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" &&
		(u.Path == "" || u.Path == "/") && !strings.ContainsFunc(text, unicode.IsSpace)
}

// place is where the change leads from the present plan. Fails with
// fault.Invalid when it is not said where the module runs.
func (c Change) place(present Plan, configured Place) (Place, error) {
	out := Place{Mode: c.Mode, Percent: c.Percent}
	for _, u := range c.URLs {
		if u = strings.TrimSuffix(u, "/"); !slices.Contains(out.URLs, u) {
			out.URLs = append(out.URLs, u)
		}
	}
	if len(out.URLs) == 0 {
		out.URLs = present.URLs
	}
	if len(out.URLs) == 0 {
		out.URLs = configured.URLs
	}
	if len(out.URLs) == 0 && c.Mode != seam.ModeLocal {
		return out, fault.Newf(fault.Invalid, "it is not known where the module %s runs: say it, and start it there with `banyan serve --module %s`", present.Module, present.Module).
			With(fault.Field{Name: "urls", Message: "are needed in every state but local"})
	}
	return out, nil
}

// Set changes where the calls of a module go: it is applied first and written
// down with its audit entry when that has worked. Asking for what is there
// already changes nothing. Fails with fault.Invalid, Forbidden (the caller is
// no operator), NotFound, Conflict (the plan is not of IfVersion, another replica
// was faster, or the step is not shown to be safe and Anyway is not said), or with what Apply says, and then nothing has changed.
func (c *Control) Set(ctx context.Context, by identity.Caller, name string, change Change) (Plan, error) {
	if err := change.Validate(); err != nil {
		return Plan{}, err
	}
	step := step{by: by.Name(), why: change.Why, ifVersion: change.IfVersion, anyway: change.Anyway}
	return c.changeBy(ctx, by, name, step, func(m *module, present Plan) (next Plan, err error) {
		next.Place, err = change.place(present, m.Configured)
		return next, err
	})
}

// Reset lets config.yaml decide again, also when it is changed later. Fails as
// Set does.
func (c *Control) Reset(ctx context.Context, by identity.Caller, q ResetRequest) (Plan, error) {
	if message := checkWhy(q.Why); message != "" {
		return Plan{}, fault.New(fault.Invalid, "the reason cannot be kept").With(fault.Field{Name: "why", Message: message})
	}
	s := step{by: by.Name(), why: q.Why, ifVersion: q.IfVersion, anyway: q.Anyway}
	return c.changeBy(ctx, by, q.Name, s, func(m *module, _ Plan) (Plan, error) {
		return Plan{Place: m.Configured, Configured: true}, nil
	})
}

// StepBack is the guard's: it leads a module back, and does nothing when the
// module is there or nearer home already (another replica's guard was faster,
// or an operator). A step back holds in this process even when it cannot be
// written down: Run does that when the database is there again, unless somebody
// has decided otherwise by then.
func (c *Control) StepBack(ctx context.Context, name string, to seam.Mode, percent float64, why string) (Plan, error) {
	if err := (Change{Mode: to, Percent: percent}).Validate(); err != nil {
		return Plan{}, err
	}
	m, err := c.module(name)
	if err != nil {
		return Plan{}, err
	}
	s := step{by: Guard, automatic: true, why: printable(why)}
	var there Plan
	plan, err := c.change(ctx, m, s, func(_ *module, present Plan) (Plan, error) {
		there = present
		if !nearer(to, percent, present.Place) {
			return Plan{}, errThere
		}
		return Plan{Place: Place{Mode: to, Percent: percent, URLs: present.URLs}}, nil
	})
	if errors.Is(err, errThere) {
		return there, nil
	}
	return plan, err
}

// errThere ends a step back that has nothing to do.
var errThere = errors.New("the module is there or nearer home already")

// Reapply applies the plan of a module once more, in turn with its changes: for
// a process that finds something else than the plan, such as an owner of writes
// from before a crash. It changes nothing in the database. Fails with
// fault.NotFound, or with what Apply says.
func (c *Control) Reapply(ctx context.Context, name string) error {
	m, err := c.module(name)
	if err != nil {
		return err
	}
	if err := m.take(ctx); err != nil {
		return err
	}
	defer m.give()
	if m.state().owed != nil {
		return nil // the guard's step back holds until it is written down
	}
	plan, err := c.read(ctx, m)
	if err != nil {
		return err
	}
	if err := m.Apply(ctx, plan); err != nil {
		return err
	}
	m.settle(plan)
	return nil
}

// Recheck follows the plan of a module once more, for a process that finds that
// the plan cannot be followed any longer, such as a module that was started
// again over other data: what is wrong is shown with the module's state, and Run
// tries again until it no longer is. It changes nothing in the database. Fails
// with fault.NotFound, or as reading the plan does.
func (c *Control) Recheck(ctx context.Context, name string) error {
	m, err := c.module(name)
	if err != nil {
		return err
	}
	if err := m.take(ctx); err != nil {
		return err
	}
	defer m.give()
	if m.state().owed != nil {
		return nil // the guard's step back holds until it is written down
	}
	plan, err := c.read(ctx, m)
	if err != nil {
		return err
	}
	c.follow(ctx, m, plan)
	return nil
}

// nearer tells whether mode and percent are nearer home than a place.
func nearer(mode seam.Mode, percent float64, than Place) bool {
	return mode.Before(than.Mode) || (mode == than.Mode && percent < than.Percent)
}

// printable makes a reason that a program gave fit for the audit.
func printable(why string) string {
	why = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(why, "?"))
	if utf8.RuneCountInString(why) > maxWhy {
		why = string([]rune(why)[:maxWhy-1]) + "…"
	}
	return why
}

// step is what a change is beside its place.
type step struct {
	by        string
	why       string
	automatic bool
	ifVersion *int64
	anyway    bool // asked for; once it is judged: needed
}

func (c *Control) changeBy(ctx context.Context, by identity.Caller, name string, s step, decide func(*module, Plan) (Plan, error)) (Plan, error) {
	if by.Role < identity.Operator {
		return Plan{}, fault.New(fault.Forbidden, "this needs the role operator: ask an operator of this site")
	}
	m, err := c.module(name)
	if err != nil {
		return Plan{}, err
	}
	return c.change(ctx, m, s, decide)
}

// change leads one change from the present plan to the one that decide makes
// of it: apply, then write down.
func (c *Control) change(ctx context.Context, m *module, s step, decide func(*module, Plan) (Plan, error)) (Plan, error) {
	if err := m.take(ctx); err != nil {
		return Plan{}, err
	}
	defer m.give()
	present, err := c.present(ctx, m, s)
	if err != nil {
		return Plan{}, err
	}
	if s.ifVersion != nil && *s.ifVersion != present.Version {
		return Plan{}, stale(present)
	}
	next, err := decide(m, present)
	if err != nil {
		return Plan{}, err
	}
	settled := !m.state().behind(present)
	if settled && next.same(present.Place) && next.Configured == present.Configured && slices.Equal(next.URLs, present.URLs) {
		return present, nil
	}
	if s.anyway, err = m.judge(s, present.Place, next.Place); err != nil {
		return Plan{}, err
	}
	next.Module, next.Version = m.Name, present.Version+1
	next.ChangedBy, next.ChangedMS, next.Why = s.by, c.clock().UnixMilli(), s.why
	if err := m.Apply(ctx, next); err != nil {
		return Plan{}, err
	}
	return c.keep(ctx, m, s, present, next)
}

// present is the plan that a change begins from. The guard goes by what is in
// force here when the database does not know it or does not answer.
func (c *Control) present(ctx context.Context, m *module, s step) (Plan, error) {
	if !s.automatic {
		return c.read(ctx, m)
	}
	now := m.state()
	if now.owed != nil {
		now.plan.Version = now.owed.from.Version // the database's
		return now.plan, nil
	}
	ctx, cancel := context.WithTimeout(ctx, guardWait)
	defer cancel()
	plan, err := c.read(ctx, m)
	if err != nil {
		return now.plan, nil //nolint:nilerr // the step back is the more urgent
	}
	return plan, nil
}

// keep writes an applied change down. A change that cannot be is taken back,
// except the guard's, which is owed.
func (c *Control) keep(ctx context.Context, m *module, s step, from, to Plan) (Plan, error) {
	writing := ctx
	if s.automatic {
		var cancel context.CancelFunc
		writing, cancel = context.WithTimeout(ctx, guardWait)
		defer cancel()
	}
	err := c.write(writing, from, to, s)
	if err == nil {
		m.settle(to)
		c.log.InfoContext(ctx, "the route of a module has changed", "module", m.Name, "from", from.Mode, "to", to.Mode,
			"percent", to.Percent, "version", to.Version, "by", to.ChangedBy, "why", to.Why, "anyway", s.anyway)
		return to, nil
	}
	if s.automatic && !fault.Is(err, fault.Conflict) {
		m.owe(debt{from, to}, "the guard's step back is in force here and not written down yet: "+fault.From(err).Message)
		c.log.ErrorContext(ctx, "the guard's step back is in force but cannot be written down", "module", m.Name, "to", to.Mode, "error", err)
		return to, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWait)
	defer cancel()
	stored, readErr := c.read(ctx, m)
	switch {
	case readErr != nil:
		stored = from // Run follows the database as soon as it answers
	case stored.Version == to.Version && stored.ChangedBy == to.ChangedBy && stored.ChangedMS == to.ChangedMS && stored.same(to.Place):
		m.settle(to) // only the answer to the commit was lost
		return to, nil
	}
	c.follow(ctx, m, stored)
	return Plan{}, err
}

func stale(present Plan) error {
	by := present.ChangedBy
	if by == "" {
		by = "config.yaml"
	}
	return fault.Newf(fault.Conflict, "the plan of %s is version %d by %s (%s): look at it, then decide again", present.Module, present.Version, by, present.Mode)
}
