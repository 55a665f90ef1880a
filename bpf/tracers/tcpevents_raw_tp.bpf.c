// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP events through raw tracepoints. Later kernels add arguments behind the ones used
 * here; include/trace/events/sock.h and tcp.h.
 */
#include "tcpevents.h"

SEC("raw_tp/inet_sock_set_state")
int tcpevents_state(struct bpf_raw_tracepoint_args *ctx)
{
	return tcp_state_changed((const void *)ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("raw_tp/tcp_retransmit_skb")
int tcpevents_retransmit(struct bpf_raw_tracepoint_args *ctx)
{
	return tcp_on_socket(TCP_EVENT_RETRANSMIT, (const void *)ctx->args[0]);
}

SEC("raw_tp/tcp_send_reset")
int tcpevents_send_reset(struct bpf_raw_tracepoint_args *ctx)
{
	return tcp_reset_sent((const void *)ctx->args[0], (const void *)ctx->args[1]);
}

SEC("raw_tp/tcp_receive_reset")
int tcpevents_receive_reset(struct bpf_raw_tracepoint_args *ctx)
{
	return tcp_on_socket(TCP_EVENT_RECEIVE_RESET, (const void *)ctx->args[0]);
}
