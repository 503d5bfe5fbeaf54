package process_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// The loader's own cases are in platform/config. Here are the settings of the
// program, as its owners check them.

// settingsIn runs `banyan config` beside a settings file of this content ("" = no
// file), with these variables.
func settingsIn(t *testing.T, file string, env []string, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	line := []string{"config"}
	if file != "" {
		writeFile(t, "banyan.yaml", file)
		line = append(line, "--config", "banyan.yaml")
	}
	return banyan(t, append(line, args...)...)
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// settingsOf is settingsIn for settings that are right: the values as JSON.
func settingsOf(t *testing.T, file string, env []string) (values map[string]any) {
	t.Helper()
	code, out, errOut := settingsIn(t, file, env, "--json")
	if code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, errOut)
	}
	if err := json.Unmarshal([]byte(out), &values); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return values
}

// at is a value below dotted names.
func at(t *testing.T, values map[string]any, key string) any {
	t.Helper()
	var value any = values
	for name := range strings.SplitSeq(key, ".") {
		section, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("%s: %v has nothing below it", key, value)
		}
		value = section[name]
	}
	return value
}

func TestTheDefaultsOfTheProgram(t *testing.T) {
	values := settingsOf(t, "", nil)
	for key, want := range map[string]any{
		"public_url": "http://127.0.0.1:8080", "http.body_limit": "1 MiB", "http.read_timeout": "30s", "modules.exchange-review.mode": "local",
		"reputation.schedule": "off", "reputation.epsilon": 1e-10, "database.url": "", "airdrop.max_rows": 1e7,
	} {
		if got := at(t, values, key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	_, out, _ := settingsIn(t, "", nil)
	if strings.Contains(out, "# from") {
		t.Errorf("nothing was set, yet something has a source:\n%s", out)
	}
}

func TestTheEnvironmentReachesTheSettings(t *testing.T) {
	values := settingsOf(t, "http:\n  burst: 7\nlisten: 127.0.0.1:1\n", []string{
		"BANYAN_MODULES_EXCHANGE_REVIEW_MODE=remote",
		"BANYAN_MODULES__EXCHANGE_REVIEW__URL=http://127.0.0.1:8082",
		"BANYAN_HTTP__BODY_LIMIT=2 MiB",
		"BANYAN_LISTEN=127.0.0.1:2",
		"BANYAN_ADMIN_PPROF=true",
		"BANYAN_REPUTATION_SCHEDULE=15m",
		"BANYAN_REPUTATION_SEEDS=0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045, 0x0000000000000000000000000000000000000001",
	})
	for key, want := range map[string]any{
		"modules.exchange-review.mode": "remote", "modules.exchange-review.url": "http://127.0.0.1:8082", "http.body_limit": "2 MiB",
		"listen": "127.0.0.1:2", "http.burst": 7.0, "admin.pprof": true, "reputation.schedule": "15m0s",
	} {
		if got := at(t, values, key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	want := []any{"0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045", "0x0000000000000000000000000000000000000001"}
	if got := at(t, values, "reputation.seeds"); !reflect.DeepEqual(got, want) {
		t.Errorf("seeds %v, want %v", got, want)
	}
}

func TestWrongSettingsAreNamedWithTheirPlace(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  []string
		want []string // parts of the message, in order
	}{
		"a typo":                            {file: "http:\n  body_limt: 1 MiB\n", want: []string{"banyan.yaml:2: http.body_limt: there is no such setting: did you mean http.body_limit?"}},
		"a section's typo":                  {file: "loging:\n  level: debug\n", want: []string{"banyan.yaml:1: loging", "did you mean log"}},
		"a text for a number":               {file: "database:\n  readers: many\n", want: []string{":2: database.readers: must be a whole number, like 4"}},
		"a number over int64":               {file: "airdrop:\n  max_rows: 18446744073709551615\n", want: []string{":2: airdrop.max_rows: 1", "too large"}},
		"digits as a password":              {file: "database:\n  password: 987654321\n", want: []string{":2: database.password: must be a text: put it in quotes"}},
		"an unknown mode":                   {file: "modules:\n  airdrop:\n    mode: elsewhere\n", want: []string{`:3: modules.airdrop.mode: "elsewhere" is not one of local, remote`}},
		"an unknown level":                  {file: "log:\n  level: loud\n", want: []string{`:2: log.level: "loud" is not one of debug, info, warn, error`}},
		"an unknown format":                 {file: "log:\n  format: xml\n", want: []string{`:2: log.format: "xml" is not one of text, json`}},
		"no unit":                           {file: "http:\n  read_timeout: \"30\"\n", want: []string{`:2: http.read_timeout: "30" is not a duration`}},
		"a time-out of 0":                   {file: "http:\n  header_timeout: 0s\n", want: []string{":2: http.header_timeout: is 0s, must be 100ms or more"}},
		"a size of letters":                 {file: "http:\n  upload_limit: huge\n", want: []string{`:2: http.upload_limit: "huge" is not a size`}},
		"a size below another":              {file: "http:\n  upload_limit: 1 KiB\n", want: []string{":2: http.upload_limit: is 1 KiB, must be 1 MiB or more"}},
		"no URL":                            {file: "public_url: banyan.example.org\n", want: []string{":1: public_url:", "is not a URL"}},
		"a URL with a strange path":         {file: "public_url: https://x.org/b;a\n", want: []string{":1: public_url:", "/app/"}},
		"no port":                           {file: "listen: localhost\n", want: []string{":1: listen:", "host:port"}},
		"no folder":                         {file: "data: \"\"\n", want: []string{":1: data: must name a folder"}},
		"both on one address":               {file: "listen: 127.0.0.1:8090\n", want: []string{"admin.listen: is the same as listen"}},
		"out of range":                      {file: "tracing:\n  sample: 1.1\n", want: []string{":2: tracing.sample: is 1.1, must be from 0 to 1"}},
		"no collector":                      {file: "tracing:\n  endpoint: here\n", want: []string{":2: tracing.endpoint: is not the URL of a collector"}},
		"not a number at all":               {file: "reputation:\n  alpha: .nan\n", want: []string{":2: reputation.alpha: is NaN"}},
		"a list in a list":                  {file: "reputation:\n  seeds: [[]]\n", want: []string{":2: reputation.seeds: item 1"}},
		"a mistyped wallet":                 {file: "identity:\n  operators:\n    - \"0xd8DA6BF26964aF9D7eEd9e03E53415D37aA96045\"\n", want: []string{":2: identity.operators:", "EIP-55"}},
		"an unquoted wallet":                {file: "reputation:\n  seeds: [0x0000000000000000000000000000000000000001]\n", want: []string{":2: reputation.seeds:", "quotes"}},
		"remote without a URL":              {file: "modules:\n  airdrop:\n    mode: remote\n", want: []string{"modules.airdrop.url: is empty, but modules.airdrop.mode is remote"}},
		"no events":                         {file: "events:\n  max_attempts: 0\n", want: []string{":2: events.max_attempts: is 0, must be from 1 to 1000"}},
		"take without legacy":               {file: "legacy:\n  take: [\"/a 10 %\"]\n", want: []string{":2: legacy.take: is set, but legacy.url is not"}},
		"an operators' host without legacy": {file: "legacy:\n  operator_url: https://o.example\n", want: []string{":2: legacy.operator_url: is set, but legacy.url is not"}},
		"operators at public_url": {
			file: "public_url: https://a.example\nlegacy:\n  url: http://127.0.0.1:1\n  operator_url: https://A.example:8443\n",
			want: []string{":4: legacy.operator_url: has the host of public_url", "operator.a.example"},
		},
		"operators without TLS": {
			file: "public_url: https://a.example\nlegacy:\n  url: http://127.0.0.1:1\n  operator_url: http://o.example\n",
			want: []string{":4: legacy.operator_url: is http and public_url is https"},
		},
		"a prefix in the API":     {file: "legacy:\n  prefix: /api/banyan\n", want: []string{":2: legacy.prefix: \"/api/banyan\" must be a path outside of /api"}},
		"a prefix with an end":    {file: "legacy:\n  prefix: /banyan/\n", want: []string{":2: legacy.prefix: "}},
		"no prefix":               {file: "legacy:\n  prefix: /\n", want: []string{":2: legacy.prefix: "}},
		"no name of a header":     {file: "legacy:\n  pass_headers: [\"X Real\"]\n", want: []string{":2: legacy.pass_headers: \"X Real\" is not a name of a header"}},
		"a CA for plain http":     {file: "legacy:\n  url: http://127.0.0.1:1\n  ca: ca.pem\n", want: []string{":3: legacy.ca: is set, but legacy.url is not https"}},
		"no idle time":            {file: "legacy:\n  idle_timeout: 0s\n", want: []string{":2: legacy.idle_timeout: is 0s, must be 10ms or more"}},
		"take without a share":    {file: "legacy:\n  url: http://127.0.0.1:1\n  take: [\"/a\"]\n", want: []string{":3: legacy.take: ", "write it like \"/exchanges 10 %\""}},
		"half a certificate":      {file: "tls:\n  cert: a.crt\n", want: []string{":2: tls.cert: needs tls.key and tls.ca"}},
		"TLS without certificate": {file: "tls:\n  listen: 127.0.0.1:1\n", want: []string{":2: tls.listen: needs tls.cert"}},
		"a wrong second URL":      {file: "modules:\n  airdrop:\n    url: http://127.0.0.1:1, ftp://x\n", want: []string{":3: modules.airdrop.url: ", "ftp://x"}},
		"an unknown module":       {file: "module: exchangereview\n", want: []string{":1: module: there is no module \"exchangereview\": choose reputation, "}},
		"a password for SQLite":   {file: "database:\n  password: \"x\"\n", want: []string{":2: database.password: is set, but database.url is not"}},
		"MySQL":                   {file: "database:\n  url: mysql://u:hunter2@h/n\n", want: []string{":2: database.url: must be empty"}},
		"the printed mask":        {file: "database:\n  password: \"***\"\n", want: []string{":2: database.password: is ***, the mask"}},
		"not YAML":                {file: "listen: 127.0.0.1:1\n  data: [\n", want: []string{"banyan.yaml:2: is not valid YAML"}},
		"an unknown variable":     {env: []string{"BANYAN_LISTN=:1"}, want: []string{"BANYAN_LISTN: there is no such setting: did you mean BANYAN_LISTEN?"}},
		"a bad variable":          {env: []string{"BANYAN_DATABASE_READERS=many"}, want: []string{"BANYAN_DATABASE_READERS: database.readers: must be a whole number"}},
		"two spellings disagree":  {env: []string{"BANYAN_HTTP_BURST=1", "BANYAN_HTTP__BURST=2"}, want: []string{"http.burst: is also set by"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := settingsIn(t, c.file, c.env)
			if code == exitOK || out != "" {
				t.Fatalf("it was taken:\n%s", out)
			}
			rest := errOut
			for _, part := range c.want {
				place := strings.Index(rest, part)
				if place < 0 {
					t.Fatalf("the message lacks %q:\n%s", part, errOut)
				}
				rest = rest[place+len(part):]
			}
			if strings.Contains(errOut, "hunter2") || strings.Contains(errOut, "987654321") {
				t.Errorf("a password shows in the message:\n%s", errOut)
			}
		})
	}
}

// TestAllWrongSettingsAreReportedAtOnce also shows that what the parts of the
// program find stands in the order of the sources and their lines.
func TestAllWrongSettingsAreReportedAtOnce(t *testing.T) {
	_, _, errOut := settingsIn(t, "data: 1\nlisten: nowhere\nnonsense: 1\nhttp:\n  rate: -1\nmodules:\n  airdrop:\n    mode: remote\n    url: 17\nmodule: x\nreputation:\n  alpha: 7\n",
		[]string{"BANYAN_LOG_LEVEL=loud"})
	rest := errOut
	// A value that could not be read is one problem: its default is not judged.
	for _, key := range []string{":1: data:", ":2: listen:", ":3: nonsense:", ":5: http.rate:", ":9: modules.airdrop.url:", ":10: module:", ":12: reputation.alpha:", "BANYAN_LOG_LEVEL: log.level:"} {
		_, after, found := strings.Cut(rest, key)
		if !found {
			t.Fatalf("%q is missing, or not in its place:\n%s", key, errOut)
		}
		rest = after
	}
	if n := strings.Count(errOut, "modules.airdrop.url"); n != 1 {
		t.Errorf("modules.airdrop.url is complained of %d times:\n%s", n, errOut)
	}
}

func TestPrintedSettingsAreTheSameWhenReadBack(t *testing.T) {
	file := "public_url: https://banyan.example.org\nidentity:\n  operators: [\"0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045\"]\n" +
		"http:\n  body_limit: 1500 B\n  rate: 0.5\nreputation:\n  alpha: 1e-3\n"
	env := []string{"BANYAN_LOG_FORMAT=json"}
	before := settingsOf(t, file, env)
	_, printed, _ := settingsIn(t, file, env)
	for _, want := range []string{"format: json # from BANYAN_LOG_FORMAT", "body_limit: 1500 B # from banyan.yaml:5", "operators: # from banyan.yaml:3"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the print lacks %q:\n%s", want, printed)
		}
	}
	if n := strings.Count(printed, "# from"); n != 6 {
		t.Errorf("%d values are said to be set, want 6:\n%s", n, printed)
	}
	t.Setenv("BANYAN_LOG_FORMAT", "text") // the file that is read back must say it
	if err := os.Unsetenv("BANYAN_LOG_FORMAT"); err != nil {
		t.Fatal(err)
	}
	if again := settingsOf(t, printed, nil); !reflect.DeepEqual(before, again) {
		t.Errorf("read back it is\n%v\nwant\n%v\nprinted:\n%s", again, before, printed)
	}
}

func TestSecretsOfTheSettingsNeverShow(t *testing.T) {
	for _, env := range [][]string{
		{"BANYAN_DATABASE_URL=postgres://me@h/n", "BANYAN_DATABASE_PASSWORD=hunter2"},
		{"BANYAN_DATABASE_URL=postgres://me:hunter2@h:5/n?sslpassword=hunter2&x=1", "BANYAN_DATABASE_PASSWORD="},
	} {
		for _, form := range [][]string{nil, {"--json"}} {
			code, out, errOut := settingsIn(t, "", env, form...)
			if code != exitOK || strings.Contains(out+errOut, "hunter2") || !strings.Contains(out, "***") {
				t.Errorf("config %v with %v: exit code %d\n%s%s", form, env, code, out, errOut)
			}
			if strings.Contains(env[0], "sslpassword") && !strings.Contains(out, "postgres://me:***@h:5/n") {
				t.Errorf("the URL must stay readable beside its password:\n%s", out)
			}
		}
	}
}

// TestConfigYAMLHasEverySettingAndOnlyThose: the one source of defaults must stay
// whole. A line that nobody takes stops every command, a field without a line
// stops this one; and each key has a variable of its own.
func TestConfigYAMLHasEverySettingAndOnlyThose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	code, printed, errOut := settingsIn(t, "", nil)
	if code != exitOK {
		t.Fatal(errOut)
	}
	inFile, shown := keysOf(t, text), keysOf(t, []byte(printed))
	if !reflect.DeepEqual(inFile, shown) {
		t.Errorf("config.yaml has\n%v\nthe program has\n%v", inFile, shown)
	}
	names := make(map[string]string)
	for _, key := range inFile {
		name := strings.NewReplacer(".", "_", "-", "_").Replace(key)
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s share a variable", key, other)
		}
		names[name] = key
	}
}

// TestEverySettingSaysWhy: above each setting, or those of one subject, stands
// why one would change it.
func TestEverySettingSaysWhy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	isExplained := false // by a comment since the last blank line or section
	for i, line := range strings.Split(string(text), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "#"):
			isExplained = true
		case trimmed == "":
			isExplained = false
		case !isExplained && !strings.HasSuffix(trimmed, ":"):
			t.Errorf("config.yaml:%d: %s has no comment above it", i+1, trimmed)
		}
	}
}

func keysOf(t *testing.T, text []byte) (keys []string) {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var collect func(prefix string, n *yaml.Node)
	collect = func(prefix string, n *yaml.Node) {
		for i := 0; i < len(n.Content); i += 2 {
			key := prefix + n.Content[i].Value
			if n.Content[i+1].Kind == yaml.MappingNode {
				collect(key+".", n.Content[i+1])
				continue
			}
			keys = append(keys, key)
		}
	}
	collect("", root.Content[0])
	return keys
}

func FuzzAnOperatorsFileIsTakenOrRefusedButNeverPanics(f *testing.F) {
	for _, seed := range []string{
		"listen: :1\n", "a: &a [*a]\n", "http: &h\n  <<: *h\n", "? [a]\n: b\n", "data: !!binary aGk=\n",
		"modules: {airdrop: {url: \"http://[::1]:1, , \"}}\n", "legacy: {take: [\"%\"]}\n", "database: {url: \"postgres://%zz@h/n\"}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "f.yaml")
		writeFile(t, path, string(content))
		code, _, errOut := banyan(t, "config", "--config", path)
		if code != exitOK && !strings.Contains(errOut, "the settings cannot be used:\n  ") || strings.Contains(errOut, "goroutine ") {
			t.Errorf("exit code %d without saying why: %s", code, errOut)
		}
	})
}

// What config prints is in force, so it refuses what serve refuses.
func TestConfigChecksWhatServeChecks(t *testing.T) {
	for _, c := range []struct {
		env  []string
		says string
	}{
		{[]string{"BANYAN_LEGACY_URL=http://127.0.0.1:1", "BANYAN_LEGACY_TAKE=/reviews 100 %"}, "legacy.take: Banyan has nothing at /reviews"},
		{[]string{"BANYAN_LEGACY_URL=https://127.0.0.1:1", "BANYAN_LEGACY_CA=/nowhere.pem"}, "legacy.ca"},
		{[]string{"BANYAN_TLS_CERT=/nowhere", "BANYAN_TLS_KEY=/nowhere", "BANYAN_TLS_CA=/nowhere"}, "tls.cert"},
		{[]string{"BANYAN_DATABASE_URL=postgres://u@h/db?search_path=x"}, "search_path"},
		{[]string{"BANYAN_DATABASE_URL=postgres://u:hidden@h/db?sslmode=bogus"}, "sslmode is invalid"},
		{[]string{"BANYAN_DATABASE_URL=postgres://u@db.invalid/db", "BANYAN_TRACING_ENDPOINT=http://127.0.0.1:9", "BANYAN_DATA=/nowhere"}, ""},
		{[]string{"BANYAN_MODULE=reputation"}, ""},
	} {
		temporary := t.TempDir()
		cmd := exec.CommandContext(t.Context(), banyanPath, "config")
		cmd.Env, cmd.Dir = append(append(os.Environ(), "TMPDIR="+temporary), c.env...), t.TempDir()
		out, err := cmd.CombinedOutput()
		if (err == nil) != (c.says == "") || !strings.Contains(string(out), c.says) || strings.Contains(string(out), "hidden") {
			t.Errorf("%v: %v\n%s\nwant %q", c.env, err, out, c.says)
		}
		if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
			t.Errorf("%v: left %v, %v", c.env, left, err)
		}
	}
}
