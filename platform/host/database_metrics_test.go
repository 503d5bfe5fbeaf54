package host

import (
	"slices"
	"testing"
)

// What the databases count reaches the monitoring and the operator's page, for
// each database of the program.
func TestEveryDatabaseIsMeasured(t *testing.T) {
	p := newProcess(t)
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	measured := map[string][]string{}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if l.GetName() == "database" {
					measured[f.GetName()] = append(measured[f.GetName()], l.GetValue())
				}
			}
		}
	}
	var shown []string
	for _, s := range p.DatabaseStats() {
		shown = append(shown, s.Database)
	}
	want := []string{"identity", "notes", "routes"}
	if slices.Sort(shown); !slices.Equal(shown, want) {
		t.Errorf("the page shows %v, want %v", shown, want)
	}
	for _, name := range []string{"banyan_database_writes_waiting", "banyan_database_write_wait_seconds", "banyan_database_wal_bytes"} {
		if got := slices.Sorted(slices.Values(measured[name])); !slices.Equal(got, want) {
			t.Errorf("%s is measured of %v, want %v", name, got, want)
		}
	}
}
