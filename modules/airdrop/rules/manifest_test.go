package rules_test

import (
	"strings"
	"testing"

	"banyan/modules/airdrop/rules"
	"banyan/platform/fault"
)

// What is no manifest is refused in words that people know: no names of types.
func TestWhatIsNoManifest(t *testing.T) {
	for text, says := range map[string]string{
		`[1]`:                        "it is one value (array), and not an object",
		`{"engine": 5}`:              "the field engine must not have this kind of value (number)",
		`{"inputs": {"a": 1}}`:       "the field inputs must not have this kind of value (object)",
		`{"engine": "banyan-1"`:      "it is no JSON",
		`address,amount`:             "it is no JSON from byte 1 on",
		`{"root": "0x12"}`:           "",
		`{"inputs": [{"block":""}]}`: "the field inputs",
	} {
		_, _, err := rules.ParseManifest([]byte(text))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "Go ") || strings.Contains(err.Error(), "rules.") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
