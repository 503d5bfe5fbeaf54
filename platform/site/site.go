// Package site keeps what operators decide about the site on its pages, so that no
// file and no restart is needed: its name, what it is for, and which steps of the
// first set-up they have taken. It is in the identity database; every process that
// has it follows within two seconds, and each change is in the security log.
package site

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
)

// Name is that of a site which nobody has named.
const Name = "Banyan"

// Decision is one that operators take.
type Decision string

// The decisions.
const (
	named     Decision = "name"
	described Decision = "description"
	// Vouching: trust comes from what people sign here, and no list is imported.
	Vouching Decision = "vouching"
	// PostgreSQL: a database was tried, or the site stays on SQLite.
	PostgreSQL Decision = "postgresql"
)

const (
	maxName        = 60  // characters
	maxDescription = 200 // likewise
	believed       = 2 * time.Second
)

// Profile is what people read of the site.
type Profile struct {
	Name        string
	Description string // one sentence; "" = there is none
	Named       bool   // an operator has named it
}

// Options may be empty.
type Options struct {
	Now func() time.Time // nil = time.Now
}

// Site is the decisions in one database.
type Site struct {
	db     *database.DB
	events *securitylog.Log
	now    func() time.Time

	mu      sync.Mutex
	known   map[Decision]decisionRow
	readAt  time.Time
	reading bool
}

// Open returns the site in the identity database.
func Open(db *database.DB, events *securitylog.Log, o Options) *Site {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Site{db: db, events: events, now: o.Now}
}

// Profile returns what people read of the site. It reads the database every two
// seconds at most, and keeps what it knows while the database does not answer.
func (s *Site) Profile(ctx context.Context) Profile {
	known := s.decisions(ctx)
	p := Profile{Name: known[named].Value, Description: known[described].Value}
	p.Named = p.Name != ""
	if !p.Named {
		p.Name = Name
	}
	return p
}

// Decided returns what was decided, "" = nothing.
func (s *Site) Decided(ctx context.Context, d Decision) string { return s.decisions(ctx)[d].Value }

func (s *Site) decisions(ctx context.Context) map[Decision]decisionRow {
	s.mu.Lock()
	known, fresh := s.known, s.known != nil && s.now().Sub(s.readAt) < believed
	if fresh || s.reading && known != nil { // one reads again, the others go on
		s.mu.Unlock()
		return known
	}
	s.reading = true
	s.mu.Unlock()
	rows, err := readDecisions(ctx, s.db.Read())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if err != nil {
		if s.known == nil {
			return map[Decision]decisionRow{}
		}
		s.readAt = s.now() // so that not every page waits for a database that is gone
		return s.known
	}
	s.known, s.readAt = make(map[Decision]decisionRow, len(rows)), s.now()
	for _, row := range rows {
		s.known[row.Name] = row
	}
	return s.known
}

// SetProfile names the site. It is for operators. Fails with fault.Invalid.
func (s *Site) SetProfile(ctx context.Context, name, description string) error {
	name, description = strings.TrimSpace(name), strings.TrimSpace(description)
	var wrong []fault.Field
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName || !plain(name) {
		wrong = append(wrong, fault.Field{Name: "name", Message: fmt.Sprintf("must have 1 to %d characters, all of them printable", maxName)})
	}
	if utf8.RuneCountInString(description) > maxDescription || !plain(description) {
		wrong = append(wrong, fault.Field{Name: "description", Message: fmt.Sprintf("must have at most %d characters, all of them printable, on one line", maxDescription)})
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the site cannot be called so").With(wrong...)
	}
	return s.decide(ctx, map[Decision]string{named: name, described: description})
}

// plain reports whether a text is valid, printable, and says nothing about the
// direction of the text around it.
func plain(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Decide notes a decision, "" takes it back. It is for operators.
func (s *Site) Decide(ctx context.Context, d Decision, value string) error {
	if d != Vouching && d != PostgreSQL {
		return fault.New(fault.Invalid, "there is no such decision")
	}
	return s.decide(ctx, map[Decision]string{d: value})
}

func (s *Site) decide(ctx context.Context, values map[Decision]string) error {
	by := identity.From(ctx)
	if by.Role < identity.Operator {
		return fault.New(fault.Forbidden, "only operators decide about the site")
	}
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		for d, value := range values {
			if err := saveDecision(ctx, tx, decisionRow{Name: d, Value: value, By: by.Name(), At: s.now().UnixMilli()}); err != nil {
				return err
			}
			if err := s.events.Record(ctx, tx, securitylog.Event{What: securitylog.SiteChanged, Whom: string(d), Detail: value}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note a decision about the site: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = nil // read again
	return nil
}
