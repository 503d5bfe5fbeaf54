package rollout

import (
	"context"
	"io"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/transfer"
)

// dataVersion counts incompatible changes of these operations. In 2 the last rows say
// that they are the last.
const dataVersion = 2

// DataContract is how a module's data goes from one process to another that has a
// database of its own: transfer.Far, spoken over the seam, and how the trunk asks the
// module's process to send it back. The paths are below /api/v1/<module>.
//
//	POST /move/begin, /move/recall, /move/rows, /move/sum, /move/claim, /move/abandon
//	POST /move/send, /move/stop   GET /move/state      of a module's process alone
//
// Only the trunk calls a module's process, and only the module's process calls the trunk.
type DataContract struct {
	seam    *seam.Contract
	begin   seam.Operation[transfer.Opening, Done]
	recall  seam.Operation[transfer.RecallRequest, transfer.Recalled]
	rows    seam.Operation[rowsRequest, transfer.Stored]
	sum     seam.Operation[transfer.SumQuery, transfer.SumPage]
	claim   seam.Operation[transfer.Claiming, Done]
	abandon seam.Operation[transfer.Abandoning, Done]
	send    seam.Operation[SendRequest, SendState]
	stop    seam.Operation[StopRequest, SendState]
	state   seam.Operation[SendQuery, SendState]
}

// Done is an answer that says no more.
type Done struct{}

type rowsRequest struct {
	ID      string    `query:"id" json:"-"`
	Attempt int64     `query:"attempt" json:"-"`
	Body    io.Reader `stream:"application/octet-stream" json:"-"`
}

// SendRequest asks a module's process to send its data to the trunk.
type SendRequest struct {
	By string `json:"by"` // who asked, for the audit
}

// StopRequest asks that sending ends with the data where it was.
type StopRequest struct{}

// SendQuery asks where sending is.
type SendQuery struct{}

// SendState is where the last sending by the process is; nil = there was none.
type SendState struct {
	Move *transfer.Status `json:"move,omitempty"`
}

// NewDataContract makes the operations of the module with this name.
func NewDataContract(module string) *DataContract {
	c := &DataContract{seam: seam.NewContract(module, dataVersion, "How the module's data moves to another host.")}
	c.begin = seam.Write[transfer.Opening, Done](c.seam, "beginMove", "POST /move/begin", seam.Modules, "Make ready for another process's data")
	c.recall = seam.Write[transfer.RecallRequest, transfer.Recalled](c.seam, "recallMove", "POST /move/recall", seam.Modules, "Begin an attempt of the move")
	c.rows = seam.Write[rowsRequest, transfer.Stored](c.seam, "moveRows", "POST /move/rows", seam.Modules, "Store rows")
	c.sum = seam.Write[transfer.SumQuery, transfer.SumPage](c.seam, "sumRows", "POST /move/sum", seam.Modules, "Add up stored rows")
	c.claim = seam.Write[transfer.Claiming, Done](c.seam, "claimMove", "POST /move/claim", seam.Modules, "Become the owner of the data")
	c.abandon = seam.Write[transfer.Abandoning, Done](c.seam, "abandonMove", "POST /move/abandon", seam.Modules, "End the move with the data where it was")
	c.send = seam.Write[SendRequest, SendState](c.seam, "sendData", "POST /move/send", seam.Modules, "Send the data to the trunk")
	c.stop = seam.Write[StopRequest, SendState](c.seam, "stopSending", "POST /move/stop", seam.Modules, "End the sending with the data where it was")
	c.state = seam.Read[SendQuery, SendState](c.seam, "sending", "GET /move/state", seam.Modules, "Where the sending is")
	return c
}

// Seam is the contract for routes and remotes.
func (c *DataContract) Seam() *seam.Contract { return c.seam }

// DataSender sends the data of a module's process to the trunk.
type DataSender interface {
	Send(ctx context.Context, by string) error
	Cancel() error
	// Status returns where the last sending is; nil without one.
	Status() *transfer.Status
}

// DataEnd is what a process does with these operations.
type DataEnd struct {
	In   transfer.Far // takes data
	Out  DataSender   // sends it; nil in the trunk
	Peer string       // the one process that may call: the trunk, or the module's
}

// Bind ties the operations to this end.
func (c *DataContract) Bind(e DataEnd) *seam.Local {
	return c.seam.Bind(
		c.begin.To(only(e, func(ctx context.Context, q transfer.Opening) (Done, error) { return Done{}, e.In.Begin(ctx, q) })),
		c.recall.To(only(e, e.In.Recall)),
		c.rows.To(only(e, func(ctx context.Context, q rowsRequest) (transfer.Stored, error) {
			return e.In.Rows(ctx, transfer.Batch{ID: q.ID, Attempt: q.Attempt, Body: q.Body})
		})),
		c.sum.To(only(e, e.In.Sum)),
		c.claim.To(only(e, func(ctx context.Context, q transfer.Claiming) (Done, error) { return Done{}, e.In.Claim(ctx, q) })),
		c.abandon.To(only(e, func(ctx context.Context, q transfer.Abandoning) (Done, error) { return Done{}, e.In.Abandon(ctx, q) })),
		c.send.To(only(e, func(ctx context.Context, q SendRequest) (SendState, error) {
			return e.sending(func() error { return e.Out.Send(ctx, q.By) })
		})),
		c.stop.To(only(e, func(context.Context, StopRequest) (SendState, error) {
			return e.sending(func() error { return e.Out.Cancel() })
		})),
		c.state.To(only(e, func(context.Context, SendQuery) (SendState, error) { return e.sending(func() error { return nil }) })),
	)
}

// only admits the one peer.
func only[Q, A any](e DataEnd, do func(context.Context, Q) (A, error)) func(context.Context, Q) (A, error) {
	return func(ctx context.Context, q Q) (A, error) {
		if c := identity.From(ctx); c.Service != e.Peer {
			var none A
			return none, fault.Newf(fault.Forbidden, "only the process of %s may send data here or ask for it, and this is %s", e.Peer, c.Name())
		}
		return do(ctx, q)
	}
}

func (e DataEnd) sending(do func() error) (SendState, error) {
	if e.Out == nil {
		return SendState{}, fault.New(fault.Unsupported, "the trunk is asked by its operators where data goes: banyan module move")
	}
	if err := do(); err != nil {
		return SendState{}, err
	}
	return SendState{Move: e.Out.Status()}, nil
}

var _ transfer.Far = DataClient{}

// DataClient calls the other process, as the service self.
type DataClient struct {
	contract *DataContract
	remote   *seam.Remote
	route    *seam.Route
	self     string
}

// Client calls at the addresses of o, as this service. Fails with fault.Invalid when one
// is wrong.
func (c *DataContract) Client(o seam.RemoteOptions, self string) (DataClient, error) {
	remote, err := seam.NewRemote(c.seam, o)
	if err != nil {
		return DataClient{}, err
	}
	return DataClient{contract: c, remote: remote, route: seam.NewRemoteRoute(c.seam, remote), self: self}, nil
}

func (d DataClient) as(ctx context.Context) context.Context {
	return identity.AsService(ctx, d.self)
}

// Begin implements transfer.Far.
func (d DataClient) Begin(ctx context.Context, q transfer.Opening) error {
	_, err := d.contract.begin.Call(d.as(ctx), d.route, q)
	return err
}

// Recall implements transfer.Far.
func (d DataClient) Recall(ctx context.Context, q transfer.RecallRequest) (transfer.Recalled, error) {
	return d.contract.recall.Call(d.as(ctx), d.route, q)
}

// Rows implements transfer.Far.
func (d DataClient) Rows(ctx context.Context, b transfer.Batch) (transfer.Stored, error) {
	return d.contract.rows.Call(d.as(ctx), d.route, rowsRequest{ID: b.ID, Attempt: b.Attempt, Body: b.Body})
}

// Sum implements transfer.Far.
func (d DataClient) Sum(ctx context.Context, q transfer.SumQuery) (transfer.SumPage, error) {
	return d.contract.sum.Call(d.as(ctx), d.route, q)
}

// Claim implements transfer.Far.
func (d DataClient) Claim(ctx context.Context, q transfer.Claiming) error {
	_, err := d.contract.claim.Call(d.as(ctx), d.route, q)
	return err
}

// Abandon implements transfer.Far.
func (d DataClient) Abandon(ctx context.Context, q transfer.Abandoning) error {
	_, err := d.contract.abandon.Call(d.as(ctx), d.route, q)
	return err
}

// Close implements transfer.Far.
func (d DataClient) Close() { d.remote.Close() }

// Send asks a module's process to send its data here.
func (d DataClient) Send(ctx context.Context, by string) (SendState, error) {
	return d.contract.send.Call(d.as(ctx), d.route, SendRequest{By: by})
}

// Stop asks it to end that.
func (d DataClient) Stop(ctx context.Context) (SendState, error) {
	return d.contract.stop.Call(d.as(ctx), d.route, StopRequest{})
}

// State asks where that is.
func (d DataClient) State(ctx context.Context) (SendState, error) {
	return d.contract.state.Call(d.as(ctx), d.route, SendQuery{})
}
