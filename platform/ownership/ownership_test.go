package ownership_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/testenv/databasetest"
)

// each runs a test on a database with counters, before anybody owns it.
func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) { test(t, tally(t, tallyOptions(t, dialect))) })
	}
}

func openAs(t testing.TB, db *database.DB, name string) *ownership.Ownership {
	t.Helper()
	own, err := ownership.Open(context.Background(), db, ownership.Process{Name: name, URL: "http://" + name})
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func addOne(t testing.TB, db *database.DB) error {
	t.Helper()
	return db.Write(context.Background(), func(tx *database.Tx) error {
		_, err := add(context.Background(), tx, 0)
		return err
	})
}

func TestTheFirstProcessOwnsAndTheSecondFollows(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		second := databasetest.Again(t, db)
		trunk, follower := openAs(t, db, "trunk"), openAs(t, second, "tally")
		if !trunk.IsOwner() || follower.IsOwner() || trunk.Epoch() != 1 || follower.Epoch() != 1 {
			t.Fatalf("trunk %+v, follower %+v", trunk.Believed(), follower.Believed())
		}
		if err := addOne(t, db); err != nil {
			t.Errorf("the owner's write: %v", err)
		}
		err := addOne(t, second)
		named, isNamed := ownership.OwnerOf(err)
		if !ownership.IsLost(err) || !fault.Is(err, fault.Conflict) || !isNamed || named.Owner != "trunk" || named.Epoch != 1 || named.URL != "http://trunk" {
			t.Errorf("the follower's write: %v, which names %+v", err, named)
		}
		if n, err := count(t.Context(), second, 0); n != 1 || err != nil {
			t.Errorf("the follower reads %d, %v; want 1", n, err)
		}
	})
}

func TestManyStartAtOnceAndOneOwns(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		names := []string{"a", "b", "c", "d"}
		claims := make([]ownership.Claim, len(names))
		var wg sync.WaitGroup
		for i, name := range names {
			handle := databasetest.Again(t, db)
			wg.Go(func() { claims[i] = openAs(t, handle, name).Believed() })
		}
		wg.Wait()
		for _, c := range claims {
			if c != claims[0] || c.Epoch != 1 || c.ChangedMS == 0 {
				t.Errorf("claims differ: %+v", claims)
			}
		}
	})
}

func TestARestartKeepsTheOwnershipAndTellsTheNewAddress(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		openAs(t, db, "trunk")
		again := databasetest.Again(t, db)
		own, err := ownership.Open(t.Context(), again, ownership.Process{Name: "trunk", URL: "http://elsewhere"})
		if err != nil || !own.IsOwner() || own.Epoch() != 1 {
			t.Fatalf("after a restart %+v, %v", own.Believed(), err)
		}
		// Replicas of one name are one owner.
		for _, handle := range []*database.DB{db, again} {
			if err := addOne(t, handle); err != nil {
				t.Error(err)
			}
		}
		if now, err := own.Current(t.Context()); err != nil || now.URL != "http://elsewhere" {
			t.Errorf("the row says %+v, %v", now, err)
		}
	})
}

func TestATakeMovesTheWrites(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		second := databasetest.Again(t, db)
		trunk, module := openAs(t, db, "trunk"), openAs(t, second, "tally")
		now, err := module.Take(t.Context(), 1)
		if err != nil || now.Epoch != 2 || now.Owner != "tally" || now.URL != "http://tally" || !module.IsOwner() {
			t.Fatalf("take: %+v, %v", now, err)
		}
		if !trunk.IsOwner() {
			t.Error("the old owner has noticed before it could: this does not test the fence")
		}
		changed := trunk.Changed()
		if err := addOne(t, db); !ownership.IsLost(err) {
			t.Errorf("the old owner's write: %v", err)
		}
		select {
		case <-changed:
		default:
			t.Error("the refusal did not tell who waits for a change")
		}
		if trunk.IsOwner() || trunk.Epoch() != 2 {
			t.Errorf("after the refusal the old owner believes %+v", trunk.Believed())
		}
		if err := addOne(t, second); err != nil {
			t.Errorf("the new owner's write: %v", err)
		}
		if n, err := count(t.Context(), db, 0); n != 1 || err != nil {
			t.Errorf("stored %d, %v; want the new owner's one", n, err)
		}
		// And back.
		if _, err := trunk.Take(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := addOne(t, db); err != nil {
			t.Errorf("after taking back: %v", err)
		}
	})
}

// Once it has lost, a process refuses from memory: the write lock is the new
// owner's, who holds it here.
func TestAFollowerRefusesWithoutTheWriteLock(t *testing.T) {
	db := tally(t, tallyOptions(t, database.SQLite))
	second := databasetest.Again(t, db)
	openAs(t, db, "trunk")
	openAs(t, second, "tally")
	err := db.Write(t.Context(), func(*database.Tx) error {
		if err := addOne(t, second); !ownership.IsLost(err) {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOfTwoTakesOneWins(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		second := databasetest.Again(t, db)
		trunk, module := openAs(t, db, "trunk"), openAs(t, second, "tally")
		if _, err := module.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		now, err := trunk.Take(t.Context(), 1)
		if !fault.Is(err, fault.Conflict) || ownership.IsLost(err) || now.Owner != "tally" || now.Epoch != 2 || !strings.Contains(err.Error(), "tally at http://tally") {
			t.Errorf("the slower take: %+v, %v", now, err)
		}
		if trunk.IsOwner() {
			t.Error("the slower one believes that it owns")
		}
		// The answer of the first was lost, and it asks again.
		if now, err := module.Take(t.Context(), 1); err != nil || now.Epoch != 2 {
			t.Errorf("the same take again: %+v, %v", now, err)
		}
		if _, err := module.Take(t.Context(), 0); !fault.Is(err, fault.Invalid) {
			t.Errorf("a take without an epoch: %v", err)
		}
	})
}

// A take waits for a write under way, and what that stores belongs to the epoch before.
func TestATakeWaitsForTheWriteUnderWay(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		second := databasetest.Again(t, db)
		openAs(t, db, "trunk")
		module := openAs(t, second, "tally")
		inside, goOn, taken := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		written := make(chan error, 1)
		go func() {
			written <- db.Write(context.Background(), func(tx *database.Tx) error {
				close(inside)
				<-goOn
				_, err := add(context.Background(), tx, 0)
				return err
			})
		}()
		<-inside
		// However long it is given, it cannot get past the write.
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if now, err := module.Take(short, 1); err == nil {
			t.Errorf("a take went past a write under way: %+v", now)
		}
		go func() {
			_, err := module.Take(context.Background(), 1)
			taken <- err
		}()
		close(goOn)
		if err := <-written; err != nil {
			t.Errorf("the write of the old epoch: %v", err)
		}
		if err := <-taken; err != nil {
			t.Errorf("the take: %v", err)
		}
	})
}

func TestAProcessNeedsAName(t *testing.T) {
	db := tally(t, tallyOptions(t, database.SQLite))
	if _, err := ownership.Open(t.Context(), db, ownership.Process{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestADatabasePutBackIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		own := openAs(t, db, "trunk")
		if _, err := own.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		err := db.Unfenced(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE ownership SET epoch = 1`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := addOne(t, db); !fault.Is(err, fault.Conflict) || ownership.IsLost(err) {
			t.Errorf("got %v, want a conflict that is not a hand-over", err)
		}
	})
}

// Lost and won again: the fence passes, and what was prepared before does not.
func TestWhatWasPreparedBeforeIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		second := databasetest.Again(t, db)
		trunk, module := openAs(t, db, "trunk"), openAs(t, second, "tally")
		prepared := trunk.Epoch()
		prepare := func(epoch int64) error {
			return db.Write(t.Context(), func(tx *database.Tx) error {
				if err := trunk.StillIn(t.Context(), tx, epoch); err != nil {
					return err
				}
				_, err := add(t.Context(), tx, 0)
				return err
			})
		}
		if err := prepare(prepared); err != nil {
			t.Errorf("in its epoch: %v", err)
		}
		if _, err := module.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := trunk.Take(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := prepare(prepared); !ownership.IsLost(err) {
			t.Errorf("two epochs later: %v", err)
		}
		if err := prepare(trunk.Epoch()); err != nil {
			t.Errorf("begun again: %v", err)
		}
		if n, err := count(t.Context(), db, 0); n != 2 || err != nil {
			t.Errorf("stored %d, %v; want 2", n, err)
		}
	})
}

func TestRequireEpoch(t *testing.T) {
	db := tally(t, tallyOptions(t, database.SQLite))
	second := databasetest.Again(t, db)
	trunk, module := openAs(t, db, "trunk"), openAs(t, second, "tally")
	for expected, own := range []*ownership.Ownership{nil, module, trunk, module} { // to epoch 4
		if own == nil {
			continue
		}
		if _, err := own.Take(t.Context(), int64(expected)); err != nil {
			t.Fatal(err)
		}
	}
	if trunk.Epoch() != 3 {
		t.Fatalf("the trunk should not have seen epoch 4 yet, and is at %d", trunk.Epoch())
	}
	for _, c := range []struct {
		header string
		code   fault.Code
		lost   bool
	}{
		{"", "", false},
		{"4", "", false}, // news to this process: it looks
		{"3", fault.Conflict, true},
		{"1", fault.Conflict, true},
		{"5", fault.Conflict, false}, // another database
		{"0", fault.Invalid, false},
		{"-1", fault.Invalid, false},
		{"four", fault.Invalid, false},
	} {
		err := trunk.RequireEpoch(t.Context(), c.header)
		if fault.CodeOf(err) != c.code || ownership.IsLost(err) != c.lost {
			t.Errorf("header %q: %v, want %q, lost %t", c.header, err, c.code, c.lost)
		}
	}
	if trunk.Epoch() != 4 {
		t.Errorf("after a newer header this process is at %d", trunk.Epoch())
	}
}

// A refusal is recognised on the other side of the seam, and nothing else is.
func TestARefusalCrossesTheSeam(t *testing.T) {
	db := tally(t, tallyOptions(t, database.SQLite))
	openAs(t, db, "trunk")
	second := databasetest.Again(t, db)
	openAs(t, second, "tally")
	refusal := addOne(t, second)
	w := httptest.NewRecorder()
	fault.WriteProblem(w, refusal, "r1")
	response := w.Result()
	defer func() { _ = response.Body.Close() }()
	there := fault.ReadProblem(response)
	if now, is := ownership.OwnerOf(there); !is || now.Owner != "trunk" || now.URL != "http://trunk" || now.Epoch != 1 {
		t.Errorf("on the other side %v names %+v, %t", there, now, is)
	}
	for _, other := range []error{
		nil,
		errors.New("plain"),
		fault.New(fault.Conflict, "a review of this exchange is there"),
		fault.New(fault.Conflict, "no").With(fault.Field{Name: "owner", Message: "x"}),
		fault.New(fault.Conflict, "no").With(fault.Field{Name: "owner"}, fault.Field{Name: "owner_url"}, fault.Field{Name: "epoch", Message: "x"}),
		fault.New(fault.Invalid, "no").With(fault.Field{Name: "owner"}, fault.Field{Name: "owner_url"}, fault.Field{Name: "epoch", Message: "1"}),
	} {
		if ownership.IsLost(other) {
			t.Errorf("%v is taken for a refusal", other)
		}
	}
}

// The id names the data, not the process: it is one for all who open the
// database, it stays at a restart and at a take, and another database has another.
func TestTheDataIDNamesTheDatabase(t *testing.T) {
	seen := make(map[string]bool)
	each(t, func(t *testing.T, db *database.DB) {
		second := databasetest.Again(t, db)
		trunk, module := openAs(t, db, "trunk"), openAs(t, second, "tally")
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(trunk.DataID()) || trunk.DataID() != module.DataID() {
			t.Errorf("one database has the ids %q and %q", trunk.DataID(), module.DataID())
		}
		if _, err := module.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if now, err := trunk.CurrentDataID(t.Context()); err != nil || now != trunk.DataID() {
			t.Errorf("after a take the id is %q, %v; before it was %q", now, err, trunk.DataID())
		}
		if again := openAs(t, databasetest.Again(t, db), "trunk"); again.DataID() != trunk.DataID() {
			t.Errorf("after a restart the id is %q, before it was %q", again.DataID(), trunk.DataID())
		}
		other := openAs(t, tally(t, tallyOptions(t, db.Dialect())), "trunk")
		for _, id := range []string{trunk.DataID(), other.DataID()} {
			if seen[id] {
				t.Errorf("two databases have the id %q", id)
			}
			seen[id] = true
		}
	})
}

func TestADatabaseThatIsReplacedUnderAProgramShows(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		own := openAs(t, db, "trunk")
		change := func(query string) {
			t.Helper()
			err := db.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), query)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		change(`UPDATE data_identity SET data_id = '00000000000000000000000000000000'`)
		if _, err := own.CurrentDataID(t.Context()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "restart the program") {
			t.Errorf("another id under a running program: %v", err)
		}
		change(`DELETE FROM data_identity`)
		if _, err := ownership.Open(t.Context(), databasetest.Again(t, db), ownership.Process{Name: "trunk"}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "data_identity") {
			t.Errorf("opening data without an id: %v", err)
		}
	})
}

// A database of the release before has an owner and no id yet.
func TestADatabaseOfTheReleaseBeforeGetsADataID(t *testing.T) {
	before := fstest.MapFS{}
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		name := "ownership/" + string(dialect) + "/00001_ownership.sql"
		text, err := migrations.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			options := tallyOptions(t, dialect)
			options.Migrations = before
			old := databasetest.Open(t, options)
			err := old.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO ownership (id, epoch, owner, url, changed_ms) VALUES (1, 7, 'tally', '', 1)`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			options = old.Options()
			options.Migrations = migrations.FS
			own := openAs(t, databasetest.Open(t, options), "trunk")
			if len(own.DataID()) != 32 || own.Epoch() != 7 || own.IsOwner() {
				t.Errorf("after the migration the id is %q and the owner %+v", own.DataID(), own.Believed())
			}
		})
	}
}
