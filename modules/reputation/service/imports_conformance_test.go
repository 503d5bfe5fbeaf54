package service_test

import (
	"fmt"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/testenv/seamtest"
)

func upload(s reputation.Service, q reputation.TrustUpload, lines ...string) (reputation.TrustImported, error) {
	q.Body = strings.NewReader(strings.Join(lines, ""))
	return s.ImportTrust(operator, q)
}

func edge(from, to int, weight string) string {
	return fmt.Sprintf("%s,%s,%s\n", person(from), person(to), weight)
}

func TestConformanceAHeldImportCountsWhenItIsAccepted(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if _, err := upload(s, reputation.TrustUpload{Import: "otc"}, edge(1, 2, "5"), edge(1, 3, "4"), edge(1, 4, "3")); err != nil {
			t.Fatal(describe(err))
		}
		all := reputation.TrustUpload{Import: "otc", Replace: true, Hold: true}
		made, err := upload(s, all, edge(1, 2, "5"), edge(1, 3, "-4"), edge(1, 5, "1"), edge(1, 6, "0"))
		if err != nil || made.Version != 2 || !made.Held || made.Diff != (reputation.ImportDiff{Added: 1, Removed: 1, Changed: 1}) {
			t.Fatalf("held: %+v, %s", made, describe(err))
		}
		live := func(want string) {
			t.Helper()
			page, err := s.Neighbours(nobody, reputation.NeighboursQuery{Wallet: person(1), Direction: reputation.Out})
			var got []string
			for _, n := range page.Neighbours {
				got = append(got, fmt.Sprintf("%d:%v", n.Wallet[19], n.Weight))
			}
			if text := strings.Join(got, " "); err != nil || text != want {
				t.Errorf("edges %s, %v, want %s", text, err, want)
			}
		}
		live("2:5 3:4 4:3")
		changes, err := s.ImportChanges(operator, reputation.ImportChangesQuery{Import: "otc", Version: 2, Limit: 2})
		if err != nil || len(changes.Changes) != 2 || *changes.Changes[0].Before != 4 || *changes.Changes[0].After != -4 || changes.Changes[1].After != nil {
			t.Errorf("changes %+v, %v", changes, describe(err))
		}
		rest, err := s.ImportChanges(operator, reputation.ImportChangesQuery{Import: "otc", Version: 2, Limit: 2, Cursor: changes.Next})
		if err != nil || len(rest.Changes) != 1 || rest.Changes[0].Before != nil || rest.Changes[0].Target != person(5) || rest.Next != "" {
			t.Errorf("the rest %+v, %v", rest, describe(err))
		}
		if _, err := upload(s, reputation.TrustUpload{Import: "otc"}, edge(7, 8, "1")); !fault.Is(err, fault.Conflict) {
			t.Errorf("an upload beside the held one: %v", describe(err))
		}
		// another held upload takes its place
		made, err = upload(s, all, edge(1, 2, "5"), edge(1, 9, "2"))
		if err != nil || made.Version != 3 || made.Diff != (reputation.ImportDiff{Added: 1, Removed: 2}) {
			t.Fatalf("held again: %+v, %s", made, describe(err))
		}
		if _, err := s.AcceptImport(operator, reputation.ImportAction{Import: "otc", Version: 2}); !fault.Is(err, fault.Conflict) {
			t.Errorf("accepting the version that is not held any more: %v", describe(err))
		}
		ctx := seam.WithIdempotencyKey(operator, "accept")
		for range 2 {
			one, err := s.AcceptImport(ctx, reputation.ImportAction{Import: "otc", Version: 3})
			if err != nil || one.Version != 3 || one.Edges != 2 || one.Held != nil || one.ChangedBy != "ops" {
				t.Fatalf("accepted: %+v, %s", one, describe(err))
			}
		}
		live("2:5 9:2")
		if _, err := s.DiscardImport(operator, reputation.ImportAction{Import: "otc", Version: 3}); !fault.Is(err, fault.NotFound) {
			t.Errorf("discarding what is not held: %v", describe(err))
		}
	})
}

func TestConformanceADiscardedImportLeavesNothing(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if _, err := upload(s, reputation.TrustUpload{Import: "a"}, edge(1, 2, "5")); err != nil {
			t.Fatal(describe(err))
		}
		if _, err := upload(s, reputation.TrustUpload{Import: "a", Hold: true}, edge(1, 2, "0"), edge(1, 3, "1")); err != nil {
			t.Fatal(describe(err))
		}
		if _, err := s.DiscardImport(operator, reputation.ImportAction{Import: "a", Version: 2}); err != nil {
			t.Fatal(describe(err))
		}
		made, err := upload(s, reputation.TrustUpload{Import: "a"}, edge(1, 2, "6"))
		if err != nil || made.Version != 3 || made.Diff != (reputation.ImportDiff{Changed: 1}) {
			t.Errorf("after it: %+v, %s", made, describe(err))
		}
	})
}

func TestConformanceImportsAreRemovedAsAWhole(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		for name, lines := range map[string]string{"one": edge(1, 2, "5") + edge(2, 3, "1"), "two": edge(1, 2, "-7")} {
			if _, err := upload(s, reputation.TrustUpload{Import: name}, lines); err != nil {
				t.Fatal(describe(err))
			}
		}
		page, err := s.Neighbours(nobody, reputation.NeighboursQuery{Wallet: person(2)})
		if err != nil || len(page.Neighbours) != 2 {
			t.Errorf("neighbours %+v, %v", page, err)
		}
		if _, err := s.RemoveImport(operator, reputation.ImportRemoval{Import: "one"}); err != nil {
			t.Fatal(describe(err))
		}
		list, err := s.Imports(operator, reputation.ImportsQuery{})
		if err != nil || len(list.Imports) != 1 || list.Imports[0].Name != "two" || list.Imports[0].Edges != 1 {
			t.Errorf("imports %+v, %v", list, err)
		}
		page, err = s.Neighbours(nobody, reputation.NeighboursQuery{Wallet: person(2)})
		if err != nil || len(page.Neighbours) != 1 || page.Neighbours[0].Source != "two@1" {
			t.Errorf("neighbours %+v, %v", page, err)
		}
		if _, err := s.RemoveImport(operator, reputation.ImportRemoval{Import: "one"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("removing it again: %v", describe(err))
		}
		// the name is free, and nothing of the former import comes back
		if _, err := upload(s, reputation.TrustUpload{Import: "one"}, edge(5, 6, "1"), edge(5, 5, "9")); err != nil {
			t.Fatal(describe(err))
		}
		if page, err := s.Neighbours(nobody, reputation.NeighboursQuery{Wallet: person(3)}); err != nil || len(page.Neighbours) != 0 {
			t.Errorf("neighbours of a removed edge %+v, %v", page, err)
		}
		for _, name := range []string{"UPPER", "-x", strings.Repeat("a", 51), "a b"} {
			if _, err := upload(s, reputation.TrustUpload{Import: name}, edge(1, 2, "1")); !fault.Is(err, fault.Invalid) {
				t.Errorf("the name %q: %v", name, describe(err))
			}
		}
	})
}

// Versions that nobody can compare any more are deleted, and the last stays whole.
func TestConformanceFormerVersionsGo(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		for i := range 14 {
			if _, err := upload(s, reputation.TrustUpload{Import: "a"}, edge(1, 2, fmt.Sprint(i+1)), edge(3, 4, "1")); err != nil {
				t.Fatal(describe(err))
			}
		}
		if _, err := s.ImportChanges(operator, reputation.ImportChangesQuery{Import: "a", Version: 4}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a version of long ago: %v", describe(err))
		}
		for version := int64(5); version <= 14; version++ {
			page, err := s.ImportChanges(operator, reputation.ImportChangesQuery{Import: "a", Version: version})
			if err != nil || len(page.Changes) != 1 || *page.Changes[0].Before != float64(version-1) || *page.Changes[0].After != float64(version) {
				t.Errorf("version %d: %+v, %s", version, page, describe(err))
			}
		}
	})
}

func TestConformanceSeedsAreSets(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		set := reputation.SeedSetDraft{Name: "auditors", Reason: "they audit us", Seeds: []reputation.Seed{{Wallet: person(5), Reason: "audit of March"}, {Wallet: person(6), Weight: 2}}}
		made, err := s.SetSeeds(operator, set)
		if err != nil || made.Version != 1 || made.Seeds[0].Weight != 1 || made.ChangedBy != "ops" {
			t.Fatalf("made %+v, %s", made, describe(err))
		}
		set.Seeds, set.Version, set.Reason = []reputation.Seed{{Wallet: person(6), Weight: 3}, {Wallet: person(0), Weight: 9}}, 1, "one left"
		if made, err = s.SetSeeds(operator, set); err != nil || made.Version != 2 {
			t.Fatalf("changed %+v, %s", made, describe(err))
		}
		if _, err := s.SetSeeds(operator, set); !fault.Is(err, fault.Conflict) {
			t.Errorf("a change of a version that is not the last: %v", describe(err))
		}
		all, err := s.Seeds(nobody, reputation.SeedsQuery{})
		if err != nil || len(all.Sets) != 2 || all.Sets[0].Name != reputation.SettingsSet || all.Wallets != 4 || all.Advice != "" {
			t.Errorf("all %+v, %v", all, err)
		}
		if _, err := s.RemoveSeeds(operator, reputation.SeedSetRemoval{Name: "auditors", Reason: "no audits any more"}); err != nil {
			t.Fatal(describe(err))
		}
		changes, err := s.SeedChanges(operator, reputation.SeedChangesQuery{Set: "auditors", Limit: 4})
		var told []string
		for _, c := range changes.Changes {
			told = append(told, fmt.Sprintf("%d %s %d %v", c.Version, c.Action, c.Wallet[19], c.Weight))
		}
		if text := strings.Join(told, ", "); err != nil || text != "3 removed 6 3, 3 removed 0 9, 2 changed 6 3, 2 removed 5 1" || changes.Changes[0].By != "ops" || changes.Next == "" {
			t.Errorf("changes %s, %v", text, err)
		}
		for name, bad := range map[string]reputation.SeedSetDraft{
			"no reason": {Name: "a", Seeds: []reputation.Seed{{Wallet: person(1)}}},
			"nobody":    {Name: "a", Reason: "x"},
			"twice":     {Name: "a", Reason: "x", Seeds: []reputation.Seed{{Wallet: person(1)}, {Wallet: person(1)}}},
			"weight -1": {Name: "a", Reason: "x", Seeds: []reputation.Seed{{Wallet: person(1), Weight: -1}}},
			"a name":    {Name: "A b", Reason: "x", Seeds: []reputation.Seed{{Wallet: person(1)}}},
		} {
			if _, err := s.SetSeeds(operator, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
		settings := reputation.SeedSetDraft{Name: "settings", Reason: "x", Seeds: []reputation.Seed{{Wallet: person(1)}}}
		if _, err := s.SetSeeds(operator, settings); !fault.Is(err, fault.Conflict) {
			t.Errorf("the set of the settings: %v", describe(err))
		}
		if _, err := s.RemoveSeeds(operator, reputation.SeedSetRemoval{Name: "auditors", Reason: "again"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("removing it again: %v", describe(err))
		}
		if _, err := s.SetSeeds(member, set); !fault.Is(err, fault.Forbidden) {
			t.Errorf("by a member: %v", describe(err))
		}
	})
}

// Without seeds there is no score, and both answers say how to name some; a set that is
// added counts in the next epoch.
func TestConformanceWithoutSeedsNothingIsComputed(t *testing.T) {
	seamtest.Ways(t, reputation.Name, func(t *testing.T, db *database.DB, open seamtest.Open) {
		o := options(db)
		o.Seeds = nil
		running(t, o)
		s := reputation.NewClient(open(t, reputation.Contract, reputation.Bind(service.New(o))).Route)
		if _, err := importText(s, sampleGraph()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); !fault.Is(err, fault.Conflict) || !strings.Contains(describe(err), "PUT /api/v1/reputation/seeds/") {
			t.Errorf("an epoch without seeds: %v", describe(err))
		}
		if all, err := s.Seeds(nobody, reputation.SeedsQuery{}); err != nil || all.Wallets != 0 || !strings.Contains(all.Advice, "reputation.seeds") {
			t.Errorf("seeds %+v, %v", all, err)
		}
		if _, err := s.SetSeeds(operator, reputation.SeedSetDraft{Name: "founders", Reason: "they began it", Seeds: []reputation.Seed{{Wallet: person(0)}}}); err != nil {
			t.Fatal(describe(err))
		}
		if epoch, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); err != nil || epoch.Seeds != 1 {
			t.Errorf("the next epoch %+v, %v", epoch, describe(err))
		}
	})
}
