// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which TCP connections change state, retransmit or are reset?
 *
 * Most of this happens when packets arrive, in whatever task was running: there is no
 * process to filter by or to blame. Filters are the port and sampling. All events are
 * counted; with stream_events each one is also told, with cut addresses.
 */
#ifndef PREFLIGHT_TCPEVENTS_H
#define PREFLIGHT_TCPEVENTS_H

#include "health.h"
#include "license.h"
#include "socks.h"

/* Tell every event. */
const volatile bool stream_events = false;

enum tcp_event_kind {
	TCP_EVENT_STATE = 0,
	TCP_EVENT_RETRANSMIT = 1,
	TCP_EVENT_SEND_RESET = 2,
	TCP_EVENT_RECEIVE_RESET = 3,
};

/* States by include/net/tcp_states.h; 0 = there is no socket. */
struct tcp_count_key {
	enum tcp_event_kind kind;
	__u16 family;
	__u16 port; /* the lower one of both: as a rule the one of the service */
	__u8 old_state;
	__u8 state;
	__u16 unused;
};

struct tcpevents_event {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	enum tcp_event_kind kind;
	__u8 old_state;
	__u8 state;
	__u16 unused;
	struct tuple tuple;
};

struct tcpevents_event *unused_event __attribute__((unused));

/* Between two ephemeral ports the lower one is any; the least recent keys are pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tcp_count_key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} events SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/linux/skbuff.h; since 6.x parts of it are in an unnamed union, which changes nothing here. */
struct sk_buff___tcpevents {
	unsigned char *head;
	__u16 transport_header;
	__u16 network_header;
};

#pragma clang attribute pop

static __always_inline void count_event(const struct tcp_count_key *key)
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

static __always_inline int tcp_happened(enum tcp_event_kind kind, struct tuple *tuple, __u8 old_state, __u8 state)
{
	struct tcpevents_event *event;
	struct tcp_count_key key = {};

	if (other_port(tuple)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	if (sampled_out())
		return 0;
	key.kind = kind;
	key.family = tuple->family;
	key.port = tuple->local_port;
	/* A listening socket has no remote port. */
	if (!key.port || (tuple->remote_port && tuple->remote_port < key.port))
		key.port = tuple->remote_port;
	key.old_state = old_state;
	key.state = state;
	count_event(&key);
	if (!stream_events)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		health_count(HEALTH_RING_DROPPED);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = bpf_ktime_get_ns();
	event->kind = kind;
	event->old_state = old_state;
	event->state = state;
	event->tuple = *tuple;
	cut_addresses(&event->tuple);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* inet_sock_set_state: all protocols with TCP's states come by. */
static __always_inline int tcp_state_changed(const struct sock___socks *sk, int old_state, int state)
{
	struct tuple tuple = {};

	health_count(HEALTH_SEEN);
	if (BPF_CORE_READ(sk, sk_protocol) != PROTOCOL_TCP) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	read_tuple(&tuple, sk);
	return tcp_happened(TCP_EVENT_STATE, &tuple, old_state, state);
}

static __always_inline int tcp_on_socket(enum tcp_event_kind kind, const struct sock___socks *sk)
{
	struct tuple tuple = {};
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	health_count(HEALTH_SEEN);
	read_tuple(&tuple, sk);
	return tcp_happened(kind, &tuple, state, state);
}

/*
 * A reset for a packet that belongs to no socket (since 6.10; before, the kernel does not
 * tell of it): what arrived was for the local end, so its source is the remote end.
 */
static __always_inline int tcp_reset_of_packet(const struct sk_buff___tcpevents *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned char *network = head + BPF_CORE_READ(skb, network_header);
	unsigned char *transport = head + BPF_CORE_READ(skb, transport_header);
	struct tuple tuple = {};
	__be16 ports[2] = {};
	__u8 version = 0;

	health_count(HEALTH_SEEN);
	/* linux/tcp.h: source, dest. linux/ip.h: addresses from byte 12; linux/ipv6.h: from byte 8. */
	if (bpf_probe_read_kernel(ports, sizeof(ports), transport) ||
	    bpf_probe_read_kernel(&version, sizeof(version), network)) {
		health_count(HEALTH_READ_FAILED);
		return 0;
	}
	tuple.remote_port = bpf_ntohs(ports[0]);
	tuple.local_port = bpf_ntohs(ports[1]);
	if (version >> 4 == 6) {
		tuple.family = FAMILY_INET6;
		bpf_probe_read_kernel(tuple.remote_address, 16, network + 8);
		bpf_probe_read_kernel(tuple.local_address, 16, network + 24);
	} else {
		tuple.family = FAMILY_INET;
		bpf_probe_read_kernel(tuple.remote_address, 4, network + 12);
		bpf_probe_read_kernel(tuple.local_address, 4, network + 16);
	}
	return tcp_happened(TCP_EVENT_SEND_RESET, &tuple, 0, 0);
}

static __always_inline int tcp_reset_sent(const struct sock___socks *sk, const struct sk_buff___tcpevents *skb)
{
	return sk ? tcp_on_socket(TCP_EVENT_SEND_RESET, sk) : tcp_reset_of_packet(skb);
}

#endif
