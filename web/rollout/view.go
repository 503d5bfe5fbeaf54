package rollout

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/web/ui"
)

// moduleView is a module as the page shows it.
type moduleView struct {
	Name, Title string
	Plan        rollout.Place // what all replicas follow
	Version     int64
	Config      rollout.Place
	Differs     bool   // the plan differs from the settings
	Pinned      bool   // somebody decided; false: the settings do
	Behind      bool   // this replica does not do what the plan says (yet)
	Problem     string // why
	Mode        string // what the route of this replica does
	Percent     float64

	Known       bool // there are figures
	Here, There sideView
	Busiest     string // the operation whose p50 and p99 are shown
	Match       matchView
	Canary      canaryView
	Owner       ownerView
	Endpoints   []endpointFigure
	Alarms      []string
	RolledBack  *rollbackView
	Verdict     verdictView
	Ahead, Back *stepView
	Waiting     *int64        // events published and not consumed yet; nil: not known
	History     template.HTML // of its calls
	ChangedMS   int64         // of the plan; 0: the settings' since ever
	CountedMS   int64         // the verdict is made of what was counted from then on; 0: not known
	News        []news
	Day         dayView
	Move        *rollout.MoveState // of the module's data; nil: there was none
	DataAt      string             // the process that has the data in a database of its own
}

// sideView is one of the two places that answer, in the last half minute.
type sideView struct {
	Name      string // for people
	PerSecond float64
	Calls     uint64  // since the start of the process; 0: not reported
	Window    float64 // calls in the last half minute
	Failures  float64 // 0 to 1
	P50, P99  float64 // seconds, of the busiest operation
}

// matchView sums up what shadow has compared.
type matchView struct {
	Compared, Matched, Errors, Transient, Persistent, Failed, Dropped uint64
	Operations                                                        []operationMatch // that have differences or failures
}

// Share is the part that matched, never rounded up: 99.99 %.
func (m matchView) Share() string {
	whole := math.Floor(ui.Ratio(float64(m.Matched), float64(m.Compared)) * 1e4)
	return strconv.FormatFloat(whole/100, 'f', -1, 64) + " %"
}

type operationMatch struct {
	Operation                       string
	Compared, Transient, Persistent uint64
	Failed                          uint64
	LastFailure                     string
}

type canaryView struct{ Remote, Fallbacks uint64 }

type ownerView struct {
	Name, URL string
	Epoch     int64
	Away      bool // not this process
}

// rollbackView is a rollback by the guard.
type rollbackView struct {
	From, To string
	Why      string
	AtMS     int64
}

// verdictView is the answer to "what may I do next".
type verdictView struct {
	Tone             string // safe, wait, problem, or none: nothing to judge
	Title, Short     string
	Reasons, Missing []string
}

// stepView is what a button does.
type stepView struct {
	Mode    string
	Percent float64
}

// Partly reports whether a percentage belongs to it.
func (s stepView) Partly() bool { return s.Mode == "shadow" || s.Mode == "canary" }

// Label reads "canary 10 %".
func (s stepView) Label() string { return placeLabel(s.Mode, s.Percent) }

// PercentText is for a number field.
func (s stepView) PercentText() string { return strconv.FormatFloat(s.Percent, 'f', -1, 64) }

func placeLabel(mode string, percent float64) string {
	if mode == "shadow" || mode == "canary" {
		return mode + " " + strconv.FormatFloat(percent, 'f', -1, 64) + " %"
	}
	return mode
}

// placeWords explain a state to somebody who does not know its name.
func placeWords(p rollout.Place) string {
	percent := strconv.FormatFloat(p.Percent, 'f', -1, 64) + " %"
	switch p.Mode {
	case seam.ModeShadow:
		return "shadow " + percent + ", this process answers, and " + percent + " of the reads are mirrored to the remote to compare the answers"
	case seam.ModeCanary:
		return "canary " + percent + ", the remote answers the reads of " + percent + " of the callers"
	case seam.ModeRemote:
		return "remote, the remote answers everything and owns the writes"
	}
	return "local, this process answers everything"
}

func viewOf(m rollout.ModuleState, title string) moduleView {
	v := moduleView{
		Name: m.Plan.Module, Title: title, Plan: m.Plan.Place, Version: m.Plan.Version, Config: m.Config,
		Differs: m.Differs, Pinned: m.Plan.Version > 0 && !m.Plan.Configured, Behind: m.Followed != m.Plan.Version, Problem: m.Problem,
		Mode: string(m.Plan.Mode), Percent: m.Plan.Percent, ChangedMS: m.Plan.ChangedMS, Move: m.Move,
	}
	f := m.Route
	v.Known = f != nil
	if v.Known {
		v.measure(f)
		if !f.Since.IsZero() {
			v.CountedMS = f.Since.UnixMilli()
		}
	}
	v.Ahead, v.Back = stepsFrom(string(m.Plan.Mode), m.Plan.Percent)
	if v.DataAt = m.DataAt; v.DataAt != "" { // the calls can be led nowhere else
		v.Ahead, v.Back = nil, nil
	}
	if v.Known && f.Verdict.Next != nil && !v.Behind {
		v.Ahead = &stepView{string(f.Verdict.Next.Mode), f.Verdict.Next.Percent}
	}
	v.own(f)
	v.judge(f)
	return v
}

// stepsFrom are the usual steps out and back.
func stepsFrom(mode string, percent float64) (ahead, back *stepView) {
	switch {
	case mode == "local":
		return &stepView{"shadow", 10}, nil
	case mode == "shadow":
		return &stepView{"canary", 10}, &stepView{"local", 0}
	case mode == "canary" && percent < 10:
		return &stepView{"canary", 10}, &stepView{"shadow", 10}
	case mode == "canary" && percent < 50:
		return &stepView{"canary", 50}, &stepView{"shadow", 10}
	case mode == "canary":
		return &stepView{"remote", 0}, &stepView{"canary", 10}
	}
	return nil, &stepView{"canary", 50}
}

// measure takes over the figures of the route.
func (v *moduleView) measure(f *rollout.Status) {
	v.Here.Name, v.There.Name = "Local", "Remote"
	v.Mode, v.Percent = string(f.Mode), f.Percent
	v.Endpoints, v.Alarms = endpointFigures(f.Endpoints), f.Guard.Alarms
	if b := f.Guard.Rollback; b != nil {
		v.RolledBack = &rollbackView{placeLabel(string(b.From.Mode), b.From.Percent), placeLabel(string(b.To.Mode), b.To.Percent), strings.Join(b.Why, "; "), b.At.UnixMilli()}
	}
	busiest, most := -1, 0.0
	there := func(op *analysis.OperationStats) analysis.RecentSide { return op.Recent.Remote }
	if v.Mode == "shadow" {
		v.There.Name, there = "Mirrored", func(op *analysis.OperationStats) analysis.RecentSide { return op.Recent.Shadow }
	}
	for i := range f.Operations {
		op := &f.Operations[i]
		away := there(op)
		v.Here.count(op.Recent.Local, op.Recent.Seconds)
		v.There.count(away, op.Recent.Seconds)
		v.Here.Calls += op.Local.Calls
		if v.Mode != "shadow" { // whose mirrored reads are nobody's calls
			v.There.Calls += op.Remote.Calls
		}
		if rate := op.Recent.Local.PerSecond + away.PerSecond; rate > most {
			busiest, most = i, rate
		}
		v.Match.count(op)
		v.Canary.Remote += op.Canary.Remote
		v.Canary.Fallbacks += op.Canary.Fallbacks
	}
	if busiest >= 0 {
		op := &f.Operations[busiest]
		away := there(op)
		v.Busiest = op.Operation
		v.Here.time(op.Recent.Local)
		v.There.time(away)
	}
	slices.SortStableFunc(v.Match.Operations, func(a, b operationMatch) int {
		return cmp.Or(cmp.Compare(b.Persistent, a.Persistent), cmp.Compare(b.Transient, a.Transient))
	})
}

// count adds an operation; the rate of failures is that of all calls.
func (s *sideView) count(r analysis.RecentSide, seconds float64) {
	s.Window += r.PerSecond * seconds
	if all := s.PerSecond + r.PerSecond; all > 0 {
		s.Failures = (s.Failures*s.PerSecond + r.FailureRate*r.PerSecond) / all
		s.PerSecond = all
	}
}

// time takes the latencies of the busiest operation, if it was asked there.
func (s *sideView) time(r analysis.RecentSide) {
	if r.PerSecond > 0 {
		s.P50, s.P99 = r.P50, r.P99
	}
}

func (m *matchView) count(op *analysis.OperationStats) {
	s := op.Shadow
	m.Compared += s.Compared
	m.Matched += s.Matched
	m.Errors += s.Errors
	m.Transient += s.Transient
	m.Persistent += s.Persistent
	m.Failed += s.Failed
	m.Dropped += s.Dropped
	if s.Transient+s.Persistent+s.Failed > 0 {
		m.Operations = append(m.Operations, operationMatch{op.Operation, s.Compared, s.Transient, s.Persistent, s.Failed, s.LastFailure})
	}
}

// own says who may write. Without a status that follows from the plan.
func (v *moduleView) own(f *rollout.Status) {
	v.Owner = ownerView{Name: identity.Trunk, Away: v.Mode == "remote"}
	if v.Owner.Away {
		v.Owner.Name, v.Owner.URL = v.Name, strings.Join(v.Plan.URLs, ", ")
	}
	if f == nil {
		return
	}
	if o := f.Ownership; o.Owner != "" {
		v.Owner = ownerView{Name: o.Owner, URL: o.URL, Epoch: o.Epoch, Away: o.Owner != identity.Trunk}
	}
}

// judge turns the route's verdict into plain words.
func (v *moduleView) judge(f *rollout.Status) {
	d := &v.Verdict
	if v.Known {
		d.Reasons, d.Missing = f.Verdict.Reasons, f.Verdict.Missing
	}
	switch {
	case v.Behind || v.Problem != "":
		d.Tone, d.Title, d.Short = "problem", "Wait: this process has not applied the plan yet", "not applied yet"
		d.Reasons, d.Missing = nil, nil
	case !v.Known:
		d.Tone, d.Title, d.Short = "none", "The next step cannot be judged: there are no figures", "no figures"
	case v.DataAt != "" && len(d.Missing)+len(v.Alarms) > 0:
		d.Tone, d.Title, d.Short = "problem", "Runs with its data at "+v.DataAt+", with problems: remove their cause", "problems"
	case v.Ahead == nil && len(d.Missing)+len(v.Alarms) > 0:
		d.Tone, d.Title, d.Short = "problem", "Runs remotely, with problems: remove their cause, or roll back to "+v.Back.Label(), "problems"
	case v.Ahead == nil:
		d.Tone, d.Title, d.Short = "safe", "Runs remotely without problems", "healthy"
	case f.Verdict.Safe:
		d.Tone, d.Title, d.Short = "safe", "Safe to go to "+v.Ahead.Label(), "next step is safe"
	case v.Mode == "local" && len(f.URL) == 0:
		d.Tone, d.Title, d.Short = "wait", "Enter the remote’s address, then go to "+v.Ahead.Label(), "runs locally"
	default:
		d.Tone, d.Title, d.Short = "wait", "Not safe yet to go to "+v.Ahead.Label(), "not safe yet"
		if v.Match.Persistent > 0 || len(v.Alarms) > 0 {
			d.Tone, d.Short = "problem", "not safe"
		}
	}
}

// Total is what the module answers, wherever.
func (v moduleView) Total() float64 {
	if v.Mode == "shadow" {
		return v.Here.PerSecond // mirrored reads are nobody's calls
	}
	return v.Here.PerSecond + v.There.PerSecond
}

// Place reads "canary 10 %".
func (v moduleView) Place() string { return placeLabel(v.Mode, v.Percent) }

// PlanLabel is what the plan says, should this replica do otherwise.
func (v moduleView) PlanLabel() string { return placeLabel(string(v.Plan.Mode), v.Plan.Percent) }

// ConfigLabel is what the settings say.
func (v moduleView) ConfigLabel() string { return placeLabel(string(v.Config.Mode), v.Config.Percent) }

// Words explain the plan to somebody who does not know the states.
func (v moduleView) Words() string { return ui.Sentence(placeWords(v.Plan)) }

// Tone is the badge's.
func (v moduleView) Tone() string { return modeTone(v.Mode) }

func modeTone(mode string) string {
	switch mode {
	case "local":
		return "leaf"
	case "remote":
		return "bark"
	}
	return "amber"
}

// Far reports whether the rollback does not lead to local.
func (v moduleView) Far() bool { return v.Back != nil && v.Back.Mode != "local" }

// Addresses are those of the remote, for the field.
func (v moduleView) Addresses() string {
	if len(v.Plan.URLs) > 0 {
		return strings.Join(v.Plan.URLs, ", ")
	}
	return strings.Join(v.Config.URLs, ", ")
}

// States are the four states in their order.
func (v moduleView) States() []state {
	states := []state{{Name: "local"}, {Name: "shadow"}, {Name: "canary"}, {Name: "remote"}}
	passed := true
	for i := range states {
		states[i].Label, states[i].Here = states[i].Name, states[i].Name == v.Mode
		if states[i].Here {
			states[i].Label, passed = v.Place(), false
		}
		states[i].Passed = passed
	}
	return states
}

type state struct {
	Name, Label  string
	Here, Passed bool
}

// auditLine is one change for people.
type auditLine struct {
	Module, Title string
	AtMS          int64
	Version       int64
	Who, FullWho  string
	Automatic     bool
	Anyway        bool
	Configured    bool
	From, To      string
	ToTone        string
	URLs, Why     string
}

func auditOf(m moduleView, e rollout.Entry) auditLine {
	return auditLine{
		Module: m.Name, Title: m.Title, AtMS: e.AtMS, Version: e.Version, Who: operatorName(e.Who), FullWho: e.Who, Automatic: e.Automatic, Anyway: e.Anyway, Configured: e.Configured,
		From: placeLabel(string(e.From.Mode), e.From.Percent), To: placeLabel(string(e.To.Mode), e.To.Percent), ToTone: modeTone(string(e.To.Mode)),
		URLs: strings.Join(e.To.URLs, ", "), Why: e.Why,
	}
}
