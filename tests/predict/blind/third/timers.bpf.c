// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A table that forgets. */
#include "net.h"
struct entry { __u64 seen; struct bpf_timer timer; };
MAP(table, BPF_MAP_TYPE_HASH, __u32, struct entry, 128);
MAP(other, BPF_MAP_TYPE_HASH, __u32, struct entry, 128);
MAP(plain, BPF_MAP_TYPE_HASH, __u32, __u64[4], 128);
NOINLINE int expire(void *map, __u32 *key, struct entry *e) { bpf_map_delete_elem(map, key); return 0; }
NOINLINE int again(void *map, __u32 *key, struct entry *e) { e->seen = 0; return 1; }
SEC("tc") int learn(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	struct entry fresh = {}, *e;
	bpf_map_update_elem(&table, &key, &fresh, BPF_NOEXIST);
	e = bpf_map_lookup_elem(&table, &key);
	if (!e) return 0;
	bpf_timer_init(&e->timer, &table, 1);
	bpf_timer_set_callback(&e->timer, expire);
	bpf_timer_start(&e->timer, 1000000000, 0);
	return 0;
}
SEC("tc") int learn_other(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	struct entry *e = bpf_map_lookup_elem(&table, &key);
	if (e) bpf_timer_init(&e->timer, &other, 1);
	return 0;
}
SEC("tc") int learn_returns(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	struct entry *e = bpf_map_lookup_elem(&table, &key);
	if (!e) return 0;
	bpf_timer_set_callback(&e->timer, again);
	return 0;
}
SEC("tc") int learn_plain(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	__u64 *e = bpf_map_lookup_elem(&plain, &key);
	if (e) bpf_timer_start((void *)e, 1, 0);
	return 0;
}
SEC("tc") int learn_touch(struct __sk_buff *skb) {
	__u32 key = skb->ifindex;
	struct entry *e = bpf_map_lookup_elem(&table, &key);
	if (e) ((__u64 *)&e->timer)[0] = 0;
	return 0;
}
SEC("kprobe/do_nanosleep") int learn_kprobe(struct pt_regs *ctx) {
	__u32 key = 1;
	struct entry *e = bpf_map_lookup_elem(&table, &key);
	if (e) bpf_timer_cancel(&e->timer);
	return 0;
}
