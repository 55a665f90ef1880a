// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* System calls through raw tracepoints: no record is built for each event. */
#include "syscalls.h"

SEC("raw_tp/sys_enter")
int syscalls_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return syscall_enter(ctx->args[1]);
}

/* The first argument has the registers and with them the number, per machine; the start record has it too. */
SEC("raw_tp/sys_exit")
int syscalls_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return syscall_exit(UNKNOWN_SYSCALL, ctx->args[1]);
}

SEC("raw_tp/sched_process_exit")
int syscalls_gone(struct bpf_raw_tracepoint_args *ctx)
{
	return syscall_thread_gone();
}
