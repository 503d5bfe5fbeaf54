package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"banyan/platform/fault"
)

// The states of a write in the log; any other is the code of the fault that answered
// it.
const (
	Sent         = "sent"
	Acknowledged = "ok"
)

// Header is the first line of a log.
type Header struct {
	Log     string `json:"log"`     // "banyan load"
	Format  int    `json:"format"`  // 1
	Server  string `json:"server"`  // its URL
	Run     string `json:"run"`     // occurs in all that the load wrote
	TimeMS  int64  `json:"time_ms"` // UTC
	Version string `json:"version"` // of the program that made the load
}

const (
	logName   = "banyan load"
	logFormat = 1
	maxLine   = 64 << 10
	maxWrites = 5_000_000 // of one log
)

// Entry is a write: a line when it is sent, and one when it is answered.
type Entry struct {
	TimeMS    int64  `json:"time_ms"` // UTC, that it was sent
	TookMS    int64  `json:"took_ms,omitempty"`
	Operation string `json:"operation"`          // reputation/attest
	Key       string `json:"key"`                // Idempotency-Key
	Wallet    string `json:"wallet,omitempty"`   // that signed it
	About     string `json:"about,omitempty"`    // an exchange, a wallet, a name
	ID        string `json:"id,omitempty"`       // of what it writes
	Digest    string `json:"digest,omitempty"`   // of what is stored then: a version, a root
	Activity  string `json:"activity,omitempty"` // of the wallet, that it causes once in another module
	Status    string `json:"status"`             // sent, ok or the code of a fault
	Why       string `json:"why,omitempty"`      // it was not acknowledged
	Tries     int    `json:"tries,omitempty"`
}

// lastLine ends a log.
type lastLine struct {
	EndMS  int64 `json:"end_ms"`
	Writes int   `json:"writes"` // that were answered
}

// Log writes a log. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	w        io.Writer
	answered int
}

// NewLog writes the first line.
func NewLog(w io.Writer, h Header) (*Log, error) {
	h.Log, h.Format = logName, logFormat
	l := &Log{w: w}
	return l, l.line(h)
}

// line writes a line at once: what is acknowledged must be in the log when the load is
// killed.
func (l *Log) line(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode a line of the log: %w", err)
	}
	if _, err := l.w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	return nil
}

func (l *Log) add(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Status != Sent {
		l.answered++
	}
	return l.line(e)
}

func (l *Log) end() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line(lastLine{EndMS: time.Now().UnixMilli(), Writes: l.answered})
}

// Record is what a log says.
type Record struct {
	Header
	Whole  bool    // the load ended by itself
	Writes []Entry // each once, by its last state, in the order in which they were sent
}

// Acknowledged reports whether the server said that the write is done. One that it
// did not acknowledge may be done as well, once.
func (e Entry) Acknowledged() bool { return e.Status == Acknowledged }

// Of returns the writes of an operation.
func (r *Record) Of(operation string) []Entry {
	return slices.DeleteFunc(slices.Clone(r.Writes), func(e Entry) bool { return e.Operation != operation })
}

// AcknowledgedWrites counts them.
func (r *Record) AcknowledgedWrites() (n int) {
	for _, e := range r.Writes {
		if e.Acknowledged() {
			n++
		}
	}
	return n
}

// ReadLog reads a log. Fails with fault.Invalid when it is none, or is damaged. The
// last line of a load that was killed may be cut off.
func ReadLog(from io.Reader) (*Record, error) {
	lines := bufio.NewReaderSize(from, maxLine)
	record, number := &Record{}, 0
	place := make(map[string]int) // of a key in the writes
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break // with a line that is cut off, or none
		} else if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("line %d of the log cannot be read", number+1))
		}
		number++
		if err := record.take(number, line, place); err != nil {
			return nil, err
		}
	}
	if number == 0 {
		return nil, fault.New(fault.Invalid, "this is no log of `banyan load`: it is empty")
	}
	return record, nil
}

func (r *Record) take(number int, line []byte, place map[string]int) error {
	wrong := func(err error, what string) error {
		return fault.Wrap(err, fault.Invalid, fmt.Sprintf("line %d of the log %s: use the file as `banyan load` wrote it", number, what))
	}
	if number == 1 {
		if err := json.Unmarshal(line, &r.Header); err != nil || r.Log != logName || r.Format != logFormat {
			return wrong(err, "is not the beginning of one of this format")
		}
		return nil
	}
	if r.Whole {
		return wrong(nil, "stands behind its end")
	}
	if bytes.HasPrefix(line, []byte(`{"end_ms"`)) {
		var last lastLine
		if err := json.Unmarshal(line, &last); err != nil {
			return wrong(err, "cannot be read")
		}
		if answered := len(r.Writes) - r.open(); answered != last.Writes {
			return wrong(nil, fmt.Sprintf("says that %d writes were answered, and the log has %d: lines are missing", last.Writes, answered))
		}
		r.Whole = true
		return nil
	}
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil || e.Key == "" || !strings.Contains(e.Operation, "/") {
		return wrong(err, "is not a write")
	}
	at, known := place[e.Key]
	switch {
	case e.Status == Sent && known:
		return wrong(nil, "sends a key twice")
	case e.Status == Sent && len(r.Writes) == maxWrites:
		return fault.Newf(fault.TooLarge, "the log has more than %d writes: audit shorter loads", maxWrites)
	case e.Status == Sent:
		place[e.Key] = len(r.Writes)
		r.Writes = append(r.Writes, e)
	case !known || r.Writes[at].Status != Sent:
		return wrong(nil, "answers a write that was not sent, or twice")
	default:
		r.Writes[at] = e
	}
	return nil
}

// open counts the writes without an answer.
func (r *Record) open() (n int) {
	for _, e := range r.Writes {
		if e.Status == Sent {
			n++
		}
	}
	return n
}
