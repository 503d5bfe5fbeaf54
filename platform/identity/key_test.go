package identity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Inside the package, because the secret parts are not seen from outside.
func TestASigningKeyDoesNotShowHoweverItIsPrinted(t *testing.T) {
	seed := Seed(bytes.Repeat([]byte{0xab}, ed25519.SeedSize))
	key := KeyFromSeed(seed)
	set := KeySet{Signing: key, Public: map[string]VerifyKey{key.ID: {Public: key.Public()}}}

	var out strings.Builder
	for _, v := range []any{seed, key, set, &set, []Seed{seed}} {
		fmt.Fprintf(&out, "%v %+v %#v %x %s\n", v, v, v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "key", v)
		body, err := json.Marshal(v)
		if err == nil {
			out.Write(body)
		}
	}
	for _, secret := range []string{"abab", "171 171", "0xab, 0xab", "q6ur"} { // hex, decimal, Go, base64
		if strings.Contains(out.String(), secret) {
			t.Errorf("the key shows as %q in\n%s", secret, out.String())
		}
	}
}
