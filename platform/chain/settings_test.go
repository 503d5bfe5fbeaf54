package chain_test

import (
	"fmt"
	"strings"
	"testing"

	"banyan/platform/chain"
	"banyan/platform/config"
)

func TestANodeIsAChainAndAnAddress(t *testing.T) {
	for text, shown := range map[string]string{
		"1 https://eth.example.org":                    "1 https://eth.example.org",
		"1 https://eth.example.org/":                   "1 https://eth.example.org",
		"  8453   https://base.example.org/v3/KEY ":    "8453 https://base.example.org/***",
		"10 http://user:KEY@10.0.0.7:8545":             "10 http://10.0.0.7:8545/***",
		"137 https://polygon.example.org?apikey=KEY":   "137 https://polygon.example.org/***",
		"18446744073709551615 https://eth.example.org": "18446744073709551615 https://eth.example.org",
		"https://eth.example.org":                      "",
		"1":                                            "",
		"":                                             "",
		"0 https://eth.example.org":                    "",
		"mainnet https://eth.example.org":              "",
		"1 wss://eth.example.org/KEY":                  "",
		"1 eth.example.org/KEY":                        "",
		"1 https://eth.example.org/***":                "",
		"1 https://eth.example.org/%zzKEY":             "",
		"18446744073709551616 https://eth.example.org": "",
	} {
		var n chain.Node
		err := n.UnmarshalText([]byte(text))
		if shown == "" {
			if err == nil || strings.Contains(err.Error(), "KEY") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		printed, printErr := n.MarshalText()
		if err != nil || printErr != nil || string(printed) != shown || fmt.Sprint(n) != shown {
			t.Errorf("%q is shown as %s (%v, %v), want %s", text, printed, n, err, shown)
		}
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		nodes  string
		others string
		want   string
	}{
		"as they are":       {`["1 https://a.example", "1 https://b.example"]`, "agree: 2", ""},
		"no node":           {`[]`, "agree: 1", ""},
		"the same node":     {`["1 https://a.example", "1 https://a.example"]`, "agree: 1", "twice"},
		"more must agree":   {`["1 https://a.example", "10 https://b.example", "10 https://c.example"]`, "agree: 2", "has 1 of chain 1, and chain.agree wants 2"},
		"nobody must agree": {`[]`, "agree: 0", "must be from 1 to 8"},
		"no time":           {`[]`, "agree: 1, timeout: 1ms", "must be 100ms or more"},
		"no gas":            {`[]`, "agree: 1, gas: 0", "must be from"},
		"too many":          {"[" + many(65) + "]", "agree: 1", "at most 64"},
		"not a node":        {`["https://a.example/KEY"]`, "agree: 1", "is not a node"},
	} {
		text := "chain: {timeout: 5s, gas: 1000000, private: false, nodes: " + c.nodes + "}\n"
		for _, other := range strings.Split(c.others, ", ") {
			key, _, _ := strings.Cut(other, ":")
			if i := strings.Index(text, key+": "); i >= 0 {
				end := strings.IndexByte(text[i:], ',') + i
				text = text[:i] + other + text[end:]
			} else {
				text = strings.Replace(text, "}\n", ", "+other+"}\n", 1)
			}
		}
		var s chain.Settings
		_, err := config.Load(config.Options{Defaults: []byte(text)}, config.Section{Key: "chain", Into: &s})
		if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && !strings.Contains(got, c.want) || strings.Contains(got, "KEY") {
			t.Errorf("%s: %s, want %q", name, got, c.want)
		}
	}
}

func many(n int) string {
	nodes := make([]string, n)
	for i := range nodes {
		nodes[i] = fmt.Sprintf(`"1 https://n%d.example"`, i)
	}
	return strings.Join(nodes, ", ")
}
