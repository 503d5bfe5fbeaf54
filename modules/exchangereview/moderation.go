package exchangereview

import (
	"context"
	"fmt"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// Moderation is what readers report and moderators decide. A machine never
// removes anything: it asks, and a person decides, with a reason that everybody
// can read.
type Moderation interface {
	// ReportReview asks moderators to look at a review; once for each reader and
	// reason. NotFound: no live review of that wallet.
	ReportReview(context.Context, Report) (Reported, error)
	// AppealRemoval asks moderators to look at the caller's own review again; PublishAppeal
	// does so with a signature.
	// Conflict: nothing was decided about it.
	AppealRemoval(context.Context, Appeal) (Reported, error)
	// ModerationQueue lists what waits for a decision, oldest first.
	ModerationQueue(context.Context, QueueQuery) (Queue, error)
	// Moderate decides about a review, or about a wallet. Conflict: the review
	// is not in a state that the action changes. NotFound: no such review.
	Moderate(context.Context, Decision) (Decided, error)
	// Bursts lists days on which exchanges received unusually many reviews, newest
	// first. NotFound: no such slug.
	Bursts(context.Context, BurstsQuery) (BurstPage, error)
	// ModerationLog lists decisions, newest first.
	ModerationLog(context.Context, LogQuery) (ModerationLog, error)
}

// The reasons of a report.
const (
	ReasonSpam     = "spam"
	ReasonFake     = "fake"
	ReasonAbuse    = "abuse"
	ReasonContact  = "contact" // lures readers to somewhere else
	ReasonOffTopic = "off-topic"
	ReasonIllegal  = "illegal"
)

// The kinds of a flag that are no report.
const (
	FlagAppeal        = "appeal"
	FlagPremoderation = "premoderation"
)

// The actions of a decision.
const (
	ActionKeep        = "keep"        // nothing is wrong: a held or waiting review counts from now on
	ActionHold        = "hold"        // it is shown and does not count
	ActionRemove      = "remove"      // its text is not shown any more; its hash stays
	ActionRestore     = "restore"     // a removed review is shown and counts again
	ActionRelease     = "release"     // all reviews of an exchange that the program holds count from now on
	ActionConfirm     = "confirm"     // they stay held without end
	ActionSuspend     = "suspend"     // the wallet may not write until a time
	ActionPremoderate = "premoderate" // the wallet's reviews wait for a moderator until a time
	ActionClear       = "clear"       // the wallet may write like any other
)

// MaxReason is the longest reason or appeal, in characters.
const MaxReason = 1000

// Report is what a reader says is wrong with a review.
type Report struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"` // the writer of the review
	Reason string         `json:"reason"`          // spam, fake, abuse, contact, off-topic or illegal
	Text   string         `json:"text"`            // may be empty
}

// Validate refuses values out of range.
func (r Report) Validate() error {
	switch r.Reason {
	case ReasonSpam, ReasonFake, ReasonAbuse, ReasonContact, ReasonOffTopic, ReasonIllegal:
		return checkReason("text", r.Text, false)
	}
	return fault.New(fault.Invalid, "the report has no reason that is known").
		With(fault.Field{Name: "reason", Message: "is spam, fake, abuse, contact, off-topic or illegal"})
}

// Appeal is what a writer says against a decision.
type Appeal struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"` // the caller
	Text   string         `json:"text"`
}

// Validate refuses an appeal without words.
func (a Appeal) Validate() error { return checkReason("text", a.Text, true) }

func checkReason(field, text string, needed bool) error {
	message := checkText(text)
	switch {
	case needed && text == "":
		message = "is missing: say why"
	case message == "" && utf8.RuneCountInString(text) > MaxReason:
		message = fmt.Sprintf("has at most %d characters", MaxReason)
	}
	if message == "" {
		return nil
	}
	return fault.New(fault.Invalid, "the "+field+" cannot be taken: see the fields").With(fault.Field{Name: field, Message: message})
}

// Reported says that moderators were asked.
type Reported struct {
	Flag int64 `json:"flag"` // its number in the queue
}

// QueueQuery selects a page of the queue.
type QueueQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q QueueQuery) Validate() error { return page.Standard().Check(q.Limit) }

// Queue is a page of what waits for a decision.
type Queue struct {
	Flags []Flag `json:"flags"`
	Next  string `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// Flag is a reason to look at a review.
type Flag struct {
	Number    int64           `json:"number"`
	Kind      string          `json:"kind"`
	By        *wallet.Address `json:"by,omitempty"` // who says so; absent: the program
	Evidence  string          `json:"evidence"`
	CreatedMS int64           `json:"created_ms"`
	Signed    *FlagSignature  `json:"signed,omitempty"` // of an appeal that its writer signed
	Review    Review          `json:"review"`           // with its text, whatever its state
}

// FlagSignature is what a writer signed an appeal with.
type FlagSignature struct {
	Site      string    `json:"site"`
	Hash      Hash      `json:"hash"` // EIP-712 digest
	Signature Signature `json:"signature"`
}

// Decision is what a moderator decides. Slug is empty for decisions about a wallet,
// and wallet is the zero address for decisions about all held reviews of an exchange.
type Decision struct {
	Slug    string         `json:"slug"`
	Wallet  wallet.Address `json:"wallet"` // the writer
	Action  string         `json:"action"`
	Reason  string         `json:"reason"`   // for everybody to read
	UntilMS int64          `json:"until_ms"` // of suspend and premoderate; 0 = no end
}

// Validate refuses values out of range.
func (d Decision) Validate() error {
	about := ""
	switch d.Action {
	case ActionKeep, ActionHold, ActionRemove, ActionRestore:
		if d.Slug == "" {
			about = "is missing: this action is about a review"
		}
	case ActionRelease, ActionConfirm:
		return d.checkBurst()
	case ActionSuspend, ActionPremoderate, ActionClear:
		if d.Slug != "" {
			about = "must be empty: this action is about a wallet"
		}
	default:
		return fault.New(fault.Invalid, "there is no such action").
			With(fault.Field{Name: "action", Message: "is keep, hold, remove, restore, release, confirm, suspend, premoderate or clear"})
	}
	switch {
	case about != "":
		return fault.New(fault.Invalid, "the decision does not fit together: see the fields").With(fault.Field{Name: "slug", Message: about})
	case d.Wallet.IsZero():
		return fault.New(fault.Invalid, "the decision does not fit together: see the fields").With(fault.Field{Name: "wallet", Message: "is missing: the wallet that wrote the review"})
	case d.UntilMS < 0:
		return fault.New(fault.Invalid, "the decision does not fit together: see the fields").With(fault.Field{Name: "until_ms", Message: "is milliseconds since 1970, or 0 for no end"})
	}
	return checkReason("reason", d.Reason, true)
}

// checkBurst is Validate of decisions about the held reviews of an exchange.
func (d Decision) checkBurst() error {
	var wrong []fault.Field
	if d.Slug == "" {
		wrong = append(wrong, fault.Field{Name: "slug", Message: "is missing: this action is about an exchange"})
	}
	if !d.Wallet.IsZero() {
		wrong = append(wrong, fault.Field{Name: "wallet", Message: "must be the zero address: this action is about all held reviews of an exchange"})
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the decision does not fit together: see the fields").With(wrong...)
	}
	return checkReason("reason", d.Reason, true)
}

// Decided is a decision as it stands in the log.
type Decided struct {
	Number int64 `json:"number"`
	Decision
	Hash      Hash   `json:"hash"` // of the review; zero for a decision about a wallet
	Moderator string `json:"moderator"`
	CreatedMS int64  `json:"created_ms"`
}

// LogQuery selects a page of the log.
type LogQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q LogQuery) Validate() error { return page.Standard().Check(q.Limit) }

// ModerationLog is a page of decisions.
type ModerationLog struct {
	Decisions []Decided `json:"decisions"`
	Next      string    `json:"next,omitempty"` // cursor of the next page, "" = the end
}
