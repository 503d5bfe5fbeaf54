// Package securitylog keeps what happened to sign-ins, roles, tokens, keys and by
// operators' hands: who, what, to whom, from where, when. Rows are only added, and
// each has a hash over itself and the row before it:
//
//	hash(n) = SHA-256(hash(n-1) ‖ seq ‖ at_ms ‖ times ‖ refused ‖ what ‖ who ‖ whom ‖ origin ‖ detail)
//
// where numbers have 8 bytes, big-endian, and texts their length before them as such
// a number. hash(0) is 32 zeros. So a row that was changed, taken out or put in
// between shows in Verify. Who can write to the database can compute the whole chain
// again; an exported file, or the last hash written down elsewhere, shows that.
//
// Growth is bounded. Rows that somebody without rights causes (a sign-in that fails,
// a token that is refused) are one per kind and network in ten minutes, with their
// number, and at most 200 in an hour; rows are deleted by their age.
package securitylog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/page"
)

// What says what happened.
type What string

// What is recorded. An operator's action has the name of its operation:
// reputation.importTrust, operator.setModule.
const (
	SignedIn         What = "signed-in"
	SignedOut        What = "signed-out"
	SessionEnded     What = "session-ended"
	SignedOutAll     What = "signed-out-everywhere"
	RoleSet          What = "role-set"
	TokenMade        What = "token-made"
	SecondFactorSet  What = "second-factor-set" // turned on or off, reset, recovery codes made
	SecondFactorUsed What = "second-factor-used"
	AccountLinked    What = "account-linked"
	AccountUnlinked  What = "account-unlinked"
	TokenEnded       What = "token-ended"
	TokenUsed        What = "token-used" // refused ones only
	KeyMade          What = "key-made"
	KeyRevoked       What = "key-revoked"
	KeysSealed       What = "keys-sealed"
	SiteChanged      What = "site-changed"
	BackupMade       What = "backup-made"
	Access           What = "access" // refused ones only
	Pruned           What = "log-pruned"
	Others           What = "others" // refusals beyond those with a row of their own
)

// Event is what is to be recorded.
type Event struct {
	What    What
	Who     string // "" = the caller of the context
	Whom    string // what it was done to: a wallet, a token's id, a key's id; "" = nothing of its own
	Detail  string // a role, a reason
	Refused bool
}

// Entry is a row of the log.
type Entry struct {
	Seq     int64     `json:"seq"` // 1, 2, 3, … without a gap
	At      time.Time `json:"at"`
	What    What      `json:"what"`
	Refused bool      `json:"refused"`
	Who     string    `json:"who"`
	Whom    string    `json:"whom,omitempty"`
	From    string    `json:"from"` // a client's address, or the command line
	Detail  string    `json:"detail,omitempty"`
	Times   int64     `json:"times"` // how often
	Hash    string    `json:"hash"`  // hex
}

// Options say from where events come and how long they are kept.
type Options struct {
	Origin  func(context.Context) string // from where a context's call comes; nil = "this program"
	Network func(context.Context) string // of whose refusals some have one row, "" of no request; nil = there are none
	Keep    time.Duration                // 0 = a year
	Now     func() time.Time             // nil = time.Now
	Log     *slog.Logger                 // nil = slog.Default()
}

// Log is the log in one database. All processes with this database share it.
type Log struct {
	db       *database.DB
	o        Options
	refusals refusals
}

const (
	year    = 365 * 24 * time.Hour
	maxText = 300 // bytes of a field: a stranger says some of them
	lockLog = "security log"
	system  = "the program"
)

// Open returns the log in the identity database.
func Open(db *database.DB, o Options) *Log {
	if o.Origin == nil {
		o.Origin = func(context.Context) string { return "this program" }
	}
	if o.Network == nil {
		o.Network = func(context.Context) string { return "" }
	}
	if o.Keep <= 0 {
		o.Keep = year
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Log{db: db, o: o}
}

// Record adds an event in the transaction of what it is about: both are kept, or
// none. It must be the transaction's last step, since writers wait for each other
// from here on.
func (l *Log) Record(ctx context.Context, tx *database.Tx, e Event) error {
	return l.add(ctx, tx, l.row(ctx, e, 1))
}

// Note adds an event of what is done already, elsewhere. If that fails, it is
// in the program's log.
func (l *Log) Note(ctx context.Context, e Event) {
	// The caller who hangs up must not choose what is recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	row := l.row(ctx, e, 1)
	if err := l.db.Write(ctx, func(tx *database.Tx) error { return l.add(ctx, tx, row) }); err != nil {
		l.o.Log.ErrorContext(ctx, "an event could not be added to the security log", "what", e.What, "who", row.Who, "whom", row.Whom,
			"origin", row.Origin, "detail", row.Detail, "error", err)
	}
}

const noteTime = 10 * time.Second

func (l *Log) row(ctx context.Context, e Event, times int64) eventRow {
	caller := identity.From(ctx)
	switch {
	case e.Who != "":
	case caller.IsAnonymous() && l.o.Network(ctx) == "": // no request has led here
		e.Who = system
	default:
		e.Who = caller.Name()
	}
	row := eventRow{
		AtMS: l.o.Now().UnixMilli(), What: string(e.What), Who: printable(e.Who), Whom: printable(e.Whom), Origin: printable(l.o.Origin(ctx)),
		Detail: printable(e.Detail), Times: times,
	}
	if e.Refused {
		row.Refused = 1
	}
	return row
}

// printable keeps a text short and on one line.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
			return '?'
		}
		return r
	}, text)
	if len(text) <= maxText {
		return text
	}
	cut := maxText
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}

// add puts a row behind the last one.
func (l *Log) add(ctx context.Context, tx *database.Tx, row eventRow) error {
	if err := tx.Lock(ctx, lockLog); err != nil {
		return err
	}
	last, err := readLast(ctx, tx)
	if err != nil {
		return fmt.Errorf("read the end of the security log: %w", err)
	}
	row.Seq = last.Seq + 1
	row.Hash = row.chained(last.Hash)
	if err := insertEvent(ctx, tx, row); err != nil {
		return fmt.Errorf("add to the security log: %w", err)
	}
	return nil
}

// chained returns the hash of a row behind the one with this hash.
func (r eventRow) chained(before []byte) []byte {
	text := append(make([]byte, 0, 512), before...)
	for _, n := range [...]int64{r.Seq, r.AtMS, r.Times, r.Refused} {
		text = binary.BigEndian.AppendUint64(text, uint64(n))
	}
	for _, s := range [...]string{r.What, r.Who, r.Whom, r.Origin, r.Detail} {
		text = binary.BigEndian.AppendUint64(text, uint64(len(s)))
		text = append(text, s...)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

func (r eventRow) entry() Entry {
	return Entry{
		Seq: r.Seq, At: time.UnixMilli(r.AtMS).UTC(), What: What(r.What), Refused: r.Refused != 0, Who: r.Who, Whom: r.Whom,
		From: r.Origin, Detail: r.Detail, Times: r.Times, Hash: hex.EncodeToString(r.Hash),
	}
}

// Query asks for entries. Empty texts are not compared.
type Query struct {
	What   string
	Who    string
	Cursor string
	Limit  int // 1–200, 0 = 50
}

// List returns a page of entries, newest first, and the cursor of the next page,
// "" when that was all. It is for operators. Fails with fault.Invalid.
func (l *Log) List(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	if err := page.Standard().Check(q.Limit); err != nil {
		return nil, "", err
	}
	if len(q.What) > maxText || len(q.Who) > maxText {
		return nil, "", fault.Newf(fault.Invalid, "nothing in the security log is longer than %d bytes: shorten what and who", maxText)
	}
	list := page.NewList[int64]("security log", q.What, q.Who)
	before, err := list.After(q.Cursor, int64(1)<<62)
	if err != nil {
		return nil, "", err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := readBefore(ctx, l.db.Read(), before, q.What, q.Who, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("read the security log: %w", err)
	}
	rows, next = page.Cut(list, rows, size, func(r eventRow) int64 { return r.Seq })
	entries = make([]Entry, len(rows))
	for i, r := range rows {
		entries[i] = r.entry()
	}
	return entries, next, nil
}
