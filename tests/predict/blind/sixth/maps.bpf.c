// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Maps of all kinds and their calls: queues, filters, nested maps, storage of cgroups, per-CPU reads. */
#include "kit.h"
struct v { __u64 a; __u32 b; };
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 16); __type(value, __u64); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK); __uint(max_entries, 16); __type(value, struct v); } stack SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, struct v); __uint(max_entries, 8); } in0 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32); __array(values, struct inner); } outer SEC(".maps") = { .values = { &in0 } };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 2); __type(key, __u64); __array(values, struct inner); } named SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } groups SEC(".maps");
MAP(pcpu, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct v, 4);
MAP(hash, BPF_MAP_TYPE_HASH, __u32, struct v, 64);
MAP(lru, BPF_MAP_TYPE_LRU_HASH, __u64, __u64, 64);
SEC("tc") int push(struct __sk_buff *s) { __u64 v = s->len; return bpf_map_push_elem(&queue, &v, BPF_EXIST) ? 2 : 0; }
SEC("tc") int push_small(struct __sk_buff *s) { __u32 v = s->len; return bpf_map_push_elem(&stack, &v, 0) ? 2 : 0; }
SEC("tc") int push_gap(struct __sk_buff *s) { struct v v; v.a = 1; v.b = 2; return bpf_map_push_elem(&stack, &v, 0) ? 2 : 0; }
SEC("tc") int pop(struct __sk_buff *s) { __u64 v; if (bpf_map_pop_elem(&queue, &v)) return 0; return v > 5 ? 2 : 0; }
SEC("tc") int pop_hash(struct __sk_buff *s) { struct v v; return bpf_map_pop_elem(&hash, &v) ? 2 : 0; }
SEC("tc") int lookup_queue(struct __sk_buff *s) { __u64 v = 0; return bpf_map_lookup_elem(&queue, &v) ? 2 : 0; }
SEC("tc") int peek(struct __sk_buff *s) { struct v v; return bpf_map_peek_elem(&stack, &v) ? 2 : v.b & 1; }
SEC("tc") int nested(struct __sk_buff *s) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); struct v *v; if (!m) return 0; v = bpf_map_lookup_elem(m, &k); return v ? v->b & 1 : 0; }
SEC("tc") int nested_hasty(struct __sk_buff *s) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); struct v *v = bpf_map_lookup_elem(m, &k); return v ? v->b & 1 : 0; }
SEC("tc") int nested_value(struct __sk_buff *s) { __u32 k = 0; struct v *m = bpf_map_lookup_elem(&outer, &k); return m ? m->b & 1 : 0; }
SEC("tc") int nested_named(struct __sk_buff *s) { __u64 n = s->ifindex; __u32 k = 1; struct v one = { 1, 1 }; void *m = bpf_map_lookup_elem(&named, &n); if (!m) return 0; return bpf_map_update_elem(m, &k, &one, 0) ? 2 : 0; }
SEC("tc") int nested_write(struct __sk_buff *s) { __u64 n = 1; __u32 fd = 3; return bpf_map_update_elem(&named, &n, &fd, 0) ? 2 : 0; }
SEC("tc") int other_cpu(struct __sk_buff *s) { __u32 k = 0; struct v *v = bpf_map_lookup_percpu_elem(&pcpu, &k, 1); return v ? v->b & 1 : 0; }
SEC("tc") int other_cpu_hasty(struct __sk_buff *s) { __u32 k = 0; struct v *v = bpf_map_lookup_percpu_elem(&pcpu, &k, 1); return v->b & 1; }
SEC("tc") int other_cpu_hash(struct __sk_buff *s) { __u32 k = 0; struct v *v = bpf_map_lookup_percpu_elem(&hash, &k, 1); return v ? 1 : 0; }
SEC("tc") int under(struct __sk_buff *s) { return bpf_skb_under_cgroup(s, &groups, 0) == 1 ? 0 : 2; }
SEC("tc") int under_hash(struct __sk_buff *s) { return bpf_skb_under_cgroup(s, &hash, 0) == 1 ? 0 : 2; }
SEC("tc") int under_task(struct __sk_buff *s) { return bpf_current_task_under_cgroup(&groups, 0) == 1 ? 0 : 2; }
SEC("kprobe/do_exit") int BPF_KPROBE(under_probe) { return bpf_current_task_under_cgroup(&groups, 0); }
SEC("tc") int add_atomic(struct __sk_buff *s) { __u32 k = 0; struct v *v = bpf_map_lookup_elem(&hash, &k); if (v) { __sync_fetch_and_add(&v->a, 1); __sync_fetch_and_add(&v->b, 1); } return 0; }
SEC("tc") int add_stack(struct __sk_buff *s) { __u64 n = 0; __sync_fetch_and_add(&n, s->len); return n & 1; }
SEC("tc") int add_ctx(struct __sk_buff *s) { __sync_fetch_and_add(&s->mark, 1); return 0; }
SEC("tc") int add_packet(struct __sk_buff *s) { __u32 *p = DATA(s); if ((void *)(p + 1) > END(s)) return 0; __sync_fetch_and_add(p, 1); return 0; }
SEC("tc") int key_null(struct __sk_buff *s) { return bpf_map_lookup_elem(&hash, 0) ? 2 : 0; }
SEC("tc") int key_ctx(struct __sk_buff *s) { return bpf_map_lookup_elem(&hash, s) ? 2 : 0; }
SEC("tc") int key_value(struct __sk_buff *s) { __u64 k = 1, *v = bpf_map_lookup_elem(&lru, &k), *w; if (!v) return 0; w = bpf_map_lookup_elem(&lru, v); return w ? *w & 1 : 0; }
SEC("tc") int key_small(struct __sk_buff *s) { __u32 k = 1; return bpf_map_lookup_elem(&lru, &k) ? 2 : 0; }
SEC("tc") int value_ptr(struct __sk_buff *s) { __u32 k = 1; struct v *v = bpf_map_lookup_elem(&hash, &k); __u64 kk = 1; if (!v) return 0; return bpf_map_update_elem(&lru, &kk, v, 0) ? 2 : 0; }
SEC("tc") int value_end(struct __sk_buff *s) { __u32 k = 1; struct v *v = bpf_map_lookup_elem(&hash, &k); __u64 kk = 1; if (!v) return 0; return bpf_map_update_elem(&lru, &kk, (void *)v + 12, 0) ? 2 : 0; }
SEC("tc") int value_kept(struct __sk_buff *s) { __u32 k = 1; struct v *v = bpf_map_lookup_elem(&hash, &k), *w; if (!v) return 0; w = v; bpf_map_delete_elem(&hash, &k); return w->b & 1; }
SEC("tc") int value_leaked(struct __sk_buff *s) { __u32 k = 1; struct v *v = bpf_map_lookup_elem(&hash, &k); if (v) v->a = (__u64)v; return 0; }
SEC("tc") int ret_pointer(struct __sk_buff *s) { __u32 k = 1; return (long)bpf_map_lookup_elem(&hash, &k); }
SEC("tc") int compare_ptr(struct __sk_buff *s) { __u32 k = 1, j = 2; void *a = bpf_map_lookup_elem(&hash, &k), *b = bpf_map_lookup_elem(&hash, &j); return a == b ? 2 : 0; }
SEC("tc") int either(struct __sk_buff *s) { __u32 k = 1, j = 2; struct v *v = bpf_map_lookup_elem(&hash, &k); if (!v) v = bpf_map_lookup_elem(&hash, &j); if (!v) return 0; return v->b & 1; }
SEC("tc") int not_both(struct __sk_buff *s) { __u32 k = 1, j = 2; struct v *a = bpf_map_lookup_elem(&hash, &k), *b = bpf_map_lookup_elem(&hash, &j); if (!a || !b) return 0; return (a->b + b->b) & 1; }
SEC("tc") int wrong_one(struct __sk_buff *s) { __u32 k = 1, j = 2; struct v *a = bpf_map_lookup_elem(&hash, &k), *b = bpf_map_lookup_elem(&hash, &j); if (!a) return 0; return (a->b + b->b) & 1; }
