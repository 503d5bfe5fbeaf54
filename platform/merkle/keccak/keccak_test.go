package keccak_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/crypto/sha3"

	"banyan/platform/merkle/keccak"
)

// reference hashes one message in the simplest way.
func reference(parts ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func random(seed byte, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func eachEngine(t *testing.T, test func(t *testing.T, engine keccak.Engine)) {
	for _, engine := range keccak.Engines() {
		t.Run(engine.Name(), func(t *testing.T) { test(t, engine) })
	}
}

// Published digests: of the empty message, of "abc", and of a Solidity function
// signature.
func TestKnownAnswers(t *testing.T) {
	known := map[string]string{
		"":                          "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
		"abc":                       "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
		"transfer(address,uint256)": "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b",
	}
	for message, want := range known {
		if got := keccak.Sum256([]byte(message)); hex.EncodeToString(got[:]) != want {
			t.Errorf("Sum256(%q) is %x", message, got)
		}
		if message == "" {
			continue
		}
		eachEngine(t, func(t *testing.T, engine keccak.Engine) {
			digest := make([]byte, 32)
			if err := engine.Hash(digest, []byte(message), len(message)); err != nil || hex.EncodeToString(digest) != want {
				t.Fatalf("%q: %x, %v", message, digest, err)
			}
		})
	}
}

func TestEveryLengthAndCount(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine keccak.Engine) {
		for size := 1; size <= keccak.MaxMessage; size++ {
			for _, count := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 17} {
				checkHash(t, engine, random(byte(size), size*count), size)
			}
		}
		for count := range 70 {
			checkPairs(t, engine, random(byte(count), count*keccak.PairSize))
		}
	})
}

// Zeros in front of messages of any size, up to the longest message.
func TestEveryLead(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine keccak.Engine) {
		for size := 1; size <= keccak.MaxMessage; size++ {
			for _, lead := range leads(size) {
				for _, count := range []int{0, 1, 7, 8, 17, 33} {
					checkLead(t, engine, random(byte(size), size*count), lead, size)
				}
			}
		}
	})
}

// leads returns some of the numbers of zeros that fit before size bytes: those
// that engines treat differently, and some in between.
func leads(size int) []int {
	all := []int{0, 1, 12, 32, 51, keccak.PairSize - 1 - size, keccak.PairSize - size, keccak.PairSize + 1 - size, keccak.MaxMessage - size}
	return slices.DeleteFunc(all, func(lead int) bool { return lead < 0 || lead+size > keccak.MaxMessage })
}

func checkLead(t *testing.T, engine keccak.Engine, messages []byte, lead, size int) {
	t.Helper()
	_, twice := referenceHashes(messages, lead, size)
	digests := make([]byte, len(twice))
	if err := engine.HashTwice(digests, messages, lead, size); err != nil {
		t.Fatal(err)
	}
	compareDigests(t, fmt.Sprintf("HashTwice of %d bytes behind %d zeros", size, lead), digests, twice)
}

// checkHash compares Hash and HashTwice with the reference, at every
// alignment that a word can have, and that nothing around is written.
func checkHash(t *testing.T, engine keccak.Engine, messages []byte, size int) {
	t.Helper()
	once, twice := referenceHashes(messages, 0, size)
	for shift := range 8 {
		in := append(make([]byte, shift), messages...)[shift:]
		room := bytes.Repeat([]byte{0xa5}, shift+len(once)+9)
		digests := room[shift : shift+len(once)]
		if err := engine.Hash(digests, in, size); err != nil {
			t.Fatal(err)
		}
		compareDigests(t, fmt.Sprintf("Hash of %d bytes", size), digests, once)
		if err := engine.HashTwice(digests, in, 0, size); err != nil {
			t.Fatal(err)
		}
		compareDigests(t, fmt.Sprintf("HashTwice of %d bytes", size), digests, twice)
		checkFrame(t, room, shift, len(digests))
	}
}

// referenceHashes returns the digests that Hash and HashTwice must write for
// messages after lead zeros.
func referenceHashes(messages []byte, lead, size int) (once, twice []byte) {
	for ; len(messages) > 0; messages = messages[size:] {
		digest := reference(make([]byte, lead), messages[:size])
		once, twice = append(once, digest...), append(twice, reference(digest)...)
	}
	return once, twice
}

// referencePairs returns the digests that HashPairs must write.
func referencePairs(pairs []byte) (digests []byte) {
	for ; len(pairs) > 0; pairs = pairs[keccak.PairSize:] {
		a, b := pairs[:keccak.DigestSize], pairs[keccak.DigestSize:keccak.PairSize]
		if bytes.Compare(a, b) > 0 {
			a, b = b, a
		}
		digests = append(digests, reference(a, b)...)
	}
	return digests
}

func compareDigests(t *testing.T, what string, got, want []byte) {
	t.Helper()
	for i := 0; i < len(want); i += keccak.DigestSize {
		if !bytes.Equal(got[i:i+keccak.DigestSize], want[i:i+keccak.DigestSize]) {
			t.Fatalf("%s, number %d of %d: %x, want %x", what, i/keccak.DigestSize, len(want)/keccak.DigestSize,
				got[i:i+keccak.DigestSize], want[i:i+keccak.DigestSize])
		}
	}
}

func checkFrame(t *testing.T, room []byte, shift, used int) {
	t.Helper()
	for i, b := range room {
		if (i < shift || i >= shift+used) && b != 0xa5 {
			t.Fatalf("byte %d beside the digests was written", i-shift)
		}
	}
}

func checkPairs(t *testing.T, engine keccak.Engine, pairs []byte) {
	t.Helper()
	want := referencePairs(pairs)
	room := bytes.Repeat([]byte{0xa5}, 1+len(want)+9)
	digests := room[1 : 1+len(want)]
	if err := engine.HashPairs(digests, pairs); err != nil {
		t.Fatal(err)
	}
	compareDigests(t, "pair", digests, want)
	checkFrame(t, room, 1, len(digests))
}

// Pairs whose halves agree in their first bytes, in all of them, or differ in
// one byte anywhere, and those whose words disagree about the order in every
// way: where a comparison by words goes wrong.
func TestPairsThatAreHardToOrder(t *testing.T) {
	pairs := pairsByWords()
	for at := range 33 {
		for _, low := range []byte{0x00, 0x7f, 0x80, 0xfe} {
			same := random(byte(at)+low, 32)
			other := bytes.Clone(same)
			if at < 32 {
				same[at], other[at] = low, low+1
			}
			pairs = append(append(pairs, same...), other...)
			pairs = append(append(pairs, other...), same...)
		}
	}
	eachEngine(t, func(t *testing.T, engine keccak.Engine) {
		checkPairs(t, engine, pairs)
		checkPairs(t, engine, make([]byte, 20*keccak.PairSize))
		for i := range len(pairs) / keccak.PairSize {
			checkPairs(t, engine, pairs[i*keccak.PairSize:(i+1)*keccak.PairSize])
		}
	})
}

// pairsByWords returns a pair for each way in which the four words of its halves
// can compare: less, equal or greater.
func pairsByWords() (pairs []byte) {
	for way := range 3 * 3 * 3 * 3 {
		pair := random(byte(way), keccak.PairSize)
		for word := range 4 {
			left, right := pair[8*word:8*word+8], pair[32+8*word:32+8*word+8]
			copy(right, left)
			left[7], right[7] = 1, byte(way%3)
			way /= 3
		}
		pairs = append(pairs, pair...)
	}
	return pairs
}

func TestRefusesBuffersThatDoNotFit(t *testing.T) {
	room := make([]byte, 4096)
	cases := []struct {
		digests, messages []byte
		size              int
	}{
		{make([]byte, 32), room[:64], 0},
		{make([]byte, 32), room[:64], -1},
		{make([]byte, 32), room[:128], 128},
		{make([]byte, 32), room[:63], 64},
		{make([]byte, 31), room[:64], 64},
		{make([]byte, 64), room[:64], 64},
		{nil, room[:64], 64},
		{room[32:64], room[:64], 64},
		{room[:32], room[:64], 64},
		{room[60:92], room[:64], 64},
		{room[100:164], room[163:291], 64},
	}
	eachEngine(t, func(t *testing.T, engine keccak.Engine) {
		for i, c := range cases {
			if engine.Hash(c.digests, c.messages, c.size) == nil || engine.HashTwice(c.digests, c.messages, 0, c.size) == nil {
				t.Errorf("case %d was hashed", i)
			}
			if c.size == 64 && engine.HashPairs(c.digests, c.messages) == nil {
				t.Errorf("case %d was hashed as pairs", i)
			}
		}
		for _, lead := range []int{-1, keccak.MaxMessage - 51, keccak.MaxMessage, math.MaxInt, math.MinInt} {
			if engine.HashTwice(room[:64], room[1000:1104], lead, 52) == nil {
				t.Errorf("messages of 52 bytes were hashed behind %d zeros", lead)
			}
		}
		if !bytes.Equal(room, make([]byte, len(room))) {
			t.Error("a refused batch was written")
		}
	})
}

// A length that does not fit, by however little, is an error and never a hash
// of something else.
func TestRefusesEveryWrongLength(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine keccak.Engine) {
		for size := 1; size <= keccak.MaxMessage; size++ {
			for _, length := range []int{size - 1, size, size + 1, 4*size - 1, 4 * size, 4*size + 1, 5 * size} {
				for _, more := range []int{-32, -1, 0, 1, 32} {
					checkLengths(t, engine, length, max(length/size*keccak.DigestSize+more, 0), size)
				}
			}
		}
	})
}

func checkLengths(t *testing.T, engine keccak.Engine, messages, digests, size int) {
	t.Helper()
	hashes := map[string]func(d, m []byte) error{
		"Hash":           func(d, m []byte) error { return engine.Hash(d, m, size) },
		"HashTwice":      func(d, m []byte) error { return engine.HashTwice(d, m, 0, size) },
		"HashTwice, led": func(d, m []byte) error { return engine.HashTwice(d, m, min(12, keccak.MaxMessage-size), size) },
	}
	if size == keccak.PairSize {
		hashes["HashPairs"] = engine.HashPairs
	}
	fits := messages%size == 0 && digests == messages/size*keccak.DigestSize
	for name, hash := range hashes {
		written := make([]byte, digests)
		if err := hash(written, random(1, messages)); (err == nil) != fits {
			t.Fatalf("%s of %d bytes in messages of %d into %d bytes: %v", name, messages, size, digests, err)
		}
		if !fits && !bytes.Equal(written, make([]byte, digests)) {
			t.Fatalf("%s of %d bytes in messages of %d into %d bytes wrote before it refused", name, messages, size, digests)
		}
	}
}

func TestTheEnvironmentChooses(t *testing.T) {
	for _, engine := range keccak.Engines() {
		t.Setenv(keccak.Variable, engine.Name())
		if best, err := keccak.Best(); err != nil || best.Name() != engine.Name() {
			t.Errorf("%s: %v, %v", engine.Name(), best, err)
		}
	}
	t.Setenv(keccak.Variable, "abacus")
	if best, err := keccak.Best(); err == nil {
		t.Errorf("an unknown engine returns %v", best)
	}
	t.Setenv(keccak.Variable, "")
	if best, err := keccak.Best(); err != nil || best.Name() != keccak.Engines()[0].Name() {
		t.Errorf("without a choice: %v, %v", best, err)
	}
}

// FuzzEngines compares every engine with the reference, with any content,
// length, count and alignment, and lengths that do not fit.
func FuzzEngines(f *testing.F) {
	f.Add([]byte("address and amount"), uint8(5), uint8(1))
	f.Add(bytes.Repeat([]byte{0xff}, 1000), uint8(52), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, size, shift uint8) {
		length := int(size)%keccak.MaxMessage + 1
		data = data[min(int(shift)%64, len(data)):]
		for _, engine := range keccak.Engines() {
			checkHash(t, engine, data[:len(data)/length*length], length)
			checkLead(t, engine, data[:len(data)/length*length], int(shift)%(keccak.MaxMessage-length+1), length)
			checkPairs(t, engine, data[:len(data)/keccak.PairSize*keccak.PairSize])
			checkLengths(t, engine, len(data), int(shift)*keccak.DigestSize, length)
		}
	})
}

func BenchmarkEngines(b *testing.B) {
	for _, engine := range keccak.Engines() {
		for _, work := range []struct {
			name string
			size int
			hash func(digests, messages []byte) error
			cost int // permutations for each message
		}{
			{"pairs", 64, engine.HashPairs, 1},
			{"twice12+52", 52, func(d, m []byte) error { return engine.HashTwice(d, m, 12, 52) }, 2},
			{"twice64", 64, func(d, m []byte) error { return engine.HashTwice(d, m, 0, 64) }, 2},
			{"twice96", 96, func(d, m []byte) error { return engine.HashTwice(d, m, 0, 96) }, 2},
			{"once84", 84, func(d, m []byte) error { return engine.Hash(d, m, 84) }, 1},
			{"once52", 52, func(d, m []byte) error { return engine.Hash(d, m, 52) }, 1},
		} {
			b.Run(fmt.Sprintf("%s/%s", engine.Name(), work.name), func(b *testing.B) {
				const count = 128
				messages, digests := random(1, count*work.size), make([]byte, count*32)
				for b.Loop() {
					if err := work.hash(digests, messages); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*count*work.cost)/b.Elapsed().Seconds()/1e6, "Mperm/s")
			})
		}
	}
}
