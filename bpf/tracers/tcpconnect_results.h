// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the variants that see results have in common: start records by socket, latencies, events. */
#ifndef PREFLIGHT_TCPCONNECT_RESULTS_H
#define PREFLIGHT_TCPCONNECT_RESULTS_H

#include "tcpconnect.h"
#include "latency.h"

/* include/net/tcp_states.h */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE 7

/* Look at one errno alone; 0 is all. */
const volatile __u32 target_errno = 0;
/* Tell each connection as an event, with cut addresses. */
const volatile bool stream_events = false;

struct tcpconnect_event {
	__u64 at_ns; /* CLOCK_MONOTONIC, when it was decided */
	__u64 took_ns; /* of a connect, since the call */
	__u64 cgroup;
	enum tcp_operation operation;
	__u32 tgid;
	__u32 tid;
	__u32 uid;
	__u16 error;
	__u8 abandoned;
	__u8 unused;
	struct tuple tuple;
	char comm[TASK_COMM_LEN];
};

struct tcpconnect_event *unused_event __attribute__((unused));

/* Who began to connect, kept by socket: the end comes in the context of a packet. */
struct connect_start {
	__u64 ns;
	__u64 pid_tgid;
	__u64 cgroup;
	__u32 uid;
	__u16 port; /* asked for; the socket forgets it when the connect fails at once */
	__u8 returned; /* 1 = the function that began it has returned: now the state tells */
	__u8 unused;
	char comm[TASK_COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* address of the struct sock: identity only, never shown */
	__type(value, struct connect_start);
} starts SEC(".maps");

struct connect_latency_key {
	__u16 family;
	__u16 port;
	__u16 error;
	__u8 abandoned;
	__u8 unused;
};

/* Services of the whole net are many: the least recent are pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct connect_latency_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} events SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/uapi/linux/in.h; the port of a sockaddr_in6 lies at the same place. */
struct sockaddr_in {
	__be16 sin_port;
};

/* include/net/sock.h, since 6.10: what inet_csk_accept() had as arguments before. */
struct proto_accept_arg {
	int err;
};

#pragma clang attribute pop

static __always_inline void add_latency(const struct connect_count_key *count, __u64 took)
{
	struct connect_latency_key key = {
		.family = count->family,
		.port = count->port,
		.error = count->error,
		.abandoned = count->abandoned,
	};
	struct log2_hist *hist = bpf_map_lookup_elem(&latencies, &key);

	if (!hist) {
		bpf_map_update_elem(&latencies, &key, &empty_hist, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&latencies, &key);
	}
	if (hist)
		hist_add(hist, took);
	else
		health_count(HEALTH_UPDATE_FAILED);
}

static __always_inline void decided(const struct sock___socks *sk, const struct connect_start *start,
				    enum tcp_operation operation, __u32 error, __u8 abandoned)
{
	struct connect_count_key key = {};
	__u64 now = bpf_ktime_get_ns(), took = now - start->ns;
	struct tcpconnect_event *event;
	struct tuple tuple = {};

	read_tuple(&tuple, sk);
	if (operation == TCP_OPERATION_CONNECT)
		tuple.remote_port = start->port;
	if (other_port(&tuple) || (target_errno && error != target_errno) ||
	    (operation == TCP_OPERATION_CONNECT && outside_bounds(took))) {
		health_count(HEALTH_FILTERED);
		return;
	}
	key.tgid = start->pid_tgid >> 32;
	key.operation = operation;
	key.error = error;
	key.abandoned = abandoned;
	key.family = tuple.family;
	key.port = operation == TCP_OPERATION_CONNECT ? tuple.remote_port : tuple.local_port;
	__builtin_memcpy(key.comm, start->comm, sizeof(key.comm));
	count_connect(&key);
	if (operation == TCP_OPERATION_CONNECT)
		add_latency(&key, took);
	if (!stream_events)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		health_count(HEALTH_RING_DROPPED);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = now;
	event->took_ns = took;
	event->cgroup = start->cgroup;
	event->operation = operation;
	event->tgid = start->pid_tgid >> 32;
	event->tid = start->pid_tgid;
	event->uid = start->uid;
	event->error = error;
	event->abandoned = abandoned;
	event->tuple = tuple;
	cut_addresses(&event->tuple);
	__builtin_memcpy(event->comm, start->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void whose(struct connect_start *start)
{
	start->ns = bpf_ktime_get_ns();
	start->pid_tgid = bpf_get_current_pid_tgid();
	start->cgroup = bpf_get_current_cgroup_id();
	start->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(start->comm, sizeof(start->comm));
}

static __always_inline int connect_called(const struct sock___socks *sk, const struct sockaddr_in *address)
{
	__u64 key = (unsigned long)sk;
	struct connect_start *before = bpf_map_lookup_elem(&starts, &key), start = {};

	/* tcp_v6_connect() hands an IPv4 address in IPv6's form on to tcp_v4_connect(). */
	if (before && !before->returned && before->pid_tgid == bpf_get_current_pid_tgid())
		return 0;
	if (early_filter() || sampled_out())
		return 0;
	if (before)
		health_count(HEALTH_EXPIRED);
	whose(&start);
	start.port = bpf_ntohs(BPF_CORE_READ(address, sin_port));
	if (bpf_map_update_elem(&starts, &key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int connect_returned(const struct sock___socks *sk, int result)
{
	__u64 key = (unsigned long)sk;
	struct connect_start *start = bpf_map_lookup_elem(&starts, &key);

	if (!start || start->returned)
		return 0;
	if (result >= 0) {
		start->returned = 1;
		return 0;
	}
	decided(sk, start, TCP_OPERATION_CONNECT, -result, 0);
	bpf_map_delete_elem(&starts, &key);
	return 0;
}

/* All sockets come by here; the lookup ends what does not matter. */
static __always_inline int state_set(const struct sock___socks *sk, int state)
{
	__u64 key = (unsigned long)sk;
	struct connect_start *start;
	__u32 error = 0;

	if (state != STATE_ESTABLISHED && state != STATE_CLOSE)
		return 0;
	start = bpf_map_lookup_elem(&starts, &key);
	/* A connect that fails at once closes the socket before it returns its error. */
	if (!start || (state == STATE_CLOSE && !start->returned))
		return 0;
	if (state == STATE_CLOSE)
		error = BPF_CORE_READ(sk, sk_err);
	decided(sk, start, TCP_OPERATION_CONNECT, error, state == STATE_CLOSE && !error);
	bpf_map_delete_elem(&starts, &key);
	return 0;
}

static __always_inline int accepted(const struct sock___socks *listening, const struct sock___socks *sk, int error)
{
	struct connect_start who = {};

	if (early_filter() || sampled_out())
		return 0;
	whose(&who);
	decided(sk ? sk : listening, &who, TCP_OPERATION_ACCEPT, sk ? 0 : -error, 0);
	return 0;
}

#endif
