package trustlist_test

import (
	"strings"
	"testing"
)

// Every shape of file that OpenRank's tools and pipelines write is read as it is, and
// what is not used of it is named.
func TestEveryShapeOfOpenRanksFiles(t *testing.T) {
	for _, c := range []struct{ name, list, want, passed string }{
		{"i,j,v", "i,j,v\nann,bob,30\nbob,cid,0.25\n", "2:ann>bob=30\n3:bob>cid=0.25", ""},
		{"i,j,v with numbers for ids", "i,j,v\n1,2,30\n2,3,50\n", "2:1>2=30\n3:2>3=50", ""},
		{"i,j,v with a column of times", "i,j,v,timestamp\nann,bob,1,2024-05-01\n", "2:ann>bob=1@1714521600000", ""},
		{"i,j", "i,j\nann,bob\n", "2:ann>bob=1", "no column of weights: each edge counts 1"},
		{"from,to,value", "from,to,value\nann,bob,2\n", "2:ann>bob=2", ""},
		{"from,to,value with times and further columns", "from,to,value,date,channel,tx_hash\nann,bob,2,2024-05-01,eng,0xab\n", "2:ann>bob=2@1714521600000", "not used: channel, tx_hash"},
		{"from,to", "from,to\nann,bob\n", "2:ann>bob=1", "no column of weights: each edge counts 1"},
		{"without a header", "ann,bob,1\nbob,cid,0.5\n", "1:ann>bob=1\n2:bob>cid=0.5", ""},
		{"two columns without a header", "ann,bob\nbob,cid\n", "1:ann>bob=1\n2:bob>cid=1", "no column of weights: each edge counts 1"},
		{"comments and tiers", "# local trust\ni,j,v\n\n# tier 1 50%\nann,bob,1\n\n# tier 2\nbob,cid,.5\n", "5:ann>bob=1\n8:bob>cid=0.5", "passed over: 3 comments"},
		{"quoted cells", "\"i\",\"j\",\"v\"\n\"ann\",\"bob\",\"1\"\n", "2:ann>bob=1", ""},
		{"tabs and CRLF", "i\tj\tv\r\nann\tbob\t1\r\n", "2:ann>bob=1", ""},
		{"columns in another order", "v,j,i\n4,bob,ann\n", "2:ann>bob=4", ""},
		{"small weights", "i,j,v\nann,bob,1e-05\nann,cid,0.00000012\n", "2:ann>bob=1e-05\n3:ann>cid=1.2e-07", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := read(c.list); err != nil || got != c.want {
				t.Fatalf("read\n%s\n(%v), want\n%s", got, err, c.want)
			}
			j := job(t, c.list, "i,v\nann,0.5\nbob,0.5\n")
			if strings.HasSuffix(c.name, "numbers for ids") {
				j = job(t, c.list, "i,v\n1,1\n")
			}
			want := ""
			if c.passed != "" {
				want = j.Trust + ": " + c.passed
			}
			if _, report := ranked(t, j); strings.Join(report.Passed, "") != want {
				t.Errorf("it says %q of what was not used, want %q", report.Passed, want)
			}
		})
	}
	const list = "i,j,v\nann,bob,30\nbob,cid,1\n0xbob3.14,ann,1\n"
	for _, c := range []struct{ name, seeds, passed string }{
		{"i,v", "i,v\nann,0.5\nbob,0.5\n", ""},
		{"peer_id,value", "peer_id,value\nann,0.5\nbob,0.5\n", ""},
		{"peer_id alone", "peer_id\nann\nbob\n", ""},
		{"id,trust", "id,trust\nann,1\nbob,1\n", ""},
		{"without a header", "ann,0.5\n0xbob3.14,0.5\n", ""},
		{"names alone", "ann\nbob\n", ""},
		{"tiers between comments", "i,v\n\n# tier 1 50%\nann,0.25\n\n# tier 2 50%\ncid,0.5\n", "passed over: 2 comments"},
		{"further columns", "nick,i,v,note\nAnn,ann,1,founder\nBob,bob,2,friend\n", "not used: nick, note"},
		{"a date beside each", "peer_id,value,date\nann,1,2024-05-01\nbob,1,2024-05-02\n", "not used: date"},
	} {
		t.Run("seeds: "+c.name, func(t *testing.T) {
			j := job(t, list, c.seeds)
			_, report := ranked(t, j)
			if passed := strings.Join(report.Passed, ""); report.Seeds != 2 || (passed == "") != (c.passed == "") || !strings.Contains(passed, c.passed) {
				t.Errorf("%d seeds, %q", report.Seeds, passed)
			}
		})
	}
}
