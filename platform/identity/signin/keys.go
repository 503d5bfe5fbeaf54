// Package signin signs people in to the trunk with their wallets (EIP-4361):
// the signing keys, sessions and roles, kept in the identity database, and the
// API for them. The tokens and their verification are in package identity.
//
// Moderators and operators have two things more: a second factor (secondfactor.go),
// and accounts at an OpenID Connect provider that sign their wallet in (account.go).
package signin

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
)

const (
	// keyGrace is how long a retired key verifies at least: other processes sign with
	// it until they have read the keys again, and those tokens are valid for
	// callTTL.
	keyGrace = 20 * time.Minute
	// keyReadEvery is the least interval of reading the table for unknown key ids.
	keyReadEvery = time.Second
)

// Keys are the trunk's signing keys. They live in the identity database and
// are the same in every process that opens it. A key's life:
//
//	in use ──Rotate──▶ retired ──last token expired──▶ deleted
//	   └───────────────────┴──Revoke──▶ deleted: all its tokens end at once
type Keys struct {
	*identity.Signer
	db     *database.DB
	now    func() time.Time
	random io.Reader
	seal   *seal // nil = seeds are stored as they are
	events *securitylog.Log
	proofs atomic.Pointer[[]proofKey]

	reading    sync.Mutex // one reload at a time
	lastLookup time.Time  // the last one for an unknown key id; guarded by reading
}

// KeysOptions may be empty.
type KeysOptions struct {
	// SealKey encrypts the seeds of the keys in the database; it is 32 bytes in hex, ""
	// stores them as they are.
	SealKey config.Secret
	Events  *securitylog.Log // of the same database
	Now     func() time.Time // nil = time.Now
	Random  io.Reader        // nil = crypto/rand
}

// OpenKeys reads the keys, and makes the first one in a new database. With a SealKey
// it encrypts those that are stored as they are.
func OpenKeys(ctx context.Context, db *database.DB, o KeysOptions) (*Keys, error) {
	k := &Keys{
		Signer: identity.NewSigner(identity.TrunkIssuer, nowOr(o.Now)), db: db, now: nowOr(o.Now), random: randomOr(o.Random), events: o.Events,
	}
	if k.events == nil {
		k.events = securitylog.Open(db, securitylog.Options{Now: o.Now})
	}
	var err error
	if k.seal, err = newSeal(o.SealKey); err != nil {
		return nil, err
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
	if err := k.sealPlain(ctx, rows); err != nil {
		return nil, err
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
		_, err := k.insertIfNoneSigns(ctx, tx, row)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the first signing key: %w", err)
	}
	return nil
}

func (k *Keys) insertIfNoneSigns(ctx context.Context, tx *database.Tx, row keyRow) (inserted bool, err error) {
	rows, err := readKeys(ctx, tx)
	if err != nil || signingRow(rows) != nil {
		return false, err
	}
	if err := insertKey(ctx, tx, row); err != nil {
		return false, err
	}
	return true, k.events.Record(ctx, tx, securitylog.Event{What: securitylog.KeyMade, Whom: row.ID})
}

func (k *Keys) newRow() (keyRow, error) {
	seed, err := identity.NewSeed(k.random)
	if err != nil {
		return keyRow{}, err
	}
	now, id := k.now().UnixMilli(), identity.KeyFromSeed(seed).ID
	stored, err := k.seal.close(id, seed, k.random)
	if err != nil {
		return keyRow{}, err
	}
	return keyRow{ID: id, Seed: stored, CreatedAt: now, TokensUntil: now}, nil
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
	proofs := make([]proofKey, 0, len(rows))
	for i := range rows {
		seed, err := k.seal.open(rows[i].ID, rows[i].Seed)
		if err != nil {
			return err
		}
		key := identity.KeyFromSeed(seed)
		if key.ID != rows[i].ID {
			return fmt.Errorf("read the signing keys: key %s is damaged", rows[i].ID)
		}
		proof, err := newProofKey(seed, rows[i].verifiesUntil())
		if err != nil {
			return err
		}
		if rows[i].ID == current.ID {
			set.Signing, proofs = key, append([]proofKey{proof}, proofs...)
		} else {
			proofs = append(proofs, proof)
		}
		set.Public[key.ID] = identity.VerifyKey{Public: key.Public(), Until: rows[i].verifiesUntil()}
	}
	k.SetKeys(set)
	k.proofs.Store(&proofs)
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
	if err := k.lookAgain(ctx); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "the keys that verify this token cannot be read at the moment: try again soon")
	}
	if key, ok := k.holding(kid); ok {
		return key, nil
	}
	return nil, identity.ErrUnknownKey()
}

// lookAgain reads the keys for what is not known here. Strangers can make up what is
// unknown, so it does at most once in keyReadEvery.
func (k *Keys) lookAgain(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	now := k.now()
	if now.Sub(k.lastLookup) < keyReadEvery {
		return nil
	}
	k.lastLookup = now
	return k.reload(ctx)
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
		if err := insertKey(ctx, tx, row); err != nil {
			return err
		}
		return k.events.Record(ctx, tx, securitylog.Event{What: securitylog.KeyMade, Whom: row.ID, Detail: "the one before verifies until its tokens expire"})
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
			return fault.Newf(fault.NotFound, "there is no signing key %q: `banyan token keys` lists them", kid)
		}
		if _, err := k.insertIfNoneSigns(ctx, tx, row); err != nil {
			return err
		}
		return k.events.Record(ctx, tx, securitylog.Event{What: securitylog.KeyRevoked, Whom: kid, Detail: "all its tokens end"})
	})
	if err != nil {
		return fmt.Errorf("revoke a signing key: %w", err)
	}
	return k.Reload(ctx)
}

// Key is a signing key as it is listed.
type Key struct {
	ID          string     `json:"id"`
	Created     time.Time  `json:"created"`
	Retired     *time.Time `json:"retired,omitempty"` // nil = it signs
	TokensUntil time.Time  `json:"tokens_until"`      // when the last of its tokens for API clients expires
	Sealed      bool       `json:"sealed"`            // its seed is encrypted
}

// List returns the keys, newest first.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	rows, err := readKeys(ctx, k.db.Read())
	if err != nil {
		return nil, fmt.Errorf("list the signing keys: %w", err)
	}
	list := make([]Key, len(rows))
	for i, r := range rows {
		list[i] = Key{
			ID: r.ID, Created: time.UnixMilli(r.CreatedAt).UTC(), Retired: timeOf(r.RetiredAt), TokensUntil: time.UnixMilli(r.TokensUntil).UTC(),
			Sealed: len(r.Seed) != ed25519.SeedSize,
		}
	}
	return list, nil
}

// timeOf returns a time that may be missing.
func timeOf(ms *int64) *time.Time {
	if ms == nil {
		return nil
	}
	t := time.UnixMilli(*ms).UTC()
	return &t
}
