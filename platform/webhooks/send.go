package webhooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"banyan/platform/periodic"
	"banyan/platform/publicnet"
)

// pruneEvery is how often old messages are deleted.
const pruneEvery = 10 * time.Minute

// Run sends what is due until ctx ends, and returns after all that it started has. Only
// the owner of the module's writes may run it.
func (h *Hooks) Run(ctx context.Context) error {
	woken, stop := h.o.DB.Listen(wakeName)
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { periodic.Run(ctx, pruneEvery, h.prune, periodic.AtOnce()) })
	for ctx.Err() == nil {
		if err := h.start(ctx, &running); err != nil && ctx.Err() == nil {
			h.o.Log.WarnContext(ctx, "webhooks could not be looked for; it is tried again in seconds", "module", h.o.DB.Module(), "error", err)
		}
		_ = periodic.SleepUntil(ctx, h.o.Poll, woken) // ctx is checked above
	}
	return nil
}

// start starts a goroutine for each endpoint for which something is due: at most
// MaxEndpoints of them.
func (h *Hooks) start(ctx context.Context, running *sync.WaitGroup) error {
	due, err := readDue(ctx, h.o.DB.Read(), h.o.Clock().UnixMilli(), h.sender)
	if err != nil {
		return fmt.Errorf("look for messages that are due: %w", err)
	}
	for _, id := range due {
		if !h.begin(id) {
			continue
		}
		running.Go(func() {
			defer h.end(id)
			if err := h.drain(ctx, id); err != nil && ctx.Err() == nil {
				h.o.Log.WarnContext(ctx, "messages of a webhook were not sent; they are tried again", "module", h.o.DB.Module(), "endpoint", id, "error", err)
			}
		})
	}
	return nil
}

func (h *Hooks) begin(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy[id] {
		return false
	}
	h.busy[id] = true
	return true
}

func (h *Hooks) end(id int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.busy, id)
}

// drain sends what is due to one endpoint, one message after the other, while this
// process has its lease.
func (h *Hooks) drain(ctx context.Context, id int64) error {
	var mine bool
	err := h.write(ctx, "take the lease of an endpoint", func(s store) (err error) {
		mine, err = s.takeLease(ctx, id, h.sender, h.o.Clock())
		return err
	})
	if err != nil || !mine {
		return err
	}
	// Also when ctx has ended: another process would wait for the end of the lease.
	defer func() {
		_ = h.write(context.WithoutCancel(ctx), "return the lease of an endpoint", func(s store) error { return s.returnLease(context.WithoutCancel(ctx), id, h.sender) })
	}()
	for ctx.Err() == nil {
		e, err := readEndpoint(ctx, h.o.DB.Read(), id)
		if err != nil {
			return fmt.Errorf("read an endpoint: %w", err)
		}
		m, found, err := readNext(ctx, h.o.DB.Read(), &e, h.o.Clock().UnixMilli())
		if err != nil || !found {
			return err
		}
		sent := h.post(ctx, &e, m.EventID, m.Body)
		if ctx.Err() != nil {
			return nil // the attempt was cut off: it counts for nothing
		}
		if mine, err = h.record(ctx, &e, &m, sent); err != nil || !mine {
			return err
		}
	}
	return nil
}

// record stores the result of an attempt, and renews the lease with it; it reports
// whether this process still has it.
func (h *Hooks) record(ctx context.Context, e *endpointRow, m *messageRow, sent attempt) (mine bool, err error) {
	now := h.o.Clock()
	m.Attempts, m.TriedMS, m.Status, m.Error = m.Attempts+1, now.UnixMilli(), int64(sent.status), sent.problem
	e.LastMS, e.LastStatus, e.LastError = now.UnixMilli(), int64(sent.status), sent.problem
	switch sent.problem {
	case "":
		h.delivered.Add(1)
		m.State, e.Failures, e.PauseMS = stateDelivered, 0, 0
	default:
		h.failed.Add(1)
		e.Failures++
		// A server that does not answer is not asked for each message at once.
		e.PauseMS = now.Add(spread(min(time.Second<<min(e.Failures, 10), 5*time.Minute))).UnixMilli()
		if int(m.Attempts) > len(pauses) {
			m.State = stateDead
		} else {
			m.NextMS = now.Add(max(spread(pauses[m.Attempts-1]), sent.after)).UnixMilli()
		}
		if sent.status == http.StatusGone {
			e.Stopped = "it answered 410 Gone, which says that it wants nothing more"
		}
	}
	err = h.write(ctx, "store the result of a message", func(s store) (err error) {
		mine, err = s.record(ctx, e, m, h.sender, now.Add(lease).UnixMilli())
		return err
	})
	return mine && e.Stopped == "" && e.PauseMS <= now.UnixMilli(), err
}

// attempt is what came of one request.
type attempt struct {
	status  int           // 0 = no answer
	problem string        // "" = it was taken
	after   time.Duration // the server asked to wait so long
	took    time.Duration
}

// post sends a message once.
func (h *Hooks) post(ctx context.Context, e *endpointRow, id, body string) (a attempt) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(body))
	if err != nil {
		a.problem = "its address is not a URL: remove the endpoint and add the right one"
		return a
	}
	now := h.o.Clock()
	keys := [][]byte{e.Secret}
	if len(e.OldSecret) > 0 && now.UnixMilli() < e.OldUntilMS {
		keys = append(keys, e.OldSecret)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Banyan-Webhooks/1")
	req.Header.Set(HeaderID, id)
	req.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(HeaderSignature, sign(id, now, body, keys...))
	begun := time.Now()
	resp, err := h.client.Do(req)
	a.took = time.Since(begun)
	if err != nil {
		a.problem = storable(problemOf(err))
		return a
	}
	defer func() { _ = resp.Body.Close() }() // it is read
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a.status, a.took = resp.StatusCode, time.Since(begun)
	switch {
	case a.status >= 200 && a.status < 300:
		return a
	case a.status >= 300 && a.status < 400:
		a.problem = fmt.Sprintf("it answered with the status %d: redirects are not followed, add the address that it leads to", a.status)
	default:
		a.problem = storable(strings.TrimSuffix(fmt.Sprintf("it answered with the status %d: %s", a.status, strings.TrimSpace(string(text))), ": "))
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		a.after = min(time.Duration(seconds)*time.Second, 24*time.Hour)
	}
	return a
}

// problemOf says why there was no answer, without the address, which may have a
// password in it.
func problemOf(err error) string {
	if refused := (publicnet.Refused{}); errors.As(err, &refused) {
		return refused.Error() + ": messages are sent to public addresses only"
	}
	return publicnet.Plain(err).Error()
}

// storable cuts what others have written to what both databases can keep.
func storable(text string) string {
	const most = 300
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// prune deletes old messages in small writes.
func (h *Hooks) prune(ctx context.Context) {
	now := h.o.Clock()
	for _, old := range []struct {
		state  int64
		before time.Time
	}{{stateDelivered, now.Add(-keptSent)}, {stateDead, now.Add(-keptDead)}} {
		for more := true; more && ctx.Err() == nil; {
			err := h.write(ctx, "delete old messages of webhooks", func(s store) (err error) {
				more, err = s.deleteOld(ctx, old.state, old.before.UnixMilli())
				return err
			})
			if err != nil {
				if ctx.Err() == nil {
					h.o.Log.WarnContext(ctx, "old messages of webhooks could not be deleted; it is tried again in minutes", "module", h.o.DB.Module(), "error", err)
				}
				return
			}
		}
	}
}
