//go:build ignore

// This program writes keccak_amd64.s: Keccak-f[1600] on eight states at once
// with AVX-512. Run it by `go generate`; a test holds the file to it.
//
// The state's 25 lanes live in Z0 … Z24, one message in each 64-bit element,
// and Z25 … Z31 are free. Three things make it fast:
//
//   - VPTERNLOGQ does chi's a ^ (~b & c) in one instruction, VPROLQ does rho;
//     sums of two stay VPXORQ, because some processors read three registers
//     at half the rate;
//   - pi moves nothing: the generator renames registers from round to round;
//   - the first round knows which lanes are zero, and the last one computes
//     only the four lanes that are the digest.
//
// https://keccak.team/files/Keccak-reference-3.0.pdf, section 1.2
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
)

const rounds = 24

// rotations of rho, by x + 5y.
var rotations = [25]int{
	0, 1, 62, 28, 27,
	36, 44, 6, 55, 20,
	3, 10, 43, 25, 39,
	41, 45, 15, 21, 8,
	18, 2, 61, 56, 14,
}

var roundConstants = [rounds]uint64{
	0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
	0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
	0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
	0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
}

// Truth tables of VPTERNLOGQ for (destination, second, third).
const (
	xor3 = 0x96 // a ^ b ^ c
	chi  = 0xD2 // a ^ (~b & c)
)

// Free registers: from sums on theta's column sums; chi's copies.
const sums = 25

var spares = [2]int{28, 31}

// Offsets in the table of constants: round constants, then these.
const (
	padFirst = 8 * (rounds + iota) // 0x01 after the message
	padLast                        // 0x80 at the end of the block
	swapLow                        // VPSHUFB's order to reverse 8 bytes …
	swapHigh                       // … and the 8 after them
	pairLow                        // VPERMI2Q's order, 8 numbers
	pairHigh = pairLow + 64        // likewise
)

// where says which register holds lane x + 5y before a given round.
type where [25]int

// zeros marks lanes that are known to be zero.
type zeros [25]bool

func onlyLanes(lanes ...int) (z zeros) {
	for i := range z {
		z[i] = true
	}
	for _, lane := range lanes {
		z[lane] = false
	}
	return z
}

type program struct{ bytes.Buffer }

func (p *program) op(format string, args ...any) { fmt.Fprintf(p, "\t"+format+"\n", args...) }

// column sums lanes x, x+5, … into register sums+x; it may alias a lane when
// only one is there, so it gives the register.
func (p *program) column(at where, zero zeros, x int) int {
	var lanes []int
	for y := range 5 {
		if !zero[x+5*y] {
			lanes = append(lanes, at[x+5*y])
		}
	}
	sum := sums + x
	switch len(lanes) {
	case 1:
		p.op("VMOVDQA64 Z%d, Z%d", lanes[0], sum)
	case 2:
		p.op("VPXORQ Z%d, Z%d, Z%d", lanes[0], lanes[1], sum)
	case 3:
		p.op("VMOVDQA64 Z%d, Z%d", lanes[0], sum)
		p.op("VPTERNLOGQ $0x%X, Z%d, Z%d, Z%d", xor3, lanes[1], lanes[2], sum)
	case 4:
		p.op("VPXORQ Z%d, Z%d, Z%d", lanes[0], lanes[1], sum)
		p.op("VPTERNLOGQ $0x%X, Z%d, Z%d, Z%d", xor3, lanes[2], lanes[3], sum)
	case 5:
		p.op("VPXORQ Z%d, Z%d, Z%d", lanes[0], lanes[1], sum)
		p.op("VPTERNLOGQ $0x%X, Z%d, Z%d, Z%d", xor3, lanes[2], lanes[3], sum)
		p.op("VPXORQ Z%d, Z%d, Z%d", lanes[4], sum, sum)
	}
	return sum
}

// theta leaves what each column is changed by in the registers it gives, and
// frees the two of spares. The order is such that seven registers are enough.
func (p *program) theta(at where, zero zeros) (change [5]int) {
	for x := range 5 {
		p.column(at, zero, x)
	}
	sum := func(x int) int { return sums + x }
	p.op("VPROLQ $1, Z%d, Z30", sum(0))
	p.op("VPXORQ Z%d, Z30, Z30", sum(3))
	for _, x := range []int{1, 3, 0, 2} {
		left, right := sum((x+4)%5), sum((x+1)%5)
		p.op("VPROLQ $1, Z%d, Z31", right)
		p.op("VPXORQ Z31, Z%d, Z%d", left, left) // nobody needs this sum any more
		change[x] = left
	}
	change[4] = 30
	return change
}

// rho takes one lane through theta's change and its rotation.
func (p *program) rho(at where, zero zeros, change [5]int, lane int) {
	r, d := at[lane], change[lane%5]
	if zero[lane] {
		p.op("VPROLQ $%d, Z%d, Z%d", rotations[lane], d, r) // lane 0, which is not rotated, is never zero
		return
	}
	p.op("VPXORQ Z%d, Z%d, Z%d", d, r, r)
	if rotations[lane] != 0 {
		p.op("VPROLQ $%d, Z%d, Z%d", rotations[lane], r, r)
	}
}

// pi renames.
func pi(at where) (next where) {
	for x := range 5 {
		for y := range 5 {
			next[y+5*((2*x+3*y)%5)] = at[x+5*y]
		}
	}
	return next
}

// row is chi on one row; count is how many of its lanes are wanted, 4 or 5.
func (p *program) row(at where, y, count int) {
	lane := func(x int) int { return at[x%5+5*y] }
	p.op("VMOVDQA64 Z%d, Z%d", lane(0), spares[0])
	p.op("VMOVDQA64 Z%d, Z%d", lane(1), spares[1])
	for x := range count {
		second, third := lane(x+1), lane(x+2)
		switch x {
		case 3:
			third = spares[0]
		case 4:
			second, third = spares[0], spares[1]
		}
		p.op("VPTERNLOGQ $0x%X, Z%d, Z%d, Z%d", chi, third, second, lane(x))
	}
}

// round is one round up to chi's first count lanes of its first rows rows; it
// gives where the lanes are after it. Row by row, so that rotations, of which
// a processor does fewer at a time, are spread among the rest.
func (p *program) round(n int, at where, zero zeros, rows, count int) where {
	fmt.Fprintf(p, "\n\t// round %d\n", n)
	change := p.theta(at, zero)
	next := pi(at)
	for y := range rows {
		for x := range 5 {
			for lane := range 25 {
				if at[lane] == next[x+5*y] {
					p.rho(at, zero, change, lane)
				}
			}
		}
		p.row(next, y, count)
	}
	p.op("VPXORQ.BCST %d(AX), Z%d, Z%d", 8*n, next[0], next[0])
	return next
}

// start is where a fresh state lies: lane i in register i.
func start() (at where) {
	for i := range at {
		at[i] = i
	}
	return at
}

// The lanes that are not zero when a digest, or a message of up to 64 or 127
// bytes, is padded.
var (
	fourLanes    = onlyLanes(0, 1, 2, 3, 4, 16)
	eightLanes   = onlyLanes(0, 1, 2, 3, 4, 5, 6, 7, 8, 16)
	sixteenLanes = onlyLanes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
)

// digest says where the four lanes are at the end; every path of registers
// through the rounds is the same, so it is known beforehand.
func digest() [4]int {
	at := start()
	for range rounds {
		at = pi(at)
	}
	return [4]int{at[0], at[1], at[2], at[3]}
}

// rows reads eight messages, 64 bytes of each from offset on and stride apart,
// and turns them into the lanes Z(first) … Z(first+7), by way of Z16 … Z31.
func (p *program) rows(offset, stride, first int) {
	for i := range 8 {
		p.op("VMOVDQU64 %d(SI), Z%d", offset+stride*i, 8+i)
	}
	for i := range 4 {
		a, b := 8+2*i, 9+2*i
		p.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", b, a, 16+2*i) // elements 0 2 4 6 of messages a and b
		p.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", b, a, 17+2*i) // elements 1 3 5 7
	}
	for odd := range 2 {
		// Sixteen-byte pieces: messages 01, 23, 45, 67; each holds elements odd, odd+2, …
		m01, m23, m45, m67 := 16+odd, 18+odd, 20+odd, 22+odd
		p.op("VSHUFI64X2 $0x88, Z%d, Z%d, Z%d", m23, m01, 24) // elements 0 4 of 01, then of 23
		p.op("VSHUFI64X2 $0xDD, Z%d, Z%d, Z%d", m23, m01, 25) // elements 2 6
		p.op("VSHUFI64X2 $0x88, Z%d, Z%d, Z%d", m67, m45, 26)
		p.op("VSHUFI64X2 $0xDD, Z%d, Z%d, Z%d", m67, m45, 27)
		p.op("VSHUFI64X2 $0x88, Z%d, Z%d, Z%d", 26, 24, first+odd)   // element 0
		p.op("VSHUFI64X2 $0xDD, Z%d, Z%d, Z%d", 26, 24, first+4+odd) // element 4
		p.op("VSHUFI64X2 $0x88, Z%d, Z%d, Z%d", 27, 25, first+2+odd) // element 2
		p.op("VSHUFI64X2 $0xDD, Z%d, Z%d, Z%d", 27, 25, first+6+odd) // element 6
	}
}

// sortPairs puts the smaller half of each message first, as big-endian
// numbers. Halves differ in their first 8 bytes nearly always.
func (p *program) sortPairs(label string) {
	p.op("VBROADCASTI32X4 %d(AX), Z31", swapLow)
	p.op("VPSHUFB Z31, Z0, Z16")
	p.op("VPSHUFB Z31, Z4, Z20")
	p.op("VPCMPUQ $6, Z20, Z16, K1") // the left half is greater
	p.op("VPCMPUQ $0, Z20, Z16, K2") // so far they are equal
	p.op("KORTESTW K2, K2")
	p.op("JEQ %s", label)
	for i := 1; i < 4; i++ {
		p.op("VPSHUFB Z31, Z%d, Z16", i)
		p.op("VPSHUFB Z31, Z%d, Z20", 4+i)
		p.op("VPCMPUQ $6, Z20, Z16, K2, K3")
		p.op("KORW K3, K1, K1")
		p.op("VPCMPUQ $0, Z20, Z16, K2, K2")
	}
	fmt.Fprintf(p, "%s:\n", label)
	for i := range 4 {
		p.op("VMOVDQA64 Z%d, Z%d", i, 16+i)
		p.op("VMOVDQA64 Z%d, K1, Z%d", 4+i, i)
		p.op("VMOVDQA64 Z%d, K1, Z%d", 16+i, 4+i)
	}
}

// storeDigests writes the four lanes as eight digests.
func (p *program) storeDigests() {
	d := digest()
	at := func(i int) int { return 25 + i } // free at the end
	p.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", d[1], d[0], at(0))
	p.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", d[1], d[0], at(1))
	p.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", d[3], d[2], at(2))
	p.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", d[3], d[2], at(3))
	// The four lanes' registers are free now: messages 0 2, 4 6, 1 3, 5 7.
	for i := range 4 {
		order := pairLow
		if i%2 == 1 {
			order = pairHigh
		}
		p.op("VMOVDQU64 %d(AX), Z%d", order, d[i])
		p.op("VPERMI2Q Z%d, Z%d, Z%d", at(2+i/2), at(i/2), d[i])
	}
	for i := range 2 {
		p.op("VSHUFI64X2 $0x44, Z%d, Z%d, Z%d", d[2+i], d[i], at(0))
		p.op("VSHUFI64X2 $0xEE, Z%d, Z%d, Z%d", d[2+i], d[i], at(1))
		p.op("VMOVDQU64 Z%d, %d(DI)", at(0), 128*i)
		p.op("VMOVDQU64 Z%d, %d(DI)", at(1), 128*i+64)
	}
}

// moveDigest takes the digest's lanes to Z0 … Z3. Their registers and the
// targets do not cross.
func (p *program) moveDigest() {
	d := digest()
	for i := range 4 {
		if d[i] < 4 && d[i] != i {
			log.Fatalf("lane %d of the digest is in Z%d, which another lane is moved to", i, d[i])
		}
		if d[i] != i {
			p.op("VMOVDQA64 Z%d, Z%d", d[i], i)
		}
	}
}

func (p *program) pad(first int) {
	p.op("VPBROADCASTQ %d(AX), Z%d", padFirst, first)
	p.op("VPBROADCASTQ %d(AX), Z16", padLast)
}

func (p *program) text(name, signature string, size int) {
	fmt.Fprintf(p, "\n// func %s(%s)\nTEXT ·%s(SB), NOSPLIT, $8-%d\n", name, signature, name, size)
	p.op("LEAQ ·constants512(SB), AX")
	p.op("MOVQ digests+0(FP), DI")
	p.op("MOVQ messages+8(FP), SI")
	p.op("MOVQ blocks+16(FP), CX")
}

// entry writes one function: load gives the first round's lanes.
func (p *program) entry(name string, zero zeros, step int, twice bool, load func()) {
	signature, size := "digests, messages *byte, blocks int", 24
	if twice {
		signature, size = signature+", twice bool", 25
	}
	if name == "rows512" {
		signature, size = signature+", next uint64", 40
	}
	p.text(name, signature, size)
	if twice {
		p.op("MOVBLZX twice+24(FP), DX")
	}
	fmt.Fprintln(p, "block:")
	load()
	p.round(0, start(), zero, 5, 5)
	p.op("CALL rounds512<>(SB)")
	if twice {
		p.op("TESTL DX, DX")
		p.op("JEQ store")
		p.moveDigest()
		p.pad(4)
		p.round(0, start(), fourLanes, 5, 5)
		p.op("CALL rounds512<>(SB)")
		fmt.Fprintln(p, "store:")
	}
	p.storeDigests()
	p.op("ADDQ $%d, SI", step)
	p.op("ADDQ $256, DI")
	p.op("DECQ CX")
	p.op("JNE block")
	p.op("VZEROUPPER")
	p.op("RET")
}

func (p *program) constants() {
	words := append([]uint64{}, roundConstants[:]...)
	words = append(words, 1, 1<<63, 0x0001020304050607, 0x08090A0B0C0D0E0F)
	words = append(words, 0, 1, 8, 9, 2, 3, 10, 11)   // pairLow
	words = append(words, 4, 5, 12, 13, 6, 7, 14, 15) // pairHigh
	for i, word := range words {
		fmt.Fprintf(p, "DATA ·constants512+%d(SB)/8, $0x%016X\n", 8*i, word)
	}
	fmt.Fprintf(p, "GLOBL ·constants512(SB), RODATA|NOPTR, $%d\n", 8*len(words))
}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "keccak_amd64.s", "the file to write")
	bare := flag.Bool("permutation", false, "write the bare permutation instead, which bench/ measures the limit with")
	flag.Parse()
	p := &program{}
	fmt.Fprint(p, "// Code generated by gen.go. DO NOT EDIT.\n\n//go:build amd64 && !purego\n\n#include \"textflag.h\"\n\n")
	p.constants()
	if *bare {
		p.permutation()
	} else {
		p.hashes()
	}
	if err := os.WriteFile(*out, p.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// permutation writes all rounds on states that stay in their registers: there
// is no faster way to do them.
func (p *program) permutation() {
	fmt.Fprint(p, "\n// func permute512(state *uint64, times int)\nTEXT ·permute512(SB), NOSPLIT, $0-16\n")
	p.op("LEAQ ·constants512(SB), AX")
	p.op("MOVQ state+0(FP), SI")
	p.op("MOVQ times+8(FP), CX")
	for i := range 25 {
		p.op("VMOVDQU64 %d(SI), Z%d", 64*i, i)
	}
	fmt.Fprintln(p, "again:")
	at := start()
	for n := range rounds {
		at = p.round(n, at, zeros{}, 5, 5)
	}
	if at != start() {
		log.Fatal("after all rounds the lanes are not where they began")
	}
	p.op("DECQ CX")
	p.op("JNE again")
	for i := range 25 {
		p.op("VMOVDQU64 Z%d, %d(SI)", i, 64*i)
	}
	p.op("VZEROUPPER")
	p.op("RET")
}

// hashes writes the engine's functions.
func (p *program) hashes() {
	fmt.Fprint(p, "\n// rounds512 does all rounds but the first. It is called with the state in Z0 … Z24\n// as the first round leaves it, and leaves the digest's lanes.\n")
	fmt.Fprint(p, "TEXT rounds512<>(SB), NOSPLIT|NOFRAME, $0-0\n")
	at := pi(start())
	for n := 1; n < rounds-1; n++ {
		at = p.round(n, at, zeros{}, 5, 5)
	}
	p.round(rounds-1, at, zeros{}, 1, 4) // only the digest is wanted
	p.op("RET")

	p.entry("pairs512", eightLanes, 512, false, func() {
		p.rows(0, 64, 0)
		p.sortPairs("sorted")
		p.pad(8)
	})
	p.entry("rows512", eightLanes, 512, true, func() {
		p.rows(0, 64, 0)
		p.op("VPBROADCASTQ next+32(FP), Z8")
		p.op("VPBROADCASTQ %d(AX), Z16", padLast)
	})
	p.entry("wide512", sixteenLanes, 1024, true, func() {
		p.rows(0, 128, 0)
		p.rows(64, 128, 8)
		p.op("VPBROADCASTQ %d(AX), Z16", padLast)
	})
}
