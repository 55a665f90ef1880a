// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * Program starts through raw tracepoints. All system calls come by here, so the numbers of
 * the two that matter are compared before anything else; they differ by machine.
 */
#include "execs.h"
#include "compat.h"

/* include/uapi/asm-generic/unistd.h and the machines' syscall.tbl; COMPAT: the 32-bit table. */
#if defined(__TARGET_ARCH_x86)
#define EXECVE 59
#define EXECVEAT 322
#define COMPAT_EXECVE 11
#define COMPAT_EXECVEAT 358
#elif defined(__TARGET_ARCH_arm64)
#define EXECVE 221
#define EXECVEAT 281
#define COMPAT_EXECVE 11
#define COMPAT_EXECVEAT 387
#elif defined(__TARGET_ARCH_riscv)
#define EXECVE 221
#define EXECVEAT 281
#define COMPAT_EXECVE 221
#define COMPAT_EXECVEAT 281
#elif defined(__TARGET_ARCH_powerpc)
#define EXECVE 11
#define EXECVEAT 362
#define COMPAT_EXECVE 11
#define COMPAT_EXECVEAT 362
#elif defined(__TARGET_ARCH_s390)
#define EXECVE 11
#define EXECVEAT 354
#define COMPAT_EXECVE 11
#define COMPAT_EXECVEAT 354
#endif

static __always_inline bool starts_a_program(long nr)
{
	if (nr != EXECVE && nr != EXECVEAT && nr != COMPAT_EXECVE && nr != COMPAT_EXECVEAT)
		return false;
	return is_compat() ? nr == COMPAT_EXECVE || nr == COMPAT_EXECVEAT : nr == EXECVE || nr == EXECVEAT;
}

SEC("raw_tp/sys_enter")
int execs_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return starts_a_program(ctx->args[1]) ? exec_called() : 0;
}

/* The start record says which call this is the end of. */
SEC("raw_tp/sys_exit")
int execs_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&starts, &thread) ? exec_returned(ctx->args[1]) : 0;
}

/* Arguments: the task, the id it had before, the binary. */
SEC("raw_tp/sched_process_exec")
int execs_started(struct bpf_raw_tracepoint_args *ctx)
{
	return exec_started(ctx->args[1]);
}

SEC("raw_tp/sched_process_exit")
int execs_gone(struct bpf_raw_tracepoint_args *ctx)
{
	return exec_thread_gone();
}
