// SPDX-License-Identifier: MIT

#include "textflag.h"

TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	SUB	$64, RSP
	MOVD	$0, R19		// the bits
	MOVD	$31, R20	// the signal
loop:
	MOVD	R20, R0
	MOVD	$0, R1
	MOVD	RSP, R2
	MOVD	ZR, (RSP)
	MOVD	$8, R3
	MOVD	$134, R8
	SVC
	LSL	$1, R19
	MOVD	(RSP), R4
	CMP	$1, R4
	BNE	next
	ORR	$1, R19
next:
	SUB	$1, R20
	CBNZ	R20, loop
	MOVW	R19, ·ignoredAtStart(SB)
	ADD	$64, RSP
	JMP	_rt0_arm64_linux(SB)
