package site_test

import (
	"strings"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/site"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
)

// TestAnOperatorNamesTheSite: every process says so within two seconds, and the
// security log says who did it.
func TestAnOperatorNamesTheSite(t *testing.T) {
	databasetest.Each(t, "identity", func(t *testing.T, db *database.DB) {
		clock := testclock.At(time.UnixMilli(1_800_000_000_000))
		events := securitylog.Open(db, securitylog.Options{Now: clock.Now})
		here := site.Open(db, events, site.Options{Now: clock.Now})
		there := site.Open(databasetest.Again(t, db), events, site.Options{Now: clock.Now})
		boss := identity.With(t.Context(), identity.Caller{Subject: "boss", Role: identity.Operator})
		if p := there.Profile(t.Context()); p.Name != site.Name || p.Named {
			t.Errorf("before: %+v", p)
		}
		if err := here.SetProfile(boss, " Otters’ Club ", "Where otters meet."); err != nil {
			t.Fatal(err)
		}
		if p := here.Profile(t.Context()); p.Name != "Otters’ Club" || p.Description != "Where otters meet." || !p.Named {
			t.Errorf("here: %+v", p)
		}
		clock.Pass(3 * time.Second)
		if p := there.Profile(t.Context()); p.Name != "Otters’ Club" {
			t.Errorf("in another process: %+v", p)
		}
		if err := here.Decide(boss, site.Vouching, "yes"); err != nil || here.Decided(t.Context(), site.Vouching) != "yes" {
			t.Errorf("a decision is not kept: %v", err)
		}
		if err := here.Decide(boss, site.Vouching, ""); err != nil || here.Decided(t.Context(), site.Vouching) != "" {
			t.Errorf("a decision is not taken back: %v", err)
		}
		entries, _, err := events.List(t.Context(), securitylog.Query{What: string(securitylog.SiteChanged)})
		if err != nil || len(entries) != 4 || entries[0].Who != "boss" {
			t.Errorf("the log has %+v, %v", entries, err)
		}
		for name, try := range map[string][2]string{
			"no name": {" ", ""}, "a long name": {strings.Repeat("n", 61), ""}, "a name on two lines": {"a\nb", ""},
			"a name that turns the text around": {"a\u202eb", ""}, "a long description": {"name", strings.Repeat("d", 201)},
		} {
			if err := here.SetProfile(boss, try[0], try[1]); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		member := identity.With(t.Context(), identity.Caller{Subject: "member", Role: identity.Moderator})
		if err := here.SetProfile(member, "Mine", ""); !fault.Is(err, fault.Forbidden) {
			t.Errorf("by a moderator: %v", err)
		}
		if err := here.Decide(boss, "name", "Theirs"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a name without its rules: %v", err)
		}
	})
}
