package feature_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"banyan/platform/feature"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// flagsOf returns flags with one rule for Mutes, and one for the others.
func flagsOf(t *testing.T, mutes, others feature.Rule) *feature.Flags {
	t.Helper()
	flags, err := feature.New(t.Context(), rulesOf(mutes, others))
	if err != nil {
		t.Fatal(err)
	}
	return flags
}

func rulesOf(mutes, others feature.Rule) feature.Settings {
	rules := feature.Settings{}
	for _, name := range feature.All() {
		rules[name] = others
	}
	rules[feature.Mutes] = mutes
	return rules
}

// someWallets are always the same.
func someWallets(n int) []wallet.Address {
	random, list := rand.New(rand.NewPCG(20261130, 25)), make([]wallet.Address, n)
	for i := range list {
		binary.BigEndian.PutUint64(list[i][:8], random.Uint64())
		binary.BigEndian.PutUint64(list[i][8:16], random.Uint64())
		binary.BigEndian.PutUint32(list[i][16:], random.Uint32())
	}
	return list
}

func member(w wallet.Address) feature.Visitor {
	return feature.Visitor{Wallet: w, Role: identity.Member}
}

// shown returns who of them is shown the feature.
func shown(t *testing.T, flags *feature.Flags, name feature.Name, wallets []wallet.Address) map[wallet.Address]bool {
	t.Helper()
	all := make(map[wallet.Address]bool)
	for _, w := range wallets {
		if flags.Shows(t.Context(), name, member(w)) {
			all[w] = true
		}
	}
	return all
}

// A share of 10,000 wallets has a standard deviation of at most 50; these are the same
// in each run, and four deviations are a defect of the hash.
func TestAPercentageIsAShareOfWallets(t *testing.T) {
	wallets := someWallets(10_000)
	for _, percent := range []int{0, 1, 25, 50, 99, 100} {
		got := len(shown(t, flagsOf(t, feature.Rule{Percent: percent}, feature.Rule{}), feature.Mutes, wallets))
		most := 200
		if percent == 0 || percent == 100 {
			most = 0
		}
		if off := got - percent*100; off < -most || off > most {
			t.Errorf("%d %% of 10,000 wallets are %d", percent, got)
		}
	}
}

func TestAHigherPercentageOnlyAddsWallets(t *testing.T) {
	wallets := someWallets(2_000)
	flags := flagsOf(t, feature.Rule{}, feature.Rule{})
	before := map[wallet.Address]bool{}
	for percent := range 101 {
		flags.Set(rulesOf(feature.Rule{Percent: percent}, feature.Rule{}))
		now := shown(t, flags, feature.Mutes, wallets)
		for w := range before {
			if !now[w] {
				t.Fatalf("at %d %% the wallet %s has lost the feature", percent, w)
			}
		}
		before = now
	}
	if len(before) != len(wallets) {
		t.Errorf("at 100 %% %d of %d wallets are shown it", len(before), len(wallets))
	}
}

// Other processes, later releases and restarts must answer alike: these are the numbers
// of SHA-256 over the name, a zero byte and the wallet.
func TestAWalletKeepsItsAnswer(t *testing.T) {
	for _, c := range []struct {
		name   feature.Name
		wallet string
		place  int // the first percentage that does not show it
	}{
		{feature.Mutes, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", 4},
		{feature.EASReviews, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", 7},
		{feature.Mutes, "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", 96},
	} {
		w, err := wallet.Parse(c.wallet)
		if err != nil {
			t.Fatal(err)
		}
		rule := func(percent int) feature.Rule { return feature.Rule{Percent: percent} }
		below, above := flagsOf(t, rule(c.place), rule(c.place)), flagsOf(t, rule(c.place+1), rule(c.place+1))
		if below.Shows(t.Context(), c.name, member(w)) || !above.Shows(t.Context(), c.name, member(w)) {
			t.Errorf("%s of %s is not shown from %d %% on", c.name, c.wallet, c.place+1)
		}
	}
}

// Two features of a quarter have about a sixteenth of the wallets in common.
func TestFeaturesHaveWalletsOfTheirOwn(t *testing.T) {
	wallets := someWallets(10_000)
	flags := flagsOf(t, feature.Rule{Percent: 25}, feature.Rule{Percent: 25})
	mutes, both := shown(t, flags, feature.Mutes, wallets), 0
	for w := range shown(t, flags, feature.ProofFilter, wallets) {
		if mutes[w] {
			both++
		}
	}
	if both < 525 || both > 725 {
		t.Errorf("%d of 10,000 wallets are shown both, want about 625", both)
	}
}

func TestWhoIsAlwaysShownAFeature(t *testing.T) {
	wallets := someWallets(2)
	named, other := wallets[0], wallets[1]
	flags := flagsOf(t, feature.Rule{Wallets: []wallet.Address{named}, Operators: true}, feature.Rule{})
	for _, c := range []struct {
		who  string
		is   feature.Visitor
		want bool
	}{
		{"a named wallet", member(named), true},
		{"another wallet", member(other), false},
		{"a moderator", feature.Visitor{Wallet: other, Role: identity.Moderator}, true},
		{"an operator", feature.Visitor{Wallet: other, Role: identity.Operator}, true},
		{"nobody", feature.Visitor{}, false},
	} {
		if got := flags.Shows(t.Context(), feature.Mutes, c.is); got != c.want {
			t.Errorf("%s: %v", c.who, got)
		}
		if flags.Shows(t.Context(), feature.EASReviews, c.is) {
			t.Errorf("%s is shown a feature at 0 %% without exceptions", c.who)
		}
	}
}

func TestWhoIsNotSignedInHasAFeatureThatAllHave(t *testing.T) {
	flags := flagsOf(t, feature.Rule{Percent: 99, Wallets: []wallet.Address{{}}, Operators: true}, feature.Rule{Percent: 100})
	if flags.Shows(t.Context(), feature.Mutes, feature.Visitor{}) {
		t.Error("at 99 % visitors who are not signed in are shown it")
	}
	if !flags.Shows(t.Context(), feature.EASReviews, feature.Visitor{}) {
		t.Error("at 100 % visitors who are not signed in are not shown it")
	}
}

func TestAFeatureThatThereIsNotIsShownToNobody(t *testing.T) {
	all := feature.Rule{Percent: 100}
	if flagsOf(t, all, all).Shows(t.Context(), "nothing", member(someWallets(1)[0])) {
		t.Error("a name without a rule is shown")
	}
	missing := rulesOf(all, all)
	delete(missing, feature.Mutes)
	more := rulesOf(all, all)
	more["nothing"] = all
	for what, rules := range map[string]feature.Settings{"a missing rule": missing, "a rule of nothing": more} {
		if _, err := feature.New(t.Context(), rules); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
