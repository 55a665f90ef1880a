// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * How long does it take to get the locks of a program's own, contended or not? By uprobes
 * on the functions of the C library. Each call costs two traps into the kernel, which is
 * more than taking a free lock: take futexes when waits alone are of interest.
 */
#include "regs.h"
#include "tracer.h"
#include "aggregate.h"

enum pthread_lock_kind {
	PTHREAD_MUTEX = 0,
	PTHREAD_MUTEX_TIMED = 1,
	PTHREAD_RWLOCK_READ = 2,
	PTHREAD_RWLOCK_WRITE = 3,
};

/* Look at one errno alone: 110 are attempts that timed out, 35 deadlocks avoided; 0 is all. */
const volatile __u32 target_errno = 0;

struct pthread_key {
	__u32 tgid;
	enum pthread_lock_kind kind;
	__u32 error; /* what the function returned: an errno, 0 when the lock was taken */
	__u32 unused;
};

struct pthread_lock {
	__u64 address;
	__u32 tgid;
	enum pthread_lock_kind kind;
};

struct pthread_start {
	__u64 ns;
	struct pthread_lock lock;
};

/* Calls on their way, by thread and kind: none of the functions calls itself. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct start_key);
	__type(value, struct pthread_start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct pthread_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct pthread_lock);
	__type(value, struct time_sum);
} locks SEC(".maps");

static __always_inline int lock_called(__u64 address, enum pthread_lock_kind kind)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = kind };
	struct pthread_start start = {};

	if (early_filter() || sampled_out())
		return 0;
	/* The thread was cancelled or jumped away inside the call. */
	if (bpf_map_lookup_elem(&starts, &key))
		health_count(HEALTH_EXPIRED);
	start.lock.address = address;
	start.lock.tgid = key.pid_tgid >> 32;
	start.lock.kind = kind;
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int lock_returned(__u32 error, enum pthread_lock_kind kind)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = kind };
	struct pthread_start *found = bpf_map_lookup_elem(&starts, &key), start;
	struct pthread_key what = {};
	__u64 took;

	if (!found) {
		count_unmatched();
		return 0;
	}
	start = *found;
	took = bpf_ktime_get_ns() - start.ns;
	bpf_map_delete_elem(&starts, &key);
	if ((target_errno && error != target_errno) || outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	what.tgid = start.lock.tgid;
	what.kind = kind;
	what.error = error;
	hist_record(&latencies, &what, took);
	sum_add(&locks, &start.lock, took);
	return 0;
}

SEC("uprobe")
int pthreadlocks_mutex(struct pt_regs *ctx)
{
	return lock_called(PT_REGS_PARM1(ctx), PTHREAD_MUTEX);
}

SEC("uretprobe")
int pthreadlocks_mutex_end(struct pt_regs *ctx)
{
	return lock_returned(PT_REGS_RC(ctx), PTHREAD_MUTEX);
}

SEC("uprobe")
int pthreadlocks_timed(struct pt_regs *ctx)
{
	return lock_called(PT_REGS_PARM1(ctx), PTHREAD_MUTEX_TIMED);
}

SEC("uretprobe")
int pthreadlocks_timed_end(struct pt_regs *ctx)
{
	return lock_returned(PT_REGS_RC(ctx), PTHREAD_MUTEX_TIMED);
}

SEC("uprobe")
int pthreadlocks_read(struct pt_regs *ctx)
{
	return lock_called(PT_REGS_PARM1(ctx), PTHREAD_RWLOCK_READ);
}

SEC("uretprobe")
int pthreadlocks_read_end(struct pt_regs *ctx)
{
	return lock_returned(PT_REGS_RC(ctx), PTHREAD_RWLOCK_READ);
}

SEC("uprobe")
int pthreadlocks_write(struct pt_regs *ctx)
{
	return lock_called(PT_REGS_PARM1(ctx), PTHREAD_RWLOCK_WRITE);
}

SEC("uretprobe")
int pthreadlocks_write_end(struct pt_regs *ctx)
{
	return lock_returned(PT_REGS_RC(ctx), PTHREAD_RWLOCK_WRITE);
}
