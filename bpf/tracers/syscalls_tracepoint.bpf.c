// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* System calls through the classic tracepoints raw_syscalls:sys_enter and sys_exit. */
#include "syscalls.h"
#include "tracepoints.h"

SEC("tracepoint/raw_syscalls/sys_enter")
int syscalls_enter(struct trace_event_raw_sys_enter *ctx)
{
	return syscall_enter(ctx->id);
}

SEC("tracepoint/raw_syscalls/sys_exit")
int syscalls_exit(struct trace_event_raw_sys_exit *ctx)
{
	return syscall_exit(ctx->id, ctx->ret);
}

SEC("tracepoint/sched/sched_process_exit")
int syscalls_gone(void *ctx)
{
	return syscall_thread_gone();
}
