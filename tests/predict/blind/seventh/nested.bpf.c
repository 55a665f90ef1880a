// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Maps in maps, per-CPU data, queues, filters, stacks of calls, and helpers for one kind of map alone. */
#include "kit.h"
struct inner { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 16); } inner_a SEC(".maps"), inner_b SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); } outer SEC(".maps") = { .values = { &inner_a, &inner_b } };
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 16); __type(value, __u64); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 127 * 8); __uint(max_entries, 64); } traces SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 4); } groups SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct { __u32 bits; __u8 a[8]; }); __type(value, __u32); __uint(max_entries, 64); } lpm SEC(".maps");
MAP(percpu, PERCPU_HASH, __u32, __u64, 64);
MAP(array, ARRAY, __u32, __u64, 8);
MAP(hash, HASH, __u32, __u64, 8);
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_RDONLY_PROG); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } config SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_WRONLY_PROG); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } results SEC(".maps");
PERF(counters);
struct frames { __u32 pid; int k, u; };
MAP(sites, HASH, struct frames, __u64, 256);
MAP(bufs, PERCPU_ARRAY, __u32, __u64[64], 1);

SEC("kprobe/vfs_write") int in_map(void *ctx) {
	__u32 k = 1, j = 2;
	__u64 *v;
	void *m = bpf_map_lookup_elem(&outer, &k);
	if (!m) return 0;
	v = bpf_map_lookup_elem(m, &j);
	if (v) (*v)++;
	return 0;
}
SEC("kprobe/vfs_write") int in_map_unchecked(void *ctx) {
	__u32 k = 1, j = 2;
	__u64 *v = bpf_map_lookup_elem(bpf_map_lookup_elem(&outer, &k), &j);
	if (v) (*v)++;
	return 0;
}
SEC("kprobe/vfs_write") int in_map_null(void *ctx) {
	__u32 k = 1, j = 2;
	void *m = bpf_map_lookup_elem(&outer, &k);
	if (!m) return 0;
	return *(__u64 *)bpf_map_lookup_elem(m, &j);
}
SEC("kprobe/vfs_write") int in_map_write(void *ctx) { __u32 k = 1; __u64 *m = bpf_map_lookup_elem(&outer, &k); if (m) *m = 1; return 0; }
SEC("kprobe/vfs_write") int in_map_update(void *ctx) { __u32 k = 1; __u64 v = 0; return bpf_map_update_elem(&outer, &k, &v, 0); }
SEC("kprobe/vfs_write") int in_map_inner_update(void *ctx) { __u32 k = 1; __u64 v = 0; void *m = bpf_map_lookup_elem(&outer, &k); return m ? bpf_map_update_elem(m, &k, &v, 0) : 0; }
SEC("kprobe/vfs_write") int queued(void *ctx) { __u64 v = 1; bpf_map_push_elem(&queue, &v, BPF_EXIST); return bpf_map_pop_elem(&queue, &v); }
SEC("kprobe/vfs_write") int queue_lookup(void *ctx) { __u32 k = 0; return bpf_map_lookup_elem(&queue, &k) != 0; }
SEC("kprobe/vfs_write") int queue_short(void *ctx) { __u32 v = 1; return bpf_map_push_elem(&queue, &v, 0); }
SEC("kprobe/vfs_write") int array_push(void *ctx) { __u64 v = 1; return bpf_map_push_elem(&array, &v, 0); }
SEC("kprobe/vfs_write") int traced(void *ctx) {
	struct frames f = {};
	__u64 one = 1, *n;
	f.pid = bpf_get_current_pid_tgid() >> 32;
	f.k = bpf_get_stackid(ctx, &traces, 0);
	f.u = bpf_get_stackid(ctx, &traces, BPF_F_USER_STACK);
	n = bpf_map_lookup_elem(&sites, &f);
	if (n) __sync_fetch_and_add(n, 1); else bpf_map_update_elem(&sites, &f, &one, BPF_NOEXIST);
	return 0;
}
SEC("kprobe/vfs_write") int traced_hash(void *ctx) { return bpf_get_stackid(ctx, &hash, 0); }
SEC("kprobe/vfs_write") int traced_lookup(void *ctx) { __u32 k = 1; return bpf_map_lookup_elem(&traces, &k) != 0; }
SEC("kprobe/vfs_write") int stack_to(void *ctx) {
	__u32 z = 0;
	__u64 *b = bpf_map_lookup_elem(&bufs, &z);
	if (!b) return 0;
	long n = bpf_get_stack(ctx, b, 512, 0);
	if (n < 0) return 0;
	long m = bpf_get_stack(ctx, (char *)b + n, 512 - n, BPF_F_USER_STACK);
	return m > 0;
}
SEC("kprobe/vfs_write") int stack_to_over(void *ctx) {
	__u32 z = 0;
	__u64 *b = bpf_map_lookup_elem(&bufs, &z);
	if (!b) return 0;
	long n = bpf_get_stack(ctx, b, 512, 0);
	if (n < 0) return 0;
	return bpf_get_stack(ctx, (char *)b + n, 512, BPF_F_USER_STACK) > 0;
}
SEC("kprobe/vfs_write") int stack_frames(void *ctx) {
	__u64 b[16];
	long n = bpf_get_stack(ctx, b, sizeof(b), 0);
	return n >= 8 ? b[0] & 1 : 0;
}
SEC("kprobe/vfs_write") int config_read(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&config, &k); return v ? *v == 1 : 0; }
SEC("kprobe/vfs_write") int config_write(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&config, &k); if (v) *v = 1; return 0; }
SEC("kprobe/vfs_write") int config_update(void *ctx) { __u32 k = 1; __u64 v = 1; return bpf_map_update_elem(&config, &k, &v, 0); }
SEC("kprobe/vfs_write") int config_fill(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&config, &k); if (v) bpf_probe_read_kernel(v, 8, ctx); return 0; }
SEC("kprobe/vfs_write") int results_write(void *ctx) { __u32 k = 1; __u64 v = 1; return bpf_map_update_elem(&results, &k, &v, 0); }
SEC("kprobe/vfs_write") int results_read(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&results, &k); return v ? *v == 1 : 0; }
SEC("kprobe/vfs_write") int group_in(void *ctx) { return bpf_current_task_under_cgroup(&groups, 1); }
SEC("kprobe/vfs_write") int group_in_array(void *ctx) { return bpf_current_task_under_cgroup(&array, 1); }
SEC("kprobe/vfs_write") int lpm_find(void *ctx) { struct { __u32 bits; __u8 a[8]; } k = { 32, { 1, 2, 3, 4 } }; __u32 *v = bpf_map_lookup_elem(&lpm, &k); return v ? *v : 0; }
SEC("kprobe/vfs_write") int lpm_find_short(void *ctx) { struct { __u32 bits; __u8 a[4]; } k = { 32, { 1, 2, 3, 4 } }; __u32 *v = bpf_map_lookup_elem(&lpm, &k); return v ? *v : 0; }
SEC("kprobe/vfs_write") int percpu_other(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_percpu_elem(&percpu, &k, 2); return v ? *v == 3 : 0; }
SEC("kprobe/vfs_write") int percpu_other_hash(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_percpu_elem(&hash, &k, 2); return v ? *v == 3 : 0; }
SEC("kprobe/vfs_write") int counter(void *ctx) { struct bpf_perf_event_value v; return bpf_perf_event_read_value(&counters, BPF_F_CURRENT_CPU, &v, sizeof(v)); }
SEC("kprobe/vfs_write") int counter_array(void *ctx) { return bpf_perf_event_read(&array, 0) & 1; }
SEC("kprobe/vfs_write") int key_null(void *ctx) { return bpf_map_lookup_elem(&hash, 0) != 0; }
SEC("kprobe/vfs_write") int key_from_value(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&hash, &k); if (!v) return 0; return bpf_map_delete_elem(&array, v); }
SEC("kprobe/vfs_write") int key_from_short_value(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&hash, &k); if (!v) return 0; return bpf_map_lookup_elem(&sites, v) != 0; }
SEC("kprobe/vfs_write") int key_end_of_value(void *ctx) { __u32 k = 1; void *v = bpf_map_lookup_elem(&hash, &k); if (!v) return 0; return bpf_map_lookup_elem(&hash, v + 6) != 0; }
SEC("kprobe/vfs_write") int value_from_map(void *ctx) { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&hash, &k); if (!v) return 0; return bpf_map_update_elem(&percpu, &k, v, 0); }
SEC("kprobe/vfs_write") int map_pointer(void *ctx) { return *(__u32 *)((void *)&hash + 0) && 0; }
SEC("kprobe/vfs_write") int map_written(void *ctx) { *(volatile __u32 *)&hash = 0; return 0; }
SEC("kprobe/vfs_write") int output_big(void *ctx) {
	__u32 z = 0;
	__u64 n = bpf_get_prandom_u32();
	__u64 *b = bpf_map_lookup_elem(&bufs, &z);
	if (!b) return 0;
	n &= 511;
	return bpf_perf_event_output(ctx, &counters, BPF_F_CURRENT_CPU, b, n + 1);
}
SEC("kprobe/vfs_write") int output_bigger(void *ctx) {
	__u32 z = 0;
	__u64 n = bpf_get_prandom_u32();
	__u64 *b = bpf_map_lookup_elem(&bufs, &z);
	if (!b) return 0;
	n &= 511;
	return bpf_perf_event_output(ctx, &counters, BPF_F_CURRENT_CPU, b, n + 2);
}
SEC("kprobe/vfs_write") int output_hash(void *ctx) { __u64 v = 1; return bpf_perf_event_output(ctx, &hash, BPF_F_CURRENT_CPU, &v, 8); }
SEC("kprobe/vfs_write") int output_wrong_ctx(void *ctx) { __u64 v = 1; return bpf_perf_event_output(&v, &counters, BPF_F_CURRENT_CPU, &v, 8); }
