package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const (
	// JWKSPath is the path under which every Banyan process publishes its public
	// keys for the others: below a prefix that is Banyan's also in front of a legacy
	// system.
	JWKSPath = "/api/v1/identity/jwks.json"
	// WellKnownJWKSPath is the usual path, for other programs.
	WellKnownJWKSPath = "/.well-known/jwks.json"
)

const (
	maxJWKS = 64 << 10 // bytes
	maxKeys = 64
)

// PublicKeys is a source of a JWK set (RFC 7517).
type PublicKeys interface {
	JWKS() []byte
}

// JWKSHandler serves the keys at JWKSPath. Clients may cache the set for a minute
// only, so that a rotated key is known soon.
func JWKSHandler(keys PublicKeys) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=60")
		_, _ = w.Write(keys.JWKS()) // the client may have disconnected
	})
}

// jwk is an Ed25519 key as RFC 8037 writes it.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	ID        string `json:"kid"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	X         string `json:"x"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
	// Data has a fingerprint of each module's data at the trunk, by module, so that a
	// module whose settings lead to another Banyan's trunk can tell.
	Data map[string]string `json:"data,omitempty"`
}

// DataFingerprint is what is published of the id of a module's data.
func DataFingerprint(id string) string {
	sum := sha256.Sum256([]byte("banyan data " + id))
	return hex.EncodeToString(sum[:16])
}

// WithData adds to a set which data the trunk has: fingerprints by module.
func WithData(keys PublicKeys, fingerprints func() map[string]string) PublicKeys {
	return withData{keys, fingerprints}
}

type withData struct {
	keys         PublicKeys
	fingerprints func() map[string]string
}

// JWKS implements PublicKeys.
func (w withData) JWKS() []byte {
	body := w.keys.JWKS()
	var set jwkSet
	if err := json.Unmarshal(body, &set); err != nil {
		return body // its readers say what is wrong with it
	}
	set.Data = w.fingerprints()
	body, _ = json.Marshal(set) // strings only: cannot fail
	return body
}

func encodeJWKS(keys []ed25519.PublicKey) []byte {
	set := jwkSet{Keys: []jwk{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jwk{
			Type: "OKP", Curve: "Ed25519", ID: thumbprint(k), Use: "sig", Algorithm: "EdDSA",
			X: base64.RawURLEncoding.EncodeToString(k),
		})
	}
	slices.SortFunc(set.Keys, func(a, b jwk) int { return strings.Compare(a.ID, b.ID) })
	body, _ := json.Marshal(set) // strings only: cannot fail
	return body
}

// decodeJWKS returns the Ed25519 signing keys of a set by id, and ignores others; and
// jwkSet.Data.
func decodeJWKS(body []byte) (keys map[string]ed25519.PublicKey, data map[string]string, err error) {
	var set jwkSet
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, nil, fmt.Errorf("read the JWK set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("read the JWK set: it has %d keys, the limit is %d", len(set.Keys), maxKeys)
	}
	keys = make(map[string]ed25519.PublicKey)
	for _, k := range set.Keys {
		if k.Type != "OKP" || k.Curve != "Ed25519" || k.ID == "" || k.Use != "sig" && k.Use != "" {
			continue
		}
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, nil, fmt.Errorf("read the JWK set: key %q is not an Ed25519 key", k.ID)
		}
		keys[k.ID] = x
	}
	return keys, set.Data, nil
}
