package reviewlist_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/exchangereview/reviewlist"
	"banyan/platform/fault"
)

// reviews is a list of some reviews of one exchange, a day apart from 2024 on.
func reviews(exchange string, n int, stars, weight string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s,%d,%s,%s-%d,%s\n", exchange, 1_704_067_200+i*86_400, stars, exchange, i, weight)
	}
	return b.String()
}

func TestOneReviewOnTopOfNobody(t *testing.T) {
	for _, weight := range []string{"", "0.05", "0.9"} {
		got := ranked(t, "end,1711929600,3,end-0,1\n"+reviews("luno", 1, "5", weight)+reviews("bitstamp", 16, "5", weight)+
			strings.ReplaceAll(reviews("bitstamp", 4, "4", weight), "bitstamp-", "other-"))
		if got["bitstamp"].rank != 1 || got["luno"].evidence != "not enough" {
			t.Errorf("weight %q: %+v", weight, got)
		}
	}
}

func TestEvidenceNeedsStandingAndAge(t *testing.T) {
	got := ranked(t, reviews("old", 40, "4", "1")+reviews("strangers", 80, "5", "")+"end,1711929600,3,end-0,1\n") // a quarter after the first
	if got["old"].evidence != "enough" || got["strangers"].evidence != "not enough" || got["old"].rank != 1 {
		t.Errorf("got %+v", got)
	}
	// The same reviewers, all of them within a month of the ranking's time.
	young := ranked(t, reviews("young", 20, "5", "1"))
	if young["young"].evidence != "not enough" {
		t.Errorf("reviewers of 20 days have standing: %+v", young)
	}
}

func TestTheLatestReviewOfAReviewerCounts(t *testing.T) {
	list := "x,2024-01-03T00:00:00Z,1,ann\nx,2024-01-01,5,ann\nx,1704326400,2,bob\nx,2025-01-01,5,bob\ny,2024-01-02,3,ann\n"
	dir := t.TempDir()
	in, out := filepath.Join(dir, "r.csv"), filepath.Join(dir, "ranking.csv")
	if err := os.WriteFile(in, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.csv")
	if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, link); err != nil {
		t.Fatal(err)
	}
	at, err := reviewlist.ParseTime("2024-06-01")
	if err != nil {
		t.Fatal(err)
	}
	report, err := reviewlist.Job{Reviews: in, Out: link, At: at}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Rows != 5 || report.Reviews != 3 || report.Replaced != 1 || report.Later != 1 || report.Reviewers != 2 {
		t.Errorf("reported %+v", report)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if about, err := os.Lstat(link); err != nil || about.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if got := parse(t, string(text)); got["x"].n != 2 || got["x"].mean >= 3 || got["x"].rank != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestWrongListsAreRefusedByLine(t *testing.T) {
	const good = "a,2024-01-01,5,ann,1\n"
	for text, says := range map[string]string{
		good + "a,2024-01-01,6,bob,1\n":                          `line 2: rating: "6" is not a rating`,
		good + "a,2024-01-01,4.5,bob,1\n":                        `line 2: rating`,
		good + "a,yesterday,4,bob,1\n":                           `line 2: time`,
		good + "a,1704067200000,4,bob,1\n":                       "not milliseconds",
		good + "a,2024-01-01,4,,1\n":                             "line 2: reviewer: is empty",
		good + ",2024-01-01,4,bob,1\n":                           "line 2: exchange: is empty",
		good + "a,2024-01-01,4,bob,1.5\n":                        `line 2: weight: "1.5" is not a weight`,
		good + "a,2024-01-01,4,bob,NaN\n":                        `line 2: weight`,
		good + "a,2024-01-01,4\n":                                "line 2",
		good + strings.Repeat("a", 201) + ",2024-01-01,4,bob,\n": "more than 200 bytes",
		"": "the list is empty",
		"exchange,time,reviewer\na,2024-01-01,bob\n": "rating",
	} {
		out := filepath.Join(t.TempDir(), "out.csv")
		_, err := reviewlist.Job{Reviews: reviewlist.Stdio, Out: out, At: reviewlist.Latest, In: strings.NewReader(text)}.Run(t.Context())
		said := fmt.Sprint(err)
		if f := fault.From(err); f != nil {
			for _, field := range f.Fields {
				said += " " + field.String()
			}
		}
		if !fault.Is(err, fault.Invalid) || !strings.Contains(said, says) {
			t.Errorf("%q: %s, want %q", text, said, says)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%q left a ranking", text)
		}
	}
}

func TestListsOfOtherShapes(t *testing.T) {
	for _, text := range []string{
		"reviewer;stars;date;platform\nann;4.0;2024-01-01;x\n",
		"\xef\xbb\xbfexchange\ttimestamp\trating\tuser\r\nx\t1704067200.5\t4\tann\r\n",
		"x,2024-01-01 10:00:00,4,ann\n",
	} {
		if got := ranked(t, text); got["x"].n != 1 {
			t.Errorf("%q is ranked as %+v", text, got)
		}
	}
}
