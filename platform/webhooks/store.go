package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"banyan/platform/database"
)

// The states of a message.
const (
	stateWaiting = iota
	stateDelivered
	stateDead
)

// store is the tables in a transaction.
type store struct {
	tx  *database.Tx
	now time.Time
}

// endpointRow is a row of the table webhook_endpoint.
type endpointRow struct {
	ID         int64  `db:"id"`
	URL        string `db:"url"`
	KindNames  string `db:"kinds"`
	Secret     []byte `db:"secret"`
	OldSecret  []byte `db:"old_secret"`
	OldUntilMS int64  `db:"old_until_ms"`
	CreatedMS  int64  `db:"created_ms"`
	Stopped    string `db:"stopped"`
	Failures   int64  `db:"failures"`
	PauseMS    int64  `db:"pause_ms"`
	LastMS     int64  `db:"last_ms"`
	LastStatus int64  `db:"last_status"`
	LastError  string `db:"last_error"`
}

const selectEndpoint = `
	SELECT
		id,
		url,
		kinds,
		secret,
		old_secret,
		old_until_ms,
		created_ms,
		stopped,
		failures,
		pause_ms,
		last_ms,
		last_status,
		last_error
	FROM webhook_endpoint `

func (e *endpointRow) kinds() (names []string) {
	_ = json.Unmarshal([]byte(e.KindNames), &names) // addEndpoint has written it
	return names
}

func (e *endpointRow) wants(kind string) bool {
	names := e.kinds()
	return len(names) == 0 || slices.Contains(names, kind)
}

func (e *endpointRow) endpoint() Endpoint {
	return Endpoint{
		ID: e.ID, URL: e.URL, Kinds: e.kinds(), CreatedMS: e.CreatedMS, Stopped: e.Stopped, Failures: e.Failures,
		LastMS: e.LastMS, LastStatus: e.LastStatus, LastError: e.LastError, OldUntilMS: e.OldUntilMS,
	}
}

// readEndpoints returns all endpoints.
func readEndpoints(ctx context.Context, q database.Queryer) (rows []endpointRow, err error) {
	err = q.Select(ctx, &rows, selectEndpoint+`ORDER BY id LIMIT ?`, MaxEndpoints)
	return rows, err
}

func readEndpoint(ctx context.Context, q database.Queryer, id int64) (row endpointRow, err error) {
	err = q.Get(ctx, &row, selectEndpoint+`WHERE id = ?`, id)
	return row, err
}

func (s store) countEndpoints(ctx context.Context) (n int64, err error) {
	err = s.tx.Get(ctx, &n, `SELECT COUNT(*) FROM webhook_endpoint`)
	return n, err
}

func (s store) addEndpoint(ctx context.Context, q NewEndpoint, key []byte) (id int64, err error) {
	if q.Kinds == nil {
		q.Kinds = []string{}
	}
	names, err := json.Marshal(q.Kinds)
	if err != nil {
		return 0, fmt.Errorf("encode the kinds of an endpoint: %w", err)
	}
	err = s.tx.Get(ctx, &id, `
		INSERT INTO webhook_endpoint (url, kinds, secret, old_secret, created_ms)
		VALUES (?, ?, ?, ?, ?)
		RETURNING id`, q.URL, string(names), key, []byte{}, s.now.UnixMilli())
	return id, err
}

func (s store) deleteEndpoint(ctx context.Context, id int64) (int64, error) {
	if _, err := s.tx.Exec(ctx, `DELETE FROM webhook_message WHERE endpoint_id = ?`, id); err != nil {
		return 0, err
	}
	return s.tx.Exec(ctx, `DELETE FROM webhook_endpoint WHERE id = ?`, id)
}

func (s store) stop(ctx context.Context, id int64, why string) error {
	_, err := s.tx.Exec(ctx, `UPDATE webhook_endpoint SET stopped = ? WHERE id = ?`, why, id)
	return err
}

func (s store) start(ctx context.Context, id int64) (int64, error) {
	return s.tx.Exec(ctx, `UPDATE webhook_endpoint SET stopped = '', failures = 0, pause_ms = 0 WHERE id = ?`, id)
}

func (s store) renew(ctx context.Context, id int64, key []byte, oldUntilMS int64) (int64, error) {
	return s.tx.Exec(ctx, `UPDATE webhook_endpoint SET old_secret = secret, old_until_ms = ?, secret = ? WHERE id = ?`, oldUntilMS, key, id)
}

// takeLease makes this process the sender of an endpoint, unless another one is.
func (s store) takeLease(ctx context.Context, id int64, sender string, now time.Time) (bool, error) {
	n, err := s.tx.Exec(ctx, `
		UPDATE webhook_endpoint
		SET sender = ?, lease_ms = ?
		WHERE id = ?
		AND (sender = ? OR lease_ms < ?)`, sender, now.Add(lease).UnixMilli(), id, sender, now.UnixMilli())
	return n > 0, err
}

func (s store) returnLease(ctx context.Context, id int64, sender string) error {
	_, err := s.tx.Exec(ctx, `UPDATE webhook_endpoint SET sender = '', lease_ms = 0 WHERE id = ? AND sender = ?`, id, sender)
	return err
}

// record stores the result of an attempt, and renews the lease until a time, if
// this process still has it.
func (s store) record(ctx context.Context, e *endpointRow, m *messageRow, sender string, until int64) (mine bool, err error) {
	n, err := s.tx.Exec(ctx, `
		UPDATE webhook_endpoint
		SET failures = ?,
			pause_ms = ?,
			last_ms = ?,
			last_status = ?,
			last_error = ?,
			stopped = CASE WHEN stopped = '' THEN ? ELSE stopped END,
			lease_ms = ?
		WHERE id = ?
		AND sender = ?`, e.Failures, e.PauseMS, e.LastMS, e.LastStatus, e.LastError, e.Stopped, until, e.ID, sender)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = s.tx.Exec(ctx, `
		UPDATE webhook_message
		SET state = ?, attempts = ?, next_ms = ?, tried_ms = ?, status = ?, error = ?
		WHERE id = ?`, m.State, m.Attempts, m.NextMS, m.TriedMS, m.Status, m.Error, m.ID)
	return true, err
}

// messageRow is a row of the table webhook_message.
type messageRow struct {
	ID        int64  `db:"id"`
	EventID   string `db:"event_id"`
	Kind      string `db:"kind"`
	Body      string `db:"body"`
	CreatedMS int64  `db:"created_ms"`
	State     int64  `db:"state"`
	Attempts  int64  `db:"attempts"`
	NextMS    int64  `db:"next_ms"`
	TriedMS   int64  `db:"tried_ms"`
	Status    int64  `db:"status"`
	Error     string `db:"error"`
}

const selectMessage = `
	SELECT
		id,
		event_id,
		kind,
		body,
		created_ms,
		state,
		attempts,
		next_ms,
		tried_ms,
		status,
		error
	FROM webhook_message `

func (m *messageRow) delivery() Delivery {
	return Delivery{
		ID: m.ID, MessageID: m.EventID, Kind: m.Kind, State: stateNames[m.State], Body: m.Body, CreatedMS: m.CreatedMS,
		Attempts: m.Attempts, TriedMS: m.TriedMS, NextMS: m.NextMS, Status: m.Status, Error: m.Error,
	}
}

// addMessage stores a message for an endpoint that still exists, once.
func (s store) addMessage(ctx context.Context, endpoint int64, m made) error {
	now := s.now.UnixMilli()
	_, err := s.tx.Exec(ctx, `
		INSERT INTO webhook_message (endpoint_id, event_id, kind, body, created_ms, next_ms)
		SELECT id, ?, ?, ?, ?, ?
		FROM webhook_endpoint
		WHERE id = ?
		ON CONFLICT (endpoint_id, event_id) DO NOTHING`, m.event.ID, m.kind, m.body, now, now, endpoint)
	return err
}

// countUntaken counts what an endpoint has not taken, up to MaxWaiting.
func (s store) countUntaken(ctx context.Context, endpoint int64) (n int64, err error) {
	err = s.tx.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM (
			SELECT 1
			FROM webhook_message
			WHERE endpoint_id = ?
			AND state IN (0, 2)
			LIMIT ?
		) AS untaken`, endpoint, MaxWaiting)
	return n, err
}

func countMessages(ctx context.Context, q database.Queryer, endpoint, state int64) (n int64, err error) {
	err = q.Get(ctx, &n, `SELECT COUNT(*) FROM webhook_message WHERE endpoint_id = ? AND state = ?`, endpoint, state)
	if err != nil {
		return 0, fmt.Errorf("count the messages of an endpoint: %w", err)
	}
	return n, nil
}

// readDue returns the endpoints for which something is due and to which no other
// process sends.
func readDue(ctx context.Context, q database.Queryer, now int64, sender string) (ids []int64, err error) {
	err = q.Select(ctx, &ids, `
		SELECT e.id
		FROM webhook_endpoint AS e
		WHERE e.stopped = ''
		AND e.pause_ms <= ?
		AND (e.sender = ? OR e.lease_ms < ?)
		AND EXISTS (
			SELECT 1
			FROM webhook_message AS m
			WHERE m.endpoint_id = e.id
			AND m.state = 0
			AND m.next_ms <= ?
		)
		ORDER BY e.id
		LIMIT ?`, now, sender, now, now, MaxEndpoints)
	return ids, err
}

// readNext returns the message that is due first; none for an endpoint that is stopped or
// paused.
func readNext(ctx context.Context, q database.Queryer, e *endpointRow, now int64) (m messageRow, found bool, err error) {
	if e.Stopped != "" || e.PauseMS > now {
		return m, false, nil
	}
	err = q.Get(ctx, &m, selectMessage+`
		WHERE endpoint_id = ?
		AND state = 0
		AND next_ms <= ?
		ORDER BY next_ms, id
		LIMIT 1`, e.ID, now)
	if database.IsNoRows(err) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("read the next message: %w", err)
	}
	return m, true, nil
}

// readMessages returns messages below an id, newest first; state -1 = of any.
func readMessages(ctx context.Context, q database.Queryer, endpoint, state, before int64, limit int) (rows []messageRow, err error) {
	err = q.Select(ctx, &rows, selectMessage+`
		WHERE endpoint_id = ?
		AND (? < 0 OR state = ?)
		AND id < ?
		ORDER BY id DESC
		LIMIT ?`, endpoint, state, state, before, limit)
	return rows, err
}

// revive makes dead messages due at once with new attempts; no ids = all.
func (s store) revive(ctx context.Context, endpoint int64, ids []int64) (int64, error) {
	query := `
		UPDATE webhook_message
		SET state = 0, attempts = 0, next_ms = ?
		WHERE endpoint_id = ?
		AND state = 2`
	args := []any{s.now.UnixMilli(), endpoint}
	if len(ids) > 0 {
		query += ` AND id IN (?` + strings.Repeat(`, ?`, len(ids)-1) + `)`
		for _, id := range ids {
			args = append(args, id)
		}
	}
	return s.tx.Exec(ctx, query, args...)
}

// deletedAtOnce bounds one write.
const deletedAtOnce = 500

// deleteOld deletes messages of a state that were tried last before a time, a few at
// a time, and reports whether there may be more.
func (s store) deleteOld(ctx context.Context, state, before int64) (more bool, err error) {
	n, err := s.tx.Exec(ctx, `
		DELETE FROM webhook_message
		WHERE id IN (
			SELECT id
			FROM webhook_message
			WHERE state = ?
			AND tried_ms < ?
			ORDER BY tried_ms
			LIMIT ?
		)`, state, before, deletedAtOnce)
	return n == deletedAtOnce, err
}
