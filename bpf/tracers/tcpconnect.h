// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who opens and accepts TCP connections, how long does a connect take, and how does it fail?
 *
 * connect(2) on a socket that does not block returns before anything is known, so the
 * result is taken from the socket's next state: ESTABLISHED, or CLOSE with its error.
 */
#ifndef PREFLIGHT_TCPCONNECT_H
#define PREFLIGHT_TCPCONNECT_H

#include "tracer.h"
#include "socks.h"

enum tcp_operation {
	TCP_OPERATION_CONNECT = 0,
	TCP_OPERATION_ACCEPT = 1,
	TCP_OPERATION_ATTEMPT = 2, /* a connect of which the result is not seen */
};

/* By whom. Programs come and go: the least recent are pushed out. */
struct connect_count_key {
	__u32 tgid;
	enum tcp_operation operation;
	__u16 error; /* errno, 0 when it succeeded */
	__u16 port; /* of the service: the remote one of a connect, the local one of an accept */
	__u16 family;
	__u8 abandoned; /* 1 = closed by the program before it was decided */
	__u8 unused;
	char comm[TASK_COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct connect_count_key);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void count_connect(const struct connect_count_key *key)
{
	__u64 *count = bpf_map_lookup_elem(&counts, key), one = 1;

	if (!count) {
		if (!bpf_map_update_elem(&counts, key, &one, BPF_NOEXIST)) {
			health_count(HEALTH_EXPORTED);
			return;
		}
		count = bpf_map_lookup_elem(&counts, key);
	}
	if (!count) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	__sync_fetch_and_add(count, 1);
	health_count(HEALTH_EXPORTED);
}

#endif
