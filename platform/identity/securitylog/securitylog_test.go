package securitylog_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
)

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	databasetest.Each(t, "identity", test)
}

func newClock() *testclock.Clock { return testclock.At(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) }

type fromKey struct{}

// from is the context of a request from this network.
func from(network string) context.Context {
	return context.WithValue(context.Background(), fromKey{}, network)
}

func open(db *database.DB, c *testclock.Clock) *securitylog.Log {
	network := func(ctx context.Context) string {
		network, _ := ctx.Value(fromKey{}).(string)
		return network
	}
	return securitylog.Open(db, securitylog.Options{Now: c.Now, Origin: network, Network: network})
}

func record(t *testing.T, db *database.DB, l *securitylog.Log, e securitylog.Event) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *database.Tx) error { return l.Record(t.Context(), tx, e) }); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, l *securitylog.Log, q securitylog.Query) []securitylog.Entry {
	t.Helper()
	entries, _, err := l.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func wantConflict(t *testing.T, err error, says string) {
	t.Helper()
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want a conflict that says %q", err, says)
	}
}

func TestAnEntrySaysWhoDidWhatToWhomFromWhereAndWhen(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		l := open(db, c)
		ctx := identity.With(from("192.0.2.7"), identity.Caller{Subject: "ada", Role: identity.Operator})
		l.Note(ctx, securitylog.Event{What: securitylog.RoleSet, Whom: "0xabc", Detail: "member to\noperator" + strings.Repeat("é", 400)})
		got := list(t, l, securitylog.Query{})
		if len(got) != 1 {
			t.Fatalf("got %+v", got)
		}
		e := got[0]
		if e.Seq != 1 || !e.At.Equal(c.Now()) || e.What != "role-set" || e.Who != "ada" || e.Whom != "0xabc" || e.From != "192.0.2.7" || e.Refused || e.Times != 1 || len(e.Hash) != 64 {
			t.Errorf("got %+v", e)
		}
		l.Note(from("192.0.2.7"), securitylog.Event{What: securitylog.SignedOut})
		l.Note(t.Context(), securitylog.Event{What: securitylog.KeyMade})
		if got := list(t, l, securitylog.Query{}); got[1].Who != "anonymous" || got[0].Who != "the program" {
			t.Errorf("nobody is %q in a request and %q without one", got[1].Who, got[0].Who)
		}
		if !strings.HasPrefix(e.Detail, "member to?operatoré") || len(e.Detail) > 300 {
			t.Errorf("the detail is %q", e.Detail)
		}
	})
}

// What is rolled back did not happen, and an event that cannot be kept keeps what it
// is about from happening.
func TestAnEventIsKeptWithWhatItIsAbout(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		l := open(db, newClock())
		failed := fmt.Errorf("it failed")
		err := db.Write(t.Context(), func(tx *database.Tx) error {
			if err := l.Record(t.Context(), tx, securitylog.Event{What: securitylog.RoleSet}); err != nil {
				return err
			}
			return failed
		})
		if err == nil || len(list(t, l, securitylog.Query{})) != 0 {
			t.Errorf("got %v and an entry", err)
		}
	})
}

func TestTheChainHoldsWithManyWritersInSeveralProcesses(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		here, other := open(db, c), databasetest.Again(t, db)
		there := open(other, c)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				l := here
				if i%2 == 0 {
					l = there
				}
				l.Note(t.Context(), securitylog.Event{What: securitylog.SignedIn, Who: fmt.Sprint(i)})
			})
		}
		all.Wait()
		chain, err := here.Verify(t.Context(), "")
		if err != nil || chain.Entries != 40 || chain.Seq != 40 || chain.From != 0 {
			t.Errorf("got %+v, %v", chain, err)
		}
	})
}

func TestRowsAreNeitherChangedNorDeleted(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		l := open(db, newClock())
		record(t, db, l, securitylog.Event{What: securitylog.RoleSet, Who: "mallory"})
		for _, statement := range []string{"UPDATE security_event SET who = 'ada'", "DELETE FROM security_event"} {
			err := db.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			})
			if err == nil {
				t.Errorf("%s was done", statement)
			}
		}
	})
}

// Who may do everything in the database takes the guards away first.
func TestWhatWasDoneToTheLogShows(t *testing.T) {
	for name, tc := range map[string]struct{ change, says string }{
		"another name":      {"UPDATE security_event SET who = 'ada' WHERE seq = 2", "row 2 of the security log does not fit"},
		"another time":      {"UPDATE security_event SET at_ms = at_ms + 1 WHERE seq = 3", "row 3 of the security log does not fit"},
		"one taken out":     {"DELETE FROM security_event WHERE seq = 3", "row 4 follows row 2"},
		"the first one":     {"DELETE FROM security_event WHERE seq = 1", "row 2 follows row 0"},
		"the end taken off": {"DELETE FROM security_event WHERE seq >= 4", "its end was taken off"},
		"all taken out":     {"DELETE FROM security_event", "its end was taken off"},
	} {
		t.Run(name, func(t *testing.T) {
			db := databasetest.SQLite(t, "identity")
			l := open(db, newClock())
			for i := range 5 {
				record(t, db, l, securitylog.Event{What: securitylog.RoleSet, Who: fmt.Sprint("mallory", i)})
			}
			before, err := l.Verify(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			err = db.Write(t.Context(), func(tx *database.Tx) error {
				for _, statement := range []string{"DROP TRIGGER security_event_unchanged", "DROP TRIGGER security_event_kept", tc.change} {
					if _, err := tx.Exec(t.Context(), statement); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.Verify(t.Context(), before.String())
			wantConflict(t, err, tc.says)
		})
	}
}

func TestALogThatWasMadeAgainIsFoundByThePlaceThatWasWrittenDown(t *testing.T) {
	ofFive := func(who string) *securitylog.Log {
		db := databasetest.SQLite(t, "identity")
		l := open(db, newClock())
		for range 5 {
			record(t, db, l, securitylog.Event{What: securitylog.RoleSet, Who: who})
		}
		return l
	}
	real, again := ofFive("mallory"), ofFive("ada")
	place, err := real.Verify(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Verify(t.Context(), ""); err != nil {
		t.Errorf("by itself it fits: %v", err)
	}
	_, err = again.Verify(t.Context(), place.String())
	wantConflict(t, err, "the log was made again")
	for _, place := range []string{"x", "5", "5:", "0:" + place.Hash, "5:" + place.Hash[:60], place.Hash} {
		if _, err := real.Verify(t.Context(), place); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", place, err)
		}
	}
}

func TestAnExportedFileIsVerifiedByItself(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		l := open(db, newClock())
		for i := range 5 {
			record(t, db, l, securitylog.Event{What: securitylog.RoleSet, Who: fmt.Sprint("mallory <", i, ">"), Refused: i == 2})
		}
		var out bytes.Buffer
		end, err := l.Export(t.Context(), &out)
		if err != nil || end.Entries != 5 {
			t.Fatalf("got %+v, %v", end, err)
		}
		file := out.String()
		if got, err := securitylog.VerifyFile(strings.NewReader(file)); err != nil || got != end {
			t.Errorf("got %+v, %v, want %+v", got, err, end)
		}
		if now, err := l.Verify(t.Context(), end.String()); err != nil || now != end {
			t.Errorf("the database has %+v, %v, want %+v", now, err, end)
		}
		lines := strings.SplitAfter(file, "\n")
		for name, tc := range map[string]struct {
			file string
			code fault.Code
		}{
			"a changed name":    {strings.Replace(file, "mallory <1>", "ada <1>", 1), fault.Conflict},
			"a line taken out":  {lines[0] + lines[1] + lines[3], fault.Conflict},
			"without its head":  {strings.Join(lines[1:], ""), fault.Conflict},
			"nothing":           {"", fault.Invalid},
			"no JSON":           {lines[0] + "x\n", fault.Invalid},
			"an endless line":   {lines[0] + `{"who":"` + strings.Repeat("x", 1<<17) + `"}` + "\n", fault.Invalid},
			"without the hash":  {lines[0] + `{"seq":1}` + "\n", fault.Conflict},
			"an odd hash":       {lines[0] + `{"seq":1,"hash":"x"}` + "\n", fault.Invalid},
			"a head of no hash": {`{"after":0,"hash":"00"}` + "\n", fault.Invalid},
		} {
			if _, err := securitylog.VerifyFile(strings.NewReader(tc.file)); !fault.Is(err, tc.code) {
				t.Errorf("%s: %v, want %s", name, err, tc.code)
			}
		}
	})
}

func TestOldRowsGoAndTheChainHolds(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		l := open(db, c)
		for range 3 {
			record(t, db, l, securitylog.Event{What: securitylog.SignedIn, Who: "old"})
		}
		place, err := l.Verify(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		c.Pass(366 * 24 * time.Hour)
		record(t, db, l, securitylog.Event{What: securitylog.SignedIn, Who: "new"})
		for range 2 { // the second one has nothing to do
			if err := l.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got := list(t, l, securitylog.Query{})
		if len(got) != 2 || got[0].What != "log-pruned" || got[0].Whom != "rows up to 3" || got[1].Who != "new" {
			t.Errorf("left are %+v", got)
		}
		if chain, err := l.Verify(t.Context(), place.String()); err != nil || chain.From != 3 || chain.Entries != 2 {
			t.Errorf("got %+v, %v", chain, err)
		}
		var out bytes.Buffer
		if _, err := l.Export(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if chain, err := securitylog.VerifyFile(&out); err != nil || chain.From != 3 {
			t.Errorf("the file has %+v, %v", chain, err)
		}
		_, err = l.Verify(t.Context(), "1:"+place.Hash)
		wantConflict(t, err, "deleted because of its age")
	})
}

// Strangers choose how often they fail, and from how many networks; not how much is
// written.
func TestRefusalsOfStrangersAreBounded(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		l := open(db, c)
		refused := func(network, whom string) {
			l.Refused(from(network), securitylog.Event{What: securitylog.SignedIn, Whom: whom, Detail: "a wrong signature"})
		}
		for i := range 1000 {
			refused("192.0.2.7", fmt.Sprint("wallet ", i))
		}
		got := list(t, l, securitylog.Query{})
		if len(got) != 1 || got[0].Whom != "wallet 0" || !got[0].Refused || got[0].Times != 1 {
			t.Fatalf("the first has a row at once: %+v", got)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := l.Run(ended); err != nil { // the end of the program ends the window
			t.Fatal(err)
		}
		if got = list(t, l, securitylog.Query{}); len(got) != 2 || got[0].Times != 999 || got[0].Whom != "wallet 999" {
			t.Fatalf("the others have one: %+v", got)
		}
		for i := range 2000 {
			refused(fmt.Sprint("198.51.100.", i), "x")
		}
		if err := l.Run(ended); err != nil {
			t.Fatal(err)
		}
		var rows int
		if err := db.Read().Get(t.Context(), &rows, "SELECT COUNT(*) FROM security_event"); err != nil || rows > 201 {
			t.Errorf("%d rows in an hour, %v", rows, err)
		}
		if got = list(t, l, securitylog.Query{What: "others"}); len(got) != 1 || got[0].Times != 2000-(200-2) {
			t.Errorf("the rest is %+v", got)
		}
		c.Pass(time.Hour)
		refused("203.0.113.1", "later")
		if got = list(t, l, securitylog.Query{Who: "later"}); len(got) != 1 {
			t.Errorf("an hour later: %+v", got)
		}
	})
}

func TestTheLogIsReadPageByPage(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		l := open(db, newClock())
		for i := range 7 {
			record(t, db, l, securitylog.Event{What: securitylog.What(fmt.Sprint("kind-", i%2)), Who: "ada", Whom: fmt.Sprint(i)})
		}
		var seen []string
		for q := (securitylog.Query{What: "kind-0", Limit: 3}); ; {
			entries, next, err := l.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				seen = append(seen, e.Whom)
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
		if strings.Join(seen, " ") != "6 4 2 0" {
			t.Errorf("got %v", seen)
		}
		if got := list(t, l, securitylog.Query{Who: "3"}); len(got) != 1 || got[0].Seq != 4 {
			t.Errorf("got %+v", got)
		}
		for _, q := range []securitylog.Query{{Limit: 201}, {Cursor: "x"}, {Who: strings.Repeat("x", 301)}} {
			if _, _, err := l.List(t.Context(), q); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", q, err)
			}
		}
	})
}
