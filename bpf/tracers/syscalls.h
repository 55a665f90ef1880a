// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which system calls are made, how long do they take, and with which error do they end?
 *
 * Arguments are never read. A call is found by its number; numbers of 32-bit programs
 * mean other calls, so the key tells them apart where the kernel says so.
 */
#ifndef PREFLIGHT_SYSCALLS_H
#define PREFLIGHT_SYSCALLS_H

#include "tracer.h"
#include "compat.h"
#include "latency.h"

#define MAX_ERRNO 4095
#define UNKNOWN_SYSCALL -1

/* Look at one system call or one errno alone; -1 and 0 are all. */
const volatile __s32 target_syscall = UNKNOWN_SYSCALL;
const volatile __u32 target_errno = 0;

struct syscall_start {
	__u64 ns;
	__u32 nr;
	__u8 compat;
	__u8 unused[3];
};

struct syscall_key {
	__u32 nr;
	__u16 error; /* errno, 0 when the call succeeded */
	__u8 compat; /* 1 = the call came through the 32-bit table of a 64-bit kernel */
	__u8 unused;
};

/* One record per thread that is inside a system call. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct syscall_start);
} starts SEC(".maps");

/* A kernel has some 400 calls, and few errors are seen of each. A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct syscall_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

static __always_inline int syscall_enter(long nr)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct syscall_start start = {};

	if (early_filter())
		return 0;
	/* A debugger or seccomp can make a call that is none: its number is negative. */
	if (nr < 0 || (target_syscall >= 0 && nr != target_syscall)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	if (sampled_out())
		return 0;
	/* A thread is inside one call at a time: what is still there belongs to one that never returned. */
	if (bpf_map_lookup_elem(&starts, &thread))
		health_count(HEALTH_EXPIRED);
	start.nr = nr;
	start.compat = is_compat();
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &thread, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int syscall_exit(long nr, long result)
{
	__u64 now = bpf_ktime_get_ns(), thread = bpf_get_current_pid_tgid(), took;
	struct syscall_start *start = bpf_map_lookup_elem(&starts, &thread);
	struct syscall_key key = {};
	struct log2_hist *hist;

	if (!start) {
		if (target_syscall < 0 || nr == target_syscall)
			count_unmatched();
		return 0;
	}
	took = now - start->ns;
	key.nr = start->nr;
	key.compat = start->compat;
	bpf_map_delete_elem(&starts, &thread);
	if (result < 0 && result >= -MAX_ERRNO)
		key.error = -result;
	if ((target_errno && key.error != target_errno) || outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	hist = bpf_map_lookup_elem(&latencies, &key);
	if (!hist) {
		/* Another CPU can be first; the second look finds its record. */
		bpf_map_update_elem(&latencies, &key, &empty_hist, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&latencies, &key);
	}
	if (!hist) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	hist_add(hist, took);
	health_count(HEALTH_EXPORTED);
	return 0;
}

/* exit(2) and exit_group(2) do not return. */
static __always_inline int syscall_thread_gone(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&starts, &thread);
	return 0;
}

#endif
