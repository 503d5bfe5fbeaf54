package signin_test

import (
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/wallet"
)

func TestTheSetupLinkMakesTheFirstOperatorOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx, now := t.Context(), newClock()
		s := newSessions(t, db, now)
		first, second := member("0x000000000000000000000000000000000000aa01"), member("0x000000000000000000000000000000000000aa02")
		if has, err := s.HasOperator(ctx); has || err != nil {
			t.Fatalf("a new installation has an operator: %v", err)
		}
		replaced, err := s.NewSetupCode(ctx)
		if err != nil {
			t.Fatal(err)
		}
		code, err := s.NewSetupCode(ctx)
		if err != nil || code == replaced {
			t.Fatal(code, err)
		}
		for name, c := range map[string]struct {
			by   identity.Caller
			code string
			want fault.Code
		}{
			"nobody":               {identity.Caller{}, code, fault.Unauthenticated},
			"a program":            {identity.Caller{Subject: "x", Role: identity.Operator}, code, fault.Unauthenticated},
			"the link before":      {first, replaced, fault.NotFound},
			"an invented one":      {first, "x", fault.NotFound},
			"nothing":              {first, "", fault.NotFound},
			"one with a line feed": {first, code + "\n", fault.NotFound},
		} {
			if err := s.UseSetupCode(ctx, c.by, c.code); !fault.Is(err, c.want) {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		if err := s.CheckSetupCode(ctx, code); err != nil {
			t.Errorf("the link before it is used: %v", err)
		}
		now.Pass(signin.SetupLife)
		if err := s.UseSetupCode(ctx, first, code); !fault.Is(err, fault.NotFound) {
			t.Errorf("after an hour: %v", err)
		}
		if code, err = s.NewSetupCode(ctx); err != nil {
			t.Fatal(err)
		}
		now.Pass(signin.SetupLife - time.Second)
		if err := s.UseSetupCode(ctx, first, code); err != nil {
			t.Fatal(err)
		}
		if role, err := s.RoleOf(ctx, first.Wallet); err != nil || role != identity.Operator {
			t.Errorf("the first operator is %v, %v", role, err)
		}
		_, again := s.NewSetupCode(ctx)
		for name, err := range map[string]error{
			"the same link": s.UseSetupCode(ctx, second, code), "its page": s.CheckSetupCode(ctx, code), "another link": again,
		} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s, when there is an operator: %v", name, err)
			}
		}
		if role, _ := s.RoleOf(ctx, second.Wallet); role != identity.Member {
			t.Errorf("a second wallet became %v", role)
		}
	})
}

func member(w string) identity.Caller {
	return identity.Caller{Wallet: wallet.MustParse(w), Role: identity.Member}
}

func TestThereIsNoSetupLinkBesideConfiguredOperators(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSessions(t, db, newClock(), func(o *signin.SessionOptions) {
			o.Operators = []wallet.Address{wallet.MustParse("0x000000000000000000000000000000000000aa01")}
		})
		if has, err := s.HasOperator(t.Context()); !has || err != nil {
			t.Errorf("a configured operator is not one: %v", err)
		}
		if _, err := s.NewSetupCode(t.Context()); !fault.Is(err, fault.Conflict) {
			t.Errorf("a link is made: %v", err)
		}
	})
}
