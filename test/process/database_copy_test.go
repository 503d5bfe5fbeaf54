package process_test

import (
	"fmt"
	"strings"
	"testing"
)

// A site goes from SQLite to PostgreSQL and back, and nobody can tell from what it
// answers. What was there before cannot be started by mistake.
func TestASiteMovesToPostgreSQLAndBack(t *testing.T) {
	seeds := fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address)
	url := newPostgres(t)
	files := place{[]string{"BANYAN_DATA=" + t.TempDir(), seeds}}
	server := place{append(files.env, "BANYAN_DATABASE_URL="+url)}
	listen := []string{"--listen", "127.0.0.1:0"}

	site := files.start(t, nil, listen...)
	fill(t, files, site)
	settle(t, site)
	before := viewsOf(site)
	files.command(t, false, "a program works with", "database", "copy", "--to", url)
	if err := site.stop(); err != nil {
		t.Fatal(err)
	}
	files.command(t, true, "this was a trial", "database", "copy", "--to", newPostgres(t), "--trial")
	files.command(t, true, "next: set database.url to", "database", "copy", "--to", url)
	files.command(t, false, "was moved from this database", "serve", "--listen", "127.0.0.1:0")

	site = server.start(t, nil, listen...)
	for what, text := range viewsOf(site) {
		if before[what] != text {
			t.Errorf("%s changed in PostgreSQL:\nbefore: %s\nafter:  %s", what, before[what], text)
		}
	}
	writer := newAuthor(60)
	write(t, site, writer, "okx", 5)
	eventually(t, "an event is delivered in PostgreSQL", func() bool { return activity(t, site, writer) == 1 })
	if err := site.stop(); err != nil {
		t.Fatal(err)
	}

	server.command(t, true, "next: take database.url out", "database", "copy", "--to", "sqlite")
	server.command(t, false, "was moved from this database", "serve", "--listen", "127.0.0.1:0")
	site = files.start(t, nil, listen...)
	if n := activity(t, site, writer); n != 1 {
		t.Errorf("the activity is %d after the way back", n)
	}
	write(t, site, newAuthor(61), "okx", 4)
	eventually(t, "an event is delivered after the way back", func() bool { return activity(t, site, newAuthor(61)) == 1 })
	if n := activity(t, site, writer); n != 1 {
		t.Errorf("an event was counted twice: %d", n)
	}
	files.command(t, false, "both places are of one kind", "database", "copy", "--to", "sqlite:"+t.TempDir())
	if out := files.run(t, "database", "copy", "--help"); !strings.Contains(out, "--trial") {
		t.Error(out)
	}
}
