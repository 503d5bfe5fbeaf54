package keccak

import (
	"bytes"
	"hash"
	"io"

	"golang.org/x/crypto/sha3"
)

// Scalar is the engine for every processor: one message at a time through
// golang.org/x/crypto. The others are tested against it.
type Scalar struct{}

// Name is "scalar".
func (Scalar) Name() string { return "scalar" }

// Width is 1.
func (Scalar) Width() int { return 1 }

// Hash implements Engine.
func (Scalar) Hash(digests, messages []byte, size int) error {
	count, err := checkMessages(digests, messages, 0, size)
	if err != nil {
		return err
	}
	state := newScalarState()
	for i := range count {
		state.sum(digests[i*DigestSize:(i+1)*DigestSize], messages[i*size:(i+1)*size])
	}
	return nil
}

// HashTwice implements Engine.
func (Scalar) HashTwice(digests, messages []byte, lead, size int) error {
	count, err := checkMessages(digests, messages, lead, size)
	if err != nil {
		return err
	}
	state := newScalarState()
	message := make([]byte, lead+size)
	for i := range count {
		digest := digests[i*DigestSize : (i+1)*DigestSize]
		copy(message[lead:], messages[i*size:])
		state.sum(digest, message)
		state.sum(digest, digest)
	}
	return nil
}

// HashPairs implements Engine.
func (Scalar) HashPairs(digests, pairs []byte) error {
	count, err := checkMessages(digests, pairs, 0, PairSize)
	if err != nil {
		return err
	}
	state := newScalarState()
	for i := range count {
		pair := pairs[i*PairSize : (i+1)*PairSize]
		state.sumPair(digests[i*DigestSize:(i+1)*DigestSize], pair[:DigestSize], pair[DigestSize:])
	}
	return nil
}

// scalarState is one sponge, which is reused: creating one costs a third of a
// hash.
type scalarState struct {
	sponge interface {
		hash.Hash
		io.Reader
	}
}

func newScalarState() scalarState {
	sponge, ok := sha3.NewLegacyKeccak256().(interface {
		hash.Hash
		io.Reader
	})
	if !ok {
		panic("keccak: x/crypto's sponge can no longer be read: Sum would copy it for every message")
	}
	return scalarState{sponge: sponge}
}

// sum reads all of the message before it writes the digest, so they may be
// the same memory.
func (s scalarState) sum(digest, message []byte) {
	s.sponge.Reset()
	_, _ = s.sponge.Write(message) // a sponge never fails
	_, _ = s.sponge.Read(digest)
}

func (s scalarState) sumPair(digest, a, b []byte) {
	if bytes.Compare(a, b) > 0 {
		a, b = b, a
	}
	s.sponge.Reset()
	_, _ = s.sponge.Write(a)
	_, _ = s.sponge.Write(b)
	_, _ = s.sponge.Read(digest)
}
