package client

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/seam/analysis"
	"banyan/platform/seam/timeout"

	"github.com/sony/gobreaker/v2"
)

// endpoint is one process that a module can be reached at. It has connections
// of its own, so that closing them or breaking them touches no other.
type endpoint struct {
	base      *url.URL
	address   string // host:port that the name resolved to; "" = dialled by its name
	transport http.RoundTripper
	classes   [classCount]classState

	calls    analysis.SideMeter
	inFlight atomic.Int64
	latency  movingMean

	mu          sync.Mutex // of what changes with a failure only
	lastError   string
	lastFailure time.Time
}

// classState is what keeps calls of one class away from an endpoint.
type classState struct {
	breaker *gobreaker.TwoStepCircuitBreaker[Answer]
	ejection
}

// Status is what an operator sees of one endpoint.
type Status struct {
	URL         string        `json:"url"`
	Address     string        `json:"address,omitempty"` // that the name resolved to
	State       string        `json:"state"`             // closed, ejected, half-open or open: the worst of Classes
	Classes     []ClassStatus `json:"classes"`
	InFlight    int64         `json:"in_flight"`
	Calls       uint64        `json:"calls"`     // that say something about it: answered or failed
	Failures    uint64        `json:"failures"`  // no connection, a broken one, 5xx, no answer in the time of an attempt
	Busy        uint64        `json:"busy"`      // beside Calls: sent away for lack of room
	Abandoned   uint64        `json:"abandoned"` // beside Calls: ended for their callers' reasons
	P50         float64       `json:"p50"`       // seconds, since the start
	P99         float64       `json:"p99"`       // seconds, since the start
	Latency     float64       `json:"latency"`   // seconds, the moving mean that the balancing uses
	LastError   string        `json:"last_error,omitempty"`
	LastFailure time.Time     `json:"last_failure,omitzero"`
}

// ClassStatus is the state of an endpoint for one class of operations.
type ClassStatus struct {
	Class string `json:"class"` // read, write (without a stream) or stream
	State string `json:"state"` // closed, ejected, half-open or open
}

// stateEjected is beside the states of the breaker; see ejection.
const stateEjected = "ejected"

// dialError is a connection that was never made: nothing was sent.
type dialError struct{ cause error }

func (e dialError) Error() string { return e.cause.Error() }
func (e dialError) Unwrap() error { return e.cause }

// addressOf returns scheme://host[:port], and the path below which the server is.
func addressOf(base *url.URL) string { return base.Scheme + "://" + base.Host + base.Path }

// newEndpoint makes an endpoint with a copy of the transport that dials one
// address and keeps the name for TLS and for the Host header.
func newEndpoint(module string, base *url.URL, address string, pattern *http.Transport, trust *tls.Config, o Balance, log *slog.Logger) *endpoint {
	transport := pattern.Clone()
	if trust != nil {
		transport.TLSClientConfig = trust.Clone()
	}
	dial := transport.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	transport.DialContext = func(ctx context.Context, network, name string) (net.Conn, error) {
		if address != "" {
			name = address
		}
		conn, err := dial(ctx, network, name)
		if err != nil {
			return nil, dialError{err}
		}
		return conn, nil
	}
	e := &endpoint{base: base, address: address, transport: transport}
	for of := range classCount {
		e.classes[of].breaker = newBreaker(o, func(from, to gobreaker.State) {
			log.Warn("the circuit breaker of an endpoint changed",
				"module", module, "endpoint", e.name(), "class", of.String(), "from", from.String(), "to", to.String())
			if to == gobreaker.StateOpen && of != classStream {
				e.latency.forget() // it comes back as a new one
			}
		})
	}
	return e
}

// name is what logs and metrics call the endpoint.
func (e *endpoint) name() string {
	if e.address != "" {
		return addressOf(e.base) + " (" + e.address + ")"
	}
	return addressOf(e.base)
}

// retire closes the kept connections; calls under way end where they are.
func (e *endpoint) retire() {
	if t, ok := e.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// inUse reports whether calls of a class are led here as to any other.
func (e *endpoint) inUse(of class, now time.Duration) bool {
	return !e.classes[of].isEjected(now) && e.classes[of].breaker.State() == gobreaker.StateClosed
}

func (s *classState) state() string {
	if b := s.breaker.State(); b != gobreaker.StateClosed {
		return b.String()
	}
	if s.isEjected(timeout.Clock()) {
		return stateEjected
	}
	return gobreaker.StateClosed.String()
}

// states are those of the classes, and the worst of them.
func (e *endpoint) states() (list []ClassStatus, worst string) {
	rank := []string{gobreaker.StateClosed.String(), stateEjected, gobreaker.StateHalfOpen.String(), gobreaker.StateOpen.String()}
	most := 0
	for of := range classCount {
		state := e.classes[of].state()
		list = append(list, ClassStatus{Class: of.String(), State: state})
		most = max(most, slices.Index(rank, state))
	}
	return list, rank[most]
}

func (e *endpoint) status() Status {
	figures := e.figures()
	classes, worst := e.states()
	e.mu.Lock()
	defer e.mu.Unlock()
	return Status{
		URL: addressOf(e.base), Address: e.address, State: worst, Classes: classes, InFlight: e.inFlight.Load(),
		Calls: figures.Calls, Failures: figures.Failures, Busy: figures.Busy, Abandoned: figures.Abandoned, P50: figures.P50, P99: figures.P99,
		Latency: e.latency.at(timeout.Clock()), LastError: e.lastError, LastFailure: e.lastFailure,
	}
}

// figures are those of the attempts since the start.
func (e *endpoint) figures() analysis.SideStats {
	counts := e.calls.Counts()
	return counts.Stats()
}

// failed keeps what an operator wants to read of a failure.
func (e *endpoint) failed(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastError, e.lastFailure = describe(err), time.Now()
}

// movingMean is an exponentially weighted mean of latencies. It fades with
// time, so that an endpoint that was slow is tried again.
type movingMean struct {
	bits atomic.Uint64 // of a float64: nanoseconds; 0 = no sample yet
	last atomic.Int64  // timeout.Clock() of the last sample
}

const (
	meanWeight   = 1.0 / 8
	meanHalfLife = 5 * time.Second
)

func (m *movingMean) add(sample, now time.Duration) {
	m.last.Store(int64(now))
	for {
		old := m.bits.Load()
		mean := math.Float64frombits(old)
		if old == 0 {
			mean = float64(sample)
		} else {
			mean += (float64(sample) - mean) * meanWeight
		}
		if m.bits.CompareAndSwap(old, math.Float64bits(max(mean, 1))) {
			return
		}
	}
}

// nanos is the mean as it has faded by now; 0 = no sample yet.
func (m *movingMean) nanos(now time.Duration) float64 {
	mean := math.Float64frombits(m.bits.Load())
	if mean == 0 {
		return 0
	}
	age := now - time.Duration(m.last.Load())
	if age <= 0 {
		return mean
	}
	return mean * math.Exp2(-float64(age)/float64(meanHalfLife))
}

// penalty is what a failed call counts as: an endpoint that refuses quickly must
// not look like the fastest.
func (m *movingMean) penalty(took time.Duration) time.Duration {
	return max(took, failurePenalty, 2*time.Duration(math.Float64frombits(m.bits.Load())))
}

// forget makes it as without a sample.
func (m *movingMean) forget() { m.bits.Store(0) }

// at is the mean in seconds.
func (m *movingMean) at(now time.Duration) float64 { return m.nanos(now) / 1e9 }
