// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rates by sender, under a lock, and what is done with sockets meanwhile. */
#include "net.h"
struct state { __u64 tokens; struct bpf_spin_lock lock; __u32 drops; };
MAP(states, BPF_MAP_TYPE_LRU_HASH, __u32, struct state, 1024);
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct state); __uint(max_entries, 1); } total SEC(".maps");
NOINLINE int add(struct state *s, __u64 n) { s->tokens += n; return s->tokens > 4; }
SEC("tc") int limit(struct __sk_buff *skb) {
	__u32 key = skb->remote_ip4;
	struct state *s = bpf_map_lookup_elem(&states, &key);
	int drop = 0;
	if (!s) return 0;
	bpf_spin_lock(&s->lock);
	if (s->tokens < skb->len) { s->drops++; drop = 1; } else s->tokens -= skb->len;
	bpf_spin_unlock(&s->lock);
	return drop ? 2 : 0;
}
SEC("tc") int limit_update(struct __sk_buff *skb) {
	__u32 key = skb->remote_ip4;
	struct state fresh = { .tokens = 100 };
	return bpf_map_update_elem(&states, &key, &fresh, BPF_NOEXIST);
}
SEC("tc") int limit_return(struct __sk_buff *skb) {
	__u32 key = 0;
	struct state *s = bpf_map_lookup_elem(&total, &key);
	if (!s) return 0;
	bpf_spin_lock(&s->lock);
	if (s->tokens < skb->len) { bpf_spin_unlock(&s->lock); return 2; }
	s->tokens -= skb->len;
	if (s->tokens == 7) return 0;
	bpf_spin_unlock(&s->lock);
	return 0;
}
SEC("tc") int limit_function(struct __sk_buff *skb) {
	__u32 key = skb->remote_ip4;
	struct state *s = bpf_map_lookup_elem(&states, &key);
	if (!s) return 0;
	bpf_spin_lock(&s->lock);
	int many = add(s, skb->len);
	bpf_spin_unlock(&s->lock);
	return many;
}
SEC("tc") int limit_offset(struct __sk_buff *skb) {
	__u32 key = skb->remote_ip4;
	struct state *s = bpf_map_lookup_elem(&states, &key);
	if (!s) return 0;
	bpf_spin_lock((void *)s);
	bpf_spin_unlock((void *)s);
	return 0;
}
SEC("cgroup_skb/egress") int limit_cgroup(struct __sk_buff *skb) {
	__u32 key = 0;
	struct state *s = bpf_map_lookup_elem(&total, &key);
	if (!s) return 1;
	bpf_spin_lock(&s->lock); s->drops++; bpf_spin_unlock(&s->lock);
	return 1;
}
SEC("socket") int limit_socket(struct __sk_buff *skb) {
	__u32 key = 0;
	struct state *s = bpf_map_lookup_elem(&total, &key);
	if (!s) return 1;
	bpf_spin_lock(&s->lock); s->drops++; bpf_spin_unlock(&s->lock);
	return 1;
}
