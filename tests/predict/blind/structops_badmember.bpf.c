// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct tcp_congestion_ops { __u32 (*ssthresh)(struct sock *sk); void (*cong_avoid)(struct sock *sk, __u32 a, __u32 b); __u32 (*undo_cwnd)(struct sock *sk); void (*brand_new)(struct sock *sk); char name[16]; } CORE;
SEC("struct_ops/ssthresh") __u32 BPF_PROG(ssth, struct sock *sk) { return 2; }
SEC("struct_ops/cong_avoid") void BPF_PROG(cav, struct sock *sk, __u32 a, __u32 b) { }
SEC("struct_ops/undo_cwnd") __u32 BPF_PROG(undo, struct sock *sk) { return 2; }
SEC(".struct_ops") struct tcp_congestion_ops c4cc = { .ssthresh = (void*)ssth, .cong_avoid = (void*)cav, .undo_cwnd = (void*)undo, .name = "bpf_c4b" };
