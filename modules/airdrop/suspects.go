package airdrop

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"banyan/platform/eip712"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// Suspects is what the module does with wallets that a source of the kind sybils flags
// in a campaign with rules: probably one of many wallets of one person. Operators decide
// about each, and the wallet can appeal.
//
//	flagged ──Decide──▶ paid, left_out ──Appeal──▶ appealed ──Decide──▶ paid, left_out
//	   └──Appeal──▶ appealed                 a wallet that reports itself: reported ──Decide──▶ …
//
// A flagged wallet that nobody has decided about is left out, with the evidence. Each
// decision counts from the next collection on, and the file that the list is then
// computed from has it, so that the manifest makes the same list again. A campaign is not
// frozen while an appeal waits. NotFound, of all of them: no such campaign, or it has no
// rules.
type Suspects interface {
	// Suspects returns those of a campaign in a state, by their wallets.
	Suspects(context.Context, SuspectsQuery) (SuspectPage, error)
	// Suspect says what is known of a wallet. Until there is a decision or an appeal
	// only operators and the wallet itself, signed in, see it. NotFound: nothing is, or
	// the caller may not see it.
	Suspect(context.Context, SuspectQuery) (Suspect, error)
	// Decide decides about wallets, or all of a cluster that nobody has decided about.
	// Deciding the same again changes nothing. Conflict: the campaign is frozen,
	// cancelled or being collected. NotFound: one of the wallets is no suspect; then
	// nothing was decided.
	Decide(context.Context, SuspectDecision) (Decided, error)
	// PrepareAppeal returns what the wallet signs (EIP-712). Invalid: see AppealDraft.
	PrepareAppeal(context.Context, AppealDraft) (PreparedAppeal, error)
	// Appeal takes a signed appeal, or the report of a wallet about itself; an appeal is
	// for wallets that are flagged or left out, a report for wallets of the latest
	// preview. Sent again it is answered the same. Conflict: nothing is held against the
	// wallet, the campaign is frozen, one waits already, or MaxAppeals were decided.
	// Forbidden: another wallet has signed. Invalid: the signature is malformed, or was
	// made more than AppealValid before or after the server's time.
	Appeal(context.Context, SignedAppeal) (Suspect, error)
}

// The states of a suspect.
const (
	Flagged  = "flagged"
	Paid     = "paid"
	OutLeft  = "left_out"
	Appealed = "appealed"
	Reported = "reported"
)

// The kinds of SignedAppeal.
const (
	AnAppeal = "appeal"
	AReport  = "report"
)

const (
	// MaxAppealText is the longest text of an appeal, in characters.
	MaxAppealText = 2000
	// MaxAppeals is how often a wallet may appeal or report in a campaign.
	MaxAppeals = 3
	// AppealValid is how far the time in a signed appeal may be from the server's, in
	// milliseconds.
	AppealValid = 10 * 60 * 1000
	// MaxSuspectEvents is the most events that a Suspect has.
	MaxSuspectEvents = 50
	// MaxClusterDecided is the most wallets of a cluster that one SuspectDecision changes;
	// the same again changes the rest.
	MaxClusterDecided = 5000
	// MaxDecided is the most wallets of one SuspectDecision.
	MaxDecided = 500
)

// SuspectsQuery selects a page of suspects.
type SuspectsQuery struct {
	ID     string `path:"id" json:"-"`
	State  string `query:"state" json:"-"` // "" = those that wait for operators: flagged, appealed, reported
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses unknown states and limits out of range.
func (q SuspectsQuery) Validate() error {
	switch q.State {
	case "", Flagged, Paid, OutLeft, Appealed, Reported:
		return page.Standard().Check(q.Limit)
	}
	return fault.New(fault.Invalid, "there are no suspects in such a state: see the field").With(fault.Field{Name: "state", Message: "is flagged, paid, left_out, appealed or reported"})
}

// SuspectPage is a page of suspects, and how many there are in each state.
type SuspectPage struct {
	Suspects []Suspect     `json:"suspects"`
	Next     string        `json:"next,omitempty"`
	Counts   SuspectCounts `json:"counts"`
}

// SuspectCounts counts the suspects of a campaign by their states.
type SuspectCounts struct {
	Flagged  int `json:"flagged"`
	Appealed int `json:"appealed"`
	Reported int `json:"reported"`
	Paid     int `json:"paid"`
	LeftOut  int `json:"left_out"`
}

// SuspectQuery names a wallet of a campaign.
type SuspectQuery struct {
	ID     string         `path:"id" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// Suspect is a wallet that is flagged or reports itself, and what was decided.
type Suspect struct {
	Campaign string         `json:"campaign"`
	Wallet   wallet.Address `json:"wallet"`
	State    string         `json:"state"`
	Cluster  string         `json:"cluster,omitempty"`
	Score    string         `json:"score,omitempty"`    // 0 to 1: how probable it is
	Evidence string         `json:"evidence,omitempty"` // in words, of the file that flags it; "" = it is not flagged now
	Reason   string         `json:"reason,omitempty"`   // of the latest decision: everybody sees it
	Appeal   string         `json:"appeal,omitempty"`   // its text, of the latest
	Appeals  int            `json:"appeals"`            // until now, with reports
	// Open says that the campaign is not frozen, so that decisions and appeals count.
	Open   bool           `json:"open"`
	Events []SuspectEvent `json:"events,omitempty"` // of one suspect alone: the oldest first, the last MaxSuspectEvents
}

// SuspectEvent is what happened with a suspect. By is for operators.
type SuspectEvent struct {
	TimeMS int64  `json:"time_ms"`
	What   string `json:"what"` // flagged, paid, left_out, appealed or reported
	Text   string `json:"text,omitempty"`
	By     string `json:"by,omitempty"`
}

// SuspectDecision decides about suspects: Wallets, and those of a Cluster that nobody has
// decided about.
type SuspectDecision struct {
	ID      string           `path:"id" json:"-"`
	Wallets []wallet.Address `json:"wallets,omitempty"` // up to MaxDecided
	Cluster string           `json:"cluster,omitempty"`
	// Appealed says that the decision is also about those of the cluster who have
	// appealed; otherwise each of these is decided alone.
	Appealed bool   `json:"appealed,omitempty"`
	As       string `json:"as"`     // paid or left_out
	Reason   string `json:"reason"` // 1 to 500 characters: everybody sees it
}

// Validate refuses decisions about nobody, and without a reason.
func (d SuspectDecision) Validate() error {
	var wrong []fault.Field
	if n := len(d.Wallets); n > MaxDecided || n == 0 && d.Cluster == "" || len(d.Cluster) > 32 {
		wrong = append(wrong, fault.Field{Name: "wallets", Message: fmt.Sprintf("are 1 to %d, or there is a cluster of up to 32 characters", MaxDecided)})
	}
	if d.As != Paid && d.As != OutLeft {
		wrong = append(wrong, fault.Field{Name: "as", Message: "is paid or left_out"})
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(d.Reason)); n < 1 || n > 500 || strings.ContainsFunc(d.Reason, unprintable) {
		wrong = append(wrong, fault.Field{Name: "reason", Message: "has 1 to 500 characters"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "this cannot be decided: see the fields").With(wrong...)
}

// Decided says how many suspects a decision has changed.
type Decided struct {
	Changed int           `json:"changed"`
	Counts  SuspectCounts `json:"counts"`
}

// AppealDraft is what a wallet wants to say.
type AppealDraft struct {
	ID     string         `path:"id" json:"-"`
	Wallet wallet.Address `json:"wallet"`
	Kind   string         `json:"kind"` // appeal or report
	Text   string         `json:"text"` // 20 to MaxAppealText characters; operators read it
}

// Validate refuses texts that are too short or too long.
func (d AppealDraft) Validate() error {
	var wrong []fault.Field
	if d.Kind != AnAppeal && d.Kind != AReport {
		wrong = append(wrong, fault.Field{Name: "kind", Message: "is appeal or report"})
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(d.Text)); n < 20 || n > MaxAppealText || !utf8.ValidString(d.Text) || strings.ContainsFunc(d.Text, unprintable) {
		wrong = append(wrong, fault.Field{Name: "text", Message: fmt.Sprintf("has 20 to %d characters, not %d, and no control characters", MaxAppealText, n)})
	}
	if d.Wallet.IsZero() {
		wrong = append(wrong, fault.Field{Name: "wallet", Message: "is the address that appeals"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the appeal cannot be taken: see the fields").With(wrong...)
}

// PreparedAppeal is an appeal with the document that the wallet signs.
type PreparedAppeal struct {
	TypedData eip712.TypedData `json:"typed_data"` // for eth_signTypedData_v4
	Appeal    SignedAppeal     `json:"appeal"`
}

// UnmarshalJSON also fills in the campaign: a request has it in its path, so the JSON of
// the appeal lacks it, and the document that is signed names it.
func (p *PreparedAppeal) UnmarshalJSON(text []byte) error {
	type plain PreparedAppeal // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Appeal.ID, _ = p.TypedData.Message["campaign"].(string)
	return nil
}

// SignedAppeal is an appeal with its wallet's signature.
type SignedAppeal struct {
	ID        string           `path:"id" json:"-"`
	Wallet    wallet.Address   `json:"wallet"`
	Kind      string           `json:"kind"`
	Text      string           `json:"text"`
	CreatedMS int64            `json:"created_ms"`         // UTC
	Signature eip712.Signature `json:"signature"`          // over AppealHash
	ChainID   uint64           `json:"chain_id,omitempty"` // where a smart wallet is asked; 0 = 1. It is not signed
}

// Validate refuses what no AppealDraft would be.
func (a SignedAppeal) Validate() error {
	if a.CreatedMS <= 0 {
		return fault.New(fault.Invalid, "the appeal cannot be taken: see the fields").With(fault.Field{Name: "created_ms", Message: "is the time at which it was prepared, in milliseconds since 1970"})
	}
	return AppealDraft{Wallet: a.Wallet, Kind: a.Kind, Text: a.Text}.Validate()
}
