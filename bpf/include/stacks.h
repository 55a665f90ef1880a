// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Call stacks, kept once each in a bounded map and named by a number. */
#ifndef PREFLIGHT_STACKS_H
#define PREFLIGHT_STACKS_H

#include "health.h"

#define STACK_DEPTH 127 /* PERF_MAX_STACK_DEPTH, the default of kernel.perf_event_max_stack */
#define STACK_NONE -1	/* no stack: not asked for, none there, or no room for it */
#define STACK_PLACE_TAKEN 17 /* EEXIST */
#define STACK_NO_ROOM 12     /* ENOMEM */

/* Leave user or kernel stacks out. */
const volatile bool skip_user_stack = false;
const volatile bool skip_kernel_stack = false;

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8192);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

/*
 * The number of the current stack in `stacks`. Different stacks can fall on the same place
 * of the map, and the second of them is refused: that is counted, and the event keeps its
 * other fields. A kernel thread has no user stack, which is no failure.
 */
static __always_inline __s32 stack_id(void *ctx, __u64 flags)
{
	long id = bpf_get_stackid(ctx, &stacks, flags);

	if (id >= 0)
		return id;
	if (id == -STACK_PLACE_TAKEN || id == -STACK_NO_ROOM)
		health_count(HEALTH_UPDATE_FAILED);
	return STACK_NONE;
}

static __always_inline __s32 kernel_stack_id(void *ctx)
{
	return skip_kernel_stack ? STACK_NONE : stack_id(ctx, 0);
}

static __always_inline __s32 user_stack_id(void *ctx)
{
	return skip_user_stack ? STACK_NONE : stack_id(ctx, BPF_F_USER_STACK);
}

#endif
