// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Congestion control written as programs. */
#include "kit.h"
struct inet_connection_sock { unsigned char icsk_retransmits; __u64 icsk_ca_priv[13]; } CORE;
struct tcp_congestion_ops { __u32 (*ssthresh)(struct sock *); void (*cong_avoid)(struct sock *, __u32, __u32); __u32 (*undo_cwnd)(struct sock *); void (*init)(struct sock *); void (*set_state)(struct sock *, __u8); char name[16]; __u32 flags; };
static __u64 inits;
SEC("struct_ops/w_ssthresh") __u32 BPF_PROG(w_ssthresh, struct sock *sk) { const struct tcp_sock *tp = (void *)sk; __u32 h = tp->snd_cwnd >> 1; return h > 2 ? h : 2; }
SEC("struct_ops/w_avoid") void BPF_PROG(w_avoid, struct sock *sk, __u32 ack, __u32 acked) { struct tcp_sock *tp = (void *)sk; if (tp->snd_cwnd < tp->snd_cwnd_clamp) tp->snd_cwnd = tp->snd_cwnd + 1; }
SEC("struct_ops/w_undo") __u32 BPF_PROG(w_undo, struct sock *sk) { return ((struct tcp_sock *)sk)->snd_cwnd; }
SEC("struct_ops/w_init") void BPF_PROG(w_init, struct sock *sk) { inits++; }
/* A field that may not be written. */
SEC("struct_ops/w_state") void BPF_PROG(w_state, struct sock *sk, __u8 to) { ((struct tcp_sock *)sk)->srtt_us = to; }
SEC(".struct_ops") struct tcp_congestion_ops wish = { .ssthresh = (void *)w_ssthresh, .cong_avoid = (void *)w_avoid, .undo_cwnd = (void *)w_undo, .init = (void *)w_init, .set_state = (void *)w_state, .name = "bpf_wish" };
