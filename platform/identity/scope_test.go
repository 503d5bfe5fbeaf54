package identity_test

import (
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

func TestAScopeHasOneText(t *testing.T) {
	for _, names := range [][]string{{"reputation:read", "airdrop"}, {"airdrop", "reputation:read", "airdrop"}} {
		if got, err := identity.ParseScope(names...); err != nil || got != "airdrop reputation:read" {
			t.Errorf("%q is %q, %v", names, got, err)
		}
	}
	if got, err := identity.ParseScope(); err != nil || got != "" || got.Names() != nil && len(got.Names()) > 0 {
		t.Errorf("no names are %q, %v", got, err)
	}
	for _, name := range []string{"", " ", "a b", "-airdrop", "airdrop:write", "airdrop:read:read", ":read", "*", "airdrop\n", strings.Repeat("a", 64)} {
		_, err := identity.ParseScope(name)
		wantFault(t, err, fault.Invalid, "not a scope")
	}
}

func TestAScopeAdmitsWhatItNames(t *testing.T) {
	type call struct {
		module string
		write  bool
	}
	for scope, admitted := range map[identity.Scope][]call{
		"":                                    {{"airdrop", true}, {"airdrop", false}, {"reputation", true}, {"reputation", false}},
		"airdrop":                             {{"airdrop", true}, {"airdrop", false}},
		"airdrop:read":                        {{"airdrop", false}},
		"airdrop reputation:read":             {{"airdrop", true}, {"airdrop", false}, {"reputation", false}},
		identity.ForCall("airdrop", true):     {{"airdrop", true}, {"airdrop", false}},
		identity.ForCall("reputation", false): {{"reputation", false}},
	} {
		for _, c := range []call{{"airdrop", true}, {"airdrop", false}, {"reputation", true}, {"reputation", false}} {
			want := false
			for _, a := range admitted {
				want = want || a == c
			}
			err := scope.Admit(c.module, c.write)
			if (err == nil) != want || err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%q and %+v: %v, want it admitted: %t", scope, c, err, want)
			}
		}
	}
}
