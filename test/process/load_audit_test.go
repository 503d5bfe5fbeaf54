package process_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"banyan/platform/database"
)

// loaded is a site that has had a load, of which the log is.
type loaded struct {
	place
	site *process
	log  string
	env  []string
}

func newLoaded(t *testing.T, p place) loaded {
	t.Helper()
	l := loaded{p, p.start(t, nil, "--listen", "127.0.0.1:0"), filepath.Join(t.TempDir(), "load.ndjson"), []string{"BANYAN_TOKEN=" + p.token(t)}}
	l.load(t, l.log)
	return l
}

// load makes a short load.
func (l loaded) load(t *testing.T, log string) {
	t.Helper()
	out, err := l.run(t, "load", "--server", l.site.url, "--duration", "3s", "--rate", "100", "--log", log, "--json")
	var report struct {
		Requests int
		Failed   int
		Writes   int `json:"acknowledged_writes"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &report)
	}
	if err != nil || report.Failed > 0 || report.Writes < 20 {
		t.Fatalf("%v, %s", err, out)
	}
}

func (l loaded) run(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), banyanPath, args...)
	cmd.Env, cmd.Dir = append(append(os.Environ(), l.place.env...), l.env...), t.TempDir()
	text, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return string(text), err
}

type difference struct{ Operation, Key, ID, Problem string }

// audit returns what the command finds.
func (l loaded) audit(t *testing.T, log string, args ...string) (found []difference) {
	t.Helper()
	out, err := l.run(t, append([]string{"audit", log, "--json", "--wait", "2s"}, args...)...)
	var verdict struct {
		Good        bool
		Differences []difference
	}
	if decoded := json.Unmarshal([]byte(out), &verdict); decoded != nil {
		t.Fatalf("%v, %v: %s", err, decoded, out)
	}
	if verdict.Good != (len(verdict.Differences) == 0) || verdict.Good != (err == nil) {
		t.Errorf("the verdict is %v, with %d differences, and the command ends with %v", verdict.Good, len(verdict.Differences), err)
	}
	return verdict.Differences
}

// change does something to a module's data behind the program.
func (l loaded) change(t *testing.T, module string, do func(tx *database.Tx) (int64, error)) {
	t.Helper()
	o := l.database(module)
	db, err := database.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Write(t.Context(), func(tx *database.Tx) error {
		n, err := do(tx)
		if err == nil && n != 1 {
			t.Errorf("%d rows were changed", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// again adds a copy of one row of a table, with other values in some columns.
func again(t *testing.T, tx *database.Tx, table, where string, other map[string]string) (int64, error) {
	t.Helper()
	var text string // the columns, one a line
	query := `SELECT GROUP_CONCAT(name, CHAR(10)) FROM pragma_table_info('` + table + `')`
	if tx.Dialect() == database.Postgres {
		query = `SELECT STRING_AGG(column_name, CHR(10)) FROM information_schema.columns WHERE table_name = '` + table + `' AND table_schema = CURRENT_SCHEMA()`
	}
	if err := tx.Get(t.Context(), &text, query); err != nil {
		return 0, err
	}
	columns := slices.DeleteFunc(strings.Split(text, "\n"), func(c string) bool { return c == "id" && other["id"] == "" })
	values := slices.Clone(columns)
	for i, c := range columns {
		if v := other[c]; v != "" {
			values[i] = v
		}
	}
	return tx.Exec(t.Context(), "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") SELECT "+strings.Join(values, ", ")+" FROM "+table+" WHERE "+where+" LIMIT 1")
}

// TestAnAuditNamesWhatIsMissingAndWhatIsThereTwice: an audit that finds nothing is worth
// as much as its ability to find something.
func TestAnAuditNamesWhatIsMissingAndWhatIsThereTwice(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		l := newLoaded(t, p)
		if found := l.audit(t, l.log); len(found) > 0 {
			t.Fatalf("nothing was changed, and the audit finds %+v", found)
		}
		// Each change adds differences to those before it.
		before := 0
		for _, c := range []struct {
			name, module, operation, problem string
			do                               func(tx *database.Tx) (int64, error)
		}{
			{"an activity is gone", "reputation", "publishReview", "counts as 0 activities review.published", func(tx *database.Tx) (int64, error) {
				return tx.Exec(t.Context(), `DELETE FROM activity_events WHERE id = (SELECT MAX(id) FROM activity_events WHERE kind = 'review.published')`)
			}},
			{"an event counts twice", "reputation", "record", "is an event that counts twice", func(tx *database.Tx) (int64, error) {
				return again(t, tx, "activity_events", "id = (SELECT MIN(id) FROM activity_events)", nil)
			}},
			{"a statement is gone", "reputation", "attest", "was acknowledged, and is not stored", func(tx *database.Tx) (int64, error) {
				return tx.Exec(t.Context(), `DELETE FROM attestations WHERE id = (SELECT MIN(id) FROM attestations)`)
			}},
			{"a statement nobody sent", "reputation", "attest", "who did not send it", func(tx *database.Tx) (int64, error) {
				return again(t, tx, "attestations", "id = (SELECT MAX(id) FROM attestations)", map[string]string{"uid": "schema_uid", "live": "0"})
			}},
			{"another version of a review", "exchange-review", "publishReview", "is not among the", func(tx *database.Tx) (int64, error) {
				return tx.Exec(t.Context(), `UPDATE review SET hash = previous WHERE id = (SELECT MIN(id) FROM review WHERE version = 1)`)
			}},
			{"a review twice", "exchange-review", "publishReview", "is stored 2 times", func(tx *database.Tx) (int64, error) {
				return again(t, tx, "review", "id = (SELECT MAX(id) FROM review WHERE retired = 0)", map[string]string{"version": "version + 50", "retired": "version + 50"})
			}},
			{"a campaign twice", "airdrop", "createCampaign", "is there 2 times", func(tx *database.Tx) (int64, error) {
				return again(t, tx, "campaign", "name LIKE 'Load %'", map[string]string{"id": "'00000000000000000000000000'"})
			}},
			{"another root", "airdrop", "buildTree", "was acknowledged with 0x", func(tx *database.Tx) (int64, error) {
				return tx.Exec(t.Context(), `UPDATE campaign SET row_count = row_count + 0, state = 'listed', root = NULL WHERE id = (SELECT MAX(id) FROM campaign WHERE state = 'built')`)
			}},
		} {
			l.change(t, c.module, c.do)
			found := l.audit(t, l.log)
			if len(found) <= before || !slices.ContainsFunc(found, func(d difference) bool {
				return strings.HasSuffix(d.Operation, "/"+c.operation) && strings.Contains(d.Problem, c.problem)
			}) {
				t.Errorf("%s: %d differences after %d, none of them %q of %s:\n%+v", c.name, len(found), before, c.problem, c.operation, found)
			}
			before = len(found)
		}
	})
}

// TestAnAuditKnowsWhatTheLogDoesNot: a write of the run that is not in its log.
func TestAnAuditKnowsWhatTheLogDoesNot(t *testing.T) {
	l := newLoaded(t, place{[]string{"BANYAN_DATA=" + t.TempDir()}})
	text, err := os.ReadFile(l.log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, operation := range []string{"exchange-review/publishReview", "airdrop/createCampaign"} {
		key := ""
		kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
			var e struct{ Operation, Key string }
			if json.Unmarshal([]byte(line), &e) == nil && e.Operation == operation && key == "" {
				key = e.Key
			}
			return key != "" && strings.Contains(line, key) || strings.Contains(line, "end_ms")
		})
		short := filepath.Join(t.TempDir(), "short.ndjson")
		if err := os.WriteFile(short, []byte(strings.Join(kept, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if found := l.audit(t, short); !slices.ContainsFunc(found, func(d difference) bool { return d.Operation == operation }) {
			t.Errorf("%s is not in the log, and the audit says %+v", operation, found)
		}
	}
}

// TestABackupUnderLoadPassesTheAuditOfWhatWasBefore: the first load is whole in a backup
// that was made during the second.
func TestABackupUnderLoadPassesTheAuditOfWhatWasBefore(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		l := newLoaded(t, p)
		if found := l.audit(t, l.log); len(found) > 0 {
			t.Fatalf("%+v", found)
		}
		file, second := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "second.ndjson")
		cmd := exec.Command(banyanPath, "load", "--server", l.site.url, "--duration", "10s", "--rate", "100", "--log", second)
		cmd.Env, cmd.Dir = append(append(os.Environ(), l.place.env...), l.env...), t.TempDir()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		l.command(t, true, "made ", "backup", "create", "--out", file)
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("a load that was interrupted ends with %v", err)
		}
		if found := l.audit(t, second); len(found) > 0 {
			t.Errorf("the load during the backup: %+v", found)
		}
		into := place{[]string{"BANYAN_DATA=" + filepath.Join(t.TempDir(), "fresh")}}
		into.command(t, true, "restored into", "backup", "restore", file)
		restored := into.start(t, nil, "--listen", "127.0.0.1:0")
		l.env = []string{"BANYAN_TOKEN=" + into.token(t)}
		if found := l.audit(t, l.log, "--server", restored.url); len(found) > 0 {
			t.Errorf("the restored site: %+v", found)
		}
	})
}
