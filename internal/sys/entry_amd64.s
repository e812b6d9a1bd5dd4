// SPDX-License-Identifier: MIT

#include "textflag.h"

TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	SUBQ	$64, SP
	MOVL	$0, R12		// the bits
	MOVL	$31, R13	// the signal
loop:
	MOVL	R13, DI
	MOVL	$0, SI
	MOVQ	SP, DX
	MOVQ	$0, 0(SP)
	MOVL	$8, R10
	MOVL	$13, AX
	SYSCALL
	SHLL	$1, R12
	CMPQ	0(SP), $1
	JNE	next
	ORL	$1, R12
next:
	DECL	R13
	JNZ	loop
	MOVL	R12, ·ignoredAtStart(SB)
	ADDQ	$64, SP
	JMP	_rt0_amd64_linux(SB)
