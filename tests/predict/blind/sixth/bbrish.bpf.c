// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A congestion control. */
#include "kit.h"
struct inet_connection_sock { __u64 icsk_ca_priv[13]; __u8 icsk_ca_state; } CORE;
struct tcp_sock { __u32 snd_cwnd, snd_ssthresh, snd_cwnd_cnt, snd_cwnd_clamp, srtt_us, delivered; } CORE;
struct ack_sample { __u32 pkts_acked; int rtt_us; __u32 in_flight; } CORE;
struct state { __u32 min_rtt, rounds; };
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk); void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked); void (*set_state)(struct sock *sk, __u8 s);
	__u32 (*undo_cwnd)(struct sock *sk); void (*pkts_acked)(struct sock *sk, const struct ack_sample *s); void (*init)(struct sock *sk); void (*release)(struct sock *sk); char name[16];
};
extern __u32 tcp_slow_start(struct tcp_sock *tp, __u32 acked) __ksym;
extern void tcp_cong_avoid_ai(struct tcp_sock *tp, __u32 w, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct state); } states SEC(".maps");
INLINE struct tcp_sock *tcp(struct sock *sk) { return (struct tcp_sock *)sk; }
SEC("struct_ops/b_init") void BPF_PROG(b_init, struct sock *sk) { struct state *s = bpf_sk_storage_get(&states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE); if (s) s->min_rtt = ~0u; }
SEC("struct_ops/b_ssthresh") __u32 BPF_PROG(b_ssthresh, struct sock *sk) { __u32 w = tcp(sk)->snd_cwnd * 7 / 10; return w > 2 ? w : 2; }
SEC("struct_ops/b_avoid") void BPF_PROG(b_avoid, struct sock *sk, __u32 ack, __u32 acked) { struct tcp_sock *tp = tcp(sk); if (tp->snd_cwnd < tp->snd_ssthresh) { acked = tcp_slow_start(tp, acked); if (!acked) return; } tcp_cong_avoid_ai(tp, tp->snd_cwnd, acked); }
SEC("struct_ops/b_acked") void BPF_PROG(b_acked, struct sock *sk, const struct ack_sample *a) { struct state *s; if (a->rtt_us < 0) return; s = bpf_sk_storage_get(&states, sk, 0, 0); if (s && a->rtt_us < s->min_rtt) s->min_rtt = a->rtt_us; }
SEC("struct_ops/b_state") void BPF_PROG(b_state, struct sock *sk, __u8 st) { if (st == 4) tcp(sk)->snd_ssthresh = 2; }
SEC("struct_ops/b_undo") __u32 BPF_PROG(b_undo, struct sock *sk) { return tcp_reno_undo_cwnd(sk); }
SEC("struct_ops/b_release") void BPF_PROG(b_release, struct sock *sk) { bpf_sk_storage_delete(&states, sk); }
SEC(".struct_ops") struct tcp_congestion_ops b_ops = { .init = (void *)b_init, .ssthresh = (void *)b_ssthresh, .cong_avoid = (void *)b_avoid, .pkts_acked = (void *)b_acked, .set_state = (void *)b_state, .undo_cwnd = (void *)b_undo, .release = (void *)b_release, .name = "pf_b" };
