package database_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/testenv/databasetest"
)

// cancelRequest is the code with which a client asks to cancel, instead of a version.
const cancelRequest = 80877102

// cancels is a pooler that passes sessions on as they are, takes longer than the server
// to close the connections of cancel requests, and counts them.
type cancels struct {
	server       string
	asked, early atomic.Int32 // requests, and those whose client has not waited
}

func (p *cancels) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	first := make([]byte, 8)
	if _, err := io.ReadFull(client, first); err != nil {
		return
	}
	_, _ = server.Write(first)
	if binary.BigEndian.Uint32(first[4:]) != cancelRequest {
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
		return
	}
	p.asked.Add(1)
	_, _ = io.CopyN(server, client, int64(binary.BigEndian.Uint32(first))-int64(len(first)))
	_, _ = io.Copy(io.Discard, server) // until it has dealt with it
	_ = client.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := client.Read(first); errors.Is(err, io.EOF) {
		p.early.Add(1)
	}
}

// PgBouncer exits when the client of a cancel request hangs up before it is answered.
func TestCancelRequestsAreNotTakenBack(t *testing.T) {
	options := databasetest.PostgresOptions(t, "shelf", shelf())
	options.Sets = []string{"shelf"}
	u, err := url.Parse(options.URL)
	if err != nil {
		t.Fatal(err)
	}
	pooler := cancels{server: u.Host}
	if u.Port() == "" {
		pooler.server = net.JoinHostPort(u.Hostname(), "5432")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go pooler.serve(client)
		}
	}()
	q := u.Query()
	q.Set("sslmode", "disable") // so that the requests can be told apart
	u.Host, u.RawQuery = listener.Addr().String(), q.Encode()
	options.URL = u.String()
	db := databasetest.Open(t, options)
	for i := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(tx *database.Tx) error {
			time.AfterFunc(20*time.Millisecond, cancel)
			_, err := tx.Exec(ctx, `SELECT pg_sleep(10)`)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	if asked, early := pooler.asked.Load(), pooler.early.Load(); asked == 0 || early > 0 {
		t.Errorf("%d of %d cancel requests were taken back", early, asked)
	}
	if err := db.Write(t.Context(), book(t, 2, "next")); err != nil || titles(t, db) != "next" {
		t.Errorf("the next write: %v, kept %q", err, titles(t, db))
	}
}
