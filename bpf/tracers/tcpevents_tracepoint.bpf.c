// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP events through classic tracepoints. Of their records only the addresses of socket
 * and packet are used: the rest has another layout in every other kernel, and lacks the
 * family where it would be needed.
 */
#include "tcpevents.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/trace/events/sock.h */
struct trace_event_raw_inet_sock_set_state {
	const void *skaddr;
	int oldstate;
	int newstate;
};

/* include/trace/events/tcp.h. Retransmissions and sent resets shared the first type once; each has its own by now. */
struct trace_event_raw_tcp_event_sk_skb {
	const void *skbaddr;
	const void *skaddr;
};

struct trace_event_raw_tcp_retransmit_skb {
	const void *skaddr;
};

struct trace_event_raw_tcp_send_reset {
	const void *skbaddr;
	const void *skaddr;
};

struct trace_event_raw_tcp_event_sk {
	const void *skaddr;
};

#pragma clang attribute pop

SEC("tracepoint/sock/inet_sock_set_state")
int tcpevents_state(struct trace_event_raw_inet_sock_set_state *ctx)
{
	return tcp_state_changed(ctx->skaddr, ctx->oldstate, ctx->newstate);
}

SEC("tracepoint/tcp/tcp_retransmit_skb")
int tcpevents_retransmit(void *ctx)
{
	struct trace_event_raw_tcp_retransmit_skb *own = ctx;
	struct trace_event_raw_tcp_event_sk_skb *shared = ctx;

	if (bpf_core_type_exists(struct trace_event_raw_tcp_retransmit_skb))
		return tcp_on_socket(TCP_EVENT_RETRANSMIT, own->skaddr);
	return tcp_on_socket(TCP_EVENT_RETRANSMIT, shared->skaddr);
}

SEC("tracepoint/tcp/tcp_send_reset")
int tcpevents_send_reset(void *ctx)
{
	struct trace_event_raw_tcp_send_reset *own = ctx;
	struct trace_event_raw_tcp_event_sk_skb *shared = ctx;

	if (bpf_core_type_exists(struct trace_event_raw_tcp_send_reset))
		return tcp_reset_sent(own->skaddr, own->skbaddr);
	return tcp_reset_sent(shared->skaddr, shared->skbaddr);
}

SEC("tracepoint/tcp/tcp_receive_reset")
int tcpevents_receive_reset(struct trace_event_raw_tcp_event_sk *ctx)
{
	return tcp_on_socket(TCP_EVENT_RECEIVE_RESET, ctx->skaddr);
}
