// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Contention through the slow paths of mutexes and semaphores by fentry and fexit, for
 * kernels without the events. Unlike a return probe, fexit misses no return and sees the
 * lock. Whether a semaphore's wait was interrupted is not read: how many arguments stand
 * before the result differs between versions.
 */
#include "locks.h"

SEC("fentry/__mutex_lock_slowpath")
int locks_mutex(__u64 *ctx)
{
	return lock_wait_begins(ctx[0], LOCK_MUTEX);
}

SEC("fexit/__mutex_lock_slowpath")
int locks_mutex_end(__u64 *ctx)
{
	return lock_wait_ends(ctx, ctx[0], 0);
}

SEC("fentry/__mutex_lock_interruptible_slowpath")
int locks_mutex_intr(__u64 *ctx)
{
	return lock_wait_begins(ctx[0], LOCK_MUTEX);
}

SEC("fexit/__mutex_lock_interruptible_slowpath")
int locks_mutex_intr_end(__u64 *ctx)
{
	return lock_wait_ends(ctx, ctx[0], (int)ctx[1]);
}

SEC("fentry/__mutex_lock_killable_slowpath")
int locks_mutex_kill(__u64 *ctx)
{
	return lock_wait_begins(ctx[0], LOCK_MUTEX);
}

SEC("fexit/__mutex_lock_killable_slowpath")
int locks_mutex_kill_end(__u64 *ctx)
{
	return lock_wait_ends(ctx, ctx[0], (int)ctx[1]);
}

SEC("fentry/rwsem_down_read_slowpath")
int locks_rwsem_read(__u64 *ctx)
{
	return lock_wait_begins(ctx[0], LOCK_RWSEM_READ);
}

SEC("fexit/rwsem_down_read_slowpath")
int locks_rwsem_read_end(__u64 *ctx)
{
	return lock_wait_ends(ctx, ctx[0], 0);
}

SEC("fentry/rwsem_down_write_slowpath")
int locks_rwsem_write(__u64 *ctx)
{
	return lock_wait_begins(ctx[0], LOCK_RWSEM_WRITE);
}

SEC("fexit/rwsem_down_write_slowpath")
int locks_rwsem_write_end(__u64 *ctx)
{
	return lock_wait_ends(ctx, ctx[0], 0);
}
