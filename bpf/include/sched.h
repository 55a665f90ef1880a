// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The scheduler's events: which task leaves a CPU in which state.
 *
 * A variant whose task pointers the verifier knows (tp_btf) defines TASK_FIELD as a plain
 * load before it includes this file; others read through a helper.
 */
#ifndef PREFLIGHT_SCHED_H
#define PREFLIGHT_SCHED_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#ifndef TASK_FIELD
#define TASK_FIELD(task, field) BPF_CORE_READ(task, field)
#endif

/* include/linux/sched.h; the state's bits below have not moved since 4.14. */
#define STATE_INTERRUPTIBLE 0x01
#define STATE_UNINTERRUPTIBLE 0x02
#define STATE_STOPPED 0x04
#define STATE_TRACED 0x08
#define STATE_ANY_EXIT 0x30 /* EXIT_DEAD, EXIT_ZOMBIE: how the classic event shows a dead task */
#define STATE_DEAD 0x80	    /* TASK_DEAD */
#define STATE_RTLOCK_WAIT 0x1000
/* The classic event has the reported states alone; a bit above them says preempted (__trace_sched_switch_state). */
#define STATE_REPORTED 0xff

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct___sched {
	int pid;
	int tgid;
	unsigned int __state; /* since 5.14 */
	long state;	      /* before */
};

#pragma clang attribute pop

/* include/trace/events/sched.h: the fourth argument came with 5.18 and went into stable kernels. */
typedef void (*btf_trace_sched_switch___with_state)(void *, bool, struct task_struct___sched *,
						    struct task_struct___sched *, unsigned int);

static __always_inline __u32 task_state(struct task_struct___sched *task)
{
	if (bpf_core_field_exists(task->__state))
		return TASK_FIELD(task, __state);
	return TASK_FIELD(task, state);
}

/* State in which `prev` leaves the CPU; `args` are those of sched_switch, tp_btf or raw. */
static __always_inline __u32 state_at_switch(const __u64 *args, struct task_struct___sched *prev)
{
	/* The field can change once the scheduler has decided; the argument is what it decided on. */
	if (bpf_core_type_exists(btf_trace_sched_switch___with_state))
		return args[3];
	return task_state(prev);
}

/* How a task leaves the CPU. */
enum left_as {
	LEFT_SLEEPING = 0,	  /* waits and can be interrupted by a signal */
	LEFT_UNINTERRUPTIBLE = 1, /* waits and cannot: disk, memory, kernel locks */
	LEFT_STOPPED = 2,	  /* by a signal or a debugger */
	LEFT_RUNNABLE = 3,	  /* did not wait: preempted, or gave way */
	LEFT_FOR_GOOD = 4,	  /* exited */
};

static __always_inline enum left_as left_as(bool preempted, __u32 state)
{
	if (preempted || !state)
		return LEFT_RUNNABLE;
	if (state & (STATE_ANY_EXIT | STATE_DEAD) && !(state & (STATE_INTERRUPTIBLE | STATE_UNINTERRUPTIBLE)))
		return LEFT_FOR_GOOD;
	if (state & (STATE_UNINTERRUPTIBLE | STATE_RTLOCK_WAIT))
		return LEFT_UNINTERRUPTIBLE;
	if (state & (STATE_STOPPED | STATE_TRACED))
		return LEFT_STOPPED;
	return LEFT_SLEEPING;
}

/* From the classic event's prev_state, where 0x80 means an idle kernel thread that waits. */
static __always_inline enum left_as left_as_reported(long state)
{
	state &= STATE_REPORTED;
	if (!state)
		return LEFT_RUNNABLE;
	if (state & STATE_ANY_EXIT)
		return LEFT_FOR_GOOD;
	if (state & (STATE_UNINTERRUPTIBLE | STATE_DEAD))
		return LEFT_UNINTERRUPTIBLE;
	if (state & (STATE_STOPPED | STATE_TRACED))
		return LEFT_STOPPED;
	return LEFT_SLEEPING;
}

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* sched:sched_switch and sched:sched_wakeup, include/trace/events/sched.h. */
struct trace_event_raw_sched_switch {
	int prev_pid;
	long prev_state;
	char next_comm[16];
	int next_pid;
	char prev_comm[16];
};

struct trace_event_raw_sched_wakeup_template {
	char comm[16];
	int pid;
};

#pragma clang attribute pop

#endif
