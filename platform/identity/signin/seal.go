package signin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/wallet"
)

const sealKeySize = 32 // bytes: AES-256

// seal encrypts the seeds of signing keys, and the secrets of second factors, in the
// database with a key that is not in it: a copy of the database is then not enough to
// sign, or to make one-time codes. A nil seal does not.
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
	return s.encrypt(id, seed, random)
}

// open returns the seed of a row, whether it is encrypted or not.
func (s *seal) open(id string, stored identity.Seed) (identity.Seed, error) {
	return s.decrypt(id, stored, ed25519.SeedSize, "the signing key "+id)
}

// closeSecret encrypts the secret of a wallet's second factor, which is bound to the
// wallet.
func (s *seal) closeSecret(w wallet.Address, secret []byte, random io.Reader) ([]byte, error) {
	return s.encrypt(totpPlace(w), secret, random)
}

// openSecret returns the secret of a wallet's second factor, whether it is encrypted
// or not.
func (s *seal) openSecret(w wallet.Address, stored []byte) ([]byte, error) {
	return s.decrypt(totpPlace(w), stored, totpSecretSize, "the second factor of "+w.String())
}

func totpPlace(w wallet.Address) string { return "second factor of " + w.String() }

func (s *seal) encrypt(place string, plain []byte, random io.Reader) ([]byte, error) {
	if s == nil {
		return plain, nil
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("encrypt a secret: %w", err)
	}
	return s.aead.Seal(nonce, nonce, plain, []byte(place)), nil
}

// decrypt returns what is stored at a place, as it is if it has the plain size.
func (s *seal) decrypt(place string, stored []byte, plainSize int, what string) ([]byte, error) {
	if len(stored) == plainSize {
		return stored, nil
	}
	if s == nil {
		return nil, fault.Newf(fault.Conflict, "%s is encrypted and the setting identity.seal_key is empty: set it to the key that it was encrypted with", what)
	}
	size := s.aead.NonceSize()
	if len(stored) <= size {
		return nil, fmt.Errorf("read a secret: %s is damaged", what)
	}
	plain, err := s.aead.Open(nil, stored[:size], stored[size:], []byte(place))
	if err != nil || len(plain) != plainSize {
		return nil, fault.Newf(fault.Conflict, "the setting identity.seal_key does not open %s: set it to the key that it was encrypted with", what)
	}
	return plain, nil
}

// sealPlain encrypts the seeds and secrets that are stored as they are, if there is a
// seal.
func (k *Keys) sealPlain(ctx context.Context, rows []keyRow) error {
	if k.seal == nil {
		return nil
	}
	secrets, err := readPlainSecrets(ctx, k.db.Read())
	if err != nil {
		return fmt.Errorf("read the second factors: %w", err)
	}
	if len(secrets) == 0 && !slices.ContainsFunc(rows, keyRow.isPlain) {
		return nil
	}
	err = k.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "signing keys"); err != nil {
			return err
		}
		seeds, err := k.sealSeeds(ctx, tx)
		if err != nil {
			return err
		}
		secrets, err := k.sealSecrets(ctx, tx)
		if err != nil {
			return err
		}
		what := strconv.Itoa(seeds) + " keys"
		if secrets > 0 {
			what += ", " + strconv.Itoa(secrets) + " second factors"
		}
		return k.events.Record(ctx, tx, securitylog.Event{What: securitylog.KeysSealed, Whom: what})
	})
	if err != nil {
		return fmt.Errorf("encrypt the signing keys: %w", err)
	}
	return nil
}

func (r keyRow) isPlain() bool { return len(r.Seed) == ed25519.SeedSize }

func (k *Keys) sealSeeds(ctx context.Context, tx *database.Tx) (sealed int, err error) {
	rows, err := readKeys(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		if !row.isPlain() {
			continue
		}
		stored, err := k.seal.close(row.ID, row.Seed, k.random)
		if err != nil {
			return 0, err
		}
		if err := saveSeed(ctx, tx, row.ID, stored); err != nil {
			return 0, err
		}
		sealed++
	}
	return sealed, nil
}

func (k *Keys) sealSecrets(ctx context.Context, tx *database.Tx) (sealed int, err error) {
	rows, err := readPlainSecrets(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		stored, err := k.seal.closeSecret(row.Wallet, row.Secret, k.random)
		if err != nil {
			return 0, err
		}
		if err := saveTOTPSecret(ctx, tx, row.Wallet, stored); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
