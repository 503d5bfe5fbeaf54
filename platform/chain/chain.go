// Package chain asks nodes of EVM chains over JSON-RPC: whether an account is a
// smart wallet, and whether it accepts a signature.
//
//	chains := chain.Open(settings, log)
//	defer chains.Close()
//	accepted, block, err := chains.Accepts(ctx, 1, account, digest, signature)
//
// Nothing but the settings names a chain. What a node says is believed as far as
// settings say: each node must show the number of its chain before it is asked
// anything, and chain.agree nodes must answer the same about a signature.
package chain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/ethclient"

	"banyan/platform/fault"
	"banyan/platform/signature"
)

// maxCalls bounds the requests to the nodes of one chain that are under way at the
// same time, because whoever signs in can cause them.
const maxCalls = 16

// Chains are the chains that the settings name. The methods may be called at the
// same time.
type Chains struct {
	byID    map[uint64]*chain
	timeout time.Duration
	agree   int
	gas     uint64
	idle    func() // closes idle connections
}

// chain is one chain and the nodes to ask.
type chain struct {
	id    uint64
	nodes []*node
	slots chan struct{} // a place for each call under way
}

// Open prepares the nodes, and connects to none.
func Open(s Settings, log *slog.Logger) *Chains {
	transport := newTransport(s.Private)
	c := &Chains{byID: make(map[uint64]*chain), timeout: s.Timeout, agree: max(1, s.Agree), gas: uint64(max(0, s.Gas)), idle: transport.CloseIdleConnections}
	for _, n := range s.Nodes {
		of := c.byID[n.ChainID]
		if of == nil {
			of = &chain{id: n.ChainID, slots: make(chan struct{}, maxCalls)}
			c.byID[n.ChainID] = of
		}
		of.nodes = append(of.nodes, &node{Node: n, client: &http.Client{Transport: bounded{transport}, CheckRedirect: noRedirect}, log: log})
	}
	return c
}

// noRedirect: a node answers itself; a redirect could lead anywhere, with the body.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close closes the connections.
func (c *Chains) Close() {
	for _, of := range c.byID {
		for _, n := range of.nodes {
			n.close()
		}
	}
	c.idle()
}

// Connect asks every node for the number of its chain, so that a wrong address
// stands in the log at the start and not at the first sign-in. A node that fails is
// asked again when it is needed.
func (c *Chains) Connect(ctx context.Context) error {
	c.Try(ctx)
	return nil
}

// Tried is a node that was asked for the number of its chain.
type Tried struct {
	Name string // without what may be a key
	Err  error  // nil: it answers, for the chain that the settings say
}

// Try asks every node for the number of its chain.
func (c *Chains) Try(ctx context.Context) []Tried {
	var all []Tried
	for _, id := range slices.Sorted(maps.Keys(c.byID)) {
		for _, n := range c.byID[id].nodes {
			_, err := askNode(ctx, n, c.timeout, func(context.Context, *ethclient.Client) (struct{}, error) { return struct{}{}, nil })
			all = append(all, Tried{Name: n.String(), Err: err})
		}
	}
	return all
}

// find returns a chain and takes a place for a call; release gives it back. Fails
// with signature.ErrNoSuchChain, or with fault.Busy when too many calls are under way.
func (c *Chains) find(id uint64) (of *chain, release func(), err error) {
	of = c.byID[id]
	if of == nil {
		return nil, nil, fmt.Errorf("ask chain %d: %w", id, signature.ErrNoSuchChain)
	}
	select {
	case of.slots <- struct{}{}:
		return of, func() { <-of.slots }, nil
	default:
		return nil, nil, fault.Newf(fault.Busy, "%d requests to chain %d are under way: try again in a moment", maxCalls, id)
	}
}

// ask asks nodes one after the other until agree of them have answered, and returns
// the answer that they share. A node that has failed is asked last for a while. It fails
// when there are too few answers, or different ones.
func ask[T comparable](ctx context.Context, c *Chains, id uint64, question func(context.Context, *ethclient.Client) (T, error)) (answer T, err error) {
	return askFor(ctx, c, id, question, func(a, b T) (T, bool) { return a, a == b })
}

// askFor is ask for answers that differ in part: join returns what two of them say
// together, or false when they do not agree.
func askFor[T any](ctx context.Context, c *Chains, id uint64, question func(context.Context, *ethclient.Client) (T, error), join func(a, b T) (T, bool)) (answer T, err error) {
	return askWithin(ctx, c, id, c.timeout, question, join)
}

// askWithin is askFor for questions that need another time than one request.
func askWithin[T any](ctx context.Context, c *Chains, id uint64, timeout time.Duration, question func(context.Context, *ethclient.Client) (T, error), join func(a, b T) (T, bool)) (answer T, err error) {
	of, release, err := c.find(id)
	if err != nil {
		return answer, err
	}
	defer release()
	answers := 0
	var none T
	var failures []error
	for _, n := range of.inOrder() {
		value, err := askNode(ctx, n, timeout, question)
		if err != nil {
			if ctx.Err() != nil {
				return answer, ctx.Err()
			}
			failures = append(failures, fmt.Errorf("%s: %w", n.Node, err))
			continue
		}
		if answers > 0 {
			agreed := false
			if value, agreed = join(answer, value); !agreed {
				return none, fmt.Errorf("the nodes of chain %d do not agree: one is behind, or wrong", id)
			}
		}
		answer = value
		if answers++; answers == c.agree {
			return answer, nil
		}
	}
	return none, fmt.Errorf("%d of the %d nodes that are asked about chain %d answered: %w", answers, c.agree, id, errors.Join(failures...))
}

// inOrder returns the nodes, those that failed a short time ago behind the others.
func (of *chain) inOrder() []*node {
	nodes, now := slices.Clone(of.nodes), time.Now().UnixNano()
	slices.SortStableFunc(nodes, func(a, b *node) int { return cmp.Compare(a.avoided(now), b.avoided(now)) })
	return nodes
}
