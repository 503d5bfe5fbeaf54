package feature

import (
	"sync/atomic"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// What hooks of OpenFeature and other clients of the provider are answered.
func TestTheProviderSaysWhy(t *testing.T) {
	var rules atomic.Pointer[Settings]
	named, other := wallet.Address{1}, wallet.Address{2}
	rules.Store(&Settings{EASReviews: {Percent: 100}, Mutes: {Wallets: []wallet.Address{named}}})
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(t.Context(), provider{&rules}); err != nil {
		t.Fatal(err)
	}
	client := api.NewClient()
	about := func(key string) openfeature.EvaluationContext {
		return openfeature.NewEvaluationContext(key, map[string]any{attributeRole: identity.Member.String()})
	}
	for _, c := range []struct {
		flag   string
		about  openfeature.EvaluationContext
		shown  bool
		reason openfeature.Reason
		code   openfeature.ErrorCode
	}{
		{string(EASReviews), openfeature.EvaluationContext{}, true, openfeature.StaticReason, ""},
		{string(Mutes), openfeature.EvaluationContext{}, false, openfeature.DefaultReason, ""},
		{string(Mutes), about(named.String()), true, openfeature.TargetingMatchReason, ""},
		{string(Mutes), about(other.String()), false, openfeature.SplitReason, ""},
		{string(Mutes), about("somebody"), false, openfeature.ErrorReason, openfeature.InvalidContextCode},
		{string(Mutes), openfeature.NewEvaluationContext(named.String(), nil), false, openfeature.ErrorReason, openfeature.InvalidContextCode},
		{"nothing", openfeature.EvaluationContext{}, false, openfeature.ErrorReason, openfeature.FlagNotFoundCode},
	} {
		got, _ := client.BooleanValueDetails(t.Context(), c.flag, false, c.about) // its error is the code
		if got.Value != c.shown || got.Reason != c.reason || got.ErrorCode != c.code {
			t.Errorf("%s to %q: %v, %s %s", c.flag, c.about.TargetingKey(), got.Value, got.Reason, got.ErrorCode)
		}
	}
	text, err := client.StringValue(t.Context(), string(Mutes), "other", openfeature.EvaluationContext{})
	number, numberErr := client.IntValue(t.Context(), string(Mutes), 7, openfeature.EvaluationContext{})
	fraction, fractionErr := client.FloatValue(t.Context(), string(Mutes), 0.5, openfeature.EvaluationContext{})
	object, objectErr := client.ObjectValue(t.Context(), string(Mutes), "other", openfeature.EvaluationContext{})
	if text != "other" || number != 7 || fraction != 0.5 || object != "other" || err == nil || numberErr == nil || fractionErr == nil || objectErr == nil {
		t.Errorf("values that are no boolean: %q %d %v %v, with %v, %v, %v, %v", text, number, fraction, object, err, numberErr, fractionErr, objectErr)
	}
}
