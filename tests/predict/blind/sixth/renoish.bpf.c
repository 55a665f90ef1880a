// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A congestion control whose state is read without being looked at. */
#include "kit.h"
struct tcp_sock { __u32 snd_cwnd, snd_ssthresh, srtt_us; } CORE;
struct tcp_congestion_ops { __u32 (*ssthresh)(struct sock *sk); void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked); __u32 (*undo_cwnd)(struct sock *sk); char name[16]; };
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u32); } states SEC(".maps");
SEC("struct_ops/r_ssthresh") __u32 BPF_PROG(r_ssthresh, struct sock *sk) { __u32 *s = bpf_sk_storage_get(&states, sk, 0, 0); return *s; }
SEC("struct_ops/r_avoid") void BPF_PROG(r_avoid, struct sock *sk, __u32 ack, __u32 acked) { ((struct tcp_sock *)sk)->srtt_us = 5; }
SEC("struct_ops/r_undo") __u32 BPF_PROG(r_undo, struct sock *sk) { return ((struct tcp_sock *)sk)->snd_cwnd; }
SEC(".struct_ops") struct tcp_congestion_ops r_ops = { .ssthresh = (void *)r_ssthresh, .cong_avoid = (void *)r_avoid, .undo_cwnd = (void *)r_undo, .name = "pf_r" };
