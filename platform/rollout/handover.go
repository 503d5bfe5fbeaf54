package rollout

import (
	"context"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
)

// Trunk is the service name under which the trunk hands over, and its name as
// an owner: call with identity.AsService(ctx, Trunk). Only the trunk's own keys
// are trusted for it: the keys of a module count for that module alone.
const Trunk = identity.Trunk

// handoverVersion counts incompatible changes of these operations. In 2 a take
// names the data: a process of version 1 would take over any, and is refused.
const handoverVersion = 2

// OwnershipQuery asks for nothing in particular.
type OwnershipQuery struct{}

// OwnershipState is who owns a module's writes, as the process that answers reads it.
type OwnershipState struct {
	ownership.Claim
	Self    string `json:"self"`     // the process that answers
	IsOwner bool   `json:"is_owner"` // that process owns
	DataID  string `json:"data_id"`  // of the data that the process has
}

// TakeRequest asks the process to become the owner.
type TakeRequest struct {
	Expected int64  `json:"expected_epoch"`   // the epoch that the trunk believes in
	DataID   string `json:"expected_data_id"` // the id of the trunk's data
}

// Validate implements seam.Validator.
func (t TakeRequest) Validate() error {
	if t.Expected < 1 {
		return fault.New(fault.Invalid, "a take needs the epoch that is to end").
			With(fault.Field{Name: "expected_epoch", Message: "is a number from 1 on: read it with GET …/ownership"})
	}
	if t.DataID == "" {
		return fault.New(fault.Invalid, "a take needs the id of the trunk's data").
			With(fault.Field{Name: "expected_data_id", Message: "is 32 hexadecimal digits: read it with GET …/ownership"})
	}
	return nil
}

// HandoverContract is how the trunk asks a module that runs alone to take over
// its writes: platform/ownership, spoken over the seam, beside the module's own
// operations.
//
//	GET  /api/v1/<module>/ownership        who owns, as this process reads it
//	POST /api/v1/<module>/ownership/take   {"expected_epoch": 7, "expected_data_id": "1a2b…"}
//
//	trunk                          module                         database
//	  │ take, expecting 7 and 1a2b…  │ is its data 1a2b…?             │
//	  ├─────────────────────────────▶│  epoch 7 → 8, owner = module   │
//	  │                              ├───────────────────────────────▶│
//	  │◀── 8, module ────────────────┤◀───────────────────────────────┤
//	  │ its route leads to the module, with epoch 8
//
// Back again the trunk takes by itself: both have the same database, and nobody
// needs to agree. When an answer is lost, asking again with the same epoch
// returns the same answer.
//
// Whether both have the same database is asked before (Verify), by the data id
// that the first migration makes, and again by the process that takes. A copy of
// a database has the id of the original; what shows it is that the take has
// changed the epoch there and not here, so the trunk looks at its own row after
// a take (TakenHere).
type HandoverContract struct {
	seam  *seam.Contract
	state seam.Operation[OwnershipQuery, OwnershipState]
	take  seam.Operation[TakeRequest, ownership.Claim]
}

// NewHandoverContract makes the operations of the module with this name.
func NewHandoverContract(module string) *HandoverContract {
	c := &HandoverContract{seam: seam.NewContract(module, handoverVersion, "Who owns the module's writes.")}
	c.state = seam.Read[OwnershipQuery, OwnershipState](c.seam, "ownership", "GET /ownership", seam.Public,
		"Who owns the writes; for operators and Banyan's own processes")
	c.take = seam.Write[TakeRequest, ownership.Claim](c.seam, "takeOwnership", "POST /ownership/take", seam.Modules,
		"Become the owner of the writes; for the trunk")
	return c
}

// Seam is the contract for routes and remotes.
func (c *HandoverContract) Seam() *seam.Contract { return c.seam }

// Bind ties the operations to the ownership of the process that serves them.
func (c *HandoverContract) Bind(own *ownership.Ownership) *seam.Local {
	s := ownershipService{own}
	return c.seam.Bind(c.state.To(s.state), c.take.To(s.take))
}

// Peer is the hand-over of a module's writes as the trunk sees it: the processes
// of the module at some addresses.
type Peer interface {
	// Verify asks all of them which data they have, see HandoverContract.Verify.
	Verify(ctx context.Context, dataID string, wait time.Duration) (Verified, error)
	// Take asks one of them to become the owner, see HandoverClient.Take.
	Take(ctx context.Context, expected int64, dataID string) (ownership.Claim, error)
	// Close ends the connections; calls under way go on.
	Close()
}

var _ Peer = remotePeer{}

// remotePeer is a Peer over the seam.
type remotePeer struct {
	contract *HandoverContract
	remote   *seam.Remote
}

// Peer asks at the addresses of o. Fails with fault.Invalid when one is wrong.
func (c *HandoverContract) Peer(o seam.RemoteOptions) (Peer, error) {
	remote, err := seam.NewRemote(c.seam, o)
	if err != nil {
		return nil, err
	}
	return remotePeer{c, remote}, nil
}

func (p remotePeer) Verify(ctx context.Context, dataID string, wait time.Duration) (Verified, error) {
	return p.contract.Verify(ctx, p.remote, dataID, wait)
}

func (p remotePeer) Take(ctx context.Context, expected int64, dataID string) (ownership.Claim, error) {
	client := p.contract.Client(seam.NewRemoteRoute(p.contract.seam, p.remote))
	return client.Take(identity.AsService(ctx, Trunk), expected, dataID)
}

func (p remotePeer) Close() { p.remote.Close() }

// HandoverClient calls a module's process where the route leads.
type HandoverClient struct {
	contract *HandoverContract
	route    *seam.Route
}

// Client calls through a route made from this contract.
func (c *HandoverContract) Client(route *seam.Route) HandoverClient {
	return HandoverClient{c, route}
}

// State asks who owns.
func (c HandoverClient) State(ctx context.Context) (OwnershipState, error) {
	return c.contract.state.Call(ctx, c.route, OwnershipQuery{})
}

// Take asks the module to take over; see ownership.Ownership.Take for what the
// answer means. dataID is that of the trunk's data: a process that has other
// data fails with fault.OtherData and takes nothing. The context is
// identity.AsService(ctx, Trunk).
func (c HandoverClient) Take(ctx context.Context, expected int64, dataID string) (ownership.Claim, error) {
	return c.contract.take.Call(ctx, c.route, TakeRequest{Expected: expected, DataID: dataID})
}

// service does the operations in the module's process.
type ownershipService struct{ own *ownership.Ownership }

func (s ownershipService) state(ctx context.Context, _ OwnershipQuery) (OwnershipState, error) {
	// Two kinds of callers, which no single level of access admits.
	if c := identity.From(ctx); c.IsAnonymous() {
		return OwnershipState{}, fault.New(fault.Unauthenticated, "only operators and Banyan's own processes may see who owns the writes: sign in, or send a token")
	} else if c.Service == "" && c.Role < identity.Operator {
		return OwnershipState{}, fault.New(fault.Forbidden, "only operators and Banyan's own processes may see who owns the writes")
	}
	now, err := s.own.Current(ctx)
	if err != nil {
		return OwnershipState{}, err
	}
	id, err := s.own.CurrentDataID(ctx)
	if err != nil {
		return OwnershipState{}, err
	}
	self := s.own.Self().Name
	return OwnershipState{Claim: now, Self: self, IsOwner: now.Owner == self, DataID: id}, nil
}

func (s ownershipService) take(ctx context.Context, t TakeRequest) (ownership.Claim, error) {
	if c := identity.From(ctx); c.Service != Trunk {
		return ownership.Claim{}, fault.Newf(fault.Forbidden, "only the trunk may hand over the writes of %s, and this is %s", s.own.Module(), c.Name())
	}
	id, err := s.own.CurrentDataID(ctx)
	if err != nil {
		return ownership.Claim{}, err
	}
	if id != t.DataID {
		return ownership.Claim{}, client.OtherData(s.own.Module(), t.DataID, id)
	}
	return s.own.Take(ctx, t.Expected)
}
