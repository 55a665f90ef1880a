// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flags of contention_begin, include/trace/events/lock.h. */
#ifndef PREFLIGHT_LOCKS_EVENTS_H
#define PREFLIGHT_LOCKS_EVENTS_H

#include "locks.h"

#define FLAG_SPIN 1
#define FLAG_READ 2
#define FLAG_WRITE 4
#define FLAG_RT 8
#define FLAG_PERCPU 16
#define FLAG_MUTEX 32

static __always_inline enum lock_kind kind_of_flags(__u32 flags)
{
	if (flags & FLAG_MUTEX)
		return LOCK_MUTEX;
	if (flags & FLAG_PERCPU)
		return flags & FLAG_WRITE ? LOCK_PERCPU_WRITE : LOCK_PERCPU_READ;
	/* On a real-time kernel sleeping readers and writers say RT besides. */
	if (flags & FLAG_READ)
		return flags & FLAG_SPIN ? LOCK_RWLOCK_READ : LOCK_RWSEM_READ;
	if (flags & FLAG_WRITE)
		return flags & FLAG_SPIN ? LOCK_RWLOCK_WRITE : LOCK_RWSEM_WRITE;
	if (flags & FLAG_RT)
		return LOCK_RT_MUTEX;
	return flags & FLAG_SPIN ? LOCK_SPINLOCK : LOCK_OTHER;
}

#endif
