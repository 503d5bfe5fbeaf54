package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"banyan/platform/config"
	"banyan/platform/wallet"
)

func defaults(t testing.TB) []byte {
	t.Helper()
	content, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// load reads the real defaults with an operator's file of this content ("" =
// no file).
func load(t testing.TB, file string, env []string, flags map[string]string) (config.Config, config.Sources, error) {
	t.Helper()
	o := config.Options{Defaults: defaults(t), Env: env, Flags: flags}
	if file != "" {
		o.File = filepath.Join(t.TempDir(), "banyan.yaml")
		if err := os.WriteFile(o.File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(o)
}

func mustLoad(t testing.TB, file string, env []string, flags map[string]string) (config.Config, config.Sources) {
	t.Helper()
	cfg, sources, err := load(t, file, env, flags)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, sources
}

func TestTheDefaultsServeWithoutAnyFile(t *testing.T) {
	embedded := defaults(t)
	t.Chdir(t.TempDir())
	cfg, sources, err := config.Load(config.Options{Defaults: embedded})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.PublicURL != "http://127.0.0.1:8080" || cfg.HTTP.BodyLimit != 1<<20 || cfg.HTTP.ReadTimeout != 30*time.Second ||
		cfg.Modules.ExchangeReview.Mode != config.Local || cfg.Reputation.Schedule != 0 || cfg.Reputation.Epsilon != 1e-10 {
		t.Errorf("a default came out wrong: %+v", cfg)
	}
	if cfg.Domain() != "127.0.0.1:8080" || cfg.Secure() || cfg.Database.Postgres() {
		t.Errorf("domain %q, secure %t, postgres %t", cfg.Domain(), cfg.Secure(), cfg.Database.Postgres())
	}
	if len(sources) != 0 {
		t.Errorf("nothing was set, yet sources are %v", sources)
	}
}

func TestALaterSourceWins(t *testing.T) {
	file := "listen: 127.0.0.1:1\nlog:\n  level: warn\ndatabase:\n  readers: 2\nhttp:\n  rate: 7\n"
	cfg, sources := mustLoad(t, file,
		[]string{"BANYAN_LISTEN=127.0.0.1:2", "BANYAN_LOG_LEVEL=error", "HOME=/root"},
		map[string]string{"listen": "127.0.0.1:3"})
	if cfg.Listen != "127.0.0.1:3" || cfg.Log.Level != "error" || cfg.Database.Readers != 2 || cfg.HTTP.Rate != 7 {
		t.Errorf("listen %s, level %s, readers %d, rate %v", cfg.Listen, cfg.Log.Level, cfg.Database.Readers, cfg.HTTP.Rate)
	}
	for key, want := range map[string]string{
		"listen": "flag for listen", "log.level": "BANYAN_LOG_LEVEL", "database.readers": "banyan.yaml:5",
	} {
		if got := sources[key].String(); !strings.HasSuffix(got, want) {
			t.Errorf("%s is said to come from %q, want %q", key, got, want)
		}
	}
	if _, set := sources["data"]; set {
		t.Error("data was not set, but has a source")
	}
}

func TestTheEnvironmentReachesEveryShapeOfKey(t *testing.T) {
	cfg, _ := mustLoad(t, "", []string{
		"BANYAN_MODULES_EXCHANGE_REVIEW_MODE=remote",
		"BANYAN_MODULES__EXCHANGE_REVIEW__URL=http://127.0.0.1:8082",
		"BANYAN_HTTP__BODY_LIMIT=2 MiB",
		"BANYAN_DATABASE_URL=postgres://banyan@db:5432/banyan",
		"BANYAN_DATABASE_PASSWORD=12345",
		"BANYAN_ADMIN_PPROF=true",
		"BANYAN_TRACING_SAMPLE=1",
		"BANYAN_REPUTATION_SCHEDULE=15m",
		"BANYAN_REPUTATION_SEEDS=0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045, 0x0000000000000000000000000000000000000001",
		"BANYAN_TEST_POSTGRES=not ours", "BANYAN_KECCAK=scalar", "BANYAN_CONFIG=",
	}, nil)
	if cfg.Modules.ExchangeReview.Mode != config.Remote || strings.Join(cfg.Modules.ExchangeReview.URL, " ") != "http://127.0.0.1:8082" {
		t.Errorf("exchange-review: %+v", cfg.Modules.ExchangeReview)
	}
	if cfg.HTTP.BodyLimit != 2<<20 || !cfg.Admin.Pprof || cfg.Tracing.Sample != 1 || cfg.Reputation.Schedule != config.Interval(15*time.Minute) {
		t.Errorf("body limit %s, pprof %t, sample %v, schedule %s", cfg.HTTP.BodyLimit, cfg.Admin.Pprof, cfg.Tracing.Sample, cfg.Reputation.Schedule)
	}
	if got := cfg.Database.DSN(); got != "postgres://banyan:12345@db:5432/banyan" {
		t.Errorf("a password of digits must stay a text; the DSN is %s", got)
	}
	want := []wallet.Address{wallet.MustParse("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"), {19: 1}}
	if !reflect.DeepEqual(cfg.Reputation.Seeds, want) {
		t.Errorf("seeds %v, want %v", cfg.Reputation.Seeds, want)
	}
}

func TestBanyanConfigNamesTheFileAndTheFlagBeatsIt(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	here := write("config.yaml", "data: here\n")
	byEnv := write("env.yaml", "data: env\n")
	byFlag := write("flag.yaml", "data: flag\n")
	content := defaults(t)
	t.Chdir(folder)
	for _, c := range []struct {
		flag string
		env  []string
		want string
	}{
		{"", nil, "here"},
		{"", []string{"BANYAN_CONFIG=" + byEnv}, "env"},
		{byFlag, []string{"BANYAN_CONFIG=" + byEnv}, "flag"},
		{here, nil, "here"},
	} {
		cfg, _, err := config.Load(config.Options{Defaults: content, File: c.flag, Env: c.env})
		if err != nil || cfg.Data != c.want {
			t.Errorf("--config %q with %v: data %q, %v; want %q", c.flag, c.env, cfg.Data, err, c.want)
		}
	}
}

func TestWhatIsWrongIsNamedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		env   []string
		flags map[string]string
		want  []string // parts of the message, in order
	}{
		"a typo":                            {file: "http:\n  body_limt: 1 MiB\n", want: []string{"banyan.yaml:2: http.body_limt: there is no such setting: did you mean http.body_limit?"}},
		"a section's typo":                  {file: "loging:\n  level: debug\n", want: []string{"banyan.yaml:1: loging", "did you mean log"}},
		"the wrong section":                 {file: "body_limit: 1 MiB\n", want: []string{"banyan.yaml:1: body_limit", "did you mean http.body_limit?"}},
		"nothing like it":                   {file: "zzzzzz: 1\n", want: []string{":1: zzzzzz: there is no such setting: see config.yaml"}},
		"a text for a number":               {file: "database:\n  readers: many\n", want: []string{":2: database.readers: must be a whole number, like 4"}},
		"a fraction for a count":            {file: "http:\n  burst: 1.5\n", want: []string{":2: http.burst: must be a whole number"}},
		"a number too large":                {file: "airdrop:\n  max_rows: 99999999999999999999\n", want: []string{":2: airdrop.max_rows: must be a whole number"}},
		"a number over int64":               {file: "airdrop:\n  max_rows: 18446744073709551615\n", want: []string{":2: airdrop.max_rows: 1", "too large"}},
		"a number for a text":               {file: "data: 17\n", want: []string{":1: data: must be a text, like ./data"}},
		"digits as a password":              {file: "database:\n  password: 987654321\n", want: []string{":2: database.password: must be a text: put it in quotes"}},
		"nothing behind the key":            {file: "listen:\n", want: []string{":1: listen: must be a text"}},
		"a text for yes or no":              {file: "admin:\n  pprof: 1\n", want: []string{":2: admin.pprof: must be true or false"}},
		"a section as a value":              {file: "http: 5\n", want: []string{":1: http: is a section"}},
		"a value as a section":              {file: "listen:\n  port: 5\n", want: []string{":1: listen: is one setting"}},
		"an unknown mode":                   {file: "modules:\n  airdrop:\n    mode: elsewhere\n", want: []string{`:3: modules.airdrop.mode: "elsewhere" is not one of local, remote`}},
		"no unit":                           {file: "http:\n  read_timeout: \"30\"\n", want: []string{`:2: http.read_timeout: "30" is no duration`}},
		"a number for a duration":           {file: "http:\n  read_timeout: 30\n", want: []string{":2: http.read_timeout: must be a text, like 30s"}},
		"a time-out of 0":                   {file: "http:\n  header_timeout: 0s\n", want: []string{":2: http.header_timeout: is 0s, must be 100ms or more"}},
		"a size of letters":                 {file: "http:\n  upload_limit: huge\n", want: []string{`:2: http.upload_limit: "huge" is no size`}},
		"a size below another":              {file: "http:\n  upload_limit: 1 KiB\n", want: []string{":2: http.upload_limit: is 1 KiB, must be 1 MiB or more"}},
		"no URL":                            {file: "public_url: banyan.example.org\n", want: []string{":1: public_url:", "is no URL"}},
		"a URL with a path":                 {file: "public_url: https://x.org/banyan\n", want: []string{":1: public_url: must end after the host and port: https://x.org"}},
		"no port":                           {file: "listen: localhost\n", want: []string{":1: listen:", "host:port"}},
		"a port too high":                   {file: "listen: 127.0.0.1:70000\n", want: []string{":1: listen:"}},
		"both on one address":               {file: "listen: 127.0.0.1:8090\n", want: []string{"admin.listen: is the same as listen"}},
		"out of range":                      {file: "tracing:\n  sample: 1.1\n", want: []string{":2: tracing.sample: is 1.1, must be from 0 to 1"}},
		"not a number at all":               {file: "reputation:\n  alpha: .nan\n", want: []string{":2: reputation.alpha: is NaN"}},
		"a list in a list":                  {file: "reputation:\n  seeds: [[]]\n", want: []string{":2: reputation.seeds: item 1"}},
		"a mistyped wallet":                 {file: "identity:\n  operators:\n    - \"0xd8DA6BF26964aF9D7eEd9e03E53415D37aA96045\"\n", want: []string{":2: identity.operators:", "EIP-55"}},
		"an unquoted wallet":                {file: "reputation:\n  seeds: [0x0000000000000000000000000000000000000001]\n", want: []string{":2: reputation.seeds:", "quotes"}},
		"remote without a URL":              {file: "modules:\n  airdrop:\n    mode: remote\n", want: []string{"modules.airdrop.url: is empty, but modules.airdrop.mode is remote"}},
		"a schedule, no seeds":              {file: "reputation:\n  schedule: 1h\n", want: []string{":2: reputation.schedule: is 1h0m0s, but reputation.seeds is empty"}},
		"take without legacy":               {file: "strangler:\n  take: [\"/a 10 %\"]\n", want: []string{":2: strangler.take: is set, but strangler.legacy is not"}},
		"an operators' host without legacy": {file: "strangler:\n  operator_url: https://o.example\n", want: []string{":2: strangler.operator_url: is set, but strangler.legacy is not"}},
		"operators at public_url": {
			file: "public_url: https://a.example\nstrangler:\n  legacy: http://127.0.0.1:1\n  operator_url: https://A.example:8443\n",
			want: []string{":4: strangler.operator_url: has the host of public_url", "operator.a.example"},
		},
		"operators without TLS": {
			file: "public_url: https://a.example\nstrangler:\n  legacy: http://127.0.0.1:1\n  operator_url: http://o.example\n",
			want: []string{":4: strangler.operator_url: is http and public_url is https"},
		},
		"a prefix in the API":     {file: "strangler:\n  prefix: /api/banyan\n", want: []string{":2: strangler.prefix: \"/api/banyan\" must be a path outside of /api"}},
		"a prefix with an end":    {file: "strangler:\n  prefix: /banyan/\n", want: []string{":2: strangler.prefix: "}},
		"no prefix":               {file: "strangler:\n  prefix: /\n", want: []string{":2: strangler.prefix: "}},
		"no name of a header":     {file: "strangler:\n  pass_headers: [\"X Real\"]\n", want: []string{":2: strangler.pass_headers: \"X Real\" is no name of a header"}},
		"a CA for plain http":     {file: "strangler:\n  legacy: http://127.0.0.1:1\n  ca: ca.pem\n", want: []string{":3: strangler.ca: is set, but strangler.legacy is not https"}},
		"no idle time":            {file: "strangler:\n  idle_timeout: 0s\n", want: []string{":2: strangler.idle_timeout: is 0s, must be 10ms or more"}},
		"take without a share":    {file: "strangler:\n  legacy: http://127.0.0.1:1\n  take: [\"/a\"]\n", want: []string{":3: strangler.take: ", "write it like \"/exchanges 10 %\""}},
		"half a certificate":      {file: "tls:\n  cert: a.crt\n", want: []string{":2: tls.cert: needs tls.key and tls.ca"}},
		"TLS without certificate": {file: "tls:\n  listen: 127.0.0.1:1\n", want: []string{":2: tls.listen: needs tls.cert"}},
		"a wrong second URL":      {file: "modules:\n  airdrop:\n    url: http://127.0.0.1:1, ftp://x\n", want: []string{":3: modules.airdrop.url: ", "ftp://x"}},
		"an unknown module":       {flags: map[string]string{"module": "exchangereview"}, want: []string{"flag for module", "is no module: choose reputation, exchange-review or airdrop"}},
		"a password for SQLite":   {file: "database:\n  password: \"x\"\n", want: []string{":2: database.password: is set, but database.url is not"}},
		"MySQL":                   {file: "database:\n  url: mysql://u:hunter2@h/n\n", want: []string{":2: database.url: must be empty"}},
		"the printed mask":        {file: "database:\n  password: \"***\"\n", want: []string{":2: database.password: is ***, the mask"}},
		"twice":                   {file: "data: a\nlisten: :1\ndata: b\n", want: []string{":3: data: stands here and on line 1"}},
		"not YAML":                {file: "listen: 127.0.0.1:1\n  data: [\n", want: []string{"banyan.yaml:2: is not readable YAML"}},
		"a second document":       {file: "data: a\n---\ndata: b\n", want: []string{"second document"}},
		"no mapping":              {file: "- listen\n", want: []string{"holds no settings"}},
		"an unknown variable":     {env: []string{"BANYAN_LISTN=:1"}, want: []string{"BANYAN_LISTN: there is no such setting: did you mean BANYAN_LISTEN?"}},
		"a variable of nothing":   {env: []string{"BANYAN_QQQQQQQQ=1"}, want: []string{"BANYAN_QQQQQQQQ: there is no such setting: unset it"}},
		"a bad variable":          {env: []string{"BANYAN_DATABASE_READERS=many"}, want: []string{"BANYAN_DATABASE_READERS: database.readers: must be a whole number"}},
		"an empty number":         {env: []string{"BANYAN_DATABASE_READERS="}, want: []string{"BANYAN_DATABASE_READERS: database.readers: must be a whole number"}},
		"two spellings disagree":  {env: []string{"BANYAN_HTTP_BURST=1", "BANYAN_HTTP__BURST=2"}, want: []string{"http.burst: is also set by"}},
		"an unknown flag setting": {flags: map[string]string{"lisen": ":1"}, want: []string{"flag for lisen: lisen: there is no such setting: did you mean listen?"}},
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
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "987654321") {
				t.Errorf("a password shows in the message:\n%s", err)
			}
		})
	}
}

func TestAMissingFileIsAnErrorThatSaysWhoAskedForIt(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.yaml")
	_, _, err := config.Load(config.Options{Defaults: defaults(t), File: gone})
	if err == nil || !strings.Contains(err.Error(), gone) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v", err)
	}
	_, _, err = config.Load(config.Options{Defaults: defaults(t), Env: []string{"BANYAN_CONFIG=" + gone}})
	if err == nil || !strings.Contains(err.Error(), "BANYAN_CONFIG") {
		t.Errorf("got %v", err)
	}
	if _, _, err = config.Load(config.Options{Defaults: defaults(t), File: t.TempDir()}); err == nil {
		t.Error("a folder was taken for a file")
	}
}

func TestAllThatIsWrongIsReportedAtOnceInOrder(t *testing.T) {
	_, _, err := load(t, "data: 1\nlisten: nowhere\nnonsense: 1\nhttp:\n  rate: -1\nmodules:\n  airdrop:\n    mode: remote\n    url: 17\n",
		[]string{"BANYAN_LOG_LEVEL=loud"}, map[string]string{"module": "x"})
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	var keys []string
	for _, p := range e.Problems {
		keys = append(keys, p.Key)
	}
	// A value that could not be read is one problem: its default is not judged.
	if want := []string{"data", "listen", "nonsense", "http.rate", "modules.airdrop.url", "log.level", "module"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("problems with %v, want %v:\n%s", keys, want, err)
	}
}

func TestASectionWithEverythingCommentedOutIsFine(t *testing.T) {
	for _, file := range []string{"http:\n  # rate: 1\nlog:\n  level: debug\n", "# nothing\n", "---\n", "x-unused: &a {level: debug}\n"} {
		_, _, err := load(t, file, nil, nil)
		if bad := strings.HasPrefix(file, "x-"); (err != nil) != bad {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestThePrintedConfigurationIsTheSameWhenReadBack(t *testing.T) {
	file := "public_url: https://banyan.example.org\nidentity:\n  operators: [\"0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045\"]\n" +
		"http:\n  body_limit: 1500 B\n  rate: 0.5\nreputation:\n  alpha: 1e-3\n"
	cfg, sources := mustLoad(t, file, []string{"BANYAN_LOG_FORMAT=json"}, nil)
	var out bytes.Buffer
	if err := config.Print(&out, cfg, sources); err != nil {
		t.Fatal(err)
	}
	again, _ := mustLoad(t, out.String(), nil, nil)
	if !reflect.DeepEqual(cfg, again) {
		t.Errorf("read back it is\n%+v\nwant\n%+v\nprinted:\n%s", again, cfg, &out)
	}
	for _, want := range []string{"format: json # from BANYAN_LOG_FORMAT", "body_limit: 1500 B # from ", "banyan.yaml:5", "operators: # from "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the print lacks %q:\n%s", want, &out)
		}
	}
	if n := strings.Count(out.String(), "# from"); n != 6 {
		t.Errorf("%d values are said to be set, want 6:\n%s", n, &out)
	}
}

func TestSecretsNeverShow(t *testing.T) {
	cfg, sources := mustLoad(t, "", []string{"BANYAN_DATABASE_URL=postgres://me@h/n", "BANYAN_DATABASE_PASSWORD=hunter2"}, nil)
	inURL, _ := mustLoad(t, "", []string{"BANYAN_DATABASE_URL=postgres://me:hunter2@h:5/n?sslpassword=hunter2&x=1"}, nil)
	if !strings.Contains(cfg.Database.DSN(), "hunter2") || !strings.Contains(inURL.Database.DSN(), "me:hunter2@") {
		t.Fatal("the driver must get the password")
	}
	var out bytes.Buffer
	for _, c := range []config.Config{cfg, inURL} {
		if err := config.Print(&out, c, sources); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(asJSON)
		fmt.Fprintf(&out, "%v %+v %#v %s %q %x", c, c, c, c.Database.Password, c.Database.URL, c.Database.Password)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "password", c.Database.Password, "url", c.Database.URL, "all", c)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "password", c.Database.Password, "url", c.Database.URL, "all", c)
	}
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("the password shows:\n%s", &out)
	}
	if !strings.Contains(out.String(), "postgres://me:***@h:5/n") {
		t.Errorf("the URL must stay readable beside its password:\n%s", &out)
	}
}

// The one source of defaults must stay whole: a field without a line in
// config.yaml could not be set, a line without a comment above it or its
// section says nothing to the reader.
func TestConfigYAMLHasEveryFieldAndOnlyThose(t *testing.T) {
	var root yaml.Node
	if err := yaml.Unmarshal(defaults(t), &root); err != nil {
		t.Fatal(err)
	}
	var inFile []string
	var collect func(prefix string, n *yaml.Node)
	collect = func(prefix string, n *yaml.Node) {
		for i := 0; i < len(n.Content); i += 2 {
			key := prefix + n.Content[i].Value
			if n.Content[i+1].Kind == yaml.MappingNode {
				collect(key+".", n.Content[i+1])
				continue
			}
			inFile = append(inFile, key)
		}
	}
	collect("", root.Content[0])
	if want := fields("", reflect.TypeFor[config.Config]()); !reflect.DeepEqual(inFile, want) {
		t.Errorf("config.yaml has\n%v\nthe struct has\n%v", inFile, want)
	}
	names := map[string]string{}
	for _, key := range inFile {
		if other, taken := names[config.EnvName(key)]; taken {
			t.Errorf("%s and %s share the variable %s", key, other, config.EnvName(key))
		}
		names[config.EnvName(key)] = key
	}
}

func fields(prefix string, t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + f.Tag.Get("yaml")
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, fields(key+".", f.Type)...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func TestServesFollowsTheTopology(t *testing.T) {
	all, _ := mustLoad(t, "modules:\n  reputation:\n    mode: remote\n    url: http://127.0.0.1:8081\n", nil, nil)
	alone, _ := mustLoad(t, "", nil, map[string]string{"module": "reputation"})
	for _, c := range []struct {
		cfg    config.Config
		module string
		want   bool
	}{
		{all, "reputation", false}, {all, "airdrop", true}, {alone, "reputation", true}, {alone, "airdrop", false}, {all, "nonsense", false},
	} {
		if got := c.cfg.Serves(c.module); got != c.want {
			t.Errorf("module %q: serves %s is %t, want %t", c.cfg.Module, c.module, got, c.want)
		}
	}
}

func FuzzAnOperatorsFileIsTakenOrRefusedButNeverPanics(f *testing.F) {
	f.Add([]byte("listen: :1\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("http: &h\n  <<: *h\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("data: !!binary aGk=\n"))
	base := defaults(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := config.Load(config.Options{Defaults: base, File: path})
		var e *config.Error
		if err != nil && (!errors.As(err, &e) || len(e.Problems) == 0) {
			t.Errorf("refused without saying why: %v", err)
		}
	})
}
