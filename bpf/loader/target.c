// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the lab's uprobe, uretprobe and USDT tests attach to: a program with one function by name and
 * one static probe. The probe's note is written by hand in the format of the systemtap wiki
 * (UserSpaceProbeImplementation): no header is needed, and its place is a single `nop`.
 */
#include <stdio.h>
#include <stdlib.h>

#define TEXT(token) #token
#define NUMBER(token) TEXT(token)

/* An address as wide as the machine's: .8byte where pointers have 8 bytes. */
#if __SIZEOF_POINTER__ == 8
#define ADDRESS ".8byte"
#else
#define ADDRESS ".4byte"
#endif

static inline void tick(long value)
{
	__asm__ volatile(
		"990: nop\n"
		".pushsection .note.stapsdt,\"?\",\"note\"\n"
		".balign 4\n"
		".4byte 992f-991f, 994f-993f, 3\n"
		"991: .asciz \"stapsdt\"\n"
		"992: .balign 4\n"
		"993: " ADDRESS " 990b\n"
		ADDRESS " _.stapsdt.base\n"
		ADDRESS " 0\n"
		".asciz \"preflight\"\n"
		".asciz \"tick\"\n"
		".asciz \"-" NUMBER(__SIZEOF_LONG__) "@%0\"\n"
		"994: .balign 4\n"
		".popsection\n"
		".ifndef _.stapsdt.base\n"
		".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
		".weak _.stapsdt.base\n"
		".hidden _.stapsdt.base\n"
		"_.stapsdt.base: .space 1\n"
		".size _.stapsdt.base, 1\n"
		".popsection\n"
		".endif\n"
		:: "r"(value));
}

__attribute__((noinline, used)) long preflight_target_function(long value)
{
	tick(value);
	__asm__ volatile("" : "+r"(value));
	return value * 3;
}

int main(int argc, char **argv)
{
	return preflight_target_function(argc > 1 ? atol(argv[1]) : argc) == 0;
}
