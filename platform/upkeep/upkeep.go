// Package upkeep is what an operator does about a module's events, jobs and webhooks:
// sees them, replays dead letters, cancels jobs, adds endpoints. They are in the
// module's database, so these are operations beside the module's own, and follow it
// wherever it runs.
//
//	contract := upkeep.NewContract("airdrop")
//	route := seam.NewRoute(contract.Bind(db, hooks))
//	jobs, err := contract.Client(route).Jobs(ctx, upkeep.JobsQuery{})
package upkeep

import (
	"context"
	"math"
	"strconv"

	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/webhooks"
)

// version counts incompatible changes of these operations.
const version = 1

// Service is the upkeep of one module. All of it is for operators.
type Service interface {
	// Consumers returns who receives the module's events, and what waits for each.
	Consumers(context.Context, ConsumersQuery) (Consumers, error)
	// DeadLetters returns a page of the events that are not tried again by
	// themselves.
	DeadLetters(context.Context, DeadLettersQuery) (DeadLetterPage, error)
	// Replay delivers dead letters again.
	Replay(context.Context, ReplayRequest) (Replayed, error)
	// Jobs returns a page of jobs, the newest first.
	Jobs(context.Context, JobsQuery) (JobPage, error)
	// CancelJob ends a job before its next step. Fails with fault.NotFound when
	// there is none of this number that has not ended.
	CancelJob(context.Context, JobCancellation) (JobCanceled, error)

	Webhooks // webhooks.go
}

// ConsumersQuery asks for nothing in particular.
type ConsumersQuery struct{}

// Consumers are those of one module's events.
type Consumers struct {
	Consumers []outbox.Status `json:"consumers"`
}

// DeadLettersQuery asks for a page.
type DeadLettersQuery struct {
	Consumer string `query:"consumer" json:"-"` // "" = of all
	Cursor   string `query:"cursor" json:"-"`
	Limit    int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// DeadLetterPage is a page of dead letters.
type DeadLetterPage struct {
	Letters []outbox.DeadLetter `json:"letters"`
	Next    string              `json:"next,omitempty"` // cursor; "" = that was all
}

// ReplayRequest asks for dead letters to be delivered again.
type ReplayRequest struct {
	Consumer string   `json:"consumer"` // "" = of all
	Events   []string `json:"events"`   // ids, at most 500; none = all dead letters
}

// Replayed says how many will be delivered again.
type Replayed struct {
	Count int64 `json:"count"`
}

// JobsQuery asks for a page.
type JobsQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// JobPage is a page of jobs, the newest first.
type JobPage struct {
	Jobs []jobs.Summary `json:"jobs"`
	Next string         `json:"next,omitempty"` // cursor; "" = that was all
}

// JobCancellation names a job.
type JobCancellation struct {
	ID int64 `path:"id" json:"-"`
}

// JobCanceled names the job that ends.
type JobCanceled struct {
	ID int64 `json:"id"`
}

// Contract is the upkeep of one module as operations below its own path.
type Contract struct {
	seam      *seam.Contract
	consumers seam.Operation[ConsumersQuery, Consumers]
	letters   seam.Operation[DeadLettersQuery, DeadLetterPage]
	replay    seam.Operation[ReplayRequest, Replayed]
	jobs      seam.Operation[JobsQuery, JobPage]
	cancel    seam.Operation[JobCancellation, JobCanceled]
	hooks     hookOperations
}

// NewContract makes the operations for the module of this name.
func NewContract(module string) *Contract {
	c := &Contract{seam: seam.NewContract(module, version, "Events, jobs and webhooks of the module, for operators.")}
	c.consumers = seam.Read[ConsumersQuery, Consumers](c.seam, "consumers", "GET /upkeep/consumers", seam.Operators,
		"Who receives the module's events, and what waits for each")
	c.letters = seam.Read[DeadLettersQuery, DeadLetterPage](c.seam, "deadLetters", "GET /upkeep/dead-letters", seam.Operators,
		"Events that failed too often and are not tried again by themselves")
	c.replay = seam.Write[ReplayRequest, Replayed](c.seam, "replay", "POST /upkeep/dead-letters/replay", seam.Operators,
		"Deliver dead letters again")
	c.jobs = seam.Read[JobsQuery, JobPage](c.seam, "jobs", "GET /upkeep/jobs", seam.Operators,
		"Jobs, the newest first")
	c.cancel = seam.Write[JobCancellation, JobCanceled](c.seam, "cancelJob", "POST /upkeep/jobs/{id}/cancel", seam.Operators,
		"End a job before its next step")
	c.hooks = newHookOperations(c.seam)
	return c
}

// Seam is the contract for routes and remotes.
func (c *Contract) Seam() *seam.Contract { return c.seam }

// Bind ties the operations to the module's database and its webhooks.
func (c *Contract) Bind(db *database.DB, hooks *webhooks.Hooks) *seam.Local {
	s := service{db, hookService{hooks}}
	return c.seam.Bind(append(c.hooks.to(s.hookService),
		c.consumers.To(s.Consumers), c.letters.To(s.DeadLetters), c.replay.To(s.Replay), c.jobs.To(s.Jobs), c.cancel.To(s.CancelJob))...)
}

// Client calls where the route leads, which is made from this contract.
func (c *Contract) Client(route *seam.Route) Client { return Client{c, route} }

// Client is a Service over a route.
type Client struct {
	contract *Contract
	route    *seam.Route
}

var _ Service = Client{}

// Consumers implements Service.
func (c Client) Consumers(ctx context.Context, q ConsumersQuery) (Consumers, error) {
	return c.contract.consumers.Call(ctx, c.route, q)
}

// DeadLetters implements Service.
func (c Client) DeadLetters(ctx context.Context, q DeadLettersQuery) (DeadLetterPage, error) {
	return c.contract.letters.Call(ctx, c.route, q)
}

// Replay implements Service.
func (c Client) Replay(ctx context.Context, q ReplayRequest) (Replayed, error) {
	return c.contract.replay.Call(ctx, c.route, q)
}

// Jobs implements Service.
func (c Client) Jobs(ctx context.Context, q JobsQuery) (JobPage, error) {
	return c.contract.jobs.Call(ctx, c.route, q)
}

// CancelJob implements Service.
func (c Client) CancelJob(ctx context.Context, q JobCancellation) (JobCanceled, error) {
	return c.contract.cancel.Call(ctx, c.route, q)
}

// service does the work in the process that has the module's data.
type service struct {
	db *database.DB
	hookService
}

var _ Service = service{}

// Consumers implements Service.
func (s service) Consumers(ctx context.Context, _ ConsumersQuery) (Consumers, error) {
	list, err := outbox.ReadStatus(ctx, s.db)
	if list == nil {
		list = []outbox.Status{}
	}
	return Consumers{list}, err
}

// DeadLetters implements Service.
func (s service) DeadLetters(ctx context.Context, q DeadLettersQuery) (DeadLetterPage, error) {
	if err := page.Standard().Check(q.Limit); err != nil {
		return DeadLetterPage{}, err
	}
	letters, next, err := outbox.ListDead(ctx, s.db, q.Consumer, q.Cursor, page.Standard().Size(q.Limit))
	if letters == nil {
		letters = []outbox.DeadLetter{}
	}
	return DeadLetterPage{letters, next}, err
}

// Replay implements Service.
func (s service) Replay(ctx context.Context, q ReplayRequest) (Replayed, error) {
	count, err := outbox.Replay(ctx, s.db, q.Consumer, q.Events...)
	if err == nil && count < int64(len(q.Events)) {
		return Replayed{count}, fault.Newf(fault.NotFound, "%d of %d events are dead letters and will be tried again; the others were replayed already: load the list again", count, len(q.Events))
	}
	return Replayed{count}, err
}

// Jobs implements Service.
func (s service) Jobs(ctx context.Context, q JobsQuery) (JobPage, error) {
	if err := page.Standard().Check(q.Limit); err != nil {
		return JobPage{}, err
	}
	list := page.NewList[int64]("jobs")
	before, err := list.After(q.Cursor, math.MaxInt64)
	if err != nil {
		return JobPage{}, err
	}
	size := page.Standard().Size(q.Limit)
	found, err := jobs.List(ctx, s.db.Read(), before, size+1)
	if err != nil {
		return JobPage{}, err
	}
	found, next := page.Cut(list, found, size, func(j jobs.Summary) int64 { return j.ID })
	return JobPage{found, next}, nil
}

// CancelJob implements Service.
func (s service) CancelJob(ctx context.Context, q JobCancellation) (JobCanceled, error) {
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		found, err := jobs.Cancel(ctx, tx, q.ID)
		if err == nil && !found {
			return fault.NoSuch("job", "there is no job %s that could be cancelled: it has ended, or never was; load the list again", strconv.FormatInt(q.ID, 10))
		}
		return err
	})
	return JobCanceled(q), err
}
