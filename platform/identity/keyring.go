package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"banyan/platform/fault"
)

// Keyring is one key in memory, generated when the process starts: the identity of
// a module that runs alone, without a database. Other processes read the new key
// from its JWKS when they get a token with an id they do not know.
//
// A module's keyring signs for that module only. Whatever the caller given to
// Token, the token names the module: no verifier would accept it for a person.
type Keyring struct {
	*Signer
	module string // "" = the trunk's, which signs for any caller
}

// KeyringOptions says which process the keyring is of.
type KeyringOptions struct {
	// Module is the issuer and the service its tokens name, for example
	// "reputation". "" is a trunk without a database, for tests: it signs as
	// TrunkIssuer for any caller.
	Module string
	Now    func() time.Time // nil = time.Now
	Random io.Reader        // nil = crypto/rand
}

// NewKeyring generates the key.
func NewKeyring(o KeyringOptions) (*Keyring, error) {
	issuer := o.Module
	switch o.Module {
	case "":
		issuer = TrunkIssuer
	case TrunkIssuer:
		return nil, fmt.Errorf("make a keyring: a module cannot be called %q, which is the trunk's name", TrunkIssuer)
	}
	seed, err := NewSeed(randomOr(o.Random))
	if err != nil {
		return nil, err
	}
	key := KeyFromSeed(seed)
	k := &Keyring{Signer: NewSigner(issuer, nowOr(o.Now)), module: o.Module}
	k.keys.Store(&KeySet{Signing: key, Public: map[string]VerifyKey{key.ID: {Public: key.Public()}}})
	return k, nil
}

// Token names the caller to the audience, and for a module's keyring the
// module; see Keyring for why the caller's own name is left out then. A call made
// as another module is a defect.
func (k *Keyring) Token(caller Caller, audience string) (string, error) {
	if k.module == "" {
		return k.Signer.Token(caller, audience)
	}
	if caller.Service != "" && caller.Service != k.module {
		return "", fault.Newf(fault.Internal, "the keyring of %s was asked to sign for %s", k.module, caller.Service)
	}
	return k.Signer.Token(Caller{Service: k.module, Scope: caller.Scope}, audience)
}

// PublicKey implements KeySource with the keyring's own key.
func (k *Keyring) PublicKey(_ context.Context, kid string) (ed25519.PublicKey, error) {
	if own, ok := k.keys.Load().Public[kid]; ok {
		return own.Public, nil
	}
	return nil, ErrUnknownKey()
}

func nowOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

func randomOr(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}
