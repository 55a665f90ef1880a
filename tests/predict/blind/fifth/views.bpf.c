// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory through dynamic pointers. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
MAP(box, BPF_MAP_TYPE_ARRAY, __u32, char[128], 1);
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *s, __u64 flags, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 at, void *b, __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 at, void *b, __u32 size) __ksym;
SEC("tc") int record(struct __sk_buff *skb) { struct bpf_dynptr d; __u32 v = skb->len; bpf_ringbuf_reserve_dynptr(&ring, 16 + (skb->mark & 31), 0, &d); bpf_dynptr_write(&d, 0, &v, sizeof(v), 0); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int record_lost(struct __sk_buff *skb) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d); return 0; }
SEC("tc") int record_late(struct __sk_buff *skb) { struct bpf_dynptr d; __u32 v = 1; bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d); bpf_ringbuf_discard_dynptr(&d, 0); bpf_dynptr_write(&d, 0, &v, 4, 0); return 0; }
SEC("tc") int record_unset(struct __sk_buff *skb) { struct bpf_dynptr d; __u32 v = 1; bpf_dynptr_write(&d, 0, &v, 4, 0); return 0; }
SEC("tc") int data(struct __sk_buff *skb) { struct bpf_dynptr d; __u32 *v; bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d); v = bpf_dynptr_data(&d, 0, 8); if (v) v[1] = skb->len; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int data_past(struct __sk_buff *skb) { struct bpf_dynptr d; __u32 *v; bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d); v = bpf_dynptr_data(&d, 0, 8); if (v) v[2] = skb->len; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int data_blind(struct __sk_buff *skb) { struct bpf_dynptr d; __u32 *v; bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d); v = bpf_dynptr_data(&d, 0, 8); v[0] = 1; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
SEC("tc") int of_packet(struct __sk_buff *skb) { struct bpf_dynptr d; struct ethhdr b, *e; if (bpf_dynptr_from_skb(skb, 0, &d)) return 0; e = bpf_dynptr_slice(&d, 0, &b, sizeof(b)); return e && e->proto ? 0 : 2; }
SEC("tc") int of_packet_blind(struct __sk_buff *skb) { struct bpf_dynptr d; struct ethhdr b, *e; if (bpf_dynptr_from_skb(skb, 0, &d)) return 0; e = bpf_dynptr_slice(&d, 0, &b, sizeof(b)); return e->proto ? 0 : 2; }
SEC("tc") int of_packet_write(struct __sk_buff *skb) { struct bpf_dynptr d; struct ethhdr b, *e; if (bpf_dynptr_from_skb(skb, 0, &d)) return 0; e = bpf_dynptr_slice(&d, 0, &b, sizeof(b)); if (e) e->proto = 0; return 0; }
SEC("xdp") int of_frame(struct xdp_md *c) { struct bpf_dynptr d; struct ethhdr b, *e; if (bpf_dynptr_from_xdp(c, 0, &d)) return XDP_PASS; e = bpf_dynptr_slice_rdwr(&d, 0, &b, sizeof(b)); if (!e) return XDP_PASS; e->to[0] = 1; if (e == &b) bpf_dynptr_write(&d, 0, &b, sizeof(b), 0); return XDP_TX; }
SEC("tc") int of_value(struct __sk_buff *skb) { __u32 z = 0, v = 0; char *m = bpf_map_lookup_elem(&box, &z); struct bpf_dynptr d; if (!m) return 0; bpf_dynptr_from_mem(m, 128, 0, &d); bpf_dynptr_read(&v, 4, &d, skb->mark, 0); return v ? 2 : 0; }
SEC("tc") int of_stack(struct __sk_buff *skb) { char m[16] = {}; __u32 v = 0; struct bpf_dynptr d; bpf_dynptr_from_mem(m, 16, 0, &d); bpf_dynptr_read(&v, 4, &d, 0, 0); return v ? 2 : 0; }
