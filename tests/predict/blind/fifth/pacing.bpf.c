// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A congestion control of one's own. */
#include "net.h"
struct inet_sock; struct tcp_sock { __u32 snd_cwnd, snd_ssthresh, prior_cwnd, delivered, snd_cwnd_cnt; } CORE;
struct inet_connection_sock { __u32 icsk_backoff; } CORE;
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk); void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void (*set_state)(struct sock *sk, __u8 state); __u32 (*undo_cwnd)(struct sock *sk); void (*init)(struct sock *sk);
	char name[16];
};
SEC("struct_ops/steady_ssthresh") __u32 BPF_PROG(steady_ssthresh, struct sock *sk) { struct tcp_sock *tp = (void *)sk; __u32 w = tp->snd_cwnd >> 1; return w < 2 ? 2 : w; }
SEC("struct_ops/steady_avoid") void BPF_PROG(steady_avoid, struct sock *sk, __u32 ack, __u32 acked) { struct tcp_sock *tp = (void *)sk; tp->snd_cwnd += acked; }
SEC("struct_ops/steady_undo") __u32 BPF_PROG(steady_undo, struct sock *sk) { return ((struct tcp_sock *)sk)->snd_cwnd; }
SEC("struct_ops/steady_state") void BPF_PROG(steady_state, struct sock *sk, __u8 state) { ((struct tcp_sock *)sk)->delivered = 0; }
SEC("struct_ops/steady_init") void BPF_PROG(steady_init, struct sock *sk) { bpf_ktime_get_ns(); }
SEC(".struct_ops") struct tcp_congestion_ops steady = { .ssthresh = (void *)steady_ssthresh, .cong_avoid = (void *)steady_avoid, .undo_cwnd = (void *)steady_undo, .set_state = (void *)steady_state, .init = (void *)steady_init, .name = "preflight_st" };
