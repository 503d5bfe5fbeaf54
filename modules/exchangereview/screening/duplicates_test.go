package screening

import (
	"slices"
	"strings"
	"testing"
)

const praise = "This exchange is the best that I have ever used: fast withdrawals, very low fees, and support that answers in minutes. I recommend it to all of my friends."

func TestTextsThatAreNearlyTheSameShareAPrint(t *testing.T) {
	for name, c := range map[string]struct {
		other string
		alike bool
	}{
		"the same":                {praise, true},
		"in capitals, with signs": {strings.ToUpper(praise) + " !!! 🚀🚀", true},
		"a word exchanged":        {strings.Replace(praise, "friends", "family", 1), true},
		"another text":            {"Withdrawals took four days, and the fee I paid was not the fee that I was shown. Support sent me a template twice.", false},
		"a part of it":            {praise[:60], false},
	} {
		shared := slices.ContainsFunc(Prints(c.other), func(p int64) bool { return slices.Contains(Prints(praise), p) })
		if s := Similarity(praise, c.other); (s >= Alike) != c.alike || c.alike && !shared {
			t.Errorf("%s: %.2f alike, a print is shared: %v", name, s, shared)
		}
	}
	if Prints("Great exchange, thank you") != nil || Similarity("ok", "ok") != 0 {
		t.Error("short texts have prints")
	}
}
