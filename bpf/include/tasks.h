// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filters of tracer.h for a task that is not the current one: the woken task of a
 * wakeup, the next one of a switch. Same constants, same meaning.
 */
#ifndef PREFLIGHT_TASKS_H
#define PREFLIGHT_TASKS_H

#include "tracer.h"
#include <bpf/bpf_core_read.h>

#define PIDTYPE_TGID 1 /* include/linux/pid_types.h */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node___tasks {
	__u64 id;
};

struct cgroup___tasks {
	struct kernfs_node___tasks *kn;
	__u64 ancestor_ids[1];		    /* until 6.0 */
	struct cgroup___tasks *ancestors[1]; /* since 6.1 */
	int level;
};

struct css_set___tasks {
	struct cgroup___tasks *dfl_cgrp;
};

struct ns_common___tasks {
	unsigned int inum;
};

struct pid_namespace___tasks {
	struct ns_common___tasks ns;
};

struct upid___tasks {
	int nr;
	struct pid_namespace___tasks *ns;
};

struct pid___tasks {
	unsigned int level;
	struct upid___tasks numbers[1];
};

struct signal_struct___tasks {
	struct pid___tasks *pids[4];
};

typedef struct {
	unsigned int val;
} kuid_t___tasks;

struct cred___tasks {
	kuid_t___tasks uid;
};

struct task_struct___tasks {
	int pid;
	int tgid;
	char comm[TASK_COMM_LEN];
	const struct cred___tasks *real_cred;
	struct css_set___tasks *cgroups;
	struct pid___tasks *thread_pid;
	struct signal_struct___tasks *signal;
};

#pragma clang attribute pop

/* Id of the task's cgroup, or of that one's ancestor at filter_cgroup_level; 0 when it has none there. */
static __always_inline __u64 task_cgroup(struct task_struct___tasks *task)
{
	struct cgroup___tasks *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp), *ancestor = NULL;
	__u64 id = 0;

	if (!filter_cgroup_level)
		return BPF_CORE_READ(cgroup, kn, id);
	if (BPF_CORE_READ(cgroup, level) < (int)filter_cgroup_level)
		return 0;
	if (bpf_core_field_exists(cgroup->ancestors)) {
		bpf_core_read(&ancestor, sizeof(ancestor), &cgroup->ancestors[filter_cgroup_level]);
		return BPF_CORE_READ(ancestor, kn, id);
	}
	bpf_core_read(&id, sizeof(id), &cgroup->ancestor_ids[filter_cgroup_level]);
	return id;
}

/* The number `pid` has in the wanted PID namespace; 0 when its own namespace is another one. */
static __always_inline __u32 number_in_namespace(struct pid___tasks *pid)
{
	__u32 level = BPF_CORE_READ(pid, level), size = bpf_core_type_size(struct upid___tasks);
	struct upid___tasks *own = (void *)&pid->numbers[0] + level * size;

	if (BPF_CORE_READ(own, ns, ns.inum) != filter_pidns_ino)
		return 0;
	return BPF_CORE_READ(own, nr);
}

static __always_inline bool task_other_id(struct task_struct___tasks *task)
{
	__u32 tgid, tid;

	if (filter_pidns_ino) {
		tid = number_in_namespace(BPF_CORE_READ(task, thread_pid));
		if (!tid)
			return true;
		if (filter_tid && tid != filter_tid)
			return true;
		return filter_tgid &&
		       number_in_namespace(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID])) != filter_tgid;
	}
	if (filter_tgid) {
		tgid = BPF_CORE_READ(task, tgid);
		if (tgid != filter_tgid)
			return true;
	}
	if (filter_tid) {
		tid = BPF_CORE_READ(task, pid);
		return tid != filter_tid;
	}
	return false;
}

/* Whether `comm`, TASK_COMM_LEN bytes padded with zeros, is another one than wanted. */
static __always_inline bool comm_differs(const __u64 *comm)
{
	const volatile __u64 *wanted = (const volatile __u64 *)filter_comm;

	return comm[0] != wanted[0] || comm[1] != wanted[1];
}

static __always_inline bool task_other_comm(struct task_struct___tasks *task)
{
	__u64 comm[TASK_COMM_LEN / 8] = {};

	/* As a string: what follows the NUL in a task's name may be left over from an older one. */
	if (bpf_core_read_str(comm, sizeof(comm), &task->comm) < 0)
		return true;
	return comm_differs(comm);
}

/* True when a filter excludes the task. Counts nothing. */
static __always_inline bool task_excluded(const void *any_task)
{
	struct task_struct___tasks *task = (struct task_struct___tasks *)any_task;

	if (filter_cgroup && task_cgroup(task) != filter_cgroup)
		return true;
	if (filter_by_uid && BPF_CORE_READ(task, real_cred, uid.val) != filter_uid)
		return true;
	if (task_other_id(task))
		return true;
	return filter_comm[0] && task_other_comm(task);
}

/* As early_filter(), for another task. */
static __always_inline bool early_task_filter(const void *task)
{
	health_count(HEALTH_SEEN);
	if (!task_excluded(task))
		return false;
	health_count(HEALTH_FILTERED);
	return true;
}

#endif
