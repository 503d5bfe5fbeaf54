package rollout

import (
	"context"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/seam"
)

// Trunk is the service name under which the trunk hands over, and its name as
// an owner: call with identity.AsService(ctx, Trunk). Only the trunk's own keys
// are trusted for it: the keys of a module speak for that module alone.
const Trunk = "trunk"

// version counts incompatible changes of these operations. In 2 a take names the
// data: a process of version 1 would take over any, and is refused.
const ownershipVersion = 2

// StateQuery asks for nothing in particular.
type OwnershipQuery struct{}

// State is who owns a module's writes, as the process that answers reads it.
type OwnershipState struct {
	ownership.Claim
	Self    string `json:"self"`     // the process that answers
	IsOwner bool   `json:"is_owner"` // that process owns
	DataID  string `json:"data_id"`  // of the data that the process has
}

// Take asks the process to become the owner.
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

// Contract is these operations for one module, beside the module's own.
type HandoverContract struct {
	seam  *seam.Contract
	state seam.Operation[OwnershipQuery, OwnershipState]
	take  seam.Operation[TakeRequest, ownership.Claim]
}

// NewContract makes the operations of the module with this name.
func NewHandoverContract(module string) *HandoverContract {
	c := &HandoverContract{seam: seam.NewContract(module, ownershipVersion, "Who owns the module's writes.")}
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

// Client asks where the route leads.
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
	if c := identity.From(ctx); c.Service == "" && c.Role < identity.Operator {
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
		return ownership.Claim{}, seam.OtherData(s.own.Module(), t.DataID, id)
	}
	return s.own.Take(ctx, t.Expected)
}
