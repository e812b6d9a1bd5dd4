// SPDX-License-Identifier: MIT

#include "textflag.h"

TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	SUBL	$64, SP
	MOVL	$0, BP		// the bits
	MOVL	$31, DI		// the signal
loop:
	MOVL	DI, BX
	MOVL	$0, CX
	MOVL	SP, DX
	MOVL	$0, 0(SP)
	MOVL	$8, SI
	MOVL	$174, AX
	INT	$0x80
	SHLL	$1, BP
	CMPL	0(SP), $1
	JNE	next
	ORL	$1, BP
next:
	DECL	DI
	JNZ	loop
	MOVL	BP, ·ignoredAtStart(SB)
	ADDL	$64, SP
	JMP	_rt0_386_linux(SB)
