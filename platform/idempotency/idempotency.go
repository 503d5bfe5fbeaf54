// Package idempotency makes a write that is sent twice happen once: the answer is
// stored with the caller's idempotency key, in the transaction of the effect,
// and whoever sends the key again gets that answer and no second effect.
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
//   - The effect and the answer are there together or not at all. Answers are
//     kept for 24 hours and then deleted by Job.
//   - A key belongs to one operation of one caller, or of the wallet that signs. The same key with another
//     request is fault.Conflict.
//   - Of calls with one key at the same time, in however many processes, one has
//     the effect and the others get its answer.
//   - Errors are not stored: whatever a write refused may be asked again with
//     the same key.
//
// The store costs a write one INSERT. It is asked for an earlier answer only
// when the write did not succeed, because nearly no call is a repetition: a
// repeated write fails by itself (the review is there already) or at keep, and is
// rolled back. LookFirst asks at once, for writes whose work is dear.
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

// Write says which write it is.
type Write struct {
	DB        *database.DB // that the effect is in; it has the shared migrations "once"
	Operation string
	Key       string      // of the caller; "" = a plain write, nothing is stored
	Request   Fingerprint // what was asked
	LookFirst bool        // ask for an earlier answer before doing anything
	// Signer is the wallet whose signature the request carries, for writes that
	// need no sign-in: the key is then this wallet's, whoever sends the request.
	// do must have verified the signature before it calls keep.
	Signer wallet.Address
}

// Fingerprint gives the SHA-256 of a request. It is asked for writes with a key
// only.
type Fingerprint func() ([sha256.Size]byte, error)

// Of is the fingerprint of values by their JSON. Fields that have no JSON (those
// of a path) are given apart.
func Of(parts ...any) Fingerprint {
	return func() ([sha256.Size]byte, error) {
		text, err := json.Marshal(parts)
		return sha256.Sum256(text), err
	}
}

// Keep stores the answer. It is the last call in the transaction that makes the
// effect; its error ends that transaction.
type Keep[A any] func(ctx context.Context, tx *database.Tx, answer A) error

// errTaken ends the transaction of a repeated write; Do turns it into the answer.
var errTaken = errors.New("this idempotency key has an answer already")

// Do does the write, or gives the answer that it had before. do makes the effect
// and calls keep; when it finds that there is nothing to do, it may give its
// answer without keep. It must be able to run, and to be rolled back, when the
// effect is there already.
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

// earlier gives the answer of an earlier write with the same key.
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
			"this Idempotency-Key was used for another request: send a new key with a new request")
	}
	if err := json.Unmarshal([]byte(row.Answer), &answer); err != nil {
		return answer, false, fmt.Errorf("decode the answer to an idempotency key: %w", err)
	}
	return answer, true, nil
}

// scope is what a key stands for: nobody else's key, and no other operation's,
// is the same. The key comes first, so that keys that follow time (those of the
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
