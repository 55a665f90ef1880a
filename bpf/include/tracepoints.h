// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Contexts of classic tracepoints, by the names that the kernel's trace macros give them
 * (include/trace/trace_events.h makes trace_event_raw_CLASS), found through BTF: real-time
 * kernels put more fields in front of them than others do.
 */
#ifndef PREFLIGHT_TRACEPOINTS_H
#define PREFLIGHT_TRACEPOINTS_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* raw_syscalls:sys_enter and every syscalls:sys_enter_*: the latter has nr and args at the same places. */
struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long id;
	long ret;
};

#pragma clang attribute pop

#endif
