package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// What the contract in airdrop.go promises, asserted the same way in process
// and over HTTP, on SQLite and PostgreSQL. Lists are in lists_test.go, the
// streams of VerifyWallets in verify_test.go.

func draft(format merkle.Format) airdrop.CampaignDraft {
	return airdrop.CampaignDraft{Name: "Season one", Description: "For <everybody> & more\nwho came", Format: format, Symbol: "BAN", Decimals: 18}
}

// three is a list of three wallets.
func three() string {
	return fmt.Sprintf("address,amount\n%s,100\n%s,250\n%s,115792089237316195423570985008687907853269984665640564039457584007913129639000\n",
		numbered(1), numbered(2), numbered(3))
}

func TestCampaignGoesFromDraftToBuilt(t *testing.T) {
	eachWayWith(t, service.Options{Clock: clockAt(1_700_000_000_000)}, func(t *testing.T, w *fixture) {
		d := draft(merkle.OZ)
		d.Name, d.Symbol = "  Season one ", " BAN "
		c := w.drafted(t, d)
		if len(c.ID) != 10 || strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("id %q is not ten characters that are safe in a URL", c.ID)
		}
		want := airdrop.Campaign{
			ID: c.ID, Name: "Season one", Description: d.Description, Format: merkle.OZ, Symbol: "BAN", Decimals: 18,
			State: airdrop.Draft, CreatedMS: 1_700_000_000_000,
		}
		same(t, "created", c, want)
		same(t, "read again", must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t), want)

		want.State, want.Count = airdrop.Listed, 3
		want.Total = *uint256.MustFromDecimal("115792089237316195423570985008687907853269984665640564039457584007913129639350")
		listed := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t)
		if r := listed.Report; r == nil || r.Rows != 3 || r.Smallest != "100" || r.Columns.Amount != "amount" || r.OverUint128 != 1 {
			t.Errorf("reported as read: %+v", r)
		}
		listed.Report = nil
		same(t, "listed", listed, want)

		built := must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		if built.Root == nil {
			t.Fatal("built without a root")
		}
		want.State, want.Root, want.BuiltMS = airdrop.Built, built.Root, 1_700_000_000_000
		same(t, "built", built, want)
		same(t, "built again", must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t), want)
		same(t, "read at the end", must(w.Campaign(anybody, airdrop.CampaignQuery{ID: c.ID}))(t), want)
	})
}

func TestClaimHasAProofThatVerifies(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for _, format := range merkle.Formats() {
			c := w.built(t, draft(format), three())
			spelled := []string{numbered(1).String(), numbered(2).String(), numbered(3).String()}
			slices.Sort(spelled)
			for i, amount := range []string{"100", "250", "115792089237316195423570985008687907853269984665640564039457584007913129639000"} {
				got := must(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(i + 1)}))(t)
				e := merkle.Entry{Index: uint64(i), Wallet: numbered(i + 1), Amount: *uint256.MustFromDecimal(amount)}
				if format == merkle.Uniswap { // its script numbers wallets in the order of their text
					e.Index = uint64(slices.Index(spelled, e.Wallet.String()))
				}
				if got.Campaign != c.ID || got.Index != e.Index || got.Wallet != e.Wallet || got.Amount != e.Amount || got.Root != *c.Root {
					t.Errorf("%s: claim %+v is not row %d of campaign %s", format, got, i, c.ID)
				}
				if got.Leaf != merkle.LeafHash(format, e) || !merkle.Verify(format, *c.Root, e, got.Proof) {
					t.Errorf("%s: the proof of row %d does not lead to the root", format, i)
				}
			}
		}
	})
}

func TestClaimReportsWhyThereIsNone(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}
		refused(w.Claim(anybody, ask))(t, fault.Conflict)
		must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t)
		refused(w.Claim(anybody, ask))(t, fault.Conflict)
		must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		must(w.Claim(anybody, ask))(t)

		stranger := refused(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(4)}))(t, fault.NotFound)
		if !strings.Contains(stranger.Message, "not on the list") || !strings.Contains(stranger.Message, numbered(4).String()) {
			t.Errorf("a wallet without a claim gets %q", stranger.Message)
		}
		nowhere := refused(w.Claim(anybody, airdrop.ClaimQuery{ID: "nowhere", Wallet: numbered(1)}))(t, fault.NotFound)
		if !strings.Contains(nowhere.Message, "no campaign") {
			t.Errorf("a campaign that does not exist is answered with %q", nowhere.Message)
		}
	})
}

func TestUnknownCampaignsAreNotFound(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for _, id := range []string{"aaaaaaaaaa", "x", "../../etc", "a\x00b", "Ünïcode", strings.Repeat("a", 3000), "a b?c#d"} {
			refused(w.Campaign(anybody, airdrop.CampaignQuery{ID: id}))(t, fault.NotFound)
			refused(w.Claim(anybody, airdrop.ClaimQuery{ID: id, Wallet: numbered(1)}))(t, fault.NotFound)
			refused(w.BuildTree(operator, airdrop.BuildRequest{ID: id}))(t, fault.NotFound)
			refused(w.UploadList(operator, airdrop.ListUpload{ID: id, Body: strings.NewReader(three())}))(t, fault.NotFound)
			refused(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: id, Body: strings.NewReader("x")}))(t, fault.NotFound)
		}
	})
}

func TestABuiltCampaignNeverChanges(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		other := fmt.Sprintf("%s,5\n", numbered(9))
		refused(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(other)}))(t, fault.Conflict)
		// It may also become built while the upload is on its way.
		d := w.drafted(t, draft(merkle.OZ))
		must(w.UploadList(operator, airdrop.ListUpload{ID: d.ID, Body: strings.NewReader(three())}))(t)
		slow := io.MultiReader(strings.NewReader(other), during(func() error {
			_, err := w.BuildTree(operator, airdrop.BuildRequest{ID: d.ID})
			return err
		}))
		refused(w.UploadList(operator, airdrop.ListUpload{ID: d.ID, Body: slow}))(t, fault.Conflict)
		for _, id := range []string{c.ID, d.ID} {
			if got := must(w.Campaign(operator, airdrop.CampaignQuery{ID: id}))(t); got.State != airdrop.Built || got.Count != 3 || *got.Root != *c.Root {
				t.Errorf("after a refused upload the campaign is %+v", got)
			}
			must(w.Claim(anybody, airdrop.ClaimQuery{ID: id, Wallet: numbered(1)}))(t)
		}
		if lists, chunks := w.stored(t); lists != 2 || chunks != 2 {
			t.Errorf("%d lists and %d chunks are stored for two campaigns", lists, chunks)
		}
	})
}

func TestBuildNeedsAList(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.Uniswap))
		refused(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t, fault.Conflict)
		if got := must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t); got.State != airdrop.Draft {
			t.Errorf("the campaign is %s now", got.State)
		}
	})
}

func TestConcurrentBuildsAgree(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t)
		built := make([]airdrop.Campaign, 8)
		failed := make([]error, len(built))
		var all sync.WaitGroup
		for i := range built {
			all.Go(func() { built[i], failed[i] = w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}) })
		}
		all.Wait()
		for i := range built {
			same(t, "one of eight builds", must(built[i], failed[i])(t), built[0])
		}
	})
}

func TestEveryOperationAdmitsItsDeclaredCallers(t *testing.T) {
	member, moderator := as(identity.Member), as(identity.Moderator)
	module := identity.AsService(context.Background(), "exchange-review")
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		reads := map[string]func(context.Context) error{
			"campaigns": func(ctx context.Context) error { _, err := w.Campaigns(ctx, airdrop.CampaignsQuery{}); return err },
			"campaign": func(ctx context.Context) error {
				_, err := w.Campaign(ctx, airdrop.CampaignQuery{ID: c.ID})
				return err
			},
			"claim": func(ctx context.Context) error {
				_, err := w.Claim(ctx, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)})
				return err
			},
			"verify": func(ctx context.Context) error {
				stream, err := w.VerifyWallets(ctx, airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader(numbered(1).String())})
				if err != nil {
					return err
				}
				return stream.Write(io.Discard)
			},
		}
		for name, call := range reads {
			for who, ctx := range map[string]context.Context{"anybody": anybody, "a member": member, "a module": module, "an operator": operator} {
				if err := call(ctx); err != nil {
					t.Errorf("%s by %s: %v", name, who, err)
				}
			}
		}
		writes := map[string]func(context.Context) error{
			"create": func(ctx context.Context) error { _, err := w.CreateCampaign(ctx, draft(merkle.OZ)); return err },
			"upload": func(ctx context.Context) error {
				_, err := w.UploadList(ctx, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())})
				return err
			},
			"build": func(ctx context.Context) error {
				_, err := w.BuildTree(ctx, airdrop.BuildRequest{ID: c.ID})
				return err
			},
		}
		for name, call := range writes {
			for who, refusal := range map[string]struct {
				ctx  context.Context
				code fault.Code
			}{
				"anybody": {anybody, fault.Unauthenticated}, "a member": {member, fault.Forbidden},
				"a moderator": {moderator, fault.Forbidden}, "a module": {module, fault.Forbidden},
			} {
				if err := call(refusal.ctx); !fault.Is(err, refusal.code) {
					t.Errorf("%s by %s: got %v, want %s", name, who, err, refusal.code)
				}
			}
		}
		if page := must(w.Campaigns(operator, airdrop.CampaignsQuery{}))(t); len(page.Campaigns) != 1 {
			t.Errorf("refused callers have left %d campaigns, want 1", len(page.Campaigns))
		}
	})
}

func TestDraftsOutOfRangeNameTheirFields(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for name, bad := range map[string]func(*airdrop.CampaignDraft){
			"name":        func(d *airdrop.CampaignDraft) { d.Name = "  " },
			"description": func(d *airdrop.CampaignDraft) { d.Description = strings.Repeat("ä", 2001) },
			"symbol":      func(d *airdrop.CampaignDraft) { d.Symbol = "THIRTEENCHARS" },
			"decimals":    func(d *airdrop.CampaignDraft) { d.Decimals = 37 },
			"format":      func(d *airdrop.CampaignDraft) { d.Format = "merkle-patricia" },
		} {
			d := draft(merkle.OZ)
			bad(&d)
			f := refused(w.CreateCampaign(operator, d))(t, fault.Invalid)
			if len(f.Fields) != 1 || f.Fields[0].Name != name {
				t.Errorf("a bad %s is answered with the fields %v", name, f.Fields)
			}
		}
		worst := airdrop.CampaignDraft{Name: "a\x00b", Symbol: "\x1b[2J", Decimals: -1}
		if f := refused(w.CreateCampaign(operator, worst))(t, fault.Invalid); len(f.Fields) != 4 {
			t.Errorf("four bad fields are answered with %v", f.Fields)
		}
		widest := airdrop.CampaignDraft{
			Name: strings.Repeat("ü", 100), Description: strings.Repeat("字", 2000), Format: merkle.OZ, Symbol: "TWELVECHARS½",
			Decimals: 36,
		}
		must(w.CreateCampaign(operator, widest))(t)
		if page := must(w.Campaigns(operator, airdrop.CampaignsQuery{}))(t); len(page.Campaigns) != 1 {
			t.Errorf("%d campaigns are there after one good and many bad drafts", len(page.Campaigns))
		}
	})
}

func TestARepeatedCreateIsOneCampaign(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		once := seam.WithIdempotencyKey(operator, "create-1")
		first := must(w.CreateCampaign(once, draft(merkle.OZ)))(t)
		same(t, "the second call", must(w.CreateCampaign(once, draft(merkle.OZ)))(t), first)
		other := draft(merkle.OZ)
		other.Name = "Season two"
		refused(w.CreateCampaign(once, other))(t, fault.Conflict)
		colleague := identity.With(once, identity.Caller{Wallet: numbered(8), Role: identity.Operator})
		if c := must(w.CreateCampaign(colleague, draft(merkle.OZ)))(t); c.ID == first.ID {
			t.Error("two operators with the same key share a campaign")
		}
		if page := must(w.Campaigns(operator, airdrop.CampaignsQuery{}))(t); len(page.Campaigns) != 2 {
			t.Errorf("there are %d campaigns, want 2", len(page.Campaigns))
		}
	})
}

func TestCampaignsComeNewestFirstAndOncePerWalk(t *testing.T) {
	// Three share each millisecond, so that pages also end among equals.
	var calls int64
	var lock sync.Mutex
	clock := func() time.Time {
		lock.Lock()
		defer lock.Unlock()
		calls++
		return time.UnixMilli(1_700_000_000_000 + calls/3)
	}
	eachWayWith(t, service.Options{Clock: clock}, func(t *testing.T, w *fixture) {
		if page := must(w.Campaigns(operator, airdrop.CampaignsQuery{}))(t); page.Campaigns == nil || len(page.Campaigns) != 0 || page.Next != "" {
			t.Errorf("without campaigns the page is %+v", page)
		}
		made := map[string]bool{}
		for range 11 {
			made[w.drafted(t, draft(merkle.OZ)).ID] = true
		}
		var walked []airdrop.Campaign
		for cursor, pages := "", 0; ; pages++ {
			page := must(w.Campaigns(operator, airdrop.CampaignsQuery{Cursor: cursor, Limit: 4}))(t)
			walked = append(walked, page.Campaigns...)
			if pages == 1 { // what is created during the walk is newer, and does not move it
				w.drafted(t, draft(merkle.OZ))
			}
			if page.Next == "" {
				break
			}
			if len(page.Campaigns) != 4 {
				t.Fatalf("a page in the middle has %d campaigns", len(page.Campaigns))
			}
			cursor = page.Next
		}
		for i, c := range walked {
			if i > 0 && c.CreatedMS > walked[i-1].CreatedMS {
				t.Errorf("campaign %d is newer than the one before it", i)
			}
			if !made[c.ID] {
				t.Errorf("campaign %s came twice, or was made after the walk began", c.ID)
			}
			delete(made, c.ID)
		}
		if len(made) != 0 {
			t.Errorf("the walk has missed %d campaigns", len(made))
		}
		if page := must(w.Campaigns(operator, airdrop.CampaignsQuery{Limit: 12}))(t); len(page.Campaigns) != 12 || page.Next != "" {
			t.Errorf("a page that holds all has %d and the cursor %q", len(page.Campaigns), page.Next)
		}
	})
}

func TestBadPagesAreInvalid(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for _, q := range []airdrop.CampaignsQuery{
			{Limit: -1},
			{Limit: 201},
			{Cursor: "!"},
			{Cursor: "bm9uc2Vuc2U"},
			{Cursor: "MSA"},
			{Cursor: "eCBhYWE"},
			{Cursor: "MSAnOw"},
			{Cursor: strings.Repeat("A", 5000)},
		} {
			refused(w.Campaigns(anybody, q))(t, fault.Invalid)
		}
	})
}

func TestEverythingSurvivesARestart(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		built := w.built(t, draft(merkle.Uniswap), three())
		listed := w.drafted(t, draft(merkle.OZ))
		must(w.UploadList(operator, airdrop.ListUpload{ID: listed.ID, Body: strings.NewReader(three())}))(t)
		ask := airdrop.ClaimQuery{ID: built.ID, Wallet: numbered(3)}
		claim := must(w.Claim(anybody, ask))(t)
		page := must(w.Campaigns(operator, airdrop.CampaignsQuery{}))(t)

		again := w.restarted(t)
		same(t, "the campaigns", must(again.Campaigns(operator, airdrop.CampaignsQuery{}))(t), page)
		same(t, "a claim", must(again.Claim(anybody, ask))(t), claim)
		must(again.BuildTree(operator, airdrop.BuildRequest{ID: listed.ID}))(t)
		// The first process sees what the second has done.
		must(w.Claim(anybody, airdrop.ClaimQuery{ID: listed.ID, Wallet: numbered(1)}))(t)
	})
}

func TestADamagedListNeverYieldsAProof(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		// Two amounts are swapped: the count and the total stay right.
		damaged := []byte{0}
		for i, amount := range []string{"250", "100", "115792089237316195423570985008687907853269984665640564039457584007913129639000"} {
			e := merkle.Entry{Wallet: numbered(i + 1), Amount: *uint256.MustFromDecimal(amount)}
			damaged = e.AppendRow(damaged)
		}
		err := w.db.Write(anybody, func(tx *database.Tx) error {
			_, err := tx.Exec(anybody, `UPDATE list_chunk SET body = ?`, damaged)
			return err
		})
		// A tree in a file would still be right.
		if err := errors.Join(err, os.RemoveAll(w.options.Trees)); err != nil {
			t.Fatal(err)
		}
		again := w.restarted(t)
		for range 2 {
			refused(again.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}))(t, fault.Internal)
			refused(again.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader("")}))(t, fault.Internal)
		}
	})
}

// same compares as JSON, which is what callers see.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(g) != string(w) {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func clockAt(ms int64) func() time.Time { return func() time.Time { return time.UnixMilli(ms) } }

// during is an empty reader that calls a function when it is read.
type during func() error

func (d during) Read([]byte) (int, error) {
	if err := d(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// stored counts the lists and chunks in the database.
func (w *fixture) stored(t testing.TB) (lists, chunks int) {
	t.Helper()
	if err := w.db.Read().Get(anybody, &lists, `SELECT COUNT(*) FROM list`); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Read().Get(anybody, &chunks, `SELECT COUNT(*) FROM list_chunk`); err != nil {
		t.Fatal(err)
	}
	return lists, chunks
}
