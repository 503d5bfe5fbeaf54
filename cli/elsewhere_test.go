package cli

import (
	"strings"
	"testing"
)

func TestATokenGoesElsewhereWithAWarning(t *testing.T) {
	const home = "https://banyan.example"
	for _, c := range []struct {
		server string
		own    bool
		says   []string
	}{
		{"http://127.0.0.1:8080", true, nil},
		{"http://localhost:8080", false, nil},
		{"http://[::1]:8080", true, nil},
		{home, true, nil},
		{"https://BANYAN.example", true, nil},
		{"https://other.example", false, nil},
		{"https://other.example", true, []string{"is not public_url"}},
		{"http://other.example", false, []string{"without encryption"}},
		{"http://10.0.0.7:8080", true, []string{"without encryption", "is not public_url"}},
		{"http://banyan.example", true, []string{"without encryption"}},
		{"not an address", true, nil},
	} {
		got := elsewhere(c.server, home, c.own)
		if len(got) != len(c.says) {
			t.Errorf("%+v: %q", c, got)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], c.says[i]) || !strings.Contains(got[i], c.server) {
				t.Errorf("%+v: %q", c, got[i])
			}
		}
	}
}
