// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which programs open files, how often does that fail, and with which error? */
#ifndef PREFLIGHT_OPENS_H
#define PREFLIGHT_OPENS_H

#include "tracer.h"

#define OPENS_WRITE_MODE 3 /* O_ACCMODE; 0 of it is O_RDONLY */
#define OPENS_CREATE 0100 /* O_CREAT on every machine the project builds for */

struct open_key {
	__u32 tgid;
	__u16 error; /* errno, 0 when the file was opened */
	__u8 writes; /* 1 = asked to write */
	__u8 creates; /* 1 = asked to create */
	char comm[TASK_COMM_LEN];
};

struct open_count {
	__u64 count;
	__u64 total_ns;
};

/* Programs come and go, so the least recent are pushed out; health says EXPORTED, and the sum here may be less. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct open_key);
	__type(value, struct open_count);
} counts SEC(".maps");

static __always_inline void count_open(__u32 error, __u32 flags, __u64 took)
{
	struct open_key key = {};
	struct open_count *count, first = { .count = 1, .total_ns = took };

	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.error = error;
	key.writes = (flags & OPENS_WRITE_MODE) != 0;
	key.creates = (flags & OPENS_CREATE) != 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count) {
		if (!bpf_map_update_elem(&counts, &key, &first, BPF_NOEXIST)) {
			health_count(HEALTH_EXPORTED);
			return;
		}
		/* Another CPU was first. */
		count = bpf_map_lookup_elem(&counts, &key);
	}
	if (!count) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	__sync_fetch_and_add(&count->count, 1);
	/* Without a duration clang would make an atomic OR of the addition of 0, which 5.10 does not know. */
	/* Of an addition of the constant 0 clang makes an atomic OR, which 5.10 does not know. */
	if (took)
		__sync_fetch_and_add(&count->total_ns, took);
	health_count(HEALTH_EXPORTED);
}

#endif
