// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The register sets that PT_REGS_* of bpf/bpf_tracing.h reads, one per machine the
 * project builds for (ARCHES in tools/compile_bpf.py), under the kernel's own field
 * names: arch/x86/include/asm/ptrace.h, arch/arm64/include/uapi/asm/ptrace.h,
 * arch/riscv/include/uapi/asm/ptrace.h, arch/powerpc/include/asm/ptrace.h,
 * arch/s390/include/uapi/asm/ptrace.h.
 *
 * Include this file instead of bpf/bpf_tracing.h in a program that reads registers, and
 * mark the program with a build comment "per-arch".
 */
#ifndef PREFLIGHT_REGS_H
#define PREFLIGHT_REGS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp, bx, cx, dx, si, di, ax, orig_ax, r8, r9, r10, ip, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs;
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
#elif defined(__TARGET_ARCH_riscv)
struct pt_regs;
struct user_regs_struct {
	unsigned long pc, ra, sp, s0, a0, a1, a2, a3, a4, a5, a6, a7;
};
#elif defined(__TARGET_ARCH_powerpc)
struct pt_regs {
	unsigned long gpr[32];
	unsigned long nip, msr, orig_gpr3, ctr, link, xer, ccr;
};
#elif defined(__TARGET_ARCH_s390)
struct pt_regs;
typedef struct {
	unsigned long mask, addr;
} psw_t;
typedef struct user_pt_regs {
	unsigned long args[1];
	psw_t psw;
	unsigned long gprs[16];
} user_pt_regs;
#else
#error "a program that reads registers is built per machine: mark it with a build comment"
#endif

#pragma clang attribute pop

/* bpf_tracing.h takes the kernel's field names instead of user space's when it sees this. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__
#endif
#include <bpf/bpf_tracing.h>

#endif
