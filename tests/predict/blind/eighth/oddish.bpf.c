// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The same with one mistake: a field of the socket that is not its to write. */
#include "kit.h"
struct inet_connection_sock { struct sock icsk_inet; unsigned long long icsk_ca_priv[13]; } CORE;
struct rate_sample { long long interval_us; int delivered, losses; } CORE;
struct ack_sample { __u32 pkts_acked; int rtt_us; __u32 in_flight; } CORE;
struct tcp_congestion_ops { __u32 flags; __u32 (*ssthresh)(struct sock *sk); void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked); __u32 (*undo_cwnd)(struct sock *sk); void (*init)(struct sock *sk); void (*pkts_acked)(struct sock *sk, const struct ack_sample *s); char name[16]; } CORE;
struct even { __u32 rounds[8]; __u32 at, base; };
INLINE struct even *of(struct sock *sk) { return (struct even *)((struct inet_connection_sock *)sk)->icsk_ca_priv; }
SEC("struct_ops/even_init") void BPF_PROG(even_init, struct sock *sk) { struct even *e = of(sk); for (int i = 0; i < 8; i++) e->rounds[i] = 0; e->at = 0; e->base = 10; }
SEC("struct_ops/even_ssthresh") __u32 BPF_PROG(even_ssthresh, struct sock *sk) { struct tcp_sock *tp = (void *)sk; return tp->snd_cwnd > 4 ? tp->snd_cwnd / 2 : 2; }
SEC("struct_ops/even_avoid") void BPF_PROG(even_avoid, struct sock *sk, __u32 ack, __u32 acked) { struct tcp_sock *tp = (void *)sk; struct even *e = of(sk); tp->srtt_us = 1; if (tp->snd_cwnd < e->base * 10) tp->snd_cwnd += acked & 3; }
SEC("struct_ops/even_undo") __u32 BPF_PROG(even_undo, struct sock *sk) { return ((struct tcp_sock *)sk)->snd_cwnd; }
SEC("struct_ops/even_acked") void BPF_PROG(even_acked, struct sock *sk, const struct ack_sample *s) { struct even *e = of(sk); e->rounds[3] = s->rtt_us; }
SEC(".struct_ops") struct tcp_congestion_ops even = { .init = (void *)even_init, .ssthresh = (void *)even_ssthresh, .cong_avoid = (void *)even_avoid, .undo_cwnd = (void *)even_undo, .pkts_acked = (void *)even_acked, .name = "bpf_odd" };
