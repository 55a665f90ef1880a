// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What all tracers that run in the context of the task they watch have in common:
 * licence, health counters, and the filters set before load.
 *
 *	if (early_filter())
 *		return 0;
 *	if (sampled_out())
 *		return 0;
 *
 * stands first in each program that sees an operation begin. A program that sees it end
 * looks for the start record instead. Filters of value 0 cost nothing: the verifier knows
 * the frozen constants and removes the branches.
 *
 * Programs in whose context `current` says nothing about the event (packets, interrupts)
 * include health.h and bring their own filter, so that user space sees by the absent
 * constant that a filter cannot be honoured. Histograms and start records are in latency.h.
 */
#ifndef PREFLIGHT_TRACER_H
#define PREFLIGHT_TRACER_H

#include "health.h"
#include "license.h"

#define TASK_COMM_LEN 16

/* Id of a cgroup of the v2 hierarchy (the inode number of its folder). */
const volatile __u64 filter_cgroup = 0;
/* How deep that cgroup lies below the root; when set, the cgroups below it match as well. */
const volatile __u32 filter_cgroup_level = 0;
/* Device and inode of /proc/PID/ns/pid. filter_tgid and filter_tid then count in that namespace. */
const volatile __u64 filter_pidns_dev = 0;
const volatile __u64 filter_pidns_ino = 0;
const volatile __u32 filter_tgid = 0;
const volatile __u32 filter_tid = 0;
/* The real user id in the initial user namespace; 0 is a user too, hence the switch. */
const volatile __u32 filter_uid = 0;
const volatile bool filter_by_uid = false;
/* The whole command name, padded with zeros. */
const volatile char filter_comm[TASK_COMM_LEN] __attribute__((aligned(8))) = {};

static __always_inline bool other_comm(void)
{
	const volatile __u64 *wanted = (const volatile __u64 *)filter_comm;
	__u64 comm[TASK_COMM_LEN / 8] = {};

	if (bpf_get_current_comm(comm, sizeof(comm)))
		return true;
	return comm[0] != wanted[0] || comm[1] != wanted[1];
}

/* True when a filter excludes the current task. Counts nothing. */
static __always_inline bool filters_exclude(void)
{
	__u64 pid_tgid;

	if (filter_cgroup) {
		__u64 cgroup = filter_cgroup_level ? bpf_get_current_ancestor_cgroup_id(filter_cgroup_level)
						   : bpf_get_current_cgroup_id();

		if (cgroup != filter_cgroup)
			return true;
	}
	if (filter_by_uid && (__u32)bpf_get_current_uid_gid() != filter_uid)
		return true;
	if (filter_pidns_ino) {
		struct bpf_pidns_info ids = {};

		/* Refused when the task is in another PID namespace. */
		if (bpf_get_ns_current_pid_tgid(filter_pidns_dev, filter_pidns_ino, &ids, sizeof(ids)))
			return true;
		if (filter_tgid && ids.tgid != filter_tgid)
			return true;
		if (filter_tid && ids.pid != filter_tid)
			return true;
	} else if (filter_tgid || filter_tid) {
		pid_tgid = bpf_get_current_pid_tgid();
		if (filter_tgid && pid_tgid >> 32 != filter_tgid)
			return true;
		if (filter_tid && (__u32)pid_tgid != filter_tid)
			return true;
	}
	return filter_comm[0] && other_comm();
}

/* Counts the event as seen. True when it is to be left alone: a filter excludes the current task. */
static __always_inline bool early_filter(void)
{
	health_count(HEALTH_SEEN);
	if (!filters_exclude())
		return false;
	health_count(HEALTH_FILTERED);
	return true;
}

/*
 * A return came and there is no start record. Worth counting when its start would have
 * been kept: not filtered, and nothing sampled.
 */
static __always_inline void count_unmatched(void)
{
	if (sample_every <= 1 && !filters_exclude())
		health_count(HEALTH_UNMATCHED);
}

#endif
