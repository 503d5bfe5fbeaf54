package signin_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

const origin = "https://banyan.example"

func newSessions(t testing.TB, db *database.DB, c *testclock.Clock, change ...func(*signin.SessionOptions)) *signin.Sessions {
	t.Helper()
	o := signin.SessionOptions{Origin: origin, Idle: time.Hour, Absolute: 24 * time.Hour, Now: c.Now}
	for _, f := range change {
		f(&o)
	}
	keys, _ := openKeys(t, db, c)
	s, err := signin.NewSessions(keys, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newBrowser(t testing.TB, s *signin.Sessions) string {
	t.Helper()
	b, err := s.NewBrowser()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// begin asks for a message and signs it, as a well-behaved browser.
func begin(t testing.TB, s *signin.Sessions, p person, browser string) signin.SignIn {
	t.Helper()
	c, err := s.Begin(browser, p.wallet, 1)
	if err != nil {
		t.Fatal(err)
	}
	return signin.SignIn{Browser: browser, Message: c.Message, Signature: p.sign(t, c.Message), Agent: "Test/1"}
}

func signIn(t testing.TB, s *signin.Sessions, p person) (signin.Session, string) {
	t.Helper()
	session, secret, err := s.SignIn(context.Background(), begin(t, s, p, newBrowser(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	return session, secret
}

func lookup(s *signin.Sessions, secret string) error {
	_, err := s.Lookup(context.Background(), secret)
	return err
}

func wantAlive(t testing.TB, s *signin.Sessions, secret string) {
	t.Helper()
	if err := lookup(s, secret); err != nil {
		t.Errorf("the session should be alive: %v", err)
	}
}

func wantOver(t testing.TB, s *signin.Sessions, secret string) {
	t.Helper()
	wantFault(t, lookup(s, secret), fault.Unauthenticated, "sign in again")
}

func TestAWalletSignsInAndOut(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := newSessions(t, db, c)
		alice := newPerson(t, "a")
		made, secret := signIn(t, s, alice)
		found, err := s.Lookup(context.Background(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if found != made || found.Wallet != alice.wallet || found.Role != identity.Member || found.Agent != "Test/1" ||
			!found.Created.Equal(c.Now()) || !found.Expires.Equal(c.Now().Add(24*time.Hour)) {
			t.Errorf("made %+v, found %+v", made, found)
		}
		if found.Caller() != (identity.Caller{Wallet: alice.wallet, Role: identity.Member}) {
			t.Errorf("it calls for %+v", found.Caller())
		}
		wantOver(t, s, found.ID) // what is shown in lists must not work as a cookie
		if err := s.SignOut(context.Background(), secret); err != nil {
			t.Fatal(err)
		}
		wantOver(t, s, secret)
	})
}

func TestASessionEndsWithoutUseAndInAnyCase(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := newSessions(t, db, c)
		_, unused := signIn(t, s, newPerson(t, "a"))
		_, used := signIn(t, s, newPerson(t, "b"))
		for half := 1; half < 48; half++ { // in use every half an hour, for all but the last of a day
			c.Pass(30 * time.Minute)
			wantAlive(t, s, used)
			if half >= 2 {
				wantOver(t, s, unused)
			}
		}
		operator := identity.Caller{Role: identity.Operator}
		if list, err := s.List(context.Background(), operator, newPerson(t, "a").wallet); err != nil || len(list) != 0 {
			t.Errorf("the unused one is still listed: %+v, %v", list, err)
		}
		c.Pass(30*time.Minute - time.Millisecond)
		wantAlive(t, s, used)
		c.Pass(time.Millisecond)
		wantOver(t, s, used)
		if list, err := s.List(context.Background(), operator, newPerson(t, "b").wallet); err != nil || len(list) != 0 {
			t.Errorf("the one of a day is still listed: %+v, %v", list, err)
		}
	})
}

func TestASignInIsRefusedForWhatIsWrongWithIt(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := newSessions(t, db, c)
		alice, bob := newPerson(t, "a"), newPerson(t, "b")
		resign := func(in *signin.SignIn, old, by string) {
			if !strings.Contains(in.Message, old) {
				t.Fatalf("no %q in %q", old, in.Message)
			}
			in.Message = strings.Replace(in.Message, old, by, 1)
			in.Signature = alice.sign(t, in.Message)
		}
		elsewhere := newSessions(t, db, c, func(o *signin.SessionOptions) { o.Origin = "https://evil.example" })
		for name, tc := range map[string]struct {
			change func(*signin.SignIn)
			code   fault.Code
			says   string
		}{
			"not a message":            {func(in *signin.SignIn) { in.Message = "hello" }, fault.Invalid, "not a sign-in message"},
			"signed by another wallet": {func(in *signin.SignIn) { in.Signature = bob.sign(t, in.Message) }, fault.Unauthenticated, "was signed by " + bob.wallet.String()},
			"another wallet's message": {func(in *signin.SignIn) { resign(in, alice.wallet.String(), bob.wallet.String()) }, fault.Unauthenticated, "letter by letter"},
			"another site's message":   {func(in *signin.SignIn) { resign(in, "banyan.example wants", "evil.example wants") }, fault.Unauthenticated, "signs in to evil.example"},
			"made by another site":     {func(in *signin.SignIn) { *in = begin(t, elsewhere, alice, in.Browser) }, fault.Unauthenticated, "signs in to evil.example"},
			"another URI":              {func(in *signin.SignIn) { resign(in, "URI: https://banyan.example", "URI: https://banyan.example/x") }, fault.Unauthenticated, "is for https://banyan.example/x"},
			"another chain":            {func(in *signin.SignIn) { resign(in, "Chain ID: 1", "Chain ID: 10") }, fault.Unauthenticated, "letter by letter"},
			"a nonce of one's own":     {func(in *signin.SignIn) { resign(in, "Nonce: ", "Nonce: 0") }, fault.Unauthenticated, "letter by letter"},
			"another browser":          {func(in *signin.SignIn) { in.Browser = newBrowser(t, s) }, fault.Unauthenticated, "made for this browser"},
			"no browser":               {func(in *signin.SignIn) { in.Browser = "" }, fault.Unauthenticated, "made for this browser"},
			"changed after signing": {func(in *signin.SignIn) {
				in.Message = strings.Replace(in.Message, "moves nothing", "moves it all", 1)
			}, fault.Unauthenticated, "letter by letter"},
			"a longer life by oneself": {func(in *signin.SignIn) {
				resign(in, "Expiration Time: 2026-03-01T10:10", "Expiration Time: 2099-03-01T10:10")
				c.Pass(10 * time.Minute)
			}, fault.Unauthenticated, "letter by letter"},
			"another statement, signed": {func(in *signin.SignIn) { resign(in, "moves nothing", "moves it all") }, fault.Unauthenticated, "letter by letter"},
			"issued at another time":    {func(in *signin.SignIn) { resign(in, "Issued At: 2026", "Issued At: 2025") }, fault.Unauthenticated, "letter by letter"},
			"with a resource of its own": {func(in *signin.SignIn) {
				in.Message += "\nResources:\n- https://evil.example"
				in.Signature = alice.sign(t, in.Message)
			}, fault.Unauthenticated, "letter by letter"},
			"without an end": {func(in *signin.SignIn) { resign(in, "\nExpiration Time: 2026-03-01T10:10:00.000Z", "") }, fault.Unauthenticated, "letter by letter"},
			"with a nonce issued before": {func(in *signin.SignIn) {
				c.Pass(time.Second)
				old := begin(t, s, alice, in.Browser)
				nonce := func(m string) string { _, rest, _ := strings.Cut(m, "\nNonce: "); return rest[:48] }
				resign(in, nonce(in.Message), nonce(old.Message))
			}, fault.Unauthenticated, "letter by letter"},
			"after ten minutes":         {func(*signin.SignIn) { c.Pass(10 * time.Minute) }, fault.Unauthenticated, "has expired"},
			"a day later, swept":        {func(*signin.SignIn) { c.Pass(24 * time.Hour); _ = s.Sweep(context.Background()) }, fault.Unauthenticated, "has expired"},
			"an unreadable signature":   {func(in *signin.SignIn) { in.Signature = []byte{1, 2, 3} }, fault.Unauthenticated, "none is configured"},
			"without any signature":     {func(in *signin.SignIn) { in.Signature = nil }, fault.Invalid, "65 bytes"},
			"a smart wallet, no chains": {func(in *signin.SignIn) { in.Signature = make([]byte, 200) }, fault.Unauthenticated, "smart wallet"},
		} {
			t.Run(name, func(t *testing.T) {
				c.Set(newClock().Now())
				in := begin(t, s, alice, newBrowser(t, s))
				tc.change(&in)
				_, secret, err := s.SignIn(context.Background(), in)
				wantFault(t, err, tc.code, tc.says)
				if secret != "" {
					t.Error("and yet there is a session")
				}
				if _, err := s.Prove(context.Background(), in); err == nil {
					t.Error("and yet it is taken as proof for a token")
				}
			})
		}
		c.Set(newClock().Now())
		for _, p := range []person{alice, bob} {
			list, err := s.List(context.Background(), identity.Caller{Role: identity.Operator}, p.wallet)
			if err != nil || len(list) != 0 {
				t.Errorf("sessions were left: %+v, %v", list, err)
			}
		}
	})
}

func TestAMessageSignsInOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSessions(t, db, newClock())
		in := begin(t, s, newPerson(t, "a"), newBrowser(t, s))
		var good, conflicts atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				_, _, err := s.SignIn(context.Background(), in)
				switch {
				case err == nil:
					good.Add(1)
				case fault.Is(err, fault.Conflict):
					conflicts.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if good.Load() != 1 || conflicts.Load() != 15 {
			t.Errorf("%d signed in, %d were told it was used", good.Load(), conflicts.Load())
		}
		_, err := s.Prove(context.Background(), in)
		wantFault(t, err, fault.Conflict, "used already")
	})
}

// A refused attempt must not use the message up: the person may have chosen
// the wrong account in the wallet.
func TestAFailedAttemptLeavesTheMessageUsable(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSessions(t, db, newClock())
		in := begin(t, s, newPerson(t, "a"), newBrowser(t, s))
		wrong := in
		wrong.Signature = newPerson(t, "b").sign(t, in.Message)
		if _, _, err := s.SignIn(context.Background(), wrong); err == nil {
			t.Fatal("the wrong wallet signed in")
		}
		if _, _, err := s.SignIn(context.Background(), in); err != nil {
			t.Error(err)
		}
	})
}

func TestSigningInAgainEndsTheSessionItReplaces(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSessions(t, db, newClock())
		_, old := signIn(t, s, newPerson(t, "a"))
		_, other := signIn(t, s, newPerson(t, "a"))
		in := begin(t, s, newPerson(t, "b"), newBrowser(t, s))
		in.Replaces = old
		_, fresh, err := s.SignIn(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		wantOver(t, s, old)
		wantAlive(t, s, other)
		wantAlive(t, s, fresh)
	})
}

func TestSessionsAreSeenAndEndedByTheirWalletAndByOperators(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx, c := context.Background(), newClock()
		s := newSessions(t, db, c)
		alice, bob := newPerson(t, "a"), newPerson(t, "b")
		operator := identity.Caller{Wallet: newPerson(t, "c").wallet, Role: identity.Operator}
		first, firstSecret := signIn(t, s, alice)
		c.Pass(time.Minute)
		second, secondSecret := signIn(t, s, alice)
		bobs, bobsSecret := signIn(t, s, bob)

		list, err := s.List(ctx, first.Caller(), alice.wallet)
		if err != nil || len(list) != 2 || list[0].ID != second.ID || list[1].ID != first.ID {
			t.Errorf("alice sees %+v, %v", list, err)
		}
		_, err = s.List(ctx, first.Caller(), bob.wallet)
		wantFault(t, err, fault.Forbidden, "only the wallet itself")
		_, err = s.List(ctx, identity.Caller{}, wallet.Address{})
		wantFault(t, err, fault.Unauthenticated, "sign in")

		wantFault(t, s.End(ctx, first.Caller(), bobs.ID), fault.NotFound, "no such session of yours")
		wantFault(t, s.End(ctx, first.Caller(), "x\x00"), fault.NotFound, "no such session of yours")
		wantFault(t, s.End(ctx, identity.Caller{}, bobs.ID), fault.Unauthenticated, "sign in")
		wantAlive(t, s, bobsSecret)

		if err := s.End(ctx, first.Caller(), second.ID); err != nil {
			t.Error(err)
		}
		wantOver(t, s, secondSecret)
		wantAlive(t, s, firstSecret)
		if err := s.End(ctx, operator, bobs.ID); err != nil {
			t.Error(err)
		}
		wantOver(t, s, bobsSecret)
	})
}

func TestAWalletHasFiftySessionsAtMost(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := newSessions(t, db, c)
		alice := newPerson(t, "a")
		_, oldest := signIn(t, s, alice)
		c.Pass(time.Millisecond)
		_, next := signIn(t, s, alice)
		for range 49 {
			c.Pass(time.Millisecond)
			signIn(t, s, alice)
		}
		wantOver(t, s, oldest)
		wantAlive(t, s, next)
	})
}

func TestRolesCountFromTheNextRequestOn(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		chief, alice := newPerson(t, "c"), newPerson(t, "a")
		s := newSessions(t, db, newClock(), func(o *signin.SessionOptions) { o.Operators = []wallet.Address{chief.wallet} })
		_, secret := signIn(t, s, alice)
		boss, _ := signIn(t, s, chief)
		if boss.Role != identity.Operator {
			t.Fatalf("the configured operator is %s", boss.Role)
		}
		wantRole := func(want identity.Role) {
			t.Helper()
			got, err := s.Lookup(ctx, secret)
			listed, listErr := s.List(ctx, got.Caller(), alice.wallet)
			if err != nil || listErr != nil || got.Role != want || listed[0].Role != want {
				t.Errorf("got %s and %+v (%v, %v), want %s", got.Role, listed, err, listErr, want)
			}
		}
		wantRole(identity.Member)
		for _, role := range []identity.Role{identity.Moderator, identity.Operator, identity.Moderator, identity.Member} {
			if err := s.Grant(ctx, boss.Caller(), alice.wallet, role); err != nil {
				t.Fatal(err)
			}
			wantRole(role)
		}
		moderator := identity.Caller{Wallet: alice.wallet, Role: identity.Moderator}
		wantFault(t, s.Grant(ctx, moderator, alice.wallet, identity.Operator), fault.Forbidden, "only operators may change roles")
		wantFault(t, s.Grant(ctx, boss.Caller(), chief.wallet, identity.Member), fault.Conflict, "identity.operators")
		wantFault(t, s.Grant(ctx, boss.Caller(), alice.wallet, identity.Anonymous), fault.Invalid, "member, moderator or operator")
		wantFault(t, s.Grant(ctx, boss.Caller(), wallet.Address{}, identity.Member), fault.Invalid, "zero address")
		wantRole(identity.Member)
	})
}

// Whoever asks for messages, and signs none, leaves nothing behind.
func TestAMessageThatIsOnlyAskedForIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := newSessions(t, db, c)
		alice, browser := newPerson(t, "a"), newBrowser(t, s)
		first := begin(t, s, alice, browser)
		for range 100 {
			begin(t, s, alice, browser)
		}
		var left int
		if err := db.Read().Get(context.Background(), &left, "SELECT COUNT(*) FROM used_nonce"); err != nil || left != 0 {
			t.Errorf("%d messages are stored, %v", left, err)
		}
		if _, _, err := s.SignIn(context.Background(), first); err != nil {
			t.Errorf("the first of many messages: %v", err)
		}
	})
}

// A message is valid in every process with the database, whichever key proves it.
func TestAMessageIsValidAfterARotation(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s, elsewhere := newSessions(t, db, c), newSessions(t, databasetest.Again(t, db), c)
		alice := newPerson(t, "a")
		before := begin(t, elsewhere, alice, newBrowser(t, s))
		keys, _ := openKeys(t, db, c)
		rotate(t, keys)
		fresh, err := signin.NewSessions(keys, signin.SessionOptions{Origin: origin, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range map[string]signin.SignIn{"of the key before": before, "of a key that another process made": begin(t, fresh, alice, newBrowser(t, s))} {
			if _, _, err := elsewhere.SignIn(context.Background(), in); err != nil {
				t.Errorf("a message %s: %v", name, err)
			}
		}
	})
}

func TestANetworkHasAThousandSessionsAtMost(t *testing.T) {
	db, c := databasetest.SQLite(t, "identity"), newClock()
	s := newSessions(t, db, c)
	from := func(p person, network string) string {
		t.Helper()
		in := begin(t, s, p, newBrowser(t, s))
		in.Network = network
		_, secret, err := s.SignIn(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	const crowded = "192.0.2.7/32"
	inUse, unused, elsewhere := from(newPerson(t, "a"), crowded), from(newPerson(t, "b"), crowded), from(newPerson(t, "c"), "2001:db8::/64")
	c.Pass(5 * time.Minute)
	wantAlive(t, s, inUse)
	c.Pass(time.Minute)
	last := ""
	for i := range 1000 { // more wallets than one has sessions
		key, err := crypto.HexToECDSA(fmt.Sprintf("%064x", i+1))
		if err != nil {
			t.Fatal(err)
		}
		last = from(person{key: key, wallet: wallet.Address(crypto.PubkeyToAddress(key.PublicKey))}, crowded)
	}
	wantAlive(t, s, inUse)
	wantAlive(t, s, elsewhere)
	wantAlive(t, s, last)
	wantOver(t, s, unused)
	var n int
	if err := db.Read().Get(context.Background(), &n, "SELECT COUNT(*) FROM session WHERE network = ?", crowded); err != nil || n != 1000 {
		t.Errorf("the network has %d sessions, %v", n, err)
	}
}

func TestSweepTakesWhatIsOverAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx, c := context.Background(), newClock()
		s := newSessions(t, db, c)
		signIn(t, s, newPerson(t, "a"))
		_, used := signIn(t, s, newPerson(t, "b"))
		c.Pass(40 * time.Minute)
		wantAlive(t, s, used)
		c.Pass(40 * time.Minute)
		if err := s.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		var sessions, nonces int
		if err := db.Read().Get(ctx, &sessions, "SELECT COUNT(*) FROM session"); err != nil || sessions != 1 {
			t.Errorf("%d sessions are left, %v", sessions, err)
		}
		if err := db.Read().Get(ctx, &nonces, "SELECT COUNT(*) FROM used_nonce"); err != nil || nonces != 0 {
			t.Errorf("%d used nonces are left, %v", nonces, err)
		}
		wantAlive(t, s, used)
	})
}

// oneContract is a chain with one smart wallet that takes any signature that
// says "yes".
type oneContract struct{ account wallet.Address }

func (c oneContract) HasCode(_ context.Context, _ uint64, a wallet.Address, _ []byte) (bool, error) {
	return a == c.account, nil
}

func (c oneContract) Accepts(_ context.Context, _ uint64, _ wallet.Address, _ [32]byte, signature []byte) (accepted bool, block uint64, err error) {
	return string(signature) == "yes", 1, nil
}

func TestASmartWalletSignsInWhereAChainIsConfigured(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		vault := person{wallet: wallet.MustParse("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")}
		s := newSessions(t, db, newClock(), func(o *signin.SessionOptions) { o.Contracts = oneContract{vault.wallet} })
		browser := newBrowser(t, s)
		c, err := s.Begin(browser, vault.wallet, 1)
		if err != nil {
			t.Fatal(err)
		}
		in := signin.SignIn{Browser: browser, Message: c.Message, Signature: []byte("no")}
		_, _, err = s.SignIn(context.Background(), in)
		wantFault(t, err, fault.Unauthenticated, "does not accept")
		in.Signature = []byte("yes")
		if session, _, err := s.SignIn(context.Background(), in); err != nil || session.Wallet != vault.wallet {
			t.Errorf("got %+v, %v", session, err)
		}
	})
}

func TestBeginRefusesWhatCannotEndWell(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSessions(t, db, newClock(), func(o *signin.SessionOptions) { o.Chains = []uint64{1, 10} })
		alice, browser := newPerson(t, "a").wallet, newBrowser(t, s)
		for name, tc := range map[string]struct {
			browser string
			wallet  wallet.Address
			chain   uint64
			says    string
		}{
			"no cookie":        {"", alice, 1, "allow cookies"},
			"a chosen cookie":  {"x", alice, 1, "allow cookies"},
			"the zero address": {browser, wallet.Address{}, 1, "zero address"},
			"chain 0":          {browser, alice, 0, "not accepted on chain 0"},
			"another chain":    {browser, alice, 137, "not accepted on chain 137"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := s.Begin(tc.browser, tc.wallet, tc.chain)
				wantFault(t, err, fault.Invalid, tc.says)
			})
		}
		if _, err := s.Begin(browser, alice, 10); err != nil {
			t.Error(err)
		}
	})
}

func TestAnOriginMustBeOneThatPeopleCanSignInAt(t *testing.T) {
	for o, good := range map[string]bool{
		"https://banyan.example":      true,
		"https://banyan.example:8443": true,
		"http://127.0.0.1:8080":       true,
		"http://localhost:8080":       true,
		"http://[::1]:8080":           true,
		"http://banyan.example":       false,
		"http://10.0.0.1":             false,
		"https://banyan.example/":     false,
		"https://a@banyan.example":    false,
		"https://":                    false,
		"banyan.example":              false,
		"ftp://127.0.0.1":             false,
		"":                            false,
	} {
		if _, err := signin.NewSessions(nil, signin.SessionOptions{Origin: o}); (err == nil) != good {
			t.Errorf("%q: got %v", o, err)
		}
	}
	if _, err := signin.NewSessions(nil, signin.SessionOptions{Origin: origin, Statement: "two\nlines"}); err == nil {
		t.Error("a statement of two lines was taken")
	}
}

// TestTwoOriginsOverOneDatabase: what is signed at one is worth nothing at the
// other, and one of them is for members only.
func TestTwoOriginsOverOneDatabase(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		boss, member := newPerson(t, "a"), newPerson(t, "b")
		operators := func(o *signin.SessionOptions) { o.Operators = []wallet.Address{boss.wallet} }
		public := newSessions(t, db, c, operators, func(o *signin.SessionOptions) { o.Highest = identity.Member })
		own := newSessions(t, db, c, operators, func(o *signin.SessionOptions) {
			o.Origin, o.Realm = "https://operator.example", "operators"
		})
		session, atPublic := signIn(t, public, boss)
		if found, err := public.Lookup(context.Background(), atPublic); err != nil || session.Role != identity.Member || found.Role != identity.Member {
			t.Errorf("an operator at the origin for members is %v, then %v, %v", session.Role, found.Role, err)
		}
		session, atOwn := signIn(t, own, boss)
		if found, err := own.Lookup(context.Background(), atOwn); err != nil || session.Role != identity.Operator || found.Role != identity.Operator {
			t.Errorf("an operator at the operators' origin is %v, then %v, %v", session.Role, found.Role, err)
		}
		if session, _ := signIn(t, own, member); session.Role != identity.Member {
			t.Errorf("a member at the operators' origin is %v", session.Role)
		}
		wantOver(t, own, atPublic)
		wantOver(t, public, atOwn)
		browser := newBrowser(t, public)
		if _, _, err := own.SignIn(context.Background(), begin(t, public, boss, browser)); err == nil {
			t.Error("a message of the one origin signed in at the other")
		}
	})
}
