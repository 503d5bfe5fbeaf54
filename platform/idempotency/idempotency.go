// Package idempotency makes a write that is sent twice happen once: the answer is
// stored with the caller's idempotency key, in the transaction of the effect, and a
// request with the same key gets that answer and has no second effect.
//
//	return idempotency.Do(ctx, idempotency.Write{
//		DB: db, Operation: "createCampaign", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(draft),
//	}, func(ctx context.Context, keep idempotency.Keep[Campaign]) (c Campaign, err error) {
//		err = db.Write(ctx, func(tx *database.Tx) error {
//			if c, err = insert(ctx, tx, draft); err != nil {
//				return err
//			}
//			return keep(ctx, tx, c)
//		})
//		return c, err
//	})
//
// What holds:
//
//   - The effect and the answer are stored together or not at all. Answers are
//     kept for 24 hours and then deleted by Job.
//   - A key belongs to one operation of one caller, or of the wallet that signs. The same key with another
//     request is fault.Conflict.
//   - Of calls with one key at the same time, in however many processes, one has
//     the effect and the others get its answer.
//   - Errors are not stored: a write that failed may be sent again with the same
//     key.
//
// The store costs a write one INSERT. An earlier answer is looked up only when the
// write did not succeed, because nearly no call is a repetition: a repeated write
// fails by itself (the review exists already) or at keep, and is rolled back.
// LookFirst looks it up before, for writes that are expensive.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// Write describes a write.
type Write struct {
	DB        *database.DB // of the effect; it has the shared migrations "once"
	Operation string
	Key       string      // of the caller; "" = a plain write, nothing is stored
	Request   Fingerprint // of the request
	LookFirst bool        // look up an earlier answer before do
	// Signer is the wallet whose signature the request carries, for writes that
	// need no sign-in: the key is then this wallet's, whoever sends the request.
	// do must have verified the signature before it calls keep.
	Signer wallet.Address
}

// Fingerprint returns the SHA-256 of a request. It is called only for writes with a
// key.
type Fingerprint func() ([sha256.Size]byte, error)

// Of returns the fingerprint of values by their JSON. Fields that have no JSON
// (those of a path) must be passed separately.
func Of(parts ...any) Fingerprint {
	return func() ([sha256.Size]byte, error) {
		text, err := json.Marshal(parts)
		return sha256.Sum256(text), err
	}
}

// Keep stores the answer. It must be the last call in the transaction of the effect,
// which must end with its error.
type Keep[A any] func(ctx context.Context, tx *database.Tx, answer A) error

// errTaken ends the transaction of a repeated write; Do turns it into the answer.
var errTaken = errors.New("this idempotency key has an answer already")

// Do performs the write, or returns the answer of an earlier one with the same key.
// do makes the effect and calls keep; when there is nothing to do, it may return its
// answer without keep. It must be able to run, and to be rolled back, when the
// effect exists already.
//
// Fails as do does, and with fault.Conflict when the key was used for another
// request.
func Do[A any](ctx context.Context, w Write, do func(ctx context.Context, keep Keep[A]) (A, error)) (A, error) {
	if w.Key == "" {
		return do(ctx, func(context.Context, *database.Tx, A) error { return nil })
	}
	var none A
	request, err := w.Request()
	if err != nil {
		return none, fmt.Errorf("take the fingerprint of %s: %w", w.Operation, err)
	}
	s := store{db: w.DB, scope: w.scope(identity.From(ctx)), request: request}
	if w.LookFirst {
		if answer, found, err := earlier[A](ctx, s); found || err != nil {
			return answer, err
		}
	}
	answer, err := do(ctx, func(ctx context.Context, tx *database.Tx, answer A) error {
		text, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("encode the answer of %s: %w", w.Operation, err)
		}
		added, err := s.insert(ctx, tx, string(text))
		if err == nil && !added {
			return errTaken
		}
		return err
	})
	if err == nil || ctx.Err() != nil {
		return answer, err
	}
	answer, found, lookErr := earlier[A](ctx, s)
	switch {
	case found || lookErr != nil && errors.Is(err, errTaken):
		return answer, lookErr
	case fault.Is(lookErr, fault.Conflict):
		return none, lookErr
	}
	return none, err
}

// earlier returns the answer of an earlier write with the same key.
func earlier[A any](ctx context.Context, s store) (answer A, found bool, err error) {
	row, err := s.find(ctx)
	if database.IsNoRows(err) {
		return answer, false, nil
	}
	if err != nil {
		return answer, false, fmt.Errorf("look for the answer to an idempotency key: %w", err)
	}
	if string(row.Request) != string(s.request[:]) {
		return answer, false, fault.New(fault.Conflict,
			"this Idempotency-Key was used for another request: use a new key for each new request")
	}
	if err := json.Unmarshal([]byte(row.Answer), &answer); err != nil {
		return answer, false, fmt.Errorf("decode the answer to an idempotency key: %w", err)
	}
	return answer, true, nil
}

// scope identifies a key: the same key of another caller, or for another operation,
// has another scope. The key comes first, so that keys that follow time (those of the
// seam do) are neighbours in the index: a commit then writes one of its pages
// and not one for each key.
func (w Write) scope(caller identity.Caller) []byte {
	if !w.Signer.IsZero() {
		caller = identity.Caller{Wallet: w.Signer}
	}
	text := make([]byte, 0, 256)
	for _, part := range []string{w.Operation, caller.Service, string(caller.Wallet[:]), caller.Subject} {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	whose := sha256.Sum256(text)
	return append([]byte(w.Key), whose[:16]...)
}
