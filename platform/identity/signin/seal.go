package signin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
)

const sealKeySize = 32 // bytes: AES-256

// seal encrypts the seeds of signing keys in the database with a key that is not in
// it: a copy of the database is then not enough to sign. A nil seal does not.
type seal struct{ aead cipher.AEAD }

// newSeal returns the seal of this key, nil for "". Fails with fault.Invalid.
func newSeal(key config.Secret) (*seal, error) {
	if key == "" {
		return nil, nil
	}
	raw, err := hex.DecodeString(key.Reveal())
	if err != nil || len(raw) != sealKeySize {
		return nil, fault.Newf(fault.Invalid, "the setting identity.seal_key must be %d bytes in hex (%d digits): make one with `openssl rand -hex %d`", sealKeySize, 2*sealKeySize, sealKeySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("use identity.seal_key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("use identity.seal_key: %w", err)
	}
	return &seal{aead}, nil
}

// close encrypts a seed. The key's id is bound to it, so that the seeds of two rows
// cannot be exchanged.
func (s *seal) close(id string, seed identity.Seed, random io.Reader) (identity.Seed, error) {
	if s == nil {
		return seed, nil
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("encrypt a signing key: %w", err)
	}
	return s.aead.Seal(nonce, nonce, seed, []byte(id)), nil
}

// open returns the seed of a row, whether it is encrypted or not.
func (s *seal) open(id string, stored identity.Seed) (identity.Seed, error) {
	if len(stored) == ed25519.SeedSize {
		return stored, nil
	}
	if s == nil {
		return nil, fault.New(fault.Conflict, "the signing keys are encrypted and the setting identity.seal_key is empty: set it to the key that they were encrypted with")
	}
	size := s.aead.NonceSize()
	if len(stored) <= size {
		return nil, fmt.Errorf("read the signing keys: key %s is damaged", id)
	}
	seed, err := s.aead.Open(nil, stored[:size], stored[size:], []byte(id))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fault.Newf(fault.Conflict, "the setting identity.seal_key does not open the signing key %s: set it to the key that the signing keys were encrypted with", id)
	}
	return seed, nil
}

// sealPlain encrypts the seeds that are stored as they are, if there is a seal.
func (k *Keys) sealPlain(ctx context.Context, rows []keyRow) error {
	if k.seal == nil {
		return nil
	}
	plain := 0
	for _, row := range rows {
		if len(row.Seed) == ed25519.SeedSize {
			plain++
		}
	}
	if plain == 0 {
		return nil
	}
	err := k.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "signing keys"); err != nil {
			return err
		}
		rows, err := readKeys(ctx, tx)
		if err != nil {
			return err
		}
		sealed := 0
		for _, row := range rows {
			if len(row.Seed) != ed25519.SeedSize {
				continue
			}
			stored, err := k.seal.close(row.ID, row.Seed, k.random)
			if err != nil {
				return err
			}
			if err := saveSeed(ctx, tx, row.ID, stored); err != nil {
				return err
			}
			sealed++
		}
		return k.events.Record(ctx, tx, securitylog.Event{What: securitylog.KeysSealed, Whom: strconv.Itoa(sealed) + " keys"})
	})
	if err != nil {
		return fmt.Errorf("encrypt the signing keys: %w", err)
	}
	return nil
}
