// Package signin signs people in to the trunk with their wallets (EIP-4361):
// the signing keys, sessions and roles, kept in the identity database, and the
// API for them. The tokens and their verification are in package identity.
package signin

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
)

const (
	// keyGrace is how long a retired key verifies at least: other processes sign with
	// it until they have read the keys again, and those tokens are valid for
	// callTTL.
	keyGrace = 20 * time.Minute
	// keyReadEvery is the least interval of reading the table for unknown key ids.
	keyReadEvery = time.Second

	standardTokenTTL = time.Hour
	maxTokenTTL      = 90 * 24 * time.Hour
)

// Keys are the trunk's signing keys. They live in the identity database and
// are the same in every process that opens it. A key's life:
//
//	in use ──Rotate──▶ retired ──last token expired──▶ deleted
//	   └───────────────────┴──Revoke──▶ deleted: all its tokens end at once
type Keys struct {
	*identity.Signer
	db       *database.DB
	now      func() time.Time
	random   io.Reader
	tokenTTL time.Duration

	reading    sync.Mutex // one reload at a time
	lastLookup time.Time  // the last one for an unknown key id; guarded by reading
}

// KeysOptions may be empty.
type KeysOptions struct {
	TokenTTL time.Duration    // default life of tokens for API clients; 0 = 1 h
	Now      func() time.Time // nil = time.Now
	Random   io.Reader        // nil = crypto/rand
}

// OpenKeys reads the keys, and makes the first one in a new database.
func OpenKeys(ctx context.Context, db *database.DB, o KeysOptions) (*Keys, error) {
	k := &Keys{
		Signer: identity.NewSigner(identity.TrunkIssuer, nowOr(o.Now)), db: db, now: nowOr(o.Now), random: randomOr(o.Random), tokenTTL: o.TokenTTL,
	}
	if k.tokenTTL == 0 {
		k.tokenTTL = standardTokenTTL
	}
	rows, err := readKeys(ctx, db.Read())
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	if signingRow(rows) == nil {
		if err := k.makeFirst(ctx); err != nil {
			return nil, err
		}
	}
	return k, k.Reload(ctx)
}

// makeFirst inserts a key unless there is one that signs.
func (k *Keys) makeFirst(ctx context.Context) error {
	row, err := k.newRow()
	if err != nil {
		return err
	}
	err = k.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "signing keys"); err != nil {
			return err
		}
		return insertIfNoneSigns(ctx, tx, row)
	})
	if err != nil {
		return fmt.Errorf("make the first signing key: %w", err)
	}
	return nil
}

func insertIfNoneSigns(ctx context.Context, tx *database.Tx, row keyRow) error {
	rows, err := readKeys(ctx, tx)
	if err != nil || signingRow(rows) != nil {
		return err
	}
	return insertKey(ctx, tx, row)
}

func (k *Keys) newRow() (keyRow, error) {
	seed, err := identity.NewSeed(k.random)
	if err != nil {
		return keyRow{}, err
	}
	now := k.now().UnixMilli()
	return keyRow{ID: identity.KeyFromSeed(seed).ID, Seed: seed, CreatedAt: now, TokensUntil: now}, nil
}

func signingRow(rows []keyRow) *keyRow {
	for i := range rows {
		if rows[i].RetiredAt == nil {
			return &rows[i]
		}
	}
	return nil
}

// Reload reads the keys again: another process may have rotated or revoked.
// Housekeeping does it regularly.
func (k *Keys) Reload(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	return k.reload(ctx)
}

// reload is Reload with k.reading held.
func (k *Keys) reload(ctx context.Context) error {
	rows, err := readKeys(ctx, k.db.Read())
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	current := signingRow(rows)
	if current == nil {
		return errors.New("read the signing keys: none of them may sign: restart the program, which then makes one")
	}
	set := &identity.KeySet{Public: make(map[string]identity.VerifyKey, len(rows))}
	for i := range rows {
		if len(rows[i].Seed) != ed25519.SeedSize {
			return fmt.Errorf("read the signing keys: key %s is damaged", rows[i].ID)
		}
		key := identity.KeyFromSeed(rows[i].Seed)
		if rows[i].ID == current.ID {
			set.Signing = key
		}
		set.Public[key.ID] = identity.VerifyKey{Public: key.Public(), Until: rows[i].verifiesUntil()}
	}
	k.SetKeys(set)
	return nil
}

// verifiesUntil returns when the key stops to verify, the zero time while it signs.
func (r keyRow) verifiesUntil() time.Time {
	if r.RetiredAt == nil {
		return time.Time{}
	}
	until := time.UnixMilli(*r.RetiredAt).Add(keyGrace)
	if last := time.UnixMilli(r.TokensUntil).Add(identity.Leeway); last.After(until) {
		until = last
	}
	return until
}

// PublicKey implements identity.KeySource with the trunk's own keys. For an unknown
// id it reads the database again, since another process may just have rotated.
func (k *Keys) PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if key, ok := k.holding(kid); ok {
		return key, nil
	}
	k.reading.Lock()
	defer k.reading.Unlock()
	if now := k.now(); now.Sub(k.lastLookup) >= keyReadEvery {
		k.lastLookup = now
		if err := k.reload(ctx); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "the keys that verify this token cannot be read at the moment: try again soon")
		}
	}
	if key, ok := k.holding(kid); ok {
		return key, nil
	}
	return nil, identity.ErrUnknownKey()
}

func (k *Keys) holding(kid string) (ed25519.PublicKey, bool) {
	key, ok := k.Signer.Keys().Public[kid]
	return key.Public, ok && key.ValidAt(k.now())
}

// Rotate makes a new key that signs from now on and returns its id. No token ends:
// the old key verifies until its last token has expired.
func (k *Keys) Rotate(ctx context.Context) (kid string, err error) {
	row, err := k.newRow()
	if err != nil {
		return "", err
	}
	now := k.now()
	err = k.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "signing keys"); err != nil {
			return err
		}
		if err := retireKeys(ctx, tx, now.UnixMilli()); err != nil {
			return err
		}
		if err := forgetKeys(ctx, tx, now.Add(-keyGrace).UnixMilli(), now.Add(-identity.Leeway).UnixMilli()); err != nil {
			return err
		}
		return insertKey(ctx, tx, row)
	})
	if err != nil {
		return "", fmt.Errorf("rotate the signing keys: %w", err)
	}
	return row.ID, k.Reload(ctx)
}

// Revoke deletes a key that may have been compromised. Every token that it signed
// ends: here at once, in other processes when they read the keys again. If it was
// the key that signs, a new one replaces it. Fails with fault.NotFound.
func (k *Keys) Revoke(ctx context.Context, kid string) error {
	row, err := k.newRow()
	if err != nil {
		return err
	}
	err = k.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "signing keys"); err != nil {
			return err
		}
		deleted, err := deleteKey(ctx, tx, kid)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return fault.Newf(fault.NotFound, "there is no signing key %q: the published ones are at %s", kid, identity.JWKSPath)
		}
		return insertIfNoneSigns(ctx, tx, row)
	})
	if err != nil {
		return fmt.Errorf("revoke a signing key: %w", err)
	}
	return k.Reload(ctx)
}

// TokenRequest asks for a token for an API client.
type TokenRequest struct {
	Subject string        // the holder: a name for logs and audits
	Role    identity.Role // what it may do
	TTL     time.Duration // 0 = KeysOptions.TokenTTL; at most 90 days
}

// TokenMade is a new token. It is not stored.
type TokenMade struct {
	Token   string    `json:"token"`
	Subject string    `json:"subject"`
	Role    string    `json:"role"`
	Expires time.Time `json:"expires"`
}

var subjectForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// CreateToken makes a token for the public API with a role and a name.
// It ends when it expires, or when its key is revoked. Fails with
// fault.Invalid.
func (k *Keys) CreateToken(ctx context.Context, r TokenRequest) (TokenMade, error) {
	if !subjectForm.MatchString(r.Subject) || len(r.Subject) > 1 && r.Subject[:2] == "0x" {
		return TokenMade{}, fault.Newf(fault.Invalid,
			"%q cannot be a token's subject: use up to 64 letters, digits and ._@-, starting with a letter or digit and not with 0x (a wallet gets its token by signing in)", r.Subject)
	}
	if !r.Role.Valid() {
		return TokenMade{}, fault.New(fault.Invalid, "a token needs a role: member, moderator or operator")
	}
	if r.TTL == 0 {
		r.TTL = k.tokenTTL
	}
	if r.TTL < time.Second || r.TTL > maxTokenTTL {
		return TokenMade{}, fault.Newf(fault.Invalid, "a token is valid for between a second and 90 days, not %s", r.TTL)
	}
	return k.mint(ctx, identity.Caller{Subject: r.Subject, Role: r.Role}, r.TTL)
}

// mint signs a token for the public API and stores until when the key must verify.
func (k *Keys) mint(ctx context.Context, caller identity.Caller, ttl time.Duration) (TokenMade, error) {
	from := k.now()
	until := from.Add(ttl).Truncate(time.Second)
	token, keyID, err := k.Sign(caller, identity.PublicAudience, from, until)
	if err != nil {
		return TokenMade{}, err
	}
	err = k.db.Write(ctx, func(tx *database.Tx) error {
		changed, err := extendKey(ctx, tx, keyID, until.UnixMilli())
		if err == nil && changed == 0 {
			return fault.New(fault.Conflict, "the signing key has just been rotated: ask for the token again")
		}
		return err
	})
	if fault.Is(err, fault.Conflict) {
		if reloadErr := k.Reload(ctx); reloadErr != nil { // so that the next attempt succeeds
			return TokenMade{}, reloadErr
		}
	}
	if err != nil {
		return TokenMade{}, fmt.Errorf("make a token: %w", err)
	}
	return TokenMade{Token: token, Subject: caller.Name(), Role: caller.Role.String(), Expires: until.UTC()}, nil
}
