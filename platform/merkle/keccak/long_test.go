package keccak_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"banyan/platform/merkle/keccak"
)

func TestLongMessagesHaveTheDigestsOfOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, engine := range keccak.Engines() {
		long := keccak.NewLong(engine) // used again, as builds do
		for _, count := range []int{0, 1, 3, 4, 5, 8, 41, 200} {
			var messages []byte
			var ends []int
			for range count {
				length := random.IntN(500)
				if random.IntN(3) == 0 {
					length = []int{0, 1, 127, 128, 135, 136, 137, 271, 272, 1086, 1087, 1088, 2000}[random.IntN(13)]
				}
				for range length {
					messages = append(messages, byte(random.Uint32()))
				}
				ends = append(ends, len(messages))
			}
			digests := make([]byte, count*keccak.DigestSize)
			long.Hash(digests, messages, ends)
			start := 0
			for i, end := range ends {
				want := keccak.Sum256(messages[start:end])
				if got := digests[i*keccak.DigestSize : (i+1)*keccak.DigestSize]; !bytes.Equal(got, want[:]) {
					t.Fatalf("%s: message %d of %d, %d bytes: %x, want %x", engine.Name(), i, count, end-start, got, want)
				}
				start = end
			}
		}
	}
}

func BenchmarkLongMessages(b *testing.B) {
	const count, size = 1024, 160
	messages, ends := make([]byte, count*size), make([]int, count)
	for i := range ends {
		ends[i] = (i + 1) * size
	}
	digests := make([]byte, count*keccak.DigestSize)
	for _, engine := range keccak.Engines() {
		b.Run(engine.Name(), func(b *testing.B) {
			long := keccak.NewLong(engine)
			for b.Loop() {
				long.Hash(digests, messages, ends)
			}
		})
	}
}
