package reputation

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// SeedSets is the part of Service with the wallets that trust begins at. Without
// any there is no score. A change counts from the next epoch on.
type SeedSets interface {
	// Seeds lists all sets with their wallets. The set of the settings comes first,
	// and only they change it.
	Seeds(context.Context, SeedsQuery) (Seeds, error)
	// SetSeeds makes a set consist of these wallets, and makes it when there is
	// none of the name. Conflict: the set is that of the settings, or it was
	// changed since the version that is named.
	SetSeeds(context.Context, SeedSetDraft) (SeedSet, error)
	// RemoveSeeds removes a set. NotFound. Conflict: the set is that of the settings.
	RemoveSeeds(context.Context, SeedSetRemoval) (SeedSet, error)
	// SeedChanges lists who changed which set, when and why, the last first.
	SeedChanges(context.Context, SeedChangesQuery) (SeedChangePage, error)
}

// SettingsSet is the name of the set in reputation.seeds of the settings.
const SettingsSet = "settings"

// Limits of seeds.
const (
	MaxSeedSets = 100
	MaxSeeds    = 10_000 // of one set
	MaxReason   = 500    // characters
)

// SeedsQuery asks for all sets.
type SeedsQuery struct{}

// Seeds are all sets.
type Seeds struct {
	Sets []SeedSet `json:"sets"`
	// Wallets is how many different wallets are seeds; 0 = there can be no scores,
	// and Advice says what to do.
	Wallets int    `json:"wallets"`
	Advice  string `json:"advice,omitempty"`
}

// SeedSet is a named set of wallets.
type SeedSet struct {
	Name      string `json:"name"`
	Reason    string `json:"reason"`  // for the set as a whole
	Version   int64  `json:"version"` // grows with each change; 0 = the settings
	ChangedMS int64  `json:"changed_ms,omitempty"`
	ChangedBy string `json:"changed_by,omitempty"`
	Seeds     []Seed `json:"seeds"`
}

// Seed is a wallet that is trusted from the start. A wallet in several sets counts
// once, with its largest weight.
type Seed struct {
	Wallet wallet.Address `json:"wallet"`
	Weight float64        `json:"weight"` // against other seeds, above 0 to 1000; 0 = 1
	Reason string         `json:"reason"`
}

// SeedSetDraft is a set as it shall be.
type SeedSetDraft struct {
	Name    string `path:"set" json:"-"`
	Reason  string `json:"reason"`            // for this change; kept in the audit
	Version int64  `json:"version,omitempty"` // that was read before; 0 = whatever it is
	Seeds   []Seed `json:"seeds"`
}

var setName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,49}$`)

// Validate refuses names, weights and texts out of range.
func (q SeedSetDraft) Validate() error {
	wrong := wrongName("set", q.Name)
	wrong = append(wrong, wrongReason("reason", q.Reason)...)
	if n := len(q.Seeds); n == 0 || n > MaxSeeds {
		wrong = append(wrong, fault.Field{Name: "seeds", Message: fmt.Sprintf("has %d wallets, and a set has 1 to %d: to have none, remove the set", n, MaxSeeds)})
	}
	seen := make(map[wallet.Address]bool, len(q.Seeds))
	for i, s := range q.Seeds {
		field := fmt.Sprintf("seeds[%d]", i)
		switch {
		case len(wrong) >= 100:
			continue
		case s.Wallet.IsZero():
			wrong = append(wrong, fault.Field{Name: field + ".wallet", Message: "is missing"})
		case seen[s.Wallet]:
			wrong = append(wrong, fault.Field{Name: field + ".wallet", Message: s.Wallet.String() + " is in the set twice"})
		case !(s.Weight >= 0 && s.Weight <= 1000): // NaN, too
			wrong = append(wrong, fault.Field{Name: field + ".weight", Message: "must be above 0, to 1000; leave it out for 1"})
		case utf8.RuneCountInString(s.Reason) > MaxReason || !utf8.ValidString(s.Reason):
			wrong = append(wrong, fault.Field{Name: field + ".reason", Message: fmt.Sprintf("has at most %d characters", MaxReason)})
		}
		seen[s.Wallet] = true
	}
	return refuseNamed("the seeds cannot be changed like this: see the fields", wrong)
}

func wrongName(field, name string) []fault.Field {
	if setName.MatchString(name) {
		return nil
	}
	return []fault.Field{{Name: field, Message: "has 1 to 50 small letters, digits and hyphens, and begins with no hyphen"}}
}

func wrongReason(field, reason string) []fault.Field {
	if n := utf8.RuneCountInString(strings.TrimSpace(reason)); n > 0 && n <= MaxReason && utf8.ValidString(reason) {
		return nil
	}
	return []fault.Field{{Name: field, Message: fmt.Sprintf("has 1 to %d characters: it is kept with the change", MaxReason)}}
}

func refuseNamed(message string, wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, message).With(wrong...)
}

// SeedSetRemoval removes a set.
type SeedSetRemoval struct {
	Name   string `path:"set" json:"-"`
	Reason string `json:"reason"` // kept in the audit
}

// Validate refuses a removal without a reason.
func (q SeedSetRemoval) Validate() error {
	return refuseNamed("the set cannot be removed like this: see the fields", append(wrongName("set", q.Name), wrongReason("reason", q.Reason)...))
}

// SeedChangesQuery selects a page of the audit.
type SeedChangesQuery struct {
	Set    string `query:"set" json:"-"` // "" = all
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses limits out of range.
func (q SeedChangesQuery) Validate() error { return page.Standard().Check(q.Limit) }

// SeedChange is one wallet that became a seed, ceased to be one, or has another
// weight.
type SeedChange struct {
	Set       string         `json:"set"`
	Version   int64          `json:"version"`
	TimeMS    int64          `json:"time_ms"`
	By        string         `json:"by"`
	Reason    string         `json:"reason"` // of the change
	Action    string         `json:"action"` // added, removed, changed
	Wallet    wallet.Address `json:"wallet"`
	Weight    float64        `json:"weight"` // after it; before it when removed
	SeedNotes string         `json:"seed_reason"`
}

// SeedChangePage is a page of changes, the last first.
type SeedChangePage struct {
	Changes []SeedChange `json:"changes"`
	Next    string       `json:"next,omitempty"`
}
