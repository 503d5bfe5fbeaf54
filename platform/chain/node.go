package chain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"banyan/platform/publicnet"
)

const (
	// avoidFor is how long a node that has failed is asked after the others.
	avoidFor = 30 * time.Second
	// maxAnswer bounds the answer of a node. Most are small: the code of a contract
	// has at most 48 KB, in hex.
	maxAnswer = 1 << 20
	// maxEvents bounds an answer with events: some 25,000 of them.
	maxEvents = 16 << 20
)

// manyEvents is the key of contexts whose answers are bounded by maxEvents.
type manyEvents struct{}

// node is one node, and the connection to it.
type node struct {
	Node
	client *http.Client
	log    *slog.Logger
	until  atomic.Int64 // when it is asked in its turn again, in ns; 0 = it has not failed

	opening sync.Mutex
	eth     *ethclient.Client // nil until it has shown the number of its chain
}

// avoided is 1 while the node has failed a short time ago, and 0 otherwise.
func (n *node) avoided(now int64) int {
	if n.until.Load() > now {
		return 1
	}
	return 0
}

// open returns the client after the node has shown that it is one of the chain.
func (n *node) open(ctx context.Context) (*ethclient.Client, error) {
	n.opening.Lock()
	defer n.opening.Unlock()
	if n.eth != nil {
		return n.eth, nil
	}
	c, err := rpc.DialOptions(ctx, n.URL, rpc.WithHTTPClient(n.client))
	if err != nil {
		return nil, err
	}
	eth := ethclient.NewClient(c)
	id, err := eth.ChainID(ctx)
	if err != nil {
		eth.Close()
		return nil, err
	}
	if !id.IsUint64() || id.Uint64() != n.ChainID {
		eth.Close()
		return nil, fmt.Errorf("it is a node of chain %s, not of chain %d: correct chain.nodes", id, n.ChainID)
	}
	n.eth = eth
	return eth, nil
}

func (n *node) close() {
	n.opening.Lock()
	defer n.opening.Unlock()
	if n.eth != nil {
		n.eth.Close()
	}
}

// askNode asks one node within the time-out. Its failure is logged and returned
// without the node's URL, which may have a key in it.
func askNode[T any](ctx context.Context, n *node, timeout time.Duration, question func(context.Context, *ethclient.Client) (T, error)) (answer T, err error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	eth, err := n.open(limited)
	if err == nil {
		answer, err = question(limited, eth)
	}
	if err == nil {
		n.until.Store(0)
		return answer, nil
	}
	err = plain(err, timeout)
	if ctx.Err() == nil { // the caller has not left: it is the node's failure
		if n.until.Swap(time.Now().Add(avoidFor).UnixNano()) == 0 {
			n.log.WarnContext(ctx, "a node of a chain does not answer", "node", n.String(), "error", err)
		}
	}
	return answer, err
}

// plain drops what an error of the transport or of the node may quote: the URL, and
// the text of an answer that is no JSON-RPC.
func plain(err error, timeout time.Duration) error {
	var status rpc.HTTPError
	var private publicnet.Refused
	var transport *url.Error
	switch {
	case errors.As(err, &private):
		return fmt.Errorf("%w: set chain.private to true if that is meant", private)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", timeout)
	case errors.As(err, &status):
		return fmt.Errorf("it answered with the HTTP status %d", status.StatusCode)
	case errors.As(err, &transport):
		return transport.Err
	}
	return err
}

// bounded is a transport whose answers are bounded.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		most := maxAnswer
		if req.Context().Value(manyEvents{}) != nil {
			most = maxEvents
		}
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: most}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

var errLongAnswer = errors.New("its answer is longer than is read of one")

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongAnswer
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
