package rollout

import (
	"context"
	"math"

	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
	"banyan/platform/seam/diff"
)

const auditTail = 20 // entries with the state of one module

// Contract lists the operator's operations; paths are below /api/v1/operator.
var Contract = seam.NewContract("operator", 2, "Where each module runs, and how to move it.")

var (
	list = seam.Read[ListQuery, Modules](Contract, "modules", "GET /modules", seam.Operators,
		"Every module with its plan and the figures of its route")
	one = seam.Read[ModuleQuery, ModuleState](Contract, "module", "GET /modules/{name}", seam.Operators,
		"One module, with its last changes")
	set = seam.Write[SetRequest, Plan](Contract, "setModule", "PUT /modules/{name}", seam.Operators,
		"Change where the calls of a module go")
	reset = seam.Write[ResetRequest, Plan](Contract, "resetModule", "POST /modules/{name}/reset", seam.Operators,
		"Let the settings decide again where the calls of a module go")
	audit = seam.Read[AuditQuery, AuditPage](Contract, "audit", "GET /modules/{name}/audit", seam.Operators,
		"Who moved a module, when and why, newest first")
	differences = seam.Read[DifferencesQuery, Differences](Contract, "differences", "GET /modules/{name}/differences/{operation}", seam.Operators,
		"Reads that the two places of a module answered differently, newest first")
)

var (
	moveData = seam.Write[MoveRequest, MoveState](Contract, "moveModule", "POST /modules/{name}/move", seam.Operators,
		"Move a module's data to another database while it is used, or back")
	cancelMove = seam.Write[MoveCancellation, MoveState](Contract, "cancelMove", "POST /modules/{name}/move/cancel", seam.Operators,
		"End the move of a module's data, with the data where it was")
)

// Service is what an operator does with the modules of a trunk.
type Service interface {
	List(context.Context, ListQuery) (Modules, error)
	Module(context.Context, ModuleQuery) (ModuleState, error)
	Set(context.Context, SetRequest) (Plan, error)
	Reset(context.Context, ResetRequest) (Plan, error)
	Audit(context.Context, AuditQuery) (AuditPage, error)
	Differences(context.Context, DifferencesQuery) (Differences, error)
	// Move begins the move of a module's data; CancelMove ends it. Where it is stands in
	// ModuleState.
	Move(context.Context, MoveRequest) (MoveState, error)
	CancelMove(context.Context, MoveCancellation) (MoveState, error)
}

// ListQuery asks for every module.
type ListQuery struct{}

// Modules are all modules of the trunk.
type Modules struct {
	Modules []ModuleState `json:"modules"`
}

// ModuleQuery names a module.
type ModuleQuery struct {
	Name string `path:"name" json:"-"`
}

// ModuleState is a module as its operator sees it from the replica that
// answers.
type ModuleState struct {
	Plan     Plan    `json:"plan"`              // in the database, for every replica
	Config   Place   `json:"config"`            // what this replica's settings say
	Differs  bool    `json:"differs"`           // the plan leads elsewhere than the settings
	Followed int64   `json:"followed"`          // the version in force in this replica
	Problem  string  `json:"problem,omitempty"` // why that is not the plan's
	Route    *Status `json:"route,omitempty"`   // of this replica; nil = not known
	Audit    []Entry `json:"audit,omitempty"`   // the last 20 changes, newest first; of one module only
	// DataAt is the address of the process that has the data in a database of its own; "" =
	// this process can reach the data.
	DataAt string `json:"data_at,omitempty"`
	// Move is where the last move of the module's data by this process is; nil = there was none.
	Move *MoveState `json:"move,omitempty"`
}

// Status is what the route of a module does in one process.
type Status struct {
	seam.Status
	Endpoints []client.Status `json:"endpoints"` // of the remote; none = there is no remote
	Ownership ownership.Claim `json:"ownership"` // who owns the writes, as this process believes
}

// SetRequest is a Change of the module Name.
type SetRequest struct {
	Name string `path:"name" json:"-"`
	Change
}

// ResetRequest has the settings decide again.
type ResetRequest struct {
	Name      string `path:"name" json:"-"`
	Why       string `json:"why,omitempty"`        // as in Change
	IfVersion *int64 `json:"if_version,omitempty"` // as in Change
	Anyway    bool   `json:"anyway,omitempty"`     // as in Change
}

// AuditQuery asks for a page of changes.
type AuditQuery struct {
	Name   string `path:"name" json:"-"`
	Cursor string `query:"cursor" json:"-"` // AuditPage.Next; "" = the newest
	Limit  int    `query:"limit" json:"-"`  // 1–200, 0 = 50
}

// Validate implements seam.Validator.
func (q AuditQuery) Validate() error {
	return page.Standard().Check(q.Limit)
}

// AuditPage is a page of changes, newest first.
type AuditPage struct {
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // cursor of the next page; "" = that was all
}

// DifferencesQuery asks what shadow found of one operation.
type DifferencesQuery struct {
	Name      string `path:"name" json:"-"`
	Operation string `path:"operation" json:"-"` // as in the figures of the route
}

// Differences are the last that shadow kept of an operation in this replica.
type Differences struct {
	Module      string            `json:"module"`
	Operation   string            `json:"operation"`
	Differences []diff.Difference `json:"differences"` // newest first
}

// Bind ties every operation to c.
func Bind(c *Controller) *seam.Local {
	s := service{c}
	return Contract.Bind(list.To(s.List), one.To(s.Module), set.To(s.Set), reset.To(s.Reset), audit.To(s.Audit), differences.To(s.Differences),
		moveData.To(s.Move), cancelMove.To(s.CancelMove))
}

// Client is the Service through a route.
type Client struct{ route *seam.Route }

var (
	_ Service = Client{}
	_ Service = service{}
)

// NewClient calls through route.
func NewClient(route *seam.Route) Client { return Client{route} }

// List implements Service.
func (c Client) List(ctx context.Context, q ListQuery) (Modules, error) {
	return list.Call(ctx, c.route, q)
}

// Module implements Service.
func (c Client) Module(ctx context.Context, q ModuleQuery) (ModuleState, error) {
	return one.Call(ctx, c.route, q)
}

// Set implements Service.
func (c Client) Set(ctx context.Context, q SetRequest) (Plan, error) {
	return set.Call(ctx, c.route, q)
}

// Reset implements Service.
func (c Client) Reset(ctx context.Context, q ResetRequest) (Plan, error) {
	return reset.Call(ctx, c.route, q)
}

// Audit implements Service.
func (c Client) Audit(ctx context.Context, q AuditQuery) (AuditPage, error) {
	return audit.Call(ctx, c.route, q)
}

// Differences implements Service.
func (c Client) Differences(ctx context.Context, q DifferencesQuery) (Differences, error) {
	return differences.Call(ctx, c.route, q)
}

// Move implements Service.
func (c Client) Move(ctx context.Context, q MoveRequest) (MoveState, error) {
	return moveData.Call(ctx, c.route, q)
}

// CancelMove implements Service.
func (c Client) CancelMove(ctx context.Context, q MoveCancellation) (MoveState, error) {
	return cancelMove.Call(ctx, c.route, q)
}

// service is the Service of a Control for the caller of the context.
type service struct{ c *Controller }

func (s service) List(ctx context.Context, _ ListQuery) (Modules, error) {
	stored, err := readPlans(ctx, s.c.db.Read())
	if err != nil {
		return Modules{}, err
	}
	all := Modules{Modules: make([]ModuleState, len(s.c.modules))}
	for i, m := range s.c.modules {
		all.Modules[i] = m.stateOf(m.planOf(stored))
	}
	return all, nil
}

func (s service) Module(ctx context.Context, q ModuleQuery) (ModuleState, error) {
	m, err := s.c.module(q.Name)
	if err != nil {
		return ModuleState{}, err
	}
	plan, err := s.c.read(ctx, m)
	if err != nil {
		return ModuleState{}, err
	}
	state := m.stateOf(plan)
	state.Audit, err = readAudit(ctx, s.c.db.Read(), m.Name, math.MaxInt64, auditTail)
	return state, err
}

func (s service) Set(ctx context.Context, q SetRequest) (Plan, error) {
	return s.c.Set(ctx, identity.From(ctx), q.Name, q.Change)
}

func (s service) Reset(ctx context.Context, q ResetRequest) (Plan, error) {
	return s.c.Reset(ctx, identity.From(ctx), q)
}

func (s service) Audit(ctx context.Context, q AuditQuery) (AuditPage, error) {
	if _, err := s.c.module(q.Name); err != nil {
		return AuditPage{}, err
	}
	list := page.NewList[int64]("changes of a module", q.Name)
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return AuditPage{}, err
	}
	size := page.Standard().Size(q.Limit)
	entries, err := readAudit(ctx, s.c.db.Read(), q.Name, before, size+1)
	if err != nil {
		return AuditPage{}, err
	}
	entries, next := page.Cut(list, entries, size, func(e Entry) int64 { return e.Version })
	return AuditPage{Entries: entries, Next: next}, nil
}

func (s service) Differences(_ context.Context, q DifferencesQuery) (Differences, error) {
	m, err := s.c.module(q.Name)
	if err != nil {
		return Differences{}, err
	}
	out := Differences{Module: q.Name, Operation: q.Operation, Differences: []diff.Difference{}}
	if m.Managed.Differences == nil {
		return out, nil
	}
	found, err := m.Managed.Differences(q.Operation)
	if err != nil {
		return Differences{}, err
	}
	out.Differences = append(out.Differences, found...) // a list in JSON, also without any
	return out, nil
}

func (s service) Move(ctx context.Context, q MoveRequest) (MoveState, error) {
	return s.c.Move(ctx, identity.From(ctx), q)
}

func (s service) CancelMove(ctx context.Context, q MoveCancellation) (MoveState, error) {
	return s.c.CancelMove(ctx, identity.From(ctx), q.Name)
}

func (m *module) stateOf(plan Plan) ModuleState {
	now := m.state()
	out := ModuleState{
		Plan: plan, Config: m.Configured, Differs: !plan.same(m.Configured),
		Followed: now.plan.Version, Problem: now.problem, Move: m.moveState(),
	}
	if m.Data != nil {
		out.DataAt = m.Data.Away()
	}
	if m.Status != nil {
		status := m.Status()
		out.Route = &status
	}
	return out
}
