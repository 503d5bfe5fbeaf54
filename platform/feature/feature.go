// Package feature decides to whom the pages show a feature that an operator wants to
// show to some first: to a share of the wallets, to wallets that are named, to staff.
//
//	flags, err := feature.New(ctx, settings.Flags)
//	if flags.Shows(ctx, feature.Mutes, feature.Visitor{Wallet: w, Role: identity.Member}) {
//
// Flags are of pages. The operations of modules are a promise to programs, and stay as
// they are whatever a flag says. Reading order: feature.go (which features, and the
// settings), flags.go (who is shown them).
package feature

import (
	"slices"

	"banyan/platform/config"
	"banyan/platform/wallet"
)

// Name names a feature in the settings below flags. Their defaults are in config.yaml.
type Name string

// The features that have a flag; All lists them. One that everybody has for good loses
// its flag here, in config.yaml, and where the pages ask for it.
const (
	// EASReviews is the form that signs one's review as an attestation of EAS.
	EASReviews Name = "eas-reviews"
	// Mutes are the buttons that fold a wallet's reviews for the viewer alone, and what
	// they have folded.
	Mutes Name = "mutes"
	// ProofFilter filters exchanges and reviews by what shows that reviewers used one.
	ProofFilter Name = "proof-filter"
)

// All returns the names of all features.
func All() []Name { return []Name{EASReviews, Mutes, ProofFilter} }

// Settings are the rules of all features.
type Settings map[Name]Rule

// Rule says who is shown a feature.
type Rule struct {
	Percent   int              `yaml:"percent"`   // of all wallets, 0 to 100; below 100 nobody without a wallet
	Wallets   []wallet.Address `yaml:"wallets"`   // always
	Operators bool             `yaml:"operators"` // whether roles above member are always shown it
}

// mostWallets bounds a list, which is searched for each page; more are a percentage.
const mostWallets = 1000

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	for _, name := range All() {
		s[name].check(c.Below(string(name)))
	}
}

func (r Rule) check(c *config.Checks) {
	c.Within("percent", r.Percent, 0, 100)
	if len(r.Wallets) > mostWallets {
		c.Wrong("wallets", "names %d wallets, must be %d at most: show it to a percentage instead", len(r.Wallets), mostWallets)
		return
	}
	for n, w := range r.Wallets {
		switch {
		case w.IsZero():
			c.Wrong("wallets", "has the zero address as number %d, which cannot sign in: remove it", n+1)
		case slices.Contains(r.Wallets[:n], w):
			c.Wrong("wallets", "names %s twice: name it once", w)
		}
	}
}
