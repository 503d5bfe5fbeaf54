package rollout

import (
	"context"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/transfer"
)

// Home is the place of a module's data by the settings.
const Home = "home"

// MoveRequest asks for the move of a module's data to another database, or to another
// process with its own, while it is used.
type MoveRequest struct {
	Name string `path:"name" json:"-"`
	To   string `json:"to"` // postgres://user@host:5432/name without a password, http(s)://host:port of the module's process, or home
	// Password of the database. It stays in the database that the data leaves, which
	// says by it where the data is.
	Password string `json:"password,omitempty"`
}

// Validate implements seam.Validator.
func (r MoveRequest) Validate() error {
	if r.To == Home || r.ToProcess() && isOrigin(r.To) {
		return nil
	}
	var url database.URL
	message := ""
	switch err := url.UnmarshalText([]byte(r.To)); {
	case r.To == "":
		message = "is needed: postgres://user@host:5432/name, https://host:8081 of a process of the module, or home for the way back"
	case r.ToProcess():
		message = "is the address of a process: like https://host:8081, without a path or a password"
	case err != nil:
		message = err.Error() // which never repeats the URL
	case url.String() != r.To: // it is shown where a password is not
		message = "has a password in it: put it into the field password"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "the data cannot be moved there: see the fields").With(fault.Field{Name: "to", Message: message})
}

// ToProcess reports whether the data is to go to another process.
func (r MoveRequest) ToProcess() bool {
	return strings.HasPrefix(r.To, "https://") || strings.HasPrefix(r.To, "http://")
}

// MoveCancellation asks that a move ends with the data where it was.
type MoveCancellation struct {
	Name string `path:"name" json:"-"`
}

// MoveState is where the move of a module's data is.
type MoveState struct {
	Module string `json:"module"`
	transfer.Status
	Ended bool   `json:"ended"`
	Next  string `json:"next"` // what happens next, in words
}

// DataMover moves the data of one module. The calls are from different goroutines.
type DataMover interface {
	// Start begins a move, which goes on by itself, also after a restart. by is who asked.
	Start(ctx context.Context, r MoveRequest, by string) error
	// Cancel has the running move end, until it changes where the data is.
	Cancel() error
	// Status returns where the last move is; nil without one.
	Status() *transfer.Status
	// Away is the address of the process that has the data in a database of its own; "" =
	// this process can reach the data.
	Away() string
}

// moveState returns nil when there was no move.
func (m *module) moveState() *MoveState {
	if m.Data == nil {
		return nil
	}
	s := m.Data.Status()
	if s == nil {
		return nil
	}
	return &MoveState{Module: m.Name, Status: *s, Ended: s.Ended(), Next: s.Next()}
}

// requireStill fails with fault.Conflict while the module's data is being moved.
func (m *module) requireStill() error {
	if s := m.moveState(); s != nil && !s.Ended {
		return fault.Newf(fault.Conflict, "the data of %s is being moved to %s (%s): lead its calls elsewhere when that has ended, or cancel it (banyan module move %s --cancel)", m.Name, s.To, s.Step, m.Name)
	}
	return nil
}

// Move begins the move of a module's data. Fails with fault.Forbidden, NotFound, Invalid,
// Conflict (another move runs, the module is not local, or there is other data), or
// Unavailable, and then nothing has begun.
func (c *Controller) Move(ctx context.Context, by identity.Caller, r MoveRequest) (MoveState, error) {
	m, err := c.movable(by, r.Name)
	if err != nil {
		return MoveState{}, err
	}
	if err := m.acquire(ctx); err != nil {
		return MoveState{}, err
	}
	defer m.release()
	if err := m.Data.Start(ctx, r, by.Name()); err != nil {
		return MoveState{}, err
	}
	state := m.moveState()
	c.log.InfoContext(ctx, "the move of a module's data begins", "module", m.Name, "to", state.To, "by", by.Name())
	return *state, nil
}

// CancelMove has a move end with the data where it was. Fails with fault.NotFound
// when there is none, and with fault.Conflict when it has come too far.
func (c *Controller) CancelMove(ctx context.Context, by identity.Caller, name string) (MoveState, error) {
	m, err := c.movable(by, name)
	if err != nil {
		return MoveState{}, err
	}
	if err := m.Data.Cancel(); err != nil {
		return MoveState{}, err
	}
	c.log.InfoContext(ctx, "the move of a module's data is canceled", "module", m.Name, "by", by.Name())
	return *m.moveState(), nil
}

func (c *Controller) movable(by identity.Caller, name string) (*module, error) {
	if by.Role < identity.Operator {
		return nil, fault.New(fault.Forbidden, "this needs the role operator: ask an operator of this site")
	}
	m, err := c.module(name)
	if err == nil && m.Data == nil {
		err = fault.Newf(fault.Unsupported, "the data of %s cannot be moved from here", name)
	}
	return m, err
}
