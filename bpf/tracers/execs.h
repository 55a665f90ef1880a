// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which programs are started, by whom, and which attempts fail?
 *
 * One event per attempt: started programs from the kernel's own event, failed ones from
 * the return of execve(2) and execveat(2). The path is never captured, arguments only
 * when asked for. Filters are applied when an attempt is decided: filter_comm then means
 * the new program when it started, and the caller when it did not.
 */
#ifndef PREFLIGHT_EXECS_H
#define PREFLIGHT_EXECS_H

#include "tracer.h"
#include <bpf/bpf_core_read.h>

#define MAX_ERRNO 4095
/* ERESTARTSYS ... ERESTART_RESTARTBLOCK of include/linux/errno.h: the call is made again after a signal. */
#define FIRST_RESTART 512
#define LAST_RESTART 516
#define CGROUP_NAME_LEN 96
#define ARGS_LEN 256

/* Capture the first ARGS_LEN bytes of the arguments of programs that started. They hold secrets. */
const volatile bool capture_args = false;
/* Look at one errno alone; 0 is all attempts. */
const volatile __u32 target_errno = 0;

struct exec_event {
	__u64 at_ns;   /* CLOCK_MONOTONIC, when the attempt was decided */
	__u64 took_ns; /* since the call; 0 when its begin was not seen */
	__u64 cgroup;
	__u32 tgid;
	__u32 tid;
	__u32 parent_tgid;
	__u32 uid;
	__u32 gid;
	__u32 error; /* errno, 0 when the program started */
	char comm[TASK_COMM_LEN];
	char cgroup_name[CGROUP_NAME_LEN]; /* last part of the cgroup's path: has the container's id */
	__u32 args_size; /* bytes the arguments have, more than ARGS_LEN when cut */
	char args[ARGS_LEN]; /* separated by spaces, so that they are one text */
};

struct exec_event *unused_event __attribute__((unused));

struct exec_start {
	__u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct exec_start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} events SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node___execs {
	const char *name;
};

struct cgroup___execs {
	struct kernfs_node___execs *kn;
};

struct css_set___execs {
	struct cgroup___execs *dfl_cgrp;
};

struct mm_struct___execs {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct task_struct___execs {
	int tgid;
	struct task_struct___execs *real_parent;
	struct css_set___execs *cgroups;
	struct mm_struct___execs *mm;
};

#pragma clang attribute pop

static __always_inline void read_args(struct exec_event *event, struct task_struct___execs *task)
{
	unsigned long from = BPF_CORE_READ(task, mm, arg_start);
	unsigned long size = BPF_CORE_READ(task, mm, arg_end) - from;

	event->args_size = size;
	if (size > ARGS_LEN)
		size = ARGS_LEN;
	if (size && bpf_probe_read_user(event->args, size, (void *)from)) {
		health_count(HEALTH_READ_FAILED);
		return;
	}
	/* All but the last byte; what follows the arguments is zero and stays it. */
	for (__u32 i = 0; i < ARGS_LEN - 1; i++) {
		if (i + 1 >= event->args_size)
			break;
		if (!event->args[i])
			event->args[i] = ' ';
	}
}

static __always_inline void submit_exec(__u32 error, const struct exec_start *start)
{
	struct task_struct___execs *task = (void *)bpf_get_current_task();
	__u64 pid_tgid = bpf_get_current_pid_tgid(), ids = bpf_get_current_uid_gid();
	const char *cgroup_name = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, name);
	struct exec_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		health_count(HEALTH_RING_DROPPED);
		return;
	}
	/* The memory of a ring buffer still holds earlier events. */
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = bpf_ktime_get_ns();
	event->took_ns = start ? event->at_ns - start->ns : 0;
	event->cgroup = bpf_get_current_cgroup_id();
	event->tgid = pid_tgid >> 32;
	event->tid = pid_tgid;
	event->parent_tgid = BPF_CORE_READ(task, real_parent, tgid);
	event->uid = ids;
	event->gid = ids >> 32;
	event->error = error;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (bpf_probe_read_kernel_str(event->cgroup_name, sizeof(event->cgroup_name), cgroup_name) < 0)
		health_count(HEALTH_READ_FAILED);
	if (capture_args && !error)
		read_args(event, task);
	bpf_ringbuf_submit(event, 0);
	health_count(HEALTH_EXPORTED);
}

/* Filters come first, but nothing else that costs: most systems start few programs. */
static __always_inline bool attempt_unwanted(__u32 error)
{
	if (early_filter())
		return true;
	if (target_errno && error != target_errno) {
		health_count(HEALTH_FILTERED);
		return true;
	}
	return sampled_out();
}

static __always_inline int exec_called(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct exec_start start = { .ns = bpf_ktime_get_ns() };

	if (bpf_map_lookup_elem(&starts, &thread))
		health_count(HEALTH_EXPIRED);
	if (bpf_map_update_elem(&starts, &thread, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

/* `old_tid` is the id of the calling thread: a thread that starts a program becomes the process. */
static __always_inline int exec_started(__u32 old_tid)
{
	__u64 caller = (bpf_get_current_pid_tgid() & 0xffffffff00000000ULL) | old_tid;

	if (!attempt_unwanted(0))
		submit_exec(0, bpf_map_lookup_elem(&starts, &caller));
	bpf_map_delete_elem(&starts, &caller);
	return 0;
}

static __always_inline int exec_returned(long result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u32 error = -result;

	/* The kernel's event told of it already, and took the start record with it. */
	if (result >= 0 || result < -MAX_ERRNO)
		return 0;
	if ((error < FIRST_RESTART || error > LAST_RESTART) && !attempt_unwanted(error))
		submit_exec(error, bpf_map_lookup_elem(&starts, &thread));
	bpf_map_delete_elem(&starts, &thread);
	return 0;
}

/* A thread can be killed inside the call, by another thread that starts a program first. */
static __always_inline int exec_thread_gone(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&starts, &thread);
	return 0;
}

#endif
