package airdrop

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Courses is what the module does with campaigns whose list is computed from rules
// (package rules). The phases of a campaign:
//
//	draft ──Collect──▶ collecting ──▶ preview ──Freeze──▶ frozen ─▶ funded ─▶ live ─▶ ended ─▶ swept
//	  ▲                    │ failed      │ SetRules, UploadInput    (as the chain shows it, or Advance)
//	  └────────────────────┴─────────────┘              from each but swept: Cancel ──▶ cancelled
//
// Once the distributor of a frozen campaign is followed, its chain moves the campaign on:
// it is funded when the distributor has all that is still to be claimed, live when claims
// are open then, ended when a block has the time of the end, and swept when nothing is
// left in it after that. Distributor says in which block each was seen; what was seen in
// a block that a reorganisation replaces is taken back.
//
// A campaign with a list by hand is a draft, and frozen as soon as it is built.
// Collecting and freezing are durable work: they go on in the next process that owns
// the module's writes, and leave nothing behind when they fail. NotFound, of all of
// them: no such campaign, or it has no rules.
type Courses interface {
	// SetRules sets the rules of a campaign that is not frozen. Invalid: the rules
	// cannot be used; the fields name the lines. Conflict: the campaign is frozen,
	// cancelled, or being collected.
	SetRules(context.Context, RulesDraft) (Course, error)
	// UploadInput sets the file of a source. Invalid: the source's file cannot be read,
	// by line. NotFound: the rules have no such source. Conflict: as SetRules, or the
	// rules name another SHA-256. TooLarge: over MaxInput bytes.
	UploadInput(context.Context, InputUpload) (Course, error)
	// InputFile returns the file that a source was read from, as it was sent or
	// collected. NotFound: it has none.
	InputFile(context.Context, InputQuery) (seam.Stream, error)
	// Collect reads what other modules know, evaluates the rules and makes a preview.
	// It answers when the work has begun. Conflict: a source has no file, or the
	// campaign is in another phase.
	Collect(context.Context, CourseChange) (Course, error)
	// Course returns how far a campaign is.
	Course(context.Context, CourseQuery) (Course, error)
	// Preview returns the latest preview. Until the campaign is frozen it is for
	// operators. NotFound: there is none yet. Forbidden.
	Preview(context.Context, CourseQuery) (CoursePreview, error)
	// Why says what a wallet gets and why, or why nothing. Faults are those of Preview.
	Why(context.Context, WhyQuery) (Why, error)
	// Freeze makes the previewed list the campaign's for good and builds its tree. Of
	// two operators who freeze different previews one is refused. Conflict: the preview
	// is not the latest any more, or the campaign is in another phase.
	Freeze(context.Context, FreezeRequest) (Course, error)
	// Manifest returns what the list was computed from, for `banyan airdrop reproduce`.
	// Conflict: the campaign is not frozen.
	Manifest(context.Context, CourseQuery) (seam.Stream, error)
	// Advance moves a frozen campaign one phase on by hand, for one whose chain is not
	// read. Conflict: it is not in the phase before.
	Advance(context.Context, PhaseChange) (Course, error)
	// Cancel ends a campaign. What was never frozen is dropped; the tree of a frozen one
	// stays, so that nobody who could claim is cut off. Cancelling again changes nothing.
	// Conflict: it is swept.
	Cancel(context.Context, PhaseChange) (Course, error)
}

// The phases of a campaign; Draft is also a state.
const (
	Collecting = "collecting"
	Previewed  = "preview"
	Frozen     = "frozen"
	Funded     = "funded"
	Opened     = "live"
	Finished   = "ended"
	Swept      = "swept"
	Cancelled  = "cancelled"
)

// After returns the phase that Advance leads to; "" when there is none.
func After(phase string) string {
	order := []string{Frozen, Funded, Opened, Finished, Swept, ""}
	if at := slices.Index(order, phase); at >= 0 && phase != "" {
		return order[at+1]
	}
	return ""
}

// MaxInput bounds the file of a source, in bytes as it is sent.
const MaxInput = 1 << 30

// MaxRules bounds rules, in bytes.
const MaxRules = 256 << 10

// RulesDraft sets the rules of a campaign.
type RulesDraft struct {
	ID    string `path:"id" json:"-"`
	Rules string `json:"rules"` // YAML, see package rules; decimals are those of the campaign
}

// Validate refuses rules that are too long.
func (d RulesDraft) Validate() error {
	if n := len(d.Rules); n == 0 || n > MaxRules || !utf8.ValidString(d.Rules) || strings.ContainsRune(d.Rules, 0) {
		return fault.New(fault.Invalid, "the rules cannot be used: see the field").With(fault.Field{Name: "rules", Message: fmt.Sprintf("are a text of 1 to %d bytes in UTF-8, not %d", MaxRules, n)})
	}
	return nil
}

// InputUpload is the file of a source: CSV, plain, gzip or zstd.
type InputUpload struct {
	ID     string    `path:"id" json:"-"`
	Source string    `path:"source" json:"-"`
	Name   string    `query:"name" json:"-"` // of the file; "" = what the rules say
	Body   io.Reader `stream:"text/csv" json:"-"`
}

// Validate refuses names that no file has.
func (u InputUpload) Validate() error {
	if len(u.Name) > 100 || strings.ContainsAny(u.Name, "/\\\x00\n\r") {
		return fault.New(fault.Invalid, "the file cannot be taken: see the field").With(fault.Field{Name: "name", Message: "is a file's name of up to 100 bytes, without folders"})
	}
	return nil
}

// InputQuery names the file of a source.
type InputQuery struct {
	ID     string `path:"id" json:"-"`
	Source string `path:"source" json:"-"`
}

// CourseQuery names a campaign.
type CourseQuery struct {
	ID string `path:"id" json:"-"`
}

// CourseChange names a campaign to collect.
type CourseChange struct {
	ID string `path:"id" json:"-"`
}

// FreezeRequest freezes a preview.
type FreezeRequest struct {
	ID      string `path:"id" json:"-"`
	Preview int64  `json:"preview"` // its number
}

// PhaseChange moves a campaign to a phase, or cancels it.
type PhaseChange struct {
	ID     string `path:"id" json:"-"`
	Phase  string `json:"phase,omitempty"` // of Advance: the one to reach
	Reason string `json:"reason"`          // 1 to 500 characters: everybody sees it
}

// Validate refuses changes without a reason.
func (c PhaseChange) Validate() error {
	if n := utf8.RuneCountInString(strings.TrimSpace(c.Reason)); n < 1 || n > 500 || strings.ContainsFunc(c.Reason, unprintable) {
		return fault.New(fault.Invalid, "a campaign changes for a reason: see the field").With(fault.Field{Name: "reason", Message: "has 1 to 500 characters"})
	}
	return nil
}

// Course is how far a campaign with rules is.
type Course struct {
	Campaign string         `json:"campaign"` // id
	Phase    string         `json:"phase"`
	Rules    string         `json:"rules"`
	Sources  []CourseSource `json:"sources"`
	Preview  int64          `json:"preview,omitempty"` // number of the latest preview; 0 = none
	// Working says that work runs: collecting, or freezing. Stage is for people.
	Working  bool   `json:"working"`
	Stage    string `json:"stage,omitempty"`
	Progress int64  `json:"progress"`
	Work     int64  `json:"work"`             // 0 = not known
	Reason   string `json:"reason,omitempty"` // why the last work failed, or the phase changed
	// ChangedMS is when the phase changed; UTC milliseconds.
	ChangedMS int64        `json:"changed_ms"`
	Root      *merkle.Hash `json:"root,omitempty"` // once it is frozen
}

// CourseSource is a source of the rules, and its file if there is one.
type CourseSource struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Collected bool   `json:"collected"`      // from another module; otherwise it must be uploaded
	File      string `json:"file,omitempty"` // "" = there is none yet
	SHA256    string `json:"sha256,omitempty"`
	Bytes     int64  `json:"bytes,omitempty"`
	Rows      int    `json:"rows,omitempty"`
	Epoch     int64  `json:"epoch,omitempty"` // of the reputation
	EpochRoot string `json:"epoch_root,omitempty"`
}

// CoursePreview is a preview with its number.
type CoursePreview struct {
	Campaign string  `json:"campaign"`
	Number   int64   `json:"number"`
	TimeMS   int64   `json:"time_ms"`
	Preview  Preview `json:"preview"`
}

// WhyQuery names a wallet of a campaign.
type WhyQuery struct {
	ID     string         `path:"id" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// Why is what a wallet gets, and why.
type Why struct {
	Campaign string         `json:"campaign"`
	Wallet   wallet.Address `json:"wallet"`
	Amount   uint256.Int    `json:"amount"` // base units; 0 = nothing
	Reason   string         `json:"reason"`
	Final    bool           `json:"final"` // the campaign is frozen
}
