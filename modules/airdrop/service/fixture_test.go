package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

// fixture is the module as its callers use it, on one database and through one
// route.
type fixture struct {
	airdrop.Client
	db      *database.DB
	options service.Options
	open    seamtest.Open
	way     *seamtest.Way
}

// eachWay runs a test {in process, over HTTP} × {SQLite, PostgreSQL}.
func eachWay(t *testing.T, test func(t *testing.T, w *fixture)) {
	t.Helper()
	eachWayWith(t, service.Options{}, test)
}

func eachWayWith(t *testing.T, o service.Options, test func(t *testing.T, w *fixture)) {
	t.Helper()
	seamtest.Ways(t, airdrop.Name, func(t *testing.T, db *database.DB, way seamtest.Open) {
		o := o
		o.DB = db
		if o.Trees == "" {
			o.Trees = filepath.Join(t.TempDir(), "trees")
		}
		test(t, open(t, o, way))
	})
}

// open starts the module on a database.
func open(t testing.TB, o service.Options, way seamtest.Open) *fixture {
	t.Helper()
	w := &fixture{db: o.DB, options: o, open: way, way: way(t, airdrop.Contract, airdrop.Bind(service.New(o)))}
	w.Client = airdrop.NewClient(w.way.Route)
	return w
}

// restarted returns the module started again on the same database, as in
// another process.
func (w *fixture) restarted(t *testing.T) *fixture {
	t.Helper()
	o := w.options
	o.DB = databasetest.Again(t, w.db)
	return open(t, o, w.open)
}

func as(role identity.Role) context.Context {
	return identity.With(context.Background(), identity.Caller{Wallet: numbered(7), Role: role})
}

var (
	operator = as(identity.Operator)
	anybody  = context.Background()
)

// numbered returns the wallet with this number: spread evenly, as real ones are.
func numbered(n int) wallet.Address {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(n))
	sum := sha256.Sum256(number[:])
	return wallet.Address(sum[:20])
}

// must returns a call's answer and fails the test on its error.
func must[A any](answer A, err error) func(t testing.TB) A {
	return func(t testing.TB) A {
		t.Helper()
		if err != nil {
			t.Fatalf("%v", err)
		}
		return answer
	}
}

// refused checks the code of a call's error.
func refused[A any](_ A, err error) func(t testing.TB, code fault.Code) *fault.Fault {
	return func(t testing.TB, code fault.Code) *fault.Fault {
		t.Helper()
		if !fault.Is(err, code) {
			t.Fatalf("got error %v, want code %s", err, code)
		}
		return fault.From(err)
	}
}

// drafted creates a campaign of the format.
func (w *fixture) drafted(t testing.TB, d airdrop.CampaignDraft) airdrop.Campaign {
	t.Helper()
	return must(w.CreateCampaign(operator, d))(t)
}

// built creates a campaign over a CSV and builds it.
func (w *fixture) built(t testing.TB, d airdrop.CampaignDraft, csv string) airdrop.Campaign {
	t.Helper()
	c := w.drafted(t, d)
	must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(csv)}))(t)
	return must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
}

// verified answers VerifyWallets with the whole text.
func (w *fixture) verified(t testing.TB, id string, body io.Reader) string {
	t.Helper()
	stream := must(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: id, Body: body}))(t)
	if stream.ContentType != "application/x-ndjson" {
		t.Errorf("the answer is %q", stream.ContentType)
	}
	var text bytes.Buffer
	if err := stream.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
