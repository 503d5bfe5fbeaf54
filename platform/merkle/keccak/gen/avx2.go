package main

import "fmt"

// A sponge on four messages at once with AVX2, around the permutation of
// cloudflare/circl, whose state is 25 lanes in memory, one after the other,
// each with a word of every message.
//
// A message's words are contiguous and the state has them 32 bytes apart, so
// reading transposes: one register takes 16 bytes of messages 0 and 2, another
// those of 1 and 3, and unpacking the two gives two lanes. Writing digests is
// the same backwards.

// Sizes of a state. A message and its padding fill the first blockLanes lanes,
// of which the last one ends the padding.
const (
	stateLanes = 25
	blockLanes = 17
	lastLane   = blockLanes - 1
	laneSize   = 4 * 8
)

// Offsets in the table of constants.
const (
	padFirst256 = 0                 // a word: 0x01 after the message
	padLast256  = 8                 // a word: 0x80 at the end of the block, and a sign
	swap256     = 16                // VPSHUFB's order to reverse 8 bytes, twice
	keep256     = swap256 + 16 + 32 // in the middle of 32 bytes of ones and 32 of zeros
	padding256  = keep256 + 32 + 32 // where 0x01 is between 32 bytes of zeros and 31
)

// sponge256 writes the engine's functions.
func (p *program) sponge256() {
	ones := ^uint64(0)
	p.words("constants256", []uint64{
		1, 1 << 63, 0x0001020304050607, 0x08090A0B0C0D0E0F,
		ones, ones, ones, ones, 0, 0, 0, 0,
		0, 0, 0, 0, 1, 0, 0, 0,
	})
	p.pairs256()
	p.absorb256()
	p.again256()
	p.squeeze256()
}

// begin256 writes the start of a function with more arguments after state, of
// so many bytes. It leaves the state in DI and the constants in AX.
func (p *program) begin256(name, more string, size int) {
	p.line("\n// func %s(state *uint64%s)\nTEXT ·%s(SB), NOSPLIT, $0-%d", name, more, name, 8+size)
	p.op("LEAQ ·constants256(SB), AX")
	p.op("MOVQ state+0(FP), DI")
}

func (p *program) end256() {
	p.op("VZEROUPPER")
	p.op("RET")
}

func (p *program) storeLane(register, lane int) {
	p.op("VMOVDQU Y%d, %d(DI)", register, lane*laneSize)
}

// clearLanes writes zeros into the lanes [from, to), from Y15.
func (p *program) clearLanes(from, to int) {
	p.op("VPXOR Y15, Y15, Y15")
	for lane := from; lane < to; lane++ {
		p.storeLane(15, lane)
	}
}

// padLanes pads messages that end where lane from begins.
func (p *program) padLanes(from int) {
	p.op("VPBROADCASTQ %d(AX), Y14", padFirst256)
	p.storeLane(14, from)
	p.clearLanes(from+1, lastLane)
	p.endBlock(lastLane)
}

// endBlock writes the block's last lane and clears those after it; last is its
// offset from DI.
func (p *program) endBlock(last int) {
	p.op("VPBROADCASTQ %d(AX), Y14", padLast256)
	p.storeLane(14, last)
	p.clearLanes(last+1, last+1+stateLanes-blockLanes)
}

// transpose reads 32 bytes of every message into the lanes Y(first) …
// Y(first+3), by way of Y14 and Y15. at is the operand for a message's bytes
// from an offset on.
func (p *program) transpose(first int, at func(message, offset int) string) {
	for offset := 0; offset < 32; offset += 16 {
		for odd := range 2 {
			p.op("VMOVDQU %s, X%d", at(odd, offset), 14+odd)
			p.op("VINSERTI128 $1, %s, Y%d, Y%d", at(odd+2, offset), 14+odd, 14+odd)
		}
		p.op("VPUNPCKLQDQ Y15, Y14, Y%d", first+offset/8)
		p.op("VPUNPCKHQDQ Y15, Y14, Y%d", first+offset/8+1)
	}
}

// pairs256 absorbs pairs of digests, the smaller one of each first.
func (p *program) pairs256() {
	p.begin256("pairs256", ", pairs *byte", 8)
	p.op("MOVQ pairs+8(FP), SI")
	for half := range 2 {
		p.transpose(4*half, func(message, offset int) string {
			return fmt.Sprintf("%d(SI)", 64*message+32*half+offset)
		})
	}
	p.compareHalves("compared")
	for i := range 4 {
		p.op("VPBLENDVB Y8, Y%d, Y%d, Y14", 4+i, i)
		p.op("VPBLENDVB Y8, Y%d, Y%d, Y15", i, 4+i)
		p.storeLane(14, i)
		p.storeLane(15, 4+i)
	}
	p.padLanes(8)
	p.end256()
}

// compareHalves sets Y8 to ones where the left half, in Y0 … Y3, is greater
// than the right one, in Y4 … Y7, as big-endian numbers. Which one is greater
// is random, so nothing branches on it; they nearly always differ in their
// first 8 bytes, so one branch skips the others.
func (p *program) compareHalves(label string) {
	p.op("VBROADCASTI128 %d(AX), Y12", swap256)
	p.op("VPBROADCASTQ %d(AX), Y13", padLast256)
	greater := func(word, register int) {
		for half := range 2 {
			p.op("VPSHUFB Y12, Y%d, Y%d", word+4*half, 14+half)
			p.op("VPXOR Y13, Y%d, Y%d", 14+half, 14+half) // AVX2 compares signed numbers
		}
		p.op("VPCMPGTQ Y15, Y14, Y%d", register)
	}
	greater(0, 8)
	p.op("VPCMPEQQ Y4, Y0, Y9") // equal so far
	p.op("VPTEST Y9, Y9")
	p.op("JEQ %s", label)
	for word := 1; word < 4; word++ {
		greater(word, 10)
		p.op("VPAND Y9, Y10, Y10")
		p.op("VPOR Y10, Y8, Y8")
		p.op("VPCMPEQQ Y%d, Y%d, Y10", 4+word, word)
		p.op("VPAND Y10, Y9, Y9")
	}
	p.line("%s:", label)
}

// absorb256 absorbs messages of any size and pads them. It reads them 32 bytes
// at a time, also where they end, and then masks what is after them.
func (p *program) absorb256() {
	p.begin256("absorb256", ", messages *byte, size int", 16)
	p.op("MOVQ messages+8(FP), SI")
	p.op("MOVQ size+16(FP), R8")
	p.op("LEAQ (R8)(R8*2), R9")
	p.op("LEAQ %d(DI), DX", lastLane*laneSize)
	p.op("MOVQ R8, CX")
	at := func(message, offset int) string {
		return fmt.Sprintf("%d(SI)%s", offset, [...]string{"", "(R8*1)", "(R8*2)", "(R9*1)"}[message])
	}
	four := func() {
		for i := range 4 {
			p.storeLane(i, i)
		}
		p.op("ADDQ $%d, DI", 4*laneSize)
	}
	p.line("whole:")
	p.op("SUBQ $32, CX")
	p.op("JLT part")
	p.transpose(0, at)
	four()
	p.op("ADDQ $32, SI")
	p.op("JMP whole")

	// The message ends inside these four lanes, or before them: CX is 32 less
	// than the rest of it, and is the offset into the table.
	p.line("part:")
	p.transpose(0, at)
	p.op("SUBQ CX, AX")
	for i := range 4 {
		p.op("VPBROADCASTQ %d(AX), Y14", keep256-32+8*i)
		p.op("VPAND Y14, Y%d, Y%d", i, i)
		p.op("VPBROADCASTQ %d(AX), Y14", padding256-32+8*i)
		p.op("VPOR Y14, Y%d, Y%d", i, i)
	}
	p.op("ADDQ CX, AX")
	four()

	for i := range 4 {
		p.op("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	p.line("rest:")
	p.op("CMPQ DI, DX")
	p.op("JEQ last")
	four()
	p.op("JMP rest")
	p.line("last:")
	p.endBlock(0)
	p.end256()
}

// again256 makes the digests the next messages.
func (p *program) again256() {
	p.begin256("again256", "", 0)
	p.padLanes(4)
	p.end256()
}

// squeeze256 writes the digests.
func (p *program) squeeze256() {
	p.begin256("squeeze256", ", digests *byte", 8)
	p.op("MOVQ digests+8(FP), SI")
	for i := range 4 {
		p.op("VMOVDQU %d(DI), Y%d", i*laneSize, i)
	}
	for half := range 2 {
		a, b := 2*half, 2*half+1
		p.op("VPUNPCKLQDQ Y%d, Y%d, Y%d", b, a, 4+half) // 16 bytes of messages 0 and 2
		p.op("VPUNPCKHQDQ Y%d, Y%d, Y%d", b, a, 6+half) // and of 1 and 3
	}
	for odd := range 2 {
		low, high := 4+2*odd, 5+2*odd
		p.op("VPERM2I128 $0x20, Y%d, Y%d, Y%d", high, low, odd)
		p.op("VPERM2I128 $0x31, Y%d, Y%d, Y%d", high, low, 2+odd)
	}
	for message := range 4 {
		p.op("VMOVDQU Y%d, %d(SI)", message, 32*message)
	}
	p.end256()
}
