// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * Contention through the slow paths of mutexes and semaphores, for kernels without the
 * events. Spinlocks are left out: their slow path must not be probed. A real-time kernel
 * makes all of them one kind of lock, with a slow path of its own (the last two, 5.10).
 */
#include "regs.h"
#include "locks.h"

/*
 * The return does not say for which lock, so a record on its way holds it. A slow path is
 * not entered twice by one thread: what it waits for, it waits for alone.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u64);
} waited_for SEC(".maps");

/*
 * A return probe has room for as many waiting threads as there are CPUs, on most kernels,
 * and misses the returns of others: what they began is found here and told as expired.
 */
static __always_inline void forget_wait(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *lock = bpf_map_lookup_elem(&waited_for, &thread);
	struct lock_start_key key;

	if (!lock)
		return;
	key = lock_key(*lock);
	bpf_map_delete_elem(&waited_for, &thread);
	if (bpf_map_delete_elem(&starts, &key) == 0)
		health_count(HEALTH_EXPIRED);
}

static __always_inline int slow_path_entered(__u64 lock, enum lock_kind kind)
{
	__u64 thread = bpf_get_current_pid_tgid();

	forget_wait();
	if (bpf_map_update_elem(&waited_for, &thread, &lock, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return lock_wait_begins(lock, kind);
}

static __always_inline int slow_path_left(void *ctx, long result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *found = bpf_map_lookup_elem(&waited_for, &thread), lock;

	if (!found) {
		count_unmatched();
		return 0;
	}
	lock = *found;
	bpf_map_delete_elem(&waited_for, &thread);
	return lock_wait_ends(ctx, lock, result);
}

SEC("kprobe/__mutex_lock_slowpath")
int locks_mutex(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_MUTEX);
}

SEC("kretprobe/__mutex_lock_slowpath")
int locks_mutex_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, 0);
}

SEC("kprobe/__mutex_lock_interruptible_slowpath")
int locks_mutex_intr(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_MUTEX);
}

SEC("kretprobe/__mutex_lock_interruptible_slowpath")
int locks_mutex_intr_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, (int)PT_REGS_RC(ctx));
}

SEC("kprobe/__mutex_lock_killable_slowpath")
int locks_mutex_kill(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_MUTEX);
}

SEC("kretprobe/__mutex_lock_killable_slowpath")
int locks_mutex_kill_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, (int)PT_REGS_RC(ctx));
}

SEC("kprobe/rwsem_down_read_slowpath")
int locks_rwsem_read(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_RWSEM_READ);
}

SEC("kretprobe/rwsem_down_read_slowpath")
int locks_rwsem_read_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, PT_REGS_RC(ctx));
}

SEC("kprobe/rwsem_down_write_slowpath")
int locks_rwsem_write(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_RWSEM_WRITE);
}

SEC("kretprobe/rwsem_down_write_slowpath")
int locks_rwsem_write_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, PT_REGS_RC(ctx));
}

SEC("kprobe/rt_mutex_slowlock_locked")
int locks_rt_mutex(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_RT_MUTEX);
}

SEC("kretprobe/rt_mutex_slowlock_locked")
int locks_rt_mutex_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, (int)PT_REGS_RC(ctx));
}

SEC("kprobe/rt_spin_lock_slowlock")
int locks_rt_spin(struct pt_regs *ctx)
{
	return slow_path_entered(PT_REGS_PARM1(ctx), LOCK_RT_MUTEX);
}

SEC("kretprobe/rt_spin_lock_slowlock")
int locks_rt_spin_end(struct pt_regs *ctx)
{
	return slow_path_left(ctx, 0);
}

SEC("raw_tp/sched_process_exit")
int locks_gone(void *ctx)
{
	forget_wait();
	return 0;
}
