// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Profiles: stacks, keys with holes, histograms. */
#include "net.h"
struct bpf_perf_event_data { __u64 regs[21]; __u64 sample_period, addr; };
struct key { __u32 pid; __u64 ip; __u32 stack; };
MAP(hits, BPF_MAP_TYPE_HASH, struct key, __u64, 8192);
MAP(hist, BPF_MAP_TYPE_ARRAY, __u32, __u64[32], 1);
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 127 * 8); __uint(max_entries, 1024); } stacks SEC(".maps");
const volatile __u32 only = 0;
__u64 total;
__u64 table[16];
SEC("perf_event") int sample(struct bpf_perf_event_data *c) {
	struct key k = {}; __u64 one = 1, *n;
	k.pid = bpf_get_current_pid_tgid(); k.stack = bpf_get_stackid(c, &stacks, 0);
	n = bpf_map_lookup_elem(&hits, &k);
	if (n) __sync_fetch_and_add(n, 1); else bpf_map_update_elem(&hits, &k, &one, BPF_NOEXIST);
	return 0;
}
SEC("perf_event") int sample_holes(struct bpf_perf_event_data *c) {
	struct key k; __u64 one = 1;
	k.pid = bpf_get_current_pid_tgid(); k.ip = 1; k.stack = 2;
	bpf_map_update_elem(&hits, &k, &one, BPF_NOEXIST);
	return 0;
}
SEC("perf_event") int sample_hash(struct bpf_perf_event_data *c) { return bpf_get_stackid(c, &hits, 0) > 0; }
SEC("perf_event") int bucket(struct bpf_perf_event_data *c) {
	__u32 zero = 0, at; __u64 *h = bpf_map_lookup_elem(&hist, &zero);
	if (!h) return 0;
	at = c->sample_period;
	if (at >= 32) at = 31;
	h[at]++;
	return 0;
}
SEC("perf_event") int bucket_masked(struct bpf_perf_event_data *c) {
	__u32 zero = 0; __u64 *h = bpf_map_lookup_elem(&hist, &zero);
	if (!h) return 0;
	h[c->sample_period & 31]++;
	return 0;
}
SEC("perf_event") int bucket_edge(struct bpf_perf_event_data *c) {
	__u32 zero = 0; __u64 *h = bpf_map_lookup_elem(&hist, &zero);
	if (!h) return 0;
	h[c->sample_period & 63]++;
	return 0;
}
SEC("perf_event") int bucket_signed(struct bpf_perf_event_data *c) {
	__u32 zero = 0; __u64 *h = bpf_map_lookup_elem(&hist, &zero); int at = c->sample_period;
	if (!h) return 0;
	if (at < 32) h[at]++;
	return 0;
}
SEC("perf_event") int bucket_log(struct bpf_perf_event_data *c) {
	__u32 zero = 0, at = 0; __u64 *h = bpf_map_lookup_elem(&hist, &zero), v = c->sample_period;
	if (!h) return 0;
	if (v > 0xffff) { v >>= 16; at += 16; }
	if (v > 0xff) { v >>= 8; at += 8; }
	if (v > 0xf) { v >>= 4; at += 4; }
	if (at < 32) h[at]++;
	return 0;
}
SEC("perf_event") int all(struct bpf_perf_event_data *c) { if (only && only != (__u32)bpf_get_current_pid_tgid()) return 0; __sync_fetch_and_add(&total, 1); return 0; }
SEC("perf_event") int slots(struct bpf_perf_event_data *c) { __u32 at = bpf_get_smp_processor_id(); if (at < 16) table[at]++; return 0; }
SEC("perf_event") int slots_free(struct bpf_perf_event_data *c) { __u32 at = bpf_get_smp_processor_id(); table[at]++; return 0; }
SEC("perf_event") int constant(struct bpf_perf_event_data *c) { *(__u32 *)&only = 4; return 0; }
SEC("perf_event") int frames(struct bpf_perf_event_data *c) { __u64 ips[20]; long n = bpf_get_stack(c, ips, sizeof(ips), 0); if (n < 8) return 0; total = ips[0]; return 0; }
SEC("perf_event") int frames_past(struct bpf_perf_event_data *c) { __u64 ips[20]; long n = bpf_get_stack(c, ips, sizeof(ips) + 64, 0); if (n < 8) return 0; total = ips[0]; return 0; }
SEC("perf_event") int wide(struct bpf_perf_event_data *c) { volatile char big[520]; big[0] = 1; big[519] = 2; return big[0]; }
SEC("perf_event") int exchange(struct bpf_perf_event_data *c) { return __sync_val_compare_and_swap(&total, 0, 1) != 0; }
SEC("perf_event") int branch(struct bpf_perf_event_data *c) { struct bpf_perf_event_value v = {}; if (bpf_perf_prog_read_value(c, &v, sizeof(v))) return 0; total = v.counter; return 0; }
