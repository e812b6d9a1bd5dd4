// SPDX-License-Identifier: MIT

#include "textflag.h"

TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	ADDI	$-64, SP
	MOV	$0, X18		// the bits
	MOV	$31, X19	// the signal
loop:
	MOV	X19, X10
	MOV	$0, X11
	MOV	SP, X12
	MOV	ZERO, 0(SP)
	MOV	$8, X13
	MOV	$134, X17
	ECALL
	SLLI	$1, X18
	MOV	0(SP), X6
	MOV	$1, X7
	BNE	X6, X7, next
	ORI	$1, X18
next:
	ADDI	$-1, X19
	BNEZ	X19, loop
	MOVW	X18, ·ignoredAtStart(SB)
	ADDI	$64, SP
	JMP	_rt0_riscv64_linux(SB)
