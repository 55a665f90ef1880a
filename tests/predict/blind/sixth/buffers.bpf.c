// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Dynamic pointers: records of a size known late, packets in parts, messages from user space. */
#include "kit.h"
struct rec { __u32 len; char data[0]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 65536); } inbox SEC(".maps");
MAP(store, BPF_MAP_TYPE_ARRAY, __u32, char[256], 2);
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 f, struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 f, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 o, void *b, __u32 n) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 o, void *b, __u32 n) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 a, __u32 b) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *c) __ksym;
SEC("xdp") int tcp_port(struct xdp_md *x) { struct bpf_dynptr d; struct ethhdr eb, *e; struct iphdr ib, *i; struct tcphdr tb, *t; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; e = bpf_dynptr_slice(&d, 0, &eb, sizeof(eb)); if (!e || e->h_proto != ETH_IP) return XDP_PASS; i = bpf_dynptr_slice(&d, sizeof(*e), &ib, sizeof(ib)); if (!i || i->protocol != 6) return XDP_PASS; t = bpf_dynptr_slice(&d, sizeof(*e) + i->ihl * 4, &tb, sizeof(tb)); if (!t) return XDP_DROP; return t->dest == bpf_htons(22) ? XDP_DROP : XDP_PASS; }
SEC("xdp") int tcp_port_hasty(struct xdp_md *x) { struct bpf_dynptr d; struct ethhdr eb, *e; bpf_dynptr_from_xdp(x, 0, &d); e = bpf_dynptr_slice(&d, 0, &eb, sizeof(eb)); return e->h_proto == ETH_IP ? XDP_PASS : XDP_DROP; }
SEC("xdp") int slice_small(struct xdp_md *x) { struct bpf_dynptr d; char b[8]; struct ethhdr *e; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; e = bpf_dynptr_slice(&d, 0, b, 14); return e && e->h_proto ? XDP_PASS : XDP_DROP; }
SEC("xdp") int slice_past(struct xdp_md *x) { struct bpf_dynptr d; char b[8], *p; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; p = bpf_dynptr_slice(&d, 0, b, 8); return p && p[8] ? XDP_PASS : XDP_DROP; }
SEC("xdp") int slice_nobuf(struct xdp_md *x) { struct bpf_dynptr d; char *p; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; p = bpf_dynptr_slice(&d, 0, 0, 8); return p && p[7] ? XDP_PASS : XDP_DROP; }
SEC("xdp") int slice_var(struct xdp_md *x) { struct bpf_dynptr d; char b[64], *p; __u32 n = x->rx_queue_index & 63; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; p = bpf_dynptr_slice(&d, 0, b, n); return p ? XDP_PASS : XDP_DROP; }
SEC("xdp") int slice_ro(struct xdp_md *x) { struct bpf_dynptr d; char b[8], *p; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; p = bpf_dynptr_slice(&d, 0, b, 8); if (p) p[0] = 1; return XDP_PASS; }
SEC("xdp") int slice_moved(struct xdp_md *x) { struct bpf_dynptr d; char b[8], *p; if (bpf_dynptr_from_xdp(x, 0, &d)) return XDP_DROP; p = bpf_dynptr_slice(&d, 0, b, 8); if (!p) return XDP_DROP; bpf_xdp_adjust_head(x, 4); return p[0] ? XDP_PASS : XDP_DROP; }
SEC("tc") int skb_write(struct __sk_buff *s) { struct bpf_dynptr d; __u8 ttl = 64; if (bpf_dynptr_from_skb(s, 0, &d)) return 0; return bpf_dynptr_write(&d, 22, &ttl, 1, 0) ? 2 : 0; }
SEC("tc") int skb_rdwr(struct __sk_buff *s) { struct bpf_dynptr d; struct ethhdr b, *e; if (bpf_dynptr_from_skb(s, 0, &d)) return 0; e = bpf_dynptr_slice_rdwr(&d, 0, &b, sizeof(b)); if (!e) return 0; e->h_proto = ETH_IP; if (e == &b) bpf_dynptr_write(&d, 0, &b, sizeof(b), 0); return 0; }
SEC("cgroup_skb/ingress") int skb_rdwr_ro(struct __sk_buff *s) { struct bpf_dynptr d; struct ethhdr b, *e; if (bpf_dynptr_from_skb(s, 0, &d)) return 1; e = bpf_dynptr_slice_rdwr(&d, 0, &b, sizeof(b)); return e ? 1 : 0; }
SEC("tc") int skb_size(struct __sk_buff *s) { struct bpf_dynptr d, c; if (bpf_dynptr_from_skb(s, 0, &d)) return 0; bpf_dynptr_clone(&d, &c); bpf_dynptr_adjust(&c, 14, bpf_dynptr_size(&c)); return bpf_dynptr_size(&c) > 100 ? 2 : 0; }
SEC("tc") int size_unset(struct __sk_buff *s) { struct bpf_dynptr d; return bpf_dynptr_size(&d) > 100 ? 2 : 0; }
SEC("tc") int rec_var(struct __sk_buff *s) { struct bpf_dynptr d; char b[32] = {}; __u32 n = s->len & 31; if (bpf_ringbuf_reserve_dynptr(&ring, sizeof(struct rec) + n, 0, &d)) { bpf_ringbuf_discard_dynptr(&d, 0); return 0; } bpf_dynptr_write(&d, 0, &n, sizeof(n), 0); bpf_dynptr_write(&d, sizeof(struct rec), b, n, 0); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int rec_early(struct __sk_buff *s) { struct bpf_dynptr d; if (bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d)) return 0; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int rec_twice(struct __sk_buff *s) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int rec_data(struct __sk_buff *s) { struct bpf_dynptr d; struct rec *r; bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d); r = bpf_dynptr_data(&d, 0, sizeof(*r)); if (r) r->len = s->len; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int rec_data_late(struct __sk_buff *s) { struct bpf_dynptr d; struct rec *r; bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d); r = bpf_dynptr_data(&d, 0, sizeof(*r)); bpf_ringbuf_submit_dynptr(&d, 0); if (r) r->len = s->len; return 0; }
SEC("tc") int rec_data_var(struct __sk_buff *s) { struct bpf_dynptr d; char *r; __u32 n = s->len & 15; bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d); r = bpf_dynptr_data(&d, 0, n); bpf_ringbuf_discard_dynptr(&d, 0); return r ? 2 : 0; }
SEC("tc") int rec_overwrite(struct __sk_buff *s) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d); *(volatile __u64 *)&d = 0; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int mem(struct __sk_buff *s) { struct bpf_dynptr d; __u32 z = 0; __u64 v = 0; char *m = bpf_map_lookup_elem(&store, &z); if (!m) return 0; bpf_dynptr_from_mem(m, 256, 0, &d); bpf_dynptr_read(&v, sizeof(v), &d, s->mark, 0); return v ? 2 : 0; }
SEC("tc") int mem_past(struct __sk_buff *s) { struct bpf_dynptr d; __u32 z = 0; char *m = bpf_map_lookup_elem(&store, &z); if (!m) return 0; bpf_dynptr_from_mem(m, 257, 0, &d); return 0; }
SEC("tc") int mem_null(struct __sk_buff *s) { struct bpf_dynptr d; __u32 z = 0; bpf_dynptr_from_mem(bpf_map_lookup_elem(&store, &z), 16, 0, &d); return 0; }
static long take(struct bpf_dynptr *d, void *c) { __u32 v = 0; if (bpf_dynptr_read(&v, sizeof(v), d, 0, 0)) return 1; *(__u32 *)c += v; return 0; }
static long take_many(struct bpf_dynptr *d, void *c) { return 2; }
static long take_data(struct bpf_dynptr *d, void *c) { __u32 *v = bpf_dynptr_data(d, 0, 4); if (v) *v = 1; return 0; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(drain) { __u32 all = 0; bpf_user_ringbuf_drain(&inbox, take, &all, 0); return all & 1; }
SEC("tp_btf/sched_process_fork") int BPF_PROG(drain_many) { return bpf_user_ringbuf_drain(&inbox, take_many, 0, 0); }
SEC("tp_btf/sched_process_fork") int BPF_PROG(drain_data) { return bpf_user_ringbuf_drain(&inbox, take_data, 0, 0); }
SEC("tp_btf/sched_process_fork") int BPF_PROG(drain_wrong) { __u32 all = 0; return bpf_user_ringbuf_drain(&ring, take, &all, 0); }
