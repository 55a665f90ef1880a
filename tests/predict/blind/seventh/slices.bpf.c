// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Dynptrs: rings of any size, packets, memory; and what slices may be used for. */
#include "kit.h"
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *d) __ksym __weak;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *d) __ksym __weak;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *d, __u32 off, void *buf, __u32 size) __ksym __weak;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *d, __u32 off, void *buf, __u32 size) __ksym __weak;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *d, __u32 start, __u32 end) __ksym __weak;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *d) __ksym __weak;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *d) __ksym __weak;
extern int bpf_dynptr_clone(const struct bpf_dynptr *d, struct bpf_dynptr *to) __ksym __weak;
RING(ring, 1 << 16);
MAP(vals, ARRAY, __u32, char[128], 1);
static __u64 seen;

SEC("tp/syscalls/sys_enter_getpid") int sized(void *ctx) {
	struct bpf_dynptr d;
	__u32 n = (bpf_get_prandom_u32() & 255) + 8;
	__u64 v = 7;
	if (!bpf_ringbuf_reserve_dynptr(&ring, n, 0, &d)) bpf_dynptr_write(&d, 0, &v, sizeof(v), 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
/* Not given back when reserving fails. */
SEC("tp/syscalls/sys_enter_getpid") int sized_kept(void *ctx) {
	struct bpf_dynptr d;
	if (bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d)) return 0;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_getpid") int sized_data(void *ctx) {
	struct bpf_dynptr d;
	__u64 *v;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	v = bpf_dynptr_data(&d, 8, 16);
	if (v) v[1] = 3;
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_getpid") int sized_data_far(void *ctx) {
	struct bpf_dynptr d;
	__u64 *v;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	v = bpf_dynptr_data(&d, 8, 16);
	if (v) v[2] = 3;
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_getpid") int sized_data_late(void *ctx) {
	struct bpf_dynptr d;
	__u64 *v;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	v = bpf_dynptr_data(&d, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	if (v) *v = 1;
	return 0;
}
SEC("tp/syscalls/sys_enter_getpid") int sized_data_unchecked(void *ctx) {
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	*(__u64 *)bpf_dynptr_data(&d, 0, 8) = 1;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_getpid") int sized_twice(void *ctx) {
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
/* Never set up. */
SEC("tp/syscalls/sys_enter_getpid") int unborn(void *ctx) { struct bpf_dynptr d; __u64 v; return bpf_dynptr_read(&v, 8, &d, 0, 0); }
/* Length decided while running. */
SEC("tp/syscalls/sys_enter_getpid") int data_variable(void *ctx) {
	struct bpf_dynptr d;
	__u64 *v;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	v = bpf_dynptr_data(&d, 0, bpf_get_prandom_u32() & 15);
	if (v) *v = 1;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
/* Its bytes are written over. */
SEC("tp/syscalls/sys_enter_getpid") int trampled(void *ctx) {
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	*(volatile __u64 *)&d = 0;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_getpid") int over_value(void *ctx) {
	struct bpf_dynptr d;
	__u32 k = 0;
	char tail[16];
	char *v = bpf_map_lookup_elem(&vals, &k);
	if (!v) return 0;
	if (bpf_dynptr_from_mem(v, 128, 0, &d)) return 0;
	return bpf_dynptr_read(tail, sizeof(tail), &d, 112, 0) ? 0 : tail[3];
}
/* More than the value. */
SEC("tp/syscalls/sys_enter_getpid") int over_value_long(void *ctx) {
	struct bpf_dynptr d;
	__u32 k = 0;
	char *v = bpf_map_lookup_elem(&vals, &k);
	if (!v) return 0;
	return bpf_dynptr_from_mem(v, 129, 0, &d);
}
/* Over the stack. */
SEC("tp/syscalls/sys_enter_getpid") int over_stack(void *ctx) { struct bpf_dynptr d; char b[16] = {}; return bpf_dynptr_from_mem(b, sizeof(b), 0, &d); }
/* The buffer that is read to is smaller. */
SEC("tp/syscalls/sys_enter_getpid") int read_short(void *ctx) {
	struct bpf_dynptr d;
	__u32 k = 0;
	char tail[8];
	char *v = bpf_map_lookup_elem(&vals, &k);
	if (!v || bpf_dynptr_from_mem(v, 128, 0, &d)) return 0;
	return bpf_dynptr_read(tail, 16, &d, 0, 0) ? 0 : tail[3];
}
SEC("tc") int packet(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	struct ethhdr buf, *eth;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice(&d, 0, &buf, sizeof(buf));
	if (!eth) return 0;
	return eth->h_proto == ETH_IP ? 0 : 2;
}
SEC("tc") int packet_unchecked(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	struct ethhdr buf, *eth;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice(&d, 0, &buf, sizeof(buf));
	return eth->h_proto == ETH_IP ? 0 : 2;
}
/* Slices for reading are not written. */
SEC("tc") int packet_written(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	struct ethhdr buf, *eth;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice(&d, 0, &buf, sizeof(buf));
	if (!eth) return 0;
	eth->h_proto = ETH_IP6;
	return 0;
}
SEC("tc") int packet_rewritten(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	struct ethhdr buf, *eth;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice_rdwr(&d, 0, &buf, sizeof(buf));
	if (!eth) return 0;
	eth->h_proto = ETH_IP6;
	if (eth == &buf) bpf_dynptr_write(&d, 0, &buf, sizeof(buf), 0);
	return 0;
}
/* The packet has been written in between. */
SEC("tc") int packet_stale(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	struct ethhdr buf, *eth;
	__u16 p = ETH_IP6;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice(&d, 0, &buf, sizeof(buf));
	if (!eth) return 0;
	bpf_dynptr_write(&d, 12, &p, 2, 0);
	return eth->h_proto == ETH_IP ? 0 : 2;
}
/* The room for the slice is too small. */
SEC("tc") int packet_small_room(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	char buf[8];
	struct ethhdr *eth;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice(&d, 0, buf, sizeof(*eth));
	return eth ? 0 : 2;
}
SEC("tc") int packet_no_room(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	struct ethhdr *eth;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	eth = bpf_dynptr_slice(&d, 0, 0, sizeof(*eth));
	if (!eth) return 0;
	return eth->h_dest[0] & 1 ? 2 : 0;
}
/* The length of a slice is a constant. */
SEC("tc") int packet_length(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	char buf[64] = {}, *p;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	p = bpf_dynptr_slice(&d, 0, buf, skb->len & 63);
	return p ? 0 : 2;
}
SEC("tc") int packet_walk(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	__u8 room[20], *h;
	__u32 off = 14;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	h = bpf_dynptr_slice(&d, off, room, 20);
	if (!h) return 0;
	off += (h[0] & 15) * 4;
	h = bpf_dynptr_slice(&d, off, room, 8);
	if (!h) return 0;
	return h[7] ? 0 : 2;
}
SEC("tc") int packet_adjust(struct __sk_buff *skb) {
	struct bpf_dynptr d, c;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 0;
	if (bpf_dynptr_clone(&d, &c)) return 0;
	if (bpf_dynptr_adjust(&c, 14, 34)) return 0;
	return bpf_dynptr_size(&c) == 20 && !bpf_dynptr_is_null(&d) ? 0 : 2;
}
SEC("tc") int packet_flags(struct __sk_buff *skb) { struct bpf_dynptr d; return bpf_dynptr_from_skb(skb, 1, &d) && 0; }
SEC("cgroup_skb/egress") int packet_cg(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	__u8 room[20], *h;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 1;
	h = bpf_dynptr_slice(&d, 0, room, 20);
	return h ? h[9] != PROTO_ICMP : 1;
}
SEC("cgroup_skb/egress") int packet_cg_write(struct __sk_buff *skb) {
	struct bpf_dynptr d;
	__u8 room[20], *h;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 1;
	h = bpf_dynptr_slice_rdwr(&d, 0, room, 20);
	if (h) h[8] = 1;
	return 1;
}
/* Frames are not sk_buffs. */
SEC("xdp") int frame_skb(struct xdp_md *x) { struct bpf_dynptr d; return bpf_dynptr_from_skb((void *)x, 0, &d) ? 2 : 1; }
SEC("xdp") int frame(struct xdp_md *x) {
	struct bpf_dynptr d;
	char b[14], *p;
	if (bpf_dynptr_from_xdp(x, 0, &d)) return 2;
	p = bpf_dynptr_slice_rdwr(&d, 0, b, 14);
	if (!p) return 1;
	p[0] = 1;
	return 2;
}
SEC("xdp") int frame_adjusted(struct xdp_md *x) {
	struct bpf_dynptr d;
	char b[14], *p;
	if (bpf_dynptr_from_xdp(x, 0, &d)) return 2;
	p = bpf_dynptr_slice(&d, 0, b, 14);
	if (!p) return 1;
	if (bpf_xdp_adjust_head(x, 4)) return 1;
	return p[0] ? 1 : 2;
}
SEC("xdp") int frame_after(struct xdp_md *x) {
	struct bpf_dynptr d;
	char b[14];
	if (bpf_dynptr_from_xdp(x, 0, &d)) return 2;
	if (bpf_xdp_adjust_head(x, 4)) return 1;
	return bpf_dynptr_read(b, 14, &d, 0, 0) ? 1 : 2;
}
GLOBAL int reads_it(const struct bpf_dynptr *d) { __u32 v = 0; bpf_dynptr_read(&v, 4, (void *)d, 0, 0); return v; }
SEC("tc") int handed_on(struct __sk_buff *skb) { struct bpf_dynptr d; if (bpf_dynptr_from_skb(skb, 0, &d)) return 0; return reads_it(&d) & 1; }
