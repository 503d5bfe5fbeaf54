// Package airdrop distributes tokens so that everybody can check that it was
// done as announced: a list of wallets and amounts becomes a Merkle tree, its
// root is published, and each wallet proves with a short proof what it may
// claim.
//
// The states of a campaign, in one direction only:
//
//	draft ──UploadList──▶ listed ──BuildTree──▶ built
//	          ◀─(again)──┘
//
// A built campaign never changes: its root may be in a contract already. That is the
// short way, with a list by hand; the phases of a campaign whose list is computed from
// rules are in course.go.
//
// NewClient over seam.Dial is a client for programs of other Go modules, which
// needs no database and no C compiler.
//
// This file is the contract. The work, and its SQL, is in service/,
// the reader of lists in list/, the trees in platform/merkle.
package airdrop

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Name is the module's name in settings, paths and flags.
const Name = "airdrop"

// Service is what the module does. Faults that every method can return:
// unavailable, busy, deadline_exceeded, canceled, internal.
type Service interface {
	// CreateCampaign adds a campaign in the state draft. A caller who repeats a
	// call with its idempotency key gets the first call's campaign. Invalid:
	// see CampaignDraft. Conflict: the key was used for another draft.
	CreateCampaign(context.Context, CampaignDraft) (Campaign, error)
	// UploadList sets the campaign's list. Wrong rows are an invalid fault that
	// names up to 100 of them by line, and the list stays as it was, as after
	// every other failure. NotFound. Conflict: the campaign is built. TooLarge:
	// more rows or bytes than the settings allow.
	UploadList(context.Context, ListUpload) (Campaign, error)
	// BuildTree computes the tree and its root. A built campaign stays as it
	// is. NotFound. Conflict: there is no list, or it was replaced meanwhile.
	BuildTree(context.Context, BuildRequest) (Campaign, error)
	// Campaigns lists campaigns, newest first; those that are not built for operators
	// only. Invalid: a cursor of another list.
	Campaigns(context.Context, CampaignsQuery) (CampaignPage, error)
	// Campaign returns one campaign. NotFound: no such id, or it is not built and the
	// caller is no operator.
	Campaign(context.Context, CampaignQuery) (Campaign, error)
	// Claim returns what a wallet may claim, with its proof. NotFound: no such
	// campaign, or the wallet is not on the list. Conflict: not built yet.
	Claim(context.Context, ClaimQuery) (Claim, error)
	// Multiproof returns one proof of all rows of several wallets, as OpenZeppelin's
	// MerkleProof.multiProofVerify takes it. NotFound: no such campaign, or one of
	// the wallets is not on the list. Conflict: not built yet. Invalid: see
	// MultiproofQuery. Unsupported: contracts accept multiproofs of complete trees
	// with sorted pairs only.
	Multiproof(context.Context, MultiproofQuery) (Multiproof, error)
	// CheckProof says of claims from anywhere whether their proofs lead to a root,
	// and if not, with which leaf, tree or change they would. It needs no campaign.
	// Invalid: see ProofCheck, or the text has no claims.
	CheckProof(context.Context, ProofCheck) (CheckedProofs, error)
	// VerifyWallets answers each wallet of a stream, in its order, with one
	// JSON line (Verdict); empty lines and a header have none. A malformed line
	// has a verdict of its own (invalid); an error of the whole stream is
	// returned before the first line. NotFound. Conflict: not built yet.
	// Invalid: the stream has no lines, or is truncated or damaged. TooLarge:
	// more lines than the settings allow, or, for all but operators, a text
	// that decompresses to more than 64 times what was sent (and than 16 MiB)
	// or with a zstd window over 8 MiB, or an answer longer than that; callers
	// who are not signed in send at most 16 MiB, which is read whole before it
	// is checked. Unavailable: too many such checks at once. Over HTTP,
	// RateLimited: the caller's slot for such checks is taken
	// (httpserver.EnterExpensive).
	VerifyWallets(context.Context, WalletsUpload) (seam.Stream, error)

	OnChain // distributor.go
	Courses
	Drafts // draft.go
	Suspects
}

// The states of a campaign.
const (
	Draft  = "draft"
	Listed = "listed"
	Built  = "built"
)

// CampaignDraft is what an operator sets of a new campaign.
type CampaignDraft struct {
	Name        string        `json:"name"`        // 1–100 characters
	Description string        `json:"description"` // up to 2,000 characters
	Format      merkle.Format `json:"format"`      // of the tree: a name, or a description (merkle.Spec)
	Symbol      string        `json:"symbol"`      // of the token, 1–12 characters
	Decimals    int           `json:"decimals"`    // of the token, 0–36
}

// Validate refuses values out of range.
func (d CampaignDraft) Validate() error {
	var wrong []fault.Field
	for _, text := range []struct {
		name, value string
		least, most int
	}{{"name", d.Name, 1, 100}, {"description", d.Description, 0, 2000}, {"symbol", d.Symbol, 1, 12}} {
		value := strings.TrimSpace(text.value)
		if n := utf8.RuneCountInString(value); n < text.least || n > text.most {
			wrong = append(wrong, fault.Field{Name: text.name, Message: fmt.Sprintf("has %d to %d characters, not %d", text.least, text.most, n)})
		} else if !utf8.ValidString(value) || strings.ContainsFunc(value, unprintable) {
			wrong = append(wrong, fault.Field{Name: text.name, Message: "has control characters: only line ends and tabs are accepted"})
		}
	}
	if d.Decimals < 0 || d.Decimals > 36 {
		wrong = append(wrong, fault.Field{Name: "decimals", Message: "is 0 to 36"})
	}
	if _, err := merkle.ParseFormat(string(d.Format)); err != nil {
		wrong = append(wrong, fault.Field{Name: "format", Message: fault.From(err).Message})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the campaign has values out of range: see the fields").With(wrong...)
}

// unprintable reports whether text has control characters other than line ends
// and tabs. A database may refuse them, and a page should.
func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }

// Campaign is one airdrop: its list, and its root once it is built.
type Campaign struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Format      merkle.Format `json:"format"`
	Symbol      string        `json:"symbol"`
	Decimals    int           `json:"decimals"`
	State       string        `json:"state"` // draft, listed or built
	Count       int           `json:"count"` // rows of the list
	Total       uint256.Int   `json:"total"` // sum of the amounts, base units
	Root        *merkle.Hash  `json:"root,omitempty"`
	CreatedMS   int64         `json:"created_ms"`
	BuiltMS     int64         `json:"built_ms,omitempty"`
	Phase       string        `json:"phase,omitempty"` // of a campaign with rules: see Courses
	// Report says how the list was read, until the tree is built. Lists that were
	// computed from rules have none.
	Report *ListReport `json:"report,omitempty"`
}

// ListUpload is a list: address,amount (or index,address,amount), or with a
// header that names these columns among others, as airdrop tools and spreadsheets
// call them; cells are separated by commas, semicolons or tabs, lines that begin
// with # are comments. Or JSON: objects with these names or pairs, in an array or
// one on each line, or a map of wallets to amounts. Plain, gzip or zstd. Amounts
// are whole base units, or decimals of the token when decimals=true.
type ListUpload struct {
	ID          string `path:"id" json:"-"`
	OnDuplicate string `query:"on_duplicate" json:"-"` // error (default), sum, first or keep
	Decimals    bool   `query:"decimals" json:"-"`     // 1.5 means 1.5 tokens
	Zero        string `query:"zero" json:"-"`         // error (default), or skip to leave out rows of zero
	// The columns are chosen by their header, or by their number from 1.
	AddressColumn string `query:"address_column" json:"-"`
	AmountColumn  string `query:"amount_column" json:"-"`
	IndexColumn   string `query:"index_column" json:"-"`
	// Chain is the one that the wallets are of, by its number or short name (1,
	// eth): addresses that name another (base:0x…) are wrong.
	Chain string `query:"chain" json:"-"`
	// MapAmounts is decimal or hex: what text amounts of a JSON map are. Default:
	// decimal, but for the format uniswap they must be chosen.
	MapAmounts string    `query:"map_amounts" json:"-"`
	Body       io.Reader `stream:"text/csv" json:"-"`
}

// Validate refuses unknown rules.
func (u ListUpload) Validate() error {
	var wrong []fault.Field
	for _, rule := range []struct{ name, value, is string }{
		{"on_duplicate", u.OnDuplicate, "error, sum, first or keep"}, {"zero", u.Zero, "error or skip"}, {"map_amounts", u.MapAmounts, "decimal or hex"},
	} {
		if rule.value != "" && !slices.Contains(strings.Fields(strings.NewReplacer(",", " ", " or ", " ").Replace(rule.is)), rule.value) {
			wrong = append(wrong, fault.Field{Name: rule.name, Message: "is " + rule.is})
		}
	}
	return refuseRules(wrong, u.Chain)
}

// refuseRules refuses what is wrong with how a list is to be read.
func refuseRules(wrong []fault.Field, chain string) error {
	if _, err := wallet.ParseChain(chain); err != nil {
		wrong = append(wrong, fault.Field{Name: "chain", Message: fault.From(err).Message})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "a rule for reading the list is unknown: see the fields").With(wrong...)
}

// BuildRequest names the campaign to build.
type BuildRequest struct {
	ID string `path:"id" json:"-"`
}

// CampaignQuery names a campaign.
type CampaignQuery struct {
	ID string `path:"id" json:"-"`
}

// CampaignsQuery selects a page of campaigns, newest first.
type CampaignsQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses limits out of range.
func (q CampaignsQuery) Validate() error { return page.Standard().Check(q.Limit) }

// CampaignPage is a page of campaigns.
type CampaignPage struct {
	Campaigns []Campaign `json:"campaigns"`
	Next      string     `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// ClaimQuery names a wallet of a campaign.
type ClaimQuery struct {
	ID     string         `path:"id" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// Claim is what a wallet may claim, and the proof that a contract requires.
type Claim struct {
	Campaign string         `json:"campaign"` // id
	Wallet   wallet.Address `json:"wallet"`
	Index    uint64         `json:"index"`
	Amount   uint256.Int    `json:"amount"` // base units
	Leaf     merkle.Hash    `json:"leaf"`
	Proof    []merkle.Hash  `json:"proof"` // from the leaf up
	Root     merkle.Hash    `json:"root"`
	// Values are those of a leaf that has others than wallet, amount and index, in
	// the order of the campaign's format.
	Values []string `json:"values,omitempty"`
	// Sides is where each node of the proof is, "left" or "right", in a tree whose
	// pairs are not sorted.
	Sides []string `json:"sides,omitempty"`
	// Claims are all claims of a wallet that has several, up to MaxClaims; the
	// fields above are those of the first. Rows is how many it has.
	Claims []RowClaim `json:"claims,omitempty"`
	Rows   int        `json:"rows,omitempty"`
}

// RowClaim is one of the claims of a wallet that has several; its fields are
// those of Claim.
type RowClaim struct {
	Wallet wallet.Address `json:"wallet"`
	Index  uint64         `json:"index"`
	Amount uint256.Int    `json:"amount"`
	Leaf   merkle.Hash    `json:"leaf"`
	Proof  []merkle.Hash  `json:"proof"`
	Root   merkle.Hash    `json:"root"`
	Values []string       `json:"values,omitempty"`
	Sides  []string       `json:"sides,omitempty"`
}

// MaxClaims is the most claims of one wallet that an answer has.
const MaxClaims = 200

// MostTogether is the most wallets of a multiproof, and the most rows.
const MostTogether = 1000

// MultiproofQuery names the wallets to prove together: 1 to MostTogether.
type MultiproofQuery struct {
	ID      string           `path:"id" json:"-"`
	Wallets []wallet.Address `json:"wallets"`
}

// Validate refuses too few or too many wallets.
func (q MultiproofQuery) Validate() error {
	if n := len(q.Wallets); n < 1 || n > MostTogether {
		return fault.New(fault.Invalid, "the number of wallets is out of range: see the field").With(
			fault.Field{Name: "wallets", Message: fmt.Sprintf("are 1 to %d, not %d", MostTogether, n)})
	}
	return nil
}

// Multiproof proves several rows at once.
type Multiproof struct {
	Campaign string        `json:"campaign"`
	Values   [][]string    `json:"values"` // of each leaf, as text, in the order of the campaign's format
	Leaves   []merkle.Hash `json:"leaves"` // in the order that the contract needs
	Proof    []merkle.Hash `json:"proof"`
	Flags    []bool        `json:"proofFlags"`
	Root     merkle.Hash   `json:"root"`
}

// MaxCheckText is the longest text of claims to check, in bytes, and
// MaxChecked the most claims.
const (
	MaxCheckText = 256 << 10
	MaxChecked   = 20
)

// ProofCheck is a text with claims, as any tool writes them in JSON, and the root
// that they must lead to.
type ProofCheck struct {
	Text   string        `json:"text"`
	Root   string        `json:"root,omitempty"`   // 0x and 64 hex digits; "": the one that stands in the claim
	Format merkle.Format `json:"format,omitempty"` // "" when nobody knows it
}

// Validate refuses a text that is too long, a root that is none, and an unknown
// format.
func (c ProofCheck) Validate() error {
	var wrong []fault.Field
	if n := len(c.Text); n == 0 || n > MaxCheckText {
		wrong = append(wrong, fault.Field{Name: "text", Message: fmt.Sprintf("has 1 to %d bytes, not %d", MaxCheckText, n)})
	}
	if c.Root != "" {
		if _, err := merkle.ParseHash(c.Root); err != nil {
			wrong = append(wrong, fault.Field{Name: "root", Message: fault.From(err).Message})
		}
	}
	if c.Format != "" {
		if _, err := merkle.ParseFormat(string(c.Format)); err != nil {
			wrong = append(wrong, fault.Field{Name: "format", Message: fault.From(err).Message})
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the proof cannot be checked: see the fields").With(wrong...)
}

// CheckedProofs are the verdicts on the claims of a ProofCheck.
type CheckedProofs struct {
	Root   merkle.Hash    `json:"root"`
	Proofs []CheckedProof `json:"proofs"`
}

// CheckedProof is the verdict on one claim: whether its proof leads to the root,
// and with which leaf and pairs it does, or would.
type CheckedProof struct {
	Name     string        `json:"name"` // the wallet, or what the claim has instead
	Right    bool          `json:"right"`
	Text     string        `json:"text"`               // a sentence for people
	Format   merkle.Format `json:"format,omitempty"`   // of the leaf; the last four are of the same
	Leaf     string        `json:"leaf,omitempty"`     // types
	Encoding string        `json:"encoding,omitempty"` // abi or packed
	Hash     string        `json:"hash,omitempty"`     // 1 or 2
	Pairs    string        `json:"pairs,omitempty"`    // sorted or positional
	Solidity string        `json:"solidity,omitempty"` // the line of a contract that computes the leaf
}

// WalletsUpload is a list of wallets, with amounts or without, in any of the
// forms of a ListUpload: one wallet on each line, or wallet,amount to check the
// amounts, too. What of it was not used is named in the header Banyan-Note of the
// answer.
type WalletsUpload struct {
	ID string `path:"id" json:"-"`
	// The columns are chosen by their header, or by their number from 1.
	AddressColumn string    `query:"address_column" json:"-"`
	AmountColumn  string    `query:"amount_column" json:"-"`
	Chain         string    `query:"chain" json:"-"` // as for a ListUpload
	Body          io.Reader `stream:"text/csv" json:"-"`
}

// Validate refuses an unknown chain.
func (u WalletsUpload) Validate() error { return refuseRules(nil, u.Chain) }

// The verdicts of VerifyWallets.
const (
	Eligible   = "eligible"
	Ineligible = "ineligible" // a wallet that is not on the list, or has another amount there
	Invalid    = "invalid"    // a line without a valid wallet
)

// Verdict is one line of the answer of VerifyWallets.
type Verdict struct {
	Line    int    `json:"line"`
	Address string `json:"address"`          // as it was sent
	Status  string `json:"status"`           // eligible, ineligible or invalid
	Amount  string `json:"amount,omitempty"` // of the list, base units
	Reason  string `json:"reason,omitempty"`
}
