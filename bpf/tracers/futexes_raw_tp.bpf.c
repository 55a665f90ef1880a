// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * Futex waits through raw tracepoints. All system calls come by here, so the number is
 * compared before anything else. Calls of 32-bit programs are left out.
 */
#include "regs.h"
#include "futexes.h"
#include "compat.h"

/* include/uapi/asm-generic/unistd.h and the machines' syscall.tbl. */
#if defined(__TARGET_ARCH_x86)
#define FUTEX_NUMBER 202
#elif defined(__TARGET_ARCH_arm64) || defined(__TARGET_ARCH_riscv)
#define FUTEX_NUMBER 98
#elif defined(__TARGET_ARCH_powerpc)
#define FUTEX_NUMBER 221
#elif defined(__TARGET_ARCH_s390)
#define FUTEX_NUMBER 238
#endif

/* Arguments: the registers, the number. */
SEC("raw_tp/sys_enter")
int futexes_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];

	if (ctx->args[1] != FUTEX_NUMBER || is_compat())
		return 0;
	return futex_called(PT_REGS_PARM1_CORE_SYSCALL(regs), PT_REGS_PARM2_CORE_SYSCALL(regs));
}

/* The start record says which call this is the end of. */
SEC("raw_tp/sys_exit")
int futexes_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return futex_returned(ctx->args[1]);
}

SEC("raw_tp/sched_process_exit")
int futexes_gone(struct bpf_raw_tracepoint_args *ctx)
{
	return futex_thread_gone();
}
