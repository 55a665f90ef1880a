// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Life of TCP connections, retransmissions, drops: CO-RE over versions, kprobe and fentry, twins by weak symbols. */
#include "kit.h"
struct sock_common___t { union { struct { __u32 skc_daddr, skc_rcv_saddr; }; }; union { struct { __u16 skc_dport, skc_num; }; }; unsigned short skc_family; unsigned char skc_state; } CORE;
struct sock___t { struct sock_common___t __sk_common; int sk_rcvbuf; } CORE;
struct tcp_sock { struct sock___t sk; __u32 srtt_us, snd_cwnd, total_retrans; __u64 bytes_received, bytes_acked; } CORE;
struct tcp_sock___gone { __u32 no_such_counter; } CORE;
struct sk_buff { unsigned len; unsigned char *head; __u16 network_header, transport_header; struct sock *sk; unsigned mark; } CORE;
struct iphdr_k { __u8 a; } CORE;
struct trace_event_raw_inet_sock_set_state { __u64 ent; const void *skaddr; int oldstate, newstate; __u16 sport, dport, family, protocol; __u8 saddr[4], daddr[4]; } CORE;
struct trace_event_raw_kfree_skb { __u64 ent; void *skbaddr, *location; } CORE;
struct trace_event_raw_kfree_skb___reason { int reason; } CORE;
enum skb_drop_reason___here { SKB_DROP_REASON_NOT_SPECIFIED___here = 1, };
struct life { __u32 saddr, daddr; __u16 sport, dport; __u64 rx, tx, us; };
struct ident { __u32 pid; char comm[16]; };
MAP(birth, BPF_MAP_TYPE_HASH, struct sock *, __u64, 10240);
MAP(idents, BPF_MAP_TYPE_HASH, struct sock *, struct ident, 10240);
MAP(retrans, BPF_MAP_TYPE_HASH, __u64, __u64, 4096);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
extern const int CONFIG_HZ __kconfig; extern int LINUX_KERNEL_VERSION __kconfig;
SEC("tp/sock/inet_sock_set_state") int state(struct trace_event_raw_inet_sock_set_state *c) {
	struct sock___t *sk = (void *)c->skaddr; __u64 now = bpf_ktime_get_ns(), *from; struct life l = {}; struct tcp_sock *tp;
	if (c->protocol != 6) return 0;
	if (c->newstate < 4) { bpf_map_update_elem(&birth, &sk, &now, BPF_ANY); return 0; }
	if (c->newstate != 7) return 0;
	from = bpf_map_lookup_elem(&birth, &sk);
	if (!from) return 0;
	tp = (void *)sk;
	l.us = (now - *from) / 1000; l.rx = BPF_CORE_READ(tp, bytes_received); l.tx = BPF_CORE_READ(tp, bytes_acked);
	l.sport = c->sport; l.dport = c->dport;
	bpf_probe_read_kernel(&l.saddr, 4, __builtin_preserve_access_index(c->saddr)); bpf_probe_read_kernel(&l.daddr, 4, __builtin_preserve_access_index(c->daddr));
	bpf_map_delete_elem(&birth, &sk);
	bpf_perf_event_output(c, &events, BPF_F_CURRENT_CPU, &l, sizeof(l));
	return 0;
}
SEC("tp/sock/inet_sock_set_state") int state_gap(struct trace_event_raw_inet_sock_set_state *c) { struct life l; l.saddr = l.daddr = 0; l.sport = c->sport; l.rx = l.tx = l.us = 0; bpf_perf_event_output(c, &events, BPF_F_CURRENT_CPU, &l, sizeof(l)); return 0; }
SEC("tp/sock/inet_sock_set_state") int state_sk(struct trace_event_raw_inet_sock_set_state *c) { struct sock___t *sk = (void *)c->skaddr; return sk->sk_rcvbuf > 1; }
SEC("tp/sock/inet_sock_set_state") int state_past(__u64 *c) { return c[40] & 1; }
SEC("tp/sock/inet_sock_set_state") int state_write(__u64 *c) { c[2] = 0; return 0; }
SEC("kprobe/tcp_v4_connect") int BPF_KPROBE(connect, struct sock *sk) { struct ident i = {}; i.pid = bpf_get_current_pid_tgid() >> 32; bpf_get_current_comm(i.comm, sizeof(i.comm)); bpf_map_update_elem(&idents, &sk, &i, 0); return 0; }
SEC("kprobe/tcp_v4_connect") int BPF_KPROBE(connect_comm, struct sock *sk) { struct ident i = {}; bpf_get_current_comm(i.comm, 32); bpf_map_update_elem(&idents, &sk, &i, 0); return 0; }
SEC("kprobe/tcp_v4_connect") int BPF_KPROBE(connect_value, struct sock *sk) { __u32 pid = 1; bpf_map_update_elem(&idents, &sk, &pid, 0); return 0; }
SEC("kretprobe/tcp_v4_connect") int BPF_KRETPROBE(connected, int ret) { if (ret) return 0; bpf_printk("connected %d", bpf_get_current_pid_tgid() >> 32); return 0; }
SEC("kprobe/tcp_retransmit_skb") int BPF_KPROBE(k_retrans, struct sock___t *sk) { __u64 k = ((__u64)BPF_CORE_READ(sk, __sk_common.skc_daddr) << 16) | BPF_CORE_READ(sk, __sk_common.skc_dport), one = 1, *n = bpf_map_lookup_elem(&retrans, &k); if (n) __sync_fetch_and_add(n, 1); else bpf_map_update_elem(&retrans, &k, &one, BPF_NOEXIST); return 0; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans, struct sock___t *sk, struct sk_buff *skb, int segs) { __u64 k = ((__u64)sk->__sk_common.skc_daddr << 16) | sk->__sk_common.skc_dport, one = 1; bpf_map_update_elem(&retrans, &k, &one, BPF_ANY); return 0; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans_tp, struct sock *sk) { struct tcp_sock *tp = (void *)sk; return tp->total_retrans > 3; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans_skc, struct sock *sk) { struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk); if (!tp) return 0; return tp->total_retrans > 3; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans_skc_hasty, struct sock *sk) { struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk); return tp->total_retrans > 3; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans_store, struct sock___t *sk) { sk->sk_rcvbuf = 0; return 0; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans_gone, struct sock *sk) { struct tcp_sock___gone *tp = (void *)sk; return tp->no_such_counter; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_retrans_guard, struct sock *sk) { struct tcp_sock___gone *tp = (void *)sk; if (bpf_core_field_exists(tp->no_such_counter)) return tp->no_such_counter; return 0; }
SEC("fexit/tcp_retransmit_skb") int BPF_PROG(f_retrans_exit, struct sock *sk, struct sk_buff *skb, int segs, int ret) { return ret; }
SEC("fentry/tcp_retransmit_skb") int BPF_PROG(f_setsockopt, struct sock *sk) { int v = 1; return bpf_setsockopt(sk, 1, 2, &v, 4); }
SEC("fentry/tcp_rcv_established") int BPF_PROG(f_rtt, struct sock *sk, struct sk_buff *skb) { return BPF_CORE_READ((struct tcp_sock *)sk, srtt_us) >> 3; }
SEC("fentry/tcp_rcv_established") int BPF_PROG(f_skb_head, struct sock *sk, struct sk_buff *skb) { return skb->head[0]; }
SEC("fentry/tcp_rcv_established") int BPF_PROG(f_skb_read, struct sock *sk, struct sk_buff *skb) { struct tcphdr t; bpf_probe_read_kernel(&t, sizeof(t), skb->head + skb->transport_header); return t.dest & 1; }
SEC("fentry/tcp_rcv_established") int BPF_PROG(f_skb_out, struct sock *sk, struct sk_buff *skb) { __u32 z = 7; bpf_skb_output(skb, &events, BPF_F_CURRENT_CPU | (64ull << 32), &z, 4); return 0; }
SEC("kprobe/tcp_rcv_established") int BPF_KPROBE(k_skb_out, struct sock *sk, struct sk_buff *skb) { __u32 z = 7; bpf_skb_output(skb, &events, BPF_F_CURRENT_CPU, &z, 4); return 0; }
SEC("tp/skb/kfree_skb") int dropped(struct trace_event_raw_kfree_skb *c) { __u64 k = (__u64)c->location, one = 1; if (bpf_core_field_exists(((struct trace_event_raw_kfree_skb___reason *)c)->reason) && ((struct trace_event_raw_kfree_skb___reason *)c)->reason < 3) return 0; bpf_map_update_elem(&retrans, &k, &one, 0); return 0; }
SEC("tp/skb/kfree_skb") int dropped_reason(struct trace_event_raw_kfree_skb *c) { return ((struct trace_event_raw_kfree_skb___reason *)c)->reason; }
SEC("tp_btf/kfree_skb") int BPF_PROG(dropped_btf, struct sk_buff *skb, void *location) { __u64 k = skb->len; bpf_map_delete_elem(&retrans, &k); return 0; }
SEC("tp_btf/kfree_skb") int BPF_PROG(dropped_arg3, struct sk_buff *skb, void *location, int reason) { return reason; }
SEC("tp_btf/kfree_skb") int BPF_PROG(dropped_sk, struct sk_buff *skb) { struct sock *sk = skb->sk; return sk->__sk_common.skc_family; }
SEC("tp_btf/kfree_skb") int BPF_PROG(dropped_cookie, struct sk_buff *skb) { return bpf_get_socket_cookie(skb->sk) & 1; }
SEC("fentry/tcp_close") int BPF_PROG(f_close_cookie, struct sock *sk) { return bpf_get_socket_cookie(sk) & 1; }
SEC("kprobe/tcp_close") int BPF_KPROBE(k_close_cookie, struct sock *sk) { return bpf_get_socket_cookie(sk) & 1; }
SEC("kprobe/tcp_close") int BPF_KPROBE(k_hz) { return CONFIG_HZ > 100 && LINUX_KERNEL_VERSION > 0; }
SEC("kprobe/tcp_close") int BPF_KPROBE(k_big_endian, struct sock___t *sk) { __u16 p; BPF_CORE_READ_INTO(&p, sk, __sk_common.skc_dport); return p == bpf_htons(443); }
