package hexdigits_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"banyan/platform/wallet/hexdigits"
)

func TestTheDigitsAreThoseOfEncodingHex(t *testing.T) {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	random := make([]byte, 300)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	for _, text := range [][]byte{everyByte, random} {
		for size := range 70 {
			for from := range len(text) - size {
				piece := text[from : from+size]
				want := hex.AppendEncode([]byte("0x"), piece)
				if got := hexdigits.Append([]byte("0x"), piece); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes from %d on are %s, want %s", size, from, got, want)
				}
			}
		}
	}
}

func TestNothingBesideTheDigitsIsWritten(t *testing.T) {
	for size := range 70 {
		room := bytes.Repeat([]byte{'-'}, 2*size+32)
		hexdigits.Write(room[16:], make([]byte, size))
		want := "----------------" + string(bytes.Repeat([]byte{'0'}, 2*size)) + "----------------"
		if string(room) != want {
			t.Fatalf("%d bytes: %s", size, room)
		}
	}
}

func TestDigitsWithoutRoomAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("32 bytes were written to 63")
		}
	}()
	hexdigits.Write(make([]byte, 63), make([]byte, 32))
}

func BenchmarkAppend(b *testing.B) {
	for name, add := range map[string]func(to, bytes []byte) []byte{"encoding/hex": hex.AppendEncode, "hexdigits": hexdigits.Append} {
		b.Run(name, func(b *testing.B) {
			var hashes [22][32]byte // of a claim
			room := make([]byte, 0, 4096)
			for b.Loop() {
				to := room
				for i := range hashes {
					to = add(to, hashes[i][:])
				}
			}
		})
	}
}
