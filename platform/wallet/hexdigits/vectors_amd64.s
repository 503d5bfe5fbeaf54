//go:build !purego

#include "textflag.h"

DATA ·digits+0(SB)/8, $"01234567"
DATA ·digits+8(SB)/8, $"89abcdef"
GLOBL ·digits(SB), RODATA|NOPTR, $16

DATA ·low+0(SB)/8, $0x0F0F0F0F0F0F0F0F
DATA ·low+8(SB)/8, $0x0F0F0F0F0F0F0F0F
GLOBL ·low(SB), RODATA|NOPTR, $16

// func write16(to, bytes []byte)
TEXT ·write16(SB), NOSPLIT, $0-48
	MOVQ to_base+0(FP), DI
	MOVQ bytes_base+24(FP), SI
	MOVQ bytes_len+32(FP), CX
	SHRQ $4, CX
	JEQ done
	VMOVDQU ·digits(SB), X6
	VMOVDQU ·low(SB), X7

again:
	VMOVDQU (SI), X0
	VPSRLW $4, X0, X1
	VPAND X7, X0, X0 // the low half of each byte
	VPAND X7, X1, X1 // the high half
	VPUNPCKLBW X0, X1, X2
	VPUNPCKHBW X0, X1, X3
	VPSHUFB X2, X6, X2
	VPSHUFB X3, X6, X3
	VMOVDQU X2, (DI)
	VMOVDQU X3, 16(DI)
	ADDQ $16, SI
	ADDQ $32, DI
	DECQ CX
	JNE again

done:
	RET
