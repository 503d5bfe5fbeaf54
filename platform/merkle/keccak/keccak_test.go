package keccak_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/sha3"

	"banyan/platform/merkle/keccak"
)

// reference hashes one message the plainest way.
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

// Answers that everybody agrees on: of nothing, of "abc", and of what a
// Solidity function selector is made from.
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
			for _, count := range []int{0, 1, 2, 3, 7, 8, 9, 17} {
				checkHash(t, engine, random(byte(size), size*count), size)
			}
		}
		for count := range 70 {
			checkPairs(t, engine, random(byte(count), count*keccak.PairSize))
		}
	})
}

// checkHash compares Hash and HashTwice with the reference, at every
// alignment that a word can have, and that nothing around is written.
func checkHash(t *testing.T, engine keccak.Engine, messages []byte, size int) {
	t.Helper()
	count := len(messages) / size
	for shift := range 3 {
		in := append(make([]byte, shift), messages...)[shift:]
		for name, hash := range map[string]func(d, m []byte, size int) error{"Hash": engine.Hash, "HashTwice": engine.HashTwice} {
			room := bytes.Repeat([]byte{0xa5}, shift+count*32+9)
			digests := room[shift : shift+count*32]
			if err := hash(digests, in, size); err != nil {
				t.Fatal(err)
			}
			for i := range count {
				want := reference(in[i*size : (i+1)*size])
				if name == "HashTwice" {
					want = reference(want)
				}
				if !bytes.Equal(digests[i*32:(i+1)*32], want) {
					t.Fatalf("%s of message %d of %d with %d bytes: %x, want %x", name, i, count, size, digests[i*32:(i+1)*32], want)
				}
			}
			checkFrame(t, room, shift, count*32)
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
	count := len(pairs) / keccak.PairSize
	room := bytes.Repeat([]byte{0xa5}, 1+count*32+9)
	digests := room[1 : 1+count*32]
	if err := engine.HashPairs(digests, pairs); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		a, b := pairs[i*64:i*64+32], pairs[i*64+32:i*64+64]
		want := reference(a, b)
		if bytes.Compare(a, b) > 0 {
			want = reference(b, a)
		}
		if !bytes.Equal(digests[i*32:(i+1)*32], want) {
			t.Fatalf("pair %d of %d: %x, want %x", i, count, digests[i*32:(i+1)*32], want)
		}
	}
	checkFrame(t, room, 1, count*32)
}

// Pairs whose halves agree in their first bytes, in all of them, or differ in
// one byte anywhere: where a comparison by words goes wrong.
func TestPairsThatAreHardToOrder(t *testing.T) {
	var pairs []byte
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
			if engine.Hash(c.digests, c.messages, c.size) == nil || engine.HashTwice(c.digests, c.messages, c.size) == nil {
				t.Errorf("case %d was hashed", i)
			}
			if c.size == 64 && engine.HashPairs(c.digests, c.messages) == nil {
				t.Errorf("case %d was hashed as pairs", i)
			}
		}
		if !bytes.Equal(room, make([]byte, len(room))) {
			t.Error("a refused batch was written")
		}
	})
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
		t.Errorf("an unknown engine gives %v", best)
	}
	t.Setenv(keccak.Variable, "")
	if best, err := keccak.Best(); err != nil || best.Name() != keccak.Engines()[0].Name() {
		t.Errorf("without a choice: %v, %v", best, err)
	}
}

// FuzzEngines holds every engine to the reference, with any content, length,
// count and alignment.
func FuzzEngines(f *testing.F) {
	f.Add([]byte("address and amount"), uint8(5), uint8(1))
	f.Add(bytes.Repeat([]byte{0xff}, 1000), uint8(52), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, size, shift uint8) {
		length := int(size)%keccak.MaxMessage + 1
		data = data[min(int(shift)%64, len(data)):]
		for _, engine := range keccak.Engines() {
			checkHash(t, engine, data[:len(data)/length*length], length)
			checkPairs(t, engine, data[:len(data)/keccak.PairSize*keccak.PairSize])
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
			{"twice64", 64, func(d, m []byte) error { return engine.HashTwice(d, m, 64) }, 2},
			{"twice96", 96, func(d, m []byte) error { return engine.HashTwice(d, m, 96) }, 2},
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
