// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory whose size is known when it runs. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 size) __ksym;
SEC("raw_tp/sched_switch") int reserve(void *ctx) {
	struct bpf_dynptr p;
	__u32 n = bpf_get_smp_processor_id() + 8;
	bpf_ringbuf_reserve_dynptr(&ring, n, 0, &p);
	__u32 v = 5;
	bpf_dynptr_write(&p, 0, &v, sizeof(v), 0);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}
SEC("raw_tp/sched_switch") int reserve_leak(void *ctx) {
	struct bpf_dynptr p;
	if (bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &p)) return 0;
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}
SEC("raw_tp/sched_switch") int unset(void *ctx) { struct bpf_dynptr p; char c; bpf_dynptr_read(&c, 1, &p, 0, 0); return c; }
SEC("tc") int slice(struct __sk_buff *skb) {
	struct bpf_dynptr p;
	struct iphdr room, *ip;
	if (bpf_dynptr_from_skb(skb, 0, &p)) return 0;
	ip = bpf_dynptr_slice(&p, 14, &room, sizeof(room));
	return ip ? ip->ttl > 3 : 0;
}
SEC("tc") int slice_unchecked(struct __sk_buff *skb) {
	struct bpf_dynptr p;
	struct iphdr room, *ip;
	bpf_dynptr_from_skb(skb, 0, &p);
	ip = bpf_dynptr_slice(&p, 14, &room, sizeof(room));
	return ip->ttl > 3;
}
SEC("raw_tp/sched_switch") int skb_in_trace(void *ctx) { struct bpf_dynptr p; return bpf_dynptr_from_skb(ctx, 0, &p); }
