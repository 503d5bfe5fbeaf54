package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"banyan/platform/config"
)

func TestWhatIsWrongIsNamedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		env   []string
		flags map[string]string
		want  []string // parts of the message, in order
	}{
		"a typo":                  {file: "http:\n  body_limt: 1 MiB\n", want: []string{"banyan.yaml:2: http.body_limt: there is no such setting: did you mean http.body_limit?"}},
		"a section's typo":        {file: "job:\n  alpha: 1\n", want: []string{"banyan.yaml:1: job", "did you mean jobs"}},
		"the wrong section":       {file: "body_limit: 1 MiB\n", want: []string{"banyan.yaml:1: body_limit", "did you mean http.body_limit?"}},
		"nothing like it":         {file: "zzzzzz: 1\n", want: []string{":1: zzzzzz: there is no such setting: " + "`banyan config` prints all settings"}},
		"a text for a number":     {file: "http:\n  burst: many\n", want: []string{":2: http.burst: must be a whole number, like 200"}},
		"a fraction for a count":  {file: "http:\n  burst: 1.5\n", want: []string{":2: http.burst: must be a whole number"}},
		"a number too large":      {file: "jobs:\n  max_rows: 99999999999999999999\n", want: []string{":2: jobs.max_rows: must be a whole number"}},
		"a number over int64":     {file: "jobs:\n  max_rows: 18446744073709551615\n", want: []string{":2: jobs.max_rows: 1", "too large"}},
		"a number for a text":     {file: "data: 17\n", want: []string{":1: data: must be a text, like ./data"}},
		"digits as a secret":      {file: "secret: 987654321\n", want: []string{":1: secret: must be a text: put it in quotes"}},
		"nothing behind the key":  {file: "listen:\n", want: []string{":1: listen: must be a text"}},
		"a text for yes or no":    {file: "http:\n  pprof: 1\n", want: []string{":2: http.pprof: must be true or false"}},
		"a section as a value":    {file: "http: 5\n", want: []string{":1: http: is a section"}},
		"a value as a section":    {file: "listen:\n  port: 5\n", want: []string{":1: listen: is one setting"}},
		"an unknown name":         {file: "modules:\n  exchange-review:\n    mode: elsewhere\n", want: []string{`:3: modules.exchange-review.mode: "elsewhere" is not one of local, remote`}},
		"no unit":                 {file: "http:\n  read_timeout: \"30\"\n", want: []string{`:2: http.read_timeout: "30" is not a duration`}},
		"a number for a duration": {file: "http:\n  read_timeout: 30\n", want: []string{":2: http.read_timeout: must be a text, like 30s"}},
		"a time-out of 0":         {file: "http:\n  read_timeout: 0s\n", want: []string{":2: http.read_timeout: is 0s, must be 100ms or more"}},
		"a size of letters":       {file: "http:\n  body_limit: huge\n", want: []string{`:2: http.body_limit: "huge" is not a size`}},
		"a size below the least":  {file: "http:\n  body_limit: 1 B\n", want: []string{":2: http.body_limit: is 1 B, must be 1 KiB or more"}},
		"a wrong interval":        {file: "jobs:\n  schedule: never\n", want: []string{`:2: jobs.schedule: "never" must be off or a duration`}},
		"no URL":                  {file: "modules:\n  exchange-review:\n    url: banyan.example.org\n", want: []string{":3: modules.exchange-review.url:", "is not a URL"}},
		"a URL with a path":       {file: "modules:\n  exchange-review:\n    url: https://x.org/banyan\n", want: []string{"must end after the host and port: https://x.org"}},
		"a wrong second URL":      {file: "modules:\n  exchange-review:\n    url: http://127.0.0.1:1, ftp://x\n", want: []string{":3: modules.exchange-review.url: ", "ftp://x"}},
		"one needs another":       {file: "modules:\n  exchange-review:\n    mode: remote\n", want: []string{"modules.exchange-review.url: is empty, but modules.exchange-review.mode is remote"}},
		"no port":                 {file: "listen: localhost\n", want: []string{":1: listen:", "host:port"}},
		"a port too high":         {file: "listen: 127.0.0.1:70000\n", want: []string{":1: listen:"}},
		"out of range":            {file: "jobs:\n  alpha: 1.1\n", want: []string{":2: jobs.alpha: is 1.1, must be from 0 to 1"}},
		"not a number at all":     {file: "jobs:\n  alpha: .nan\n", want: []string{":2: jobs.alpha: is NaN"}},
		"a rate below 0":          {file: "http:\n  rate: -1\n", want: []string{":2: http.rate: is -1, must be 0 (unlimited) or more"}},
		"a list in a list":        {file: "trust:\n  seeds: [[]]\n", want: []string{":2: trust.seeds: item 1"}},
		"a mistyped item":         {file: "trust:\n  seeds:\n    - \"#zz\"\n", want: []string{":2: trust.seeds:", "is no color"}},
		"an unquoted item":        {file: "trust:\n  seeds: [0x0000000000000000000000000000000000000001]\n", want: []string{":2: trust.seeds:", "quotes"}},
		"the printed mask":        {file: "secret: \"***\"\n", want: []string{":1: secret: is ***, the mask"}},
		"twice":                   {file: "data: a\nlisten: :1\ndata: b\n", want: []string{":3: data: is set here and on line 1"}},
		"not YAML":                {file: "listen: 127.0.0.1:1\n  data: [\n", want: []string{"banyan.yaml:2: is not valid YAML"}},
		"a second document":       {file: "data: a\n---\ndata: b\n", want: []string{"second document"}},
		"no mapping":              {file: "- listen\n", want: []string{"has no settings"}},
		"an unknown variable":     {env: []string{"BANYAN_LISTN=:1"}, want: []string{"BANYAN_LISTN: there is no such setting: did you mean BANYAN_LISTEN?"}},
		"a variable of nothing":   {env: []string{"BANYAN_QQQQQQQQ=1"}, want: []string{"BANYAN_QQQQQQQQ: there is no such setting: unset it"}},
		"a bad variable":          {env: []string{"BANYAN_HTTP_BURST=many"}, want: []string{"BANYAN_HTTP_BURST: http.burst: must be a whole number"}},
		"an empty number":         {env: []string{"BANYAN_HTTP_BURST="}, want: []string{"BANYAN_HTTP_BURST: http.burst: is set but empty: unset it for the default (200)"}},
		"two spellings disagree":  {env: []string{"BANYAN_HTTP_BURST=1", "BANYAN_HTTP__BURST=2"}, want: []string{"http.burst: is also set by"}},
		"a flag of no setting":    {flags: map[string]string{"lisen": ":1"}, want: []string{"flag for lisen: lisen: there is no such setting: did you mean listen?"}},
		"a bad flag":              {flags: map[string]string{"listen": "x"}, want: []string{"flag for listen: listen: ", "host:port"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, c.file, c.env, c.flags)
			if err == nil {
				t.Fatal("it was taken")
			}
			rest := err.Error()
			for _, part := range c.want {
				at := strings.Index(rest, part)
				if at < 0 {
					t.Fatalf("the message lacks %q:\n%s", part, err)
				}
				rest = rest[at+len(part):]
			}
			if strings.Contains(err.Error(), "987654321") {
				t.Errorf("a secret shows in the message:\n%s", err)
			}
		})
	}
}

func TestAMissingFileIsAnErrorThatSaysWhoAskedForIt(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.yaml")
	_, _, err := loadAll(config.Options{Defaults: []byte(defaults), File: gone})
	if err == nil || !strings.Contains(err.Error(), gone) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v", err)
	}
	_, _, err = loadAll(config.Options{Defaults: []byte(defaults), Env: []string{"BANYAN_CONFIG=" + gone}})
	if err == nil || !strings.Contains(err.Error(), "BANYAN_CONFIG") {
		t.Errorf("got %v", err)
	}
	if _, _, err = loadAll(config.Options{Defaults: []byte(defaults), File: t.TempDir()}); err == nil {
		t.Error("a folder was taken for a file")
	}
}

func TestAllThatIsWrongIsReportedAtOnceInOrder(t *testing.T) {
	_, _, err := load(t, "data: 1\nlisten: nowhere\nnonsense: 1\nhttp:\n  rate: -1\nmodules:\n  exchange-review:\n    mode: remote\n    url: 17\n",
		[]string{"BANYAN_JOBS_SCHEDULE=never"}, map[string]string{"jobs.alpha": "2"})
	// A value that could not be read is one problem: its default is not judged.
	if got, want := problems(t, err), []string{"data", "listen", "nonsense", "http.rate", "modules.exchange-review.url", "jobs.schedule", "jobs.alpha"}; !reflect.DeepEqual(got, want) {
		t.Errorf("problems with %v, want %v:\n%s", got, want, err)
	}
}

func FuzzAnOperatorsFileIsTakenOrRefusedButNeverPanics(f *testing.F) {
	f.Add([]byte("listen: :1\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("http: &h\n  <<: *h\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("data: !!binary aGk=\n"))
	f.Add([]byte("trust:\n  seeds: [\"#010203\"]\njobs:\n  schedule: 1h\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, loaded, err := loadAll(config.Options{Defaults: []byte(defaults), File: path})
		var e *config.Error
		if err != nil && (!errors.As(err, &e) || len(e.Problems) == 0) {
			t.Errorf("refused without saying why: %v", err)
		}
		if err == nil {
			if _, err := loaded.YAML(); err != nil {
				t.Errorf("taken, and cannot be printed: %v", err)
			}
		}
	})
}
