// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets sent elsewhere. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __type(key, __u32); __type(value, __u32); __uint(max_entries, 8); } ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } socks SEC(".maps");
SEC("xdp") int port(struct xdp_md *ctx) { return bpf_redirect_map(&ports, ctx->ingress_ifindex & 7, 0); }
SEC("xdp") int port_sock(struct xdp_md *ctx) { return bpf_redirect_map(&socks, 1, 0); }
SEC("xdp") int port_write(struct xdp_md *ctx) { ctx->rx_queue_index = 2; return XDP_PASS; }
SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *skb) { return bpf_sk_redirect_map(skb, &socks, 0, 0); }
SEC("sk_skb/stream_parser") int parser(struct __sk_buff *skb) { void *d = (void *)(long)skb->data, *e = (void *)(long)skb->data_end; if (d + 2 > e) return 0; return *(__u16 *)d; }
SEC("sk_skb/stream_parser") int parser_unchecked(struct __sk_buff *skb) { return *(__u8 *)(long)skb->data; }
SEC("sk_msg") int message(struct sk_msg_md *m) { return bpf_msg_redirect_map(m, &socks, 0, 0); }
SEC("sk_msg") int message_read(struct sk_msg_md *m) { __u8 *d = m->data; if ((void *)(d + 1) > m->data_end) return 1; return *d == 3; }
SEC("sk_msg") int message_unchecked(struct sk_msg_md *m) { __u8 *d = m->data; return *d == 3; }
SEC("tc") int insert(struct __sk_buff *skb) { if (bpf_skb_change_head(skb, 14, 0)) return 2; void *d = (void *)(long)skb->data, *e = (void *)(long)skb->data_end; if (d + 14 > e) return 2; *(__u16 *)(d + 12) = 8; return 0; }
SEC("flow_dissector") int dissect(struct __sk_buff *skb) { void *d = (void *)(long)skb->data, *e = (void *)(long)skb->data_end; if (d + 1 > e) return 2; return *(__u8 *)d == 4 ? 0 : 2; }
SEC("flow_dissector") int dissect_mark(struct __sk_buff *skb) { return skb->mark ? 2 : 0; }
SEC("socket") int filter(struct __sk_buff *skb) { return skb->len > 100 ? skb->len : 0; }
SEC("socket") int filter_data(struct __sk_buff *skb) { void *d = (void *)(long)skb->data, *e = (void *)(long)skb->data_end; return d + 1 > e ? 0 : *(__u8 *)d; }
SEC("socket") int filter_mark(struct __sk_buff *skb) { skb->mark = 1; return 0; }
SEC("lwt_in") int lwt(struct __sk_buff *skb) { skb->priority = 3; return 0; }
