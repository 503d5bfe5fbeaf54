package process_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/testenv/testneeds"
)

// split is a trunk, and processes of reputation over its data or over others.
type split struct {
	t      *testing.T
	env    []string
	listen string
	token  string
	trunk  *process
	p      place
	ours   string // the id of the trunk's data
}

func newSplit(t *testing.T, p place) *split {
	t.Helper()
	s := &split{t: t, p: p, listen: testneeds.Address(t)}
	s.env = []string{
		"BANYAN_IDENTITY_TRUNK_URL=http://" + s.listen, "BANYAN_PUBLIC_URL=http://" + s.listen,
		"BANYAN_REPUTATION_SEEDS=" + newAuthor(0).address.String(),
	}
	s.trunk = p.start(t, s.env, "--listen", s.listen)
	s.token = p.token(t)
	s.ours = p.claim(t).DataID()
	edges := fmt.Sprintf("%s,%s,1\n", newAuthor(0).address, newAuthor(1).address)
	s.trunk.must("POST", "/api/v1/reputation/trust/import", s.token, strings.NewReader(edges), nil)
	return s
}

// alone starts reputation over the data of a place.
func (s *split) alone(over place, address string) *process {
	s.t.Helper()
	return over.start(s.t, s.env, "--module", reputation.Name, "--listen", address)
}

// set asks for a state, and returns the status, the code and what was said.
func (s *split) set(mode string, percent int, urls ...string) (status int, said string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"mode":%q,"percent":%d,"urls":["%s"],"anyway":true}`, mode, percent, strings.Join(urls, `","`))
	if len(urls) == 0 {
		body = fmt.Sprintf(`{"mode":%q,"percent":%d}`, mode, percent)
	}
	status, said, err := call(s.t.Context(), "PUT", s.trunk.url+"/api/v1/operator/modules/"+reputation.Name, s.token, strings.NewReader(body), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return status, said
}

func (s *split) state() (m rollout.ModuleState) {
	s.t.Helper()
	s.trunk.must("GET", "/api/v1/operator/modules/"+reputation.Name, s.token, nil, &m)
	return m
}

// claim reads who owns reputation's writes, and which data it is, beside the
// processes.
func (p place) claim(t *testing.T) *ownership.Ownership {
	t.Helper()
	db, err := database.Open(t.Context(), p.database(reputation.Name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	own, err := ownership.Open(t.Context(), db, ownership.Process{Name: "observer"})
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// epochsOf counts what was computed over the data of a place.
func (p place) epochsOf(t *testing.T) (n int) {
	t.Helper()
	db, err := database.Open(t.Context(), p.database(reputation.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Read().Get(t.Context(), &n, `SELECT COUNT(*) FROM epochs`); err != nil {
		t.Fatal(err)
	}
	return n
}

// eachPair runs a test with two places of one kind that have different data.
func eachPair(t *testing.T, test func(t *testing.T, ours, others place)) {
	eachPlace(t, func(t *testing.T, ours place) {
		others := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
		if strings.HasPrefix(ours.database(reputation.Name).URL, "postgres") {
			others.env = append(others.env, "BANYAN_DATABASE_URL="+newPostgres(t))
		}
		test(t, ours, others)
	})
}

// TestAModuleOverOtherDataIsRefused: a process was started with a folder or a
// database of its own, and the operator leads the module there.
func TestAModuleOverOtherDataIsRefused(t *testing.T) {
	eachPair(t, func(t *testing.T, ours, others place) {
		s := newSplit(t, ours)
		right, wrong := testneeds.Address(t), testneeds.Address(t)
		s.alone(ours, right)
		s.alone(others, wrong)
		theirs := others.claim(t).DataID()
		for _, to := range []step{{"shadow", 10}, {"canary", 10}, {"remote", 0}} {
			for _, urls := range [][]string{{"http://" + wrong}, {"http://" + right, "http://" + wrong}} {
				status, said := s.set(to.mode, to.percent, urls...)
				if status != fault.Status(fault.OtherData) {
					t.Errorf("%s at %v: %d %s", to, urls, status, said)
				}
				for _, want := range []string{"http://" + wrong, s.ours[:8], theirs[:8], "database.url", `"other_data"`} {
					if !strings.Contains(said, want) {
						t.Errorf("%s at %v says %s, without %q", to, urls, said, want)
					}
				}
			}
		}
		if now := s.state().Plan; now.Mode != "local" || now.Version != 0 {
			t.Errorf("after the refusals the plan is %+v", now)
		}
		for where, p := range map[string]place{"here": ours, "over there": others} {
			if epoch := p.claim(t).Epoch(); epoch != 1 {
				t.Errorf("%s the writes are at epoch %d after the refusals", where, epoch)
			}
		}
		if status, said := s.set("remote", 0, "http://"+right); status != http.StatusOK {
			t.Errorf("at the process over the same data: %d %s", status, said)
		}
	})
}

// TestAModuleStartedAgainOverOtherDataGetsNoCalls: the module has moved out, and
// its process comes back over other data; then the trunk is started again, too.
// Nothing is read or written over there, the operator sees why, and the way home
// is open when the process is gone.
func TestAModuleStartedAgainOverOtherDataGetsNoCalls(t *testing.T) {
	eachPair(t, func(t *testing.T, ours, others place) {
		s := newSplit(t, ours)
		address := testneeds.Address(t)
		alone := s.alone(ours, address)
		if status, said := s.set("remote", 0, "http://"+address); status != http.StatusOK {
			t.Fatalf("moving out: %d %s", status, said)
		}
		s.trunk.must("POST", "/api/v1/reputation/epochs", s.token, nil, nil)
		if n := ours.epochsOf(t); n != 1 {
			t.Fatalf("%d epochs after one was asked for", n)
		}
		if err := alone.stop(); err != nil {
			t.Fatal(err)
		}
		foreign := s.alone(others, address)
		s.checkRefused(t)
		if err := s.trunk.stop(); err != nil {
			t.Fatal(err)
		}
		s.trunk = ours.start(t, s.env, "--listen", s.listen)
		s.checkRefused(t)

		status, said := s.set("local", 0)
		if status != fault.Status(fault.OtherData) || !strings.Contains(said, "cannot be taken back") || !strings.Contains(said, "stop that process first") {
			t.Errorf("the way home past other data: %d %s", status, said)
		}
		if n := others.epochsOf(t); n != 0 {
			t.Errorf("%d epochs were written over other data", n)
		}
		if err := foreign.stop(); err != nil {
			t.Fatal(err)
		}
		if status, said = s.set("local", 0); status != http.StatusOK {
			t.Fatalf("the way home: %d %s", status, said)
		}
		s.trunk.must("POST", "/api/v1/reputation/epochs", s.token, nil, nil)
		if problem := s.state().Problem; problem != "" {
			t.Errorf("at home: %s", problem)
		}
		if n := ours.epochsOf(t); n != 2 {
			t.Errorf("%d epochs at home, want 2", n)
		}
	})
}

// checkRefused looks at a module that is led to a process over other data.
func (s *split) checkRefused(t *testing.T) {
	t.Helper()
	eventually(t, "the state of the module says what is wrong", func() bool {
		return strings.Contains(s.state().Problem, "has other data (id ")
	})
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/v1/reputation/leaderboard"}, {"POST", "/api/v1/reputation/epochs"},
	} {
		status, said, err := call(t.Context(), c.method, s.trunk.url+c.path, s.token, nil, nil)
		if err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%s %s over other data: %d %s %v", c.method, c.path, status, said, err)
		}
	}
}

// A setting that leads to another trunk shows at the first call, far from where the
// mistake was made.
func TestATrunkURLOfAnotherBanyanIsNamed(t *testing.T) {
	s := newSplit(t, place{[]string{"BANYAN_DATA=" + t.TempDir()}})
	other := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0")
	address := testneeds.Address(t)
	module := s.p.start(t, append(s.env, "BANYAN_IDENTITY_TRUNK_URL="+other.url), "--module", reputation.Name, "--listen", address)
	if status, said := s.set("remote", 0, "http://"+address); status == http.StatusOK || !strings.Contains(said, "identity.trunk_url") {
		t.Errorf("the move: %d %s", status, said)
	}
	if log := module.logged(); !strings.Contains(log, "the trunk at identity.trunk_url is another Banyan's") {
		t.Errorf("the module's log:\n%s", log)
	}
}

// An operator's session must not be enough to have the trunk call any service.
func TestAModuleIsReachedAtAllowedPlacesOnly(t *testing.T) {
	s := newSplit(t, place{[]string{"BANYAN_DATA=" + t.TempDir()}})
	for url, says := range map[string]string{
		"http://10.0.0.7:8081": "peers.plain_http", "https://10.0.0.7:8081": "peers.allow", "https://169.254.169.254": "peers.allow", "http://metadata.internal": "tls.cert",
	} {
		if status, said := s.set("shadow", 10, url); status != http.StatusBadRequest || !strings.Contains(said, says) {
			t.Errorf("%s: %d %s", url, status, said)
		}
	}
}
