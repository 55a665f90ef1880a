// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Contexts of classic tracepoints under the kernel's names, found through BTF: kernels
 * with lazy preemption (real-time 5.10 and 6.1) put more in front of the fields.
 */
#ifndef PREFLIGHT_TRACEPOINTS_H
#define PREFLIGHT_TRACEPOINTS_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* raw_syscalls:sys_enter and sys_exit, include/trace/events/syscalls.h. */
struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long id;
	long ret;
};

/*
 * syscalls:sys_enter_NAME and sys_exit_NAME, kernel/trace/trace.h. Not the types above:
 * with a real-time kernel's longer header their arguments lie 8 bytes further on.
 */
struct syscall_trace_enter {
	int nr;
	unsigned long args[];
};

struct syscall_trace_exit {
	int nr;
	long ret;
};

/* sched:sched_process_exec, include/trace/events/sched.h. */
struct trace_event_raw_sched_process_exec {
	int pid;
	int old_pid;
};

#pragma clang attribute pop

#endif
