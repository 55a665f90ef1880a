// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Futex waits through the tracepoints of futex(2). On x86 and arm64 they leave out 32-bit programs. */
#include "futexes.h"
#include "tracepoints.h"

SEC("tracepoint/syscalls/sys_enter_futex")
int futexes_enter(struct syscall_trace_enter *ctx)
{
	return futex_called(ctx->args[0], ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_exit_futex")
int futexes_exit(struct syscall_trace_exit *ctx)
{
	return futex_returned(ctx->ret);
}

SEC("tracepoint/sched/sched_process_exit")
int futexes_gone(void *ctx)
{
	return futex_thread_gone();
}
