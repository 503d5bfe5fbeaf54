package signin_test

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

func required(o *signin.SessionOptions) { o.SecondFactor = true }

// operating signs a wallet in that is an operator by the table.
func operating(t testing.TB, s *signin.Sessions, p person) (signin.Session, string) {
	t.Helper()
	if err := s.Grant(context.Background(), identity.Caller{Subject: "test", Role: identity.Operator}, p.wallet, identity.Operator); err != nil {
		t.Fatal(err)
	}
	return signIn(t, s, p)
}

func again(t testing.TB, s *signin.Sessions, secret string) signin.Session {
	t.Helper()
	found, err := s.Lookup(context.Background(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantRole(t testing.TB, s *signin.Sessions, secret string, role identity.Role, state signin.Factor) {
	t.Helper()
	found := again(t, s, secret)
	if found.Role != role || found.Factor != state || found.Caller().Role != role {
		t.Errorf("the session is %s with the factor %q, want %s with %q", found.Role, found.Factor, role, state)
	}
}

// app makes codes from the secret that the page shows.
type app struct {
	secret string
	clock  *testclock.Clock
}

func (a app) code(t testing.TB, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, a.clock.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrong is a code that does not count for minutes.
func (a app) wrong(t testing.TB) string {
	t.Helper()
	var now []string
	for step := -2; step <= 20; step++ {
		now = append(now, a.code(t, step))
	}
	for _, code := range []string{"000000", "111111", "222222"} {
		if !slices.Contains(now, code) {
			return code
		}
	}
	t.Fatal("three codes are right")
	return ""
}

// enrolled turns the second factor of a session on, and has the code's step pass.
func enrolled(t testing.TB, s *signin.Sessions, in signin.Session, c *testclock.Clock) (app, []string) {
	t.Helper()
	ctx := context.Background()
	if err := s.BeginSecondFactor(ctx, in); err != nil {
		t.Fatal(err)
	}
	begun, err := s.SecondFactorOf(ctx, in)
	if err != nil || begun.Beginning == nil || !begun.Since.IsZero() {
		t.Fatalf("begun is %+v, %v", begun, err)
	}
	a := app{begun.Beginning.Secret, c}
	recovery, err := s.ConfirmSecondFactor(ctx, in, a.code(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	c.Pass(time.Minute)
	return a, recovery
}

func TestARoleCountsWithTheSecondFactorOnly(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s := newSessions(t, db, c)
		alice := newPerson(t, "a")
		first, firstSecret := operating(t, s, alice)
		if first.Role != identity.Operator || first.Factor != signin.FactorNone {
			t.Fatalf("without a second factor the session is %+v", first)
		}
		_, before := signIn(t, s, alice)
		a, recovery := enrolled(t, s, first, c)
		wantRole(t, s, firstSecret, identity.Operator, signin.FactorGiven)
		wantRole(t, s, before, identity.Member, signin.FactorNeeded)
		after, afterSecret := signIn(t, s, alice)
		if after.Role != identity.Member || after.Full != identity.Operator || after.Factor != signin.FactorNeeded {
			t.Errorf("a new session is %+v", after)
		}
		if err := s.GiveSecondFactor(ctx, after, a.code(t, 0)[:3]+" "+a.code(t, 0)[3:]); err != nil {
			t.Fatal(err)
		}
		wantRole(t, s, afterSecret, identity.Operator, signin.FactorGiven)
		wantRole(t, s, before, identity.Member, signin.FactorNeeded)
		if list, err := s.List(ctx, again(t, s, before).Caller(), alice.wallet); err != nil || len(list) != 3 {
			t.Errorf("listed %+v, %v", list, err)
		}

		if len(recovery) != 10 || slices.Compact(slices.Sorted(slices.Values(recovery)))[9] == "" {
			t.Fatalf("the recovery codes are %v", recovery)
		}
		held := again(t, s, before)
		if err := s.GiveSecondFactor(ctx, held, strings.ToLower(recovery[3])); err != nil {
			t.Fatal(err)
		}
		wantRole(t, s, before, identity.Operator, signin.FactorGiven)
		wantFault(t, s.GiveSecondFactor(ctx, held, recovery[3]), fault.Invalid, "used before")
		if has, err := s.SecondFactorOf(ctx, held); err != nil || has.Recovery != 9 || has.Since.IsZero() || has.Beginning != nil {
			t.Errorf("it has %+v, %v", has, err)
		}

		fresh, err := s.NewRecoveryCodes(ctx, held, recovery[4])
		if err != nil {
			t.Fatal(err)
		}
		wantFault(t, s.EndSecondFactor(ctx, held, recovery[5]), fault.Invalid, "not right")
		if err := s.EndSecondFactor(ctx, held, fresh[0]); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{firstSecret, before, afterSecret} {
			wantRole(t, s, secret, identity.Operator, signin.FactorNone)
		}
		wantFault(t, s.GiveSecondFactor(ctx, held, fresh[1]), fault.Conflict, "no second factor")
	})
}

func TestWhereItIsRequiredNobodyWithoutOneHasARole(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s := newSessions(t, db, c, required)
		alice, bob := newPerson(t, "a"), newPerson(t, "b")
		in, secret := operating(t, s, alice)
		wantRole(t, s, secret, identity.Member, signin.FactorMissing)
		_, other := signIn(t, s, bob)
		wantRole(t, s, other, identity.Member, signin.FactorNone)
		wantFault(t, s.BeginSecondFactor(ctx, again(t, s, other)), fault.Forbidden, "for moderators and operators")
		wantFault(t, s.Grant(ctx, in.Caller(), bob.wallet, identity.Operator), fault.Forbidden, "only operators")
		a, _ := enrolled(t, s, in, c)
		wantRole(t, s, secret, identity.Operator, signin.FactorGiven)
		if err := s.EndSecondFactor(ctx, in, a.code(t, 0)); err != nil {
			t.Fatal(err)
		}
		wantRole(t, s, secret, identity.Member, signin.FactorMissing)
	})
}

func TestOnlyTheSessionThatBeganSeesTheSecretAndForAnHour(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s := newSessions(t, db, c)
		alice := newPerson(t, "a")
		mine, _ := operating(t, s, alice)
		other, _ := signIn(t, s, alice)
		if err := s.BeginSecondFactor(ctx, mine); err != nil {
			t.Fatal(err)
		}
		begun, err := s.SecondFactorOf(ctx, mine)
		if err != nil || begun.Beginning == nil {
			t.Fatalf("begun is %+v, %v", begun, err)
		}
		uri, err := url.Parse(begun.Beginning.URI)
		if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Query().Get("secret") != begun.Beginning.Secret ||
			uri.Query().Get("issuer") != "banyan.example" || !strings.HasPrefix(uri.Path, "/banyan.example:0x") || len(begun.Beginning.Secret) != 32 {
			t.Errorf("the app gets %q, %v", begun.Beginning.URI, err)
		}
		if seen, err := s.SecondFactorOf(ctx, other); err != nil || seen != (signin.SecondFactor{}) {
			t.Errorf("another session sees %+v, %v", seen, err)
		}
		a := app{begun.Beginning.Secret, c}
		_, err = s.ConfirmSecondFactor(ctx, other, a.code(t, 0))
		wantFault(t, err, fault.Conflict, "not begun in this session")
		_, err = s.ConfirmSecondFactor(ctx, mine, a.wrong(t))
		wantFault(t, err, fault.Invalid, "clock is right")
		wantFault(t, s.GiveSecondFactor(ctx, mine, a.code(t, 0)), fault.Conflict, "no second factor")
		if err := s.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if seen, _ := s.SecondFactorOf(ctx, mine); seen.Beginning == nil {
			t.Error("it was swept away within the hour")
		}
		c.Pass(30 * time.Minute) // the session is in use
		if err := s.BeginSecondFactor(ctx, mine); err != nil {
			t.Fatal(err)
		}
		_, err = s.ConfirmSecondFactor(ctx, mine, a.code(t, 0))
		wantFault(t, err, fault.Invalid, "not one of the app") // the former secret
		c.Pass(time.Hour)
		if seen, err := s.SecondFactorOf(ctx, mine); err != nil || seen.Beginning != nil {
			t.Errorf("after an hour it is %+v, %v", seen, err)
		}
		if err := s.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := db.Read().Get(ctx, &left, "SELECT COUNT(*) FROM second_factor"); err != nil || left != 0 {
			t.Errorf("%d rows are left, %v", left, err)
		}
	})
}

func TestACodeCountsOnceAndInItsTime(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s := newSessions(t, db, c)
		alice := newPerson(t, "a")
		in, _ := operating(t, s, alice)
		a, _ := enrolled(t, s, in, c)
		for _, step := range []struct {
			steps int
			right bool
		}{{-2, false}, {2, false}, {-1, true}, {-1, false}, {0, true}, {0, false}, {-1, false}, {1, true}, {0, false}, {1, false}} {
			err := s.GiveSecondFactor(ctx, in, a.code(t, step.steps))
			if (err == nil) != step.right {
				t.Errorf("the code of step %d: %v", step.steps, err)
			}
			if !step.right {
				wantFault(t, err, fault.Invalid, "not right, or was used before")
			}
		}
		for _, nothing := range []string{"", "12345", "1234567", "12345a", "ABCD-EFGH-IJKL-MNOP-QRST-UVW1", strings.Repeat("1", 1000), "１２３４５６"} {
			wantFault(t, s.GiveSecondFactor(ctx, in, nothing), fault.Invalid, "six digits")
		}
	})
}

// One code that is sent many times at once, to several processes, counts once.
func TestACodeCountsOnceInAllProcesses(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s, there := newSessions(t, db, c), newSessions(t, databasetest.Again(t, db), c)
		in, _ := operating(t, s, newPerson(t, "a"))
		a, recovery := enrolled(t, s, in, c)
		for _, code := range []string{a.code(t, 0), recovery[0]} {
			var right atomic.Int32
			var all sync.WaitGroup
			for n := range 4 { // below the number that has to wait
				all.Go(func() {
					if []*signin.Sessions{s, there}[n%2].GiveSecondFactor(ctx, in, code) == nil {
						right.Add(1)
					}
				})
			}
			all.Wait()
			if right.Load() != 1 {
				t.Errorf("it counted %d times", right.Load())
			}
			c.Pass(time.Minute)
			if err := s.GiveSecondFactor(ctx, in, a.code(t, 0)); err != nil {
				t.Fatal(err)
			}
			c.Pass(time.Minute)
		}
	})
}

func TestWrongCodesHaveToWait(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s := newSessions(t, db, c)
		in, _ := operating(t, s, newPerson(t, "a"))
		a, recovery := enrolled(t, s, in, c)
		for range 4 {
			wantFault(t, s.GiveSecondFactor(ctx, in, a.wrong(t)), fault.Invalid, "not right")
		}
		if err := s.GiveSecondFactor(ctx, in, a.code(t, 0)); err != nil {
			t.Fatalf("a right one in time: %v", err)
		}
		for range 4 {
			wantFault(t, s.GiveSecondFactor(ctx, in, a.wrong(t)), fault.Invalid, "not right")
		}
		for _, wait := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
			wantFault(t, s.GiveSecondFactor(ctx, in, a.wrong(t)), fault.Invalid, "not right")
			c.Pass(wait - time.Second)
			for _, code := range []string{a.code(t, 0), recovery[0], a.wrong(t)} {
				err := newSessions(t, db, c).GiveSecondFactor(ctx, in, code) // another process
				wantFault(t, err, fault.RateLimited, "wait 1 minutes")
				if fault.From(err).RetryAfter != time.Second {
					t.Errorf("come back after %s", fault.From(err).RetryAfter)
				}
			}
			c.Pass(time.Second)
		}
		if err := s.ProveSecondFactor(ctx, in.Wallet, recovery[0], "a test"); err != nil {
			t.Fatalf("after the wait: %v", err)
		}
		wantFault(t, s.GiveSecondFactor(ctx, in, a.wrong(t)), fault.Invalid, "not right") // counted from the start again
		c.Pass(time.Minute)
		if err := s.ProveSecondFactor(ctx, in.Wallet, a.code(t, 0), "a test"); err != nil {
			t.Error(err)
		}

		entries, _, err := eventsIn(db, c).List(ctx, securitylog.Query{What: "second-factor-used", Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		var waits int
		for _, e := range entries {
			if e.Who != in.Wallet.String() {
				t.Errorf("who is %q in %+v", e.Who, e)
			}
			if strings.Contains(e.Detail, "wrong codes in a row") && e.Refused {
				waits++
			}
			for _, secret := range append(recovery, a.secret, a.wrong(t)) {
				if strings.Contains(e.Detail+e.Whom, secret) {
					t.Errorf("a secret is in the log: %+v", e)
				}
			}
		}
		if waits != 9 {
			t.Errorf("%d waits are in the log", waits)
		}
	})
}

func TestALostSecondFactorIsResetFromTheCommandLineAlone(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		s := newSessions(t, db, c)
		alice, boss := newPerson(t, "a"), newPerson(t, "b")
		in, secret := operating(t, s, alice)
		operator, _ := operating(t, s, boss)
		command := identity.Caller{Subject: "root on the machine", Role: identity.Operator}
		wantFault(t, s.ResetSecondFactor(ctx, command, alice.wallet), fault.NotFound, "has no second factor")
		a, _ := enrolled(t, s, in, c)
		for range 5 {
			_ = s.GiveSecondFactor(ctx, in, a.wrong(t)) // it has to wait now
		}
		if list, err := s.SecondFactors(ctx); err != nil || len(list) != 1 || list[0].Wallet != alice.wallet || list[0].Recovery != 10 || list[0].Wait == nil {
			t.Errorf("listed %+v, %v", list, err)
		}
		if found, _, err := s.Users(ctx, command, signin.UserQuery{}); err != nil || len(found) != 2 || found[0].Factor == found[1].Factor {
			t.Errorf("the users are %+v, %v", found, err)
		}
		for _, by := range []identity.Caller{operator.Caller(), again(t, s, secret).Caller(), {}} {
			wantFault(t, s.ResetSecondFactor(ctx, by, alice.wallet), fault.Forbidden, "banyan second-factor reset")
		}
		if err := s.ResetSecondFactor(ctx, command, alice.wallet); err != nil {
			t.Fatal(err)
		}
		wantRole(t, s, secret, identity.Operator, signin.FactorNone)
		enrolled(t, s, in, c)
		entries, _, err := eventsIn(db, c).List(ctx, securitylog.Query{What: "second-factor-set", Limit: 10})
		if err != nil || len(entries) != 3 || entries[1].Who != command.Subject || entries[1].Whom != alice.wallet.String() || !strings.Contains(entries[1].Detail, "reset") {
			t.Errorf("the log has %+v, %v", entries, err)
		}
	})
}

func TestTheSecretIsEncryptedWhenThereIsAKey(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c, ctx := newClock(), context.Background()
		key := config.Secret(strings.Repeat("0a", 32))
		open := func(key config.Secret) *signin.Sessions {
			t.Helper()
			keys, err := signin.OpenKeys(ctx, db, signin.KeysOptions{SealKey: key, Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			s, err := signin.NewSessions(keys, signin.SessionOptions{Origin: origin, Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		stored := func(w wallet.Address) (secret []byte) {
			t.Helper()
			if err := db.Read().Get(ctx, &secret, "SELECT secret FROM second_factor WHERE wallet = ?", w); err != nil {
				t.Fatal(err)
			}
			return secret
		}
		plain := open("")
		alice, bob := newPerson(t, "a"), newPerson(t, "b")
		in, _ := operating(t, plain, alice)
		a, _ := enrolled(t, plain, in, c)
		before := stored(alice.wallet)
		if len(before) != 20 {
			t.Fatalf("without a key %d bytes are stored", len(before))
		}
		sealed := open(key)
		if after := stored(alice.wallet); len(after) != 48 || bytes.Contains(after, before) {
			t.Errorf("with a key %d bytes are stored", len(after))
		}
		if err := sealed.GiveSecondFactor(ctx, in, a.code(t, 0)); err != nil {
			t.Error(err)
		}
		c.Pass(time.Minute)
		other, _ := operating(t, sealed, bob)
		theirs, _ := enrolled(t, sealed, other, c)
		if len(stored(bob.wallet)) != 48 {
			t.Error("a new secret is stored as it is")
		}
		// The row of one wallet is of no use as that of another.
		err := db.Write(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE second_factor SET secret = ? WHERE wallet = ?", stored(bob.wallet), alice.wallet)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		wantFault(t, sealed.GiveSecondFactor(ctx, in, theirs.code(t, 0)), fault.Conflict, "identity.seal_key does not open the second factor")
	})
}

func TestATokenByASignatureAloneDoesNotPassTheSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		boss := newPerson(t, "c") // an operator by the settings
		in, secret := signIn(t, s.sessions, boss)
		made, err := s.tokens.Create(t.Context(), signin.TokenRequest{Wallet: boss.wallet, Role: identity.Operator})
		if err != nil {
			t.Fatal(err)
		}
		a, _ := enrolled(t, s.sessions, in, s.clock)
		token := func(more ...string) (answer struct {
			Role, Token string
			Factor      string `json:"second_factor"`
		},
		) {
			t.Helper()
			v := s.visitor(t)
			ask := v.asked(boss)
			ask["token"] = true
			if len(more) > 0 {
				ask["code"] = more[0]
			}
			v.get(&answer, "POST", "/api/v1/identity/sign-in", encode(t, ask))
			return answer
		}
		client := s.visitor(t)
		bounded := token()
		if bounded.Role != "member" || bounded.Factor != "needed" {
			t.Errorf("without a code: %+v", bounded)
		}
		client.wantCaller(boss.wallet.String()+" member", "Authorization", "Bearer "+bounded.Token)
		whole := token(a.code(t, 0))
		if whole.Role != "operator" || whole.Factor != "given" {
			t.Errorf("with a code: %+v", whole)
		}
		client.wantCaller(boss.wallet.String()+" operator", "Authorization", "Bearer "+whole.Token)
		client.wantCaller(boss.wallet.String()+" operator", "Authorization", "Bearer "+made.Token) // one that was made before

		v := s.visitor(t)
		ask := v.asked(boss)
		ask["token"], ask["code"] = true, a.wrong(t)
		v.wantProblem(400, fault.Invalid, "not right", "POST", "/api/v1/identity/sign-in", encode(t, ask))
		ask = v.asked(boss)
		ask["code"] = a.code(t, 1)
		v.wantProblem(400, fault.Invalid, "code are of a token", "POST", "/api/v1/identity/sign-in", encode(t, ask))

		// A session without the factor is a member's, and is told what is missing.
		v = s.visitor(t)
		v.signIn(boss)
		v.wantCaller(boss.wallet.String() + " member")
		v.wantProblem(403, fault.Forbidden, "needs your second factor", "GET", "/api/v1/identity/security-log", "")
		v.wantProblem(403, fault.Forbidden, "needs your second factor", "POST", "/api/v1/identity/tokens", `{"role":"operator","subject":"ci"}`)
		var me struct {
			Role   string
			Factor string `json:"second_factor"`
		}
		if v.get(&me, "GET", "/api/v1/identity/me", ""); me.Role != "member" || me.Factor != "needed" {
			t.Errorf("me is %+v", me)
		}
		wantRole(t, s.sessions, secret, identity.Operator, signin.FactorGiven)
	})
}
