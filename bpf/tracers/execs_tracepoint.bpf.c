// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Program starts through classic tracepoints. On x86 and arm64 the syscalls: events leave
 * out calls of 32-bit programs: their failed attempts are not seen, their starts are.
 */
#include "execs.h"
#include "tracepoints.h"

SEC("tracepoint/syscalls/sys_enter_execve")
int execs_execve(void *ctx)
{
	return exec_called();
}

SEC("tracepoint/syscalls/sys_enter_execveat")
int execs_execveat(void *ctx)
{
	return exec_called();
}

SEC("tracepoint/sched/sched_process_exec")
int execs_started(struct trace_event_raw_sched_process_exec *ctx)
{
	return exec_started(ctx->old_pid);
}

SEC("tracepoint/syscalls/sys_exit_execve")
int execs_execve_end(struct syscall_trace_exit *ctx)
{
	return exec_returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int execs_execveat_end(struct syscall_trace_exit *ctx)
{
	return exec_returned(ctx->ret);
}

SEC("tracepoint/sched/sched_process_exit")
int execs_gone(void *ctx)
{
	return exec_thread_gone();
}
