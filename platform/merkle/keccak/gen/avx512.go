package main

import (
	"fmt"
	"log"
)

// Sponges on eight messages at once with AVX-512, around the permutation of
// rounds512.go: messages are read from memory into the state's registers and
// digests written back; nothing in between is in memory.

// Offsets in the table of constants: round constants, then these.
const (
	padFirst = 8 * (rounds + iota) // 0x01 after the message
	padLast                        // 0x80 at the end of the block
	swapLow                        // VPSHUFB's order to reverse 8 bytes …
	swapHigh                       // … and the 8 after them
	pairLow                        // VPERMI2Q's order, 8 numbers
	pairHigh = pairLow + 64        // likewise
)

// The lanes that are not zero when a digest, or a message of up to 64 or 127
// bytes, is padded.
var (
	fourLanes    = onlyLanes(0, 1, 2, 3, 4, 16)
	eightLanes   = onlyLanes(0, 1, 2, 3, 4, 5, 6, 7, 8, 16)
	sixteenLanes = onlyLanes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
)

// digest is where the four lanes are at the end; the registers are the same for
// every path through the rounds, so it is known in advance.
func digest() [4]int {
	at := start()
	for range rounds {
		at = pi(at)
	}
	return [4]int{at[0], at[1], at[2], at[3]}
}

// rows reads eight messages, 64 bytes of each from offset on and stride apart,
// and transposes them into the lanes Z(first) … Z(first+7), by way of Z8 … Z31.
func (p *program) rows(offset, stride, first int) {
	for i := range 8 {
		p.op("VMOVDQU64 %d(SI), Z%d", offset+stride*i, 8+i)
	}
	p.transpose512(first)
}

// Offsets in a form512.
const (
	formLead = 8 * iota
	formSize
	formMask
	formPadding
	formNext = formPadding + 64
)

// openForm sets the registers of maskedRows: K1, and multiples of the messages'
// size in R8 … R11. SI moves back by the lead, to where the 64 bytes begin.
func (p *program) openForm() {
	p.op("MOVQ form+32(FP), BX")
	p.op("KMOVQ %d(BX), K1", formMask)
	p.op("SUBQ %d(BX), SI", formLead)
	p.op("MOVQ %d(BX), R8", formSize)
	p.op("LEAQ (R8)(R8*2), R9")
	p.op("LEAQ (R8)(R8*4), R10")
	p.op("LEAQ (R9)(R8*4), R11")
}

// maskedRows reads eight messages into the lanes Z0 … Z7, as rows does.
func (p *program) maskedRows() {
	multiples := [8]string{"", "(R8*1)", "(R8*2)", "(R9*1)", "(R8*4)", "(R10*1)", "(R9*2)", "(R11*1)"}
	for i, multiple := range multiples {
		p.op("VMOVDQU64 %d(BX), Z%d", formPadding, 8+i)
		p.op("VMOVDQU8 (SI)%s, K1, Z%d", multiple, 8+i)
	}
	p.transpose512(0)
	p.fetch(0, "(R8*8)")
}

// fetch prefetches the 512 bytes at an offset from SI, where the next block is,
// while this one is hashed. The processor itself does not prefetch so far
// ahead. It is a hint, and the address need not exist.
func (p *program) fetch(offset int, index string) {
	for line := range 8 {
		p.op("PREFETCHT0 %d(SI)%s", offset+64*line, index)
	}
}

// transpose512 transposes the messages Z8 … Z15 into the lanes Z(first) …
// Z(first+7).
func (p *program) transpose512(first int) {
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

// moveDigest moves the digest's lanes to Z0 … Z3. None of their registers is
// the target of another.
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

// entry writes one function: load writes and returns the first round's lanes.
func (p *program) entry(name string, zero zeros, step int, twice bool, load func()) {
	signature, size := "digests, messages *byte, blocks int", 24
	if twice {
		signature, size = signature+", twice bool", 25
	}
	formed := name == "rows512"
	if formed {
		signature, size = signature+", form *form512", 40
	}
	p.text(name, signature, size)
	if twice {
		p.op("MOVBLZX twice+24(FP), DX")
	}
	if formed {
		p.openForm()
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
	if formed {
		p.op("LEAQ (SI)(R8*8), SI")
	} else {
		p.op("ADDQ $%d, SI", step)
	}
	p.op("ADDQ $256, DI")
	p.op("DECQ CX")
	p.op("JNE block")
	p.op("VZEROUPPER")
	p.op("RET")
}

func (p *program) constants512() {
	words := append([]uint64{}, roundConstants[:]...)
	words = append(words, 1, 1<<63, 0x0001020304050607, 0x08090A0B0C0D0E0F)
	words = append(words, 0, 1, 8, 9, 2, 3, 10, 11)   // pairLow
	words = append(words, 4, 5, 12, 13, 6, 7, 14, 15) // pairHigh
	p.words("constants512", words)
}

// hashes512 writes the engine's functions.
func (p *program) hashes512() {
	p.constants512()
	fmt.Fprint(p, "\n// rounds512 does all rounds but the first. It is called with the state in Z0 … Z24\n// as the first round leaves it, and leaves the digest's lanes.\n")
	fmt.Fprint(p, "TEXT rounds512<>(SB), NOSPLIT|NOFRAME, $0-0\n")
	at := pi(start())
	for n := 1; n < rounds-1; n++ {
		at = p.round(n, at, zeros{}, 5, 5)
	}
	p.round(rounds-1, at, zeros{}, 1, 4) // only the digest is needed
	p.op("RET")

	fmt.Fprint(p, "\n// whole512 is rounds512 between two blocks of a message: it leaves all lanes, lane i\n// in Z(i).\n")
	fmt.Fprint(p, "TEXT whole512<>(SB), NOSPLIT|NOFRAME, $0-0\n")
	at = pi(start())
	for n := 1; n < rounds; n++ {
		at = p.round(n, at, zeros{}, 5, 5)
	}
	if at != start() {
		log.Fatal("after all rounds the lanes are not in their first registers")
	}
	p.op("RET")

	p.entry("pairs512", eightLanes, 512, false, func() {
		p.rows(0, 64, 0)
		p.fetch(512, "")
		p.sortPairs("sorted")
		p.pad(8)
	})
	p.entry("rows512", eightLanes, 0, true, func() {
		p.maskedRows()
		p.op("VPBROADCASTQ %d(BX), Z8", formNext)
		p.op("VPBROADCASTQ %d(AX), Z16", padLast)
	})
	p.entry("wide512", sixteenLanes, 1024, true, func() {
		p.rows(0, 128, 0)
		p.rows(64, 128, 8)
		p.op("VPBROADCASTQ %d(AX), Z16", padLast)
	})
	p.long512()
}

// rateLanes is how many lanes of a state a block of a message fills.
const rateLanes = 17

// long512 writes the function for messages of several blocks: they come padded
// and transposed, eight words of each lane.
func (p *program) long512() {
	fmt.Fprint(p, "\n// func long512(digests *byte, words *uint64, blocks int)\nTEXT ·long512(SB), NOSPLIT, $8-24\n")
	p.op("LEAQ ·constants512(SB), AX")
	p.op("MOVQ digests+0(FP), DI")
	p.op("MOVQ words+8(FP), SI")
	p.op("MOVQ blocks+16(FP), CX")
	for i := range rateLanes {
		p.op("VMOVDQU64 %d(SI), Z%d", 64*i, i)
	}
	p.round(0, start(), sixteenLanes, 5, 5)
	p.op("DECQ CX")
	p.op("JEQ last")
	fmt.Fprintln(p, "more:")
	p.op("CALL whole512<>(SB)")
	p.op("ADDQ $%d, SI", 64*rateLanes)
	for i := range rateLanes {
		p.op("VPXORQ %d(SI), Z%d, Z%d", 64*i, i, i)
	}
	p.round(0, start(), zeros{}, 5, 5)
	p.op("DECQ CX")
	p.op("JNE more")
	fmt.Fprintln(p, "last:")
	p.op("CALL rounds512<>(SB)")
	p.storeDigests()
	p.op("VZEROUPPER")
	p.op("RET")
}
