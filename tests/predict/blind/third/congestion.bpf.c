// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A congestion control, and pieces that do not fit. */
#include "net.h"
struct tcp_sock { __u32 snd_cwnd; __u32 snd_ssthresh; } CORE;
struct tcp_congestion_ops { __u32 (*ssthresh)(struct sock *); void (*cong_avoid)(struct sock *, __u32, __u32); __u32 (*undo_cwnd)(struct sock *); void (*init)(struct sock *); void (*set_state)(struct sock *, __u8); char name[16]; };
ALWAYS struct tcp_sock *tp(struct sock *sk) { return (void *)sk; }
SEC("struct_ops/slow_ssthresh") __u32 BPF_PROG(slow_ssthresh, struct sock *sk) { return tp(sk)->snd_ssthresh; }
SEC("struct_ops/slow_avoid") void BPF_PROG(slow_avoid, struct sock *sk, __u32 ack, __u32 acked) { tp(sk)->snd_cwnd = 4; }
SEC("struct_ops/slow_undo") __u32 BPF_PROG(slow_undo, struct sock *sk) { return 10; }
SEC("struct_ops/slow_init") void BPF_PROG(slow_init, struct sock *sk) { sk->__sk_common.skc_family = 1; }
SEC("struct_ops/slow_state") void BPF_PROG(slow_state, struct sock *sk, __u8 state) { bpf_override_return((void *)ctx, 0); }
SEC(".struct_ops") struct tcp_congestion_ops slow = { .ssthresh = (void *)slow_ssthresh, .cong_avoid = (void *)slow_avoid, .undo_cwnd = (void *)slow_undo, .init = (void *)slow_init, .set_state = (void *)slow_state, .name = "slow" };
