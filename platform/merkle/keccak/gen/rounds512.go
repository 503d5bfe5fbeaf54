package main

import (
	"fmt"
	"log"
)

// Keccak-f[1600] on eight states at once with AVX-512.
//
// The state's 25 lanes live in Z0 … Z24, one message in each 64-bit element,
// and Z25 … Z31 are free. Three things make it fast:
//
//   - VPTERNLOGQ does chi's a ^ (~b & c) in one instruction, VPROLQ does rho;
//     sums of two stay VPXORQ, because some processors read three registers
//     at half the rate;
//   - pi needs no instruction: the generator renames registers from round to round;
//   - the first round knows which lanes are zero, and the last one computes
//     only the four lanes that are the digest.
//
// https://keccak.team/files/Keccak-reference-3.0.pdf, section 1.2

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

// where has the register of each lane x + 5y before a given round.
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

// column sums lanes x, x+5, … into register sums+x; it may alias a lane when
// there is only one, so it returns the register.
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

// theta returns the registers with the change of each column, and frees the two
// of spares. The order is such that seven registers are enough.
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
		p.op("VPXORQ Z31, Z%d, Z%d", left, left) // this sum is not needed any more
		change[x] = left
	}
	change[4] = 30
	return change
}

// rho applies theta's change and the rotation to one lane.
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

// row is chi on one row; count is how many of its lanes are needed, 4 or 5.
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
// returns where the lanes are after it. Row by row, so that rotations, of which
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

// start is where a new state is: lane i in register i.
func start() (at where) {
	for i := range at {
		at[i] = i
	}
	return at
}

// permutation512 writes all rounds on states that stay in their registers:
// this is the fastest possible way.
func (p *program) permutation512() {
	p.constants512()
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
		log.Fatal("after all rounds the lanes are not in their first registers")
	}
	p.op("DECQ CX")
	p.op("JNE again")
	for i := range 25 {
		p.op("VMOVDQU64 Z%d, %d(SI)", i, 64*i)
	}
	p.op("VZEROUPPER")
	p.op("RET")
}
