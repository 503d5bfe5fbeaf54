package process_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestTheDatabasesAreReadWhileTheProgramRuns: nobody needs another program for it.
func TestTheDatabasesAreReadWhileTheProgramRuns(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		p.command(t, false, "there is no database yet", "database", "check")
		site := p.start(t, nil, "--listen", "127.0.0.1:0")
		write(t, site, newAuthor(5), "kraken", 4)
		p.command(t, true, "exchange-review: nothing is wrong", "database", "check")
		p.command(t, true, `{"n":1}`, "database", "shell", "exchange-review", "--json", "SELECT COUNT(*) AS n FROM review")
		p.command(t, true, "kraken", "database", "shell", "exchange-review", "SELECT slug FROM exchange WHERE slug = 'kraken';")
		p.command(t, false, "there is no database \"nothing\"", "database", "check", "nothing")
		for _, writing := range []string{
			"DELETE FROM review", "ATTACH 'elsewhere.db' AS elsewhere", "PRAGMA query_only = 0", "SELECT 1; DELETE FROM review",
			"WITH gone AS (DELETE FROM review RETURNING 1) SELECT * FROM gone", "EXPLAIN ANALYZE DELETE FROM review",
		} {
			p.command(t, false, "banyan: ", "database", "shell", "exchange-review", writing)
		}
		p.command(t, true, `{"n":1}`, "database", "shell", "exchange-review", "--json", "SELECT COUNT(*) AS n FROM review")
	})
}

func TestADamagedFileIsFound(t *testing.T) {
	folder := t.TempDir()
	p := place{[]string{"BANYAN_DATA=" + folder}}
	site := p.start(t, nil, "--listen", "127.0.0.1:0")
	if err := site.stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "exchange-review.db")
	file, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.ExecContext(t.Context(), `PRAGMA foreign_keys = OFF; DELETE FROM exchange`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	p.command(t, false, "belong to rows of exchange that are not there", "database", "check", "exchange-review")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(text) / 2; i < len(text)/2+4096; i++ {
		text[i] ^= 0xff
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.command(t, false, "banyan: ", "database", "check", "exchange-review")
}

func TestASequenceBehindItsRowsIsFound(t *testing.T) {
	url := newPostgres(t)
	p := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + url}}
	site := p.start(t, nil, "--listen", "127.0.0.1:0")
	write(t, site, newAuthor(5), "kraken", 4)
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(url))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }() // read and written
	if _, err := conn.Exec(t.Context(), `SELECT setval(pg_get_serial_sequence('"exchange_review".event_outbox', 'id'), 1, false); UPDATE "exchange_review".event_outbox SET topic = topic`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `INSERT INTO "exchange_review".event_outbox (id, event_id, topic, key, time, traceparent, payload) OVERRIDING SYSTEM VALUE VALUES (1000, 'x', 'none', '', 1, '', '{}')`); err != nil {
		t.Fatal(err)
	}
	p.command(t, false, "the sequence of event_outbox.id is behind its rows", "database", "check", "exchange-review")
}
