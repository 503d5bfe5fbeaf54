package feature

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// Visitor is who looks at a page. The zero Visitor is not signed in.
type Visitor struct {
	Wallet wallet.Address
	Role   identity.Role // as it counts in the session
}

// Flags answers who is shown a feature. They are asked through OpenFeature
// (https://openfeature.dev), with a provider that reads the rules of the settings.
type Flags struct {
	rules  atomic.Pointer[Settings]
	client *openfeature.Client
}

// New returns flags with these rules, which must not be changed afterwards. It fails
// where a feature has no rule, or a rule no feature: config.yaml does not match All.
func New(ctx context.Context, rules Settings) (*Flags, error) {
	for _, name := range All() {
		if _, found := rules[name]; !found {
			return nil, fmt.Errorf("the built-in config.yaml does not match this program: it has no flags.%s", name)
		}
	}
	for name := range rules {
		if !slices.Contains(All(), name) {
			return nil, fmt.Errorf("the built-in config.yaml does not match this program: no feature has the name of flags.%s", name)
		}
	}
	f := new(Flags)
	f.Set(rules)
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(ctx, provider{&f.rules}); err != nil {
		return nil, fmt.Errorf("start the feature flags: %w", err)
	}
	f.client = api.NewClient()
	return f, nil
}

// Set puts other rules into force, which must not be changed afterwards.
func (f *Flags) Set(rules Settings) { f.rules.Store(&rules) }

// attributeRole is the attribute of an evaluation's context that has the role's name.
// The targeting key is the wallet.
const attributeRole = "role"

// Shows reports whether a visitor is shown a feature. The answer for a wallet is the
// same in every process with these rules, and a higher percentage takes it from nobody.
func (f *Flags) Shows(ctx context.Context, name Name, to Visitor) bool {
	about := openfeature.EvaluationContext{}
	if !to.Wallet.IsZero() {
		about = openfeature.NewEvaluationContext(to.Wallet.String(), map[string]any{attributeRole: to.Role.String()})
	}
	return f.client.Boolean(ctx, string(name), false, about)
}

// decide returns whether a visitor is shown the feature, and why.
func (r Rule) decide(name Name, to Visitor) (bool, openfeature.Reason) {
	switch {
	case r.Percent == 100:
		return true, openfeature.StaticReason
	case to.Wallet.IsZero():
		// Without a wallet nothing tells visitors apart, and they share kept pages.
		return false, openfeature.DefaultReason
	case slices.Contains(r.Wallets, to.Wallet), r.Operators && to.Role > identity.Member:
		return true, openfeature.TargetingMatchReason
	}
	return place(name, to.Wallet) < r.Percent, openfeature.SplitReason
}

// place is where a wallet stands among 100 equal parts of all wallets, from 0 to 99: the
// name is hashed, too, so that not always the same wallets are the first.
func place(name Name, w wallet.Address) int {
	sum := sha256.Sum256(append([]byte(string(name)+"\x00"), w[:]...))
	part, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), 100)
	return int(part)
}

// provider reads the rules for OpenFeature. It is not a pointer: a process-wide
// registry of the library would keep one for ever.
type provider struct{ rules *atomic.Pointer[Settings] }

var _ openfeature.FeatureProvider = provider{}

// Metadata implements openfeature.FeatureProvider.
func (provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: "banyan settings"} }

// Hooks implements openfeature.FeatureProvider.
func (provider) Hooks() []openfeature.Hook { return nil }

// BooleanEvaluation implements openfeature.FeatureProvider.
func (p provider) BooleanEvaluation(_ context.Context, flag string, fallback bool, about openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	rule, found := (*p.rules.Load())[Name(flag)]
	if !found {
		return refused(fallback, openfeature.NewFlagNotFoundResolutionError("no feature has the name "+flag))
	}
	to, err := visitorOf(about)
	if err != nil {
		return refused(fallback, openfeature.NewInvalidContextResolutionError(err.Error()))
	}
	shown, reason := rule.decide(Name(flag), to)
	return openfeature.BoolResolutionDetail{Value: shown, ProviderResolutionDetail: openfeature.ProviderResolutionDetail{Reason: reason}}
}

// visitorOf reads what Shows has written.
func visitorOf(about openfeature.FlattenedContext) (to Visitor, err error) {
	key, signedIn := about[openfeature.TargetingKey].(string)
	if !signedIn {
		return to, nil
	}
	if to.Wallet, err = wallet.Parse(key); err != nil {
		return to, err
	}
	role, _ := about[attributeRole].(string)
	to.Role, err = identity.ParseRole(role)
	return to, err
}

// StringEvaluation implements openfeature.FeatureProvider.
func (provider) StringEvaluation(_ context.Context, _ string, fallback string, _ openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return refused(fallback, errNotBoolean())
}

// FloatEvaluation implements openfeature.FeatureProvider.
func (provider) FloatEvaluation(_ context.Context, _ string, fallback float64, _ openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return refused(fallback, errNotBoolean())
}

// IntEvaluation implements openfeature.FeatureProvider.
func (provider) IntEvaluation(_ context.Context, _ string, fallback int64, _ openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return refused(fallback, errNotBoolean())
}

// ObjectEvaluation implements openfeature.FeatureProvider.
func (provider) ObjectEvaluation(_ context.Context, _ string, fallback any, _ openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return refused(fallback, errNotBoolean())
}

func errNotBoolean() openfeature.ResolutionError {
	return openfeature.NewTypeMismatchResolutionError("a feature is shown or not: ask for a boolean")
}

func refused[T any](fallback T, why openfeature.ResolutionError) openfeature.GenericResolutionDetail[T] {
	return openfeature.GenericResolutionDetail[T]{
		Value: fallback, ProviderResolutionDetail: openfeature.ProviderResolutionDetail{ResolutionError: why, Reason: openfeature.ErrorReason},
	}
}
