package web

import (
	"encoding/json"
	"strings"
	"time"
)

// figures are what a route tells of itself. They come as JSON, so that this
// page follows neither the seam's types nor its versions: what is not there
// stays zero, and what is new is left out. The shape is that of seam.Status,
// with the endpoints of the remote (client.Status) and the ownership of
// writes (ownership.Claim) beside it.
type figures struct {
	Mode       string            `json:"mode"`
	Percent    float64           `json:"percent"`
	Epoch      int64             `json:"epoch"`
	URL        string            `json:"url"`
	Contract   int               `json:"contract_version"`
	Since      time.Time         `json:"since"`
	Operations []operationFigure `json:"operations"`
	Guard      struct {
		Alarms   []string `json:"alarms"`
		Rollback *struct {
			From routePlace `json:"from"`
			To   routePlace `json:"to"`
			Why  []string   `json:"why"`
			At   time.Time  `json:"at"`
		} `json:"rollback"`
	} `json:"guard"`
	Verdict *struct {
		Next    *routePlace `json:"next"`
		Step    string      `json:"step"`
		Safe    bool        `json:"safe"`
		Reasons []string    `json:"reasons"`
		Missing []string    `json:"missing"`
	} `json:"verdict"`
	Endpoints []endpointFigure `json:"endpoints"`
	Ownership *struct {
		Epoch int64  `json:"epoch"`
		Owner string `json:"owner"`
		URL   string `json:"url"`
	} `json:"ownership"`
}

type routePlace struct {
	Mode    string  `json:"mode"`
	Percent float64 `json:"percent"`
}

// operationFigure is one operation: since the start, and in the last half
// minute.
type operationFigure struct {
	Operation string     `json:"operation"`
	Local     sideFigure `json:"local"`
	Remote    sideFigure `json:"remote"`
	Shadow    struct {
		Compared    uint64 `json:"compared"`
		Matched     uint64 `json:"matched"`
		Errors      uint64 `json:"errors"`
		Transient   uint64 `json:"transient"`
		Persistent  uint64 `json:"persistent"`
		Failed      uint64 `json:"failed"`
		Dropped     uint64 `json:"dropped"`
		LastFailure string `json:"last_failure"`
	} `json:"shadow"`
	Canary struct {
		Remote    uint64 `json:"remote"`
		Fallbacks uint64 `json:"fallbacks"`
	} `json:"canary"`
	Recent struct {
		Seconds float64      `json:"seconds"`
		Local   recentFigure `json:"local"`
		Remote  recentFigure `json:"remote"`
		Shadow  recentFigure `json:"shadow"`
	} `json:"recent"`
}

type sideFigure struct {
	Calls    uint64 `json:"calls"`
	Failures uint64 `json:"failures"`
}

// recentFigure is a side in the last half minute.
type recentFigure struct {
	PerSecond   float64 `json:"per_second"`
	FailureRate float64 `json:"failure_rate"` // 0 to 1
	P50         float64 `json:"p50"`          // seconds
	P99         float64 `json:"p99"`
}

// endpointFigure is one place where the module runs.
type endpointFigure struct {
	URL     string `json:"url"`
	Address string `json:"address"`
	State   string `json:"state"` // closed, open, half-open, or ejected: the worst of Classes
	Classes []struct {
		Class string `json:"class"` // read, write or stream
		State string `json:"state"`
	} `json:"classes"`
	InFlight  int64   `json:"in_flight"`
	Calls     uint64  `json:"calls"`
	Failures  uint64  `json:"failures"`
	Busy      uint64  `json:"busy"`      // sent away for lack of room
	Abandoned uint64  `json:"abandoned"` // ended for their callers' reasons
	P50       float64 `json:"p50"`       // seconds
	P99       float64 `json:"p99"`
	LastError string  `json:"last_error"`
}

// Well tells whether calls are sent there.
func (e endpointFigure) Well() bool { return e.State == "" || e.State == "closed" }

// Troubled names the classes of operations that State is about, as in "stream";
// empty when it is about all of them.
func (e endpointFigure) Troubled() string {
	var names []string
	for _, c := range e.Classes {
		if c.State == e.State {
			names = append(names, c.Class)
		}
	}
	if len(names) == len(e.Classes) {
		return ""
	}
	return strings.Join(names, ", ")
}

// readFigures is false when there are none. A field of another type than
// expected is left out like one that is missing; the rest is read.
func readFigures(raw json.RawMessage) (figures, bool) {
	var f figures
	err := json.Unmarshal(raw, &f)
	if _, partly := err.(*json.UnmarshalTypeError); err != nil && !partly { //nolint:errorlint // Unmarshal never wraps it
		return figures{}, false
	}
	return f, len(f.Operations) > 0 || f.Mode != ""
}
