// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps in maps, queues, programs that follow. */
#include "net.h"
struct inner { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } one SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __type(key, __u32); __uint(value_size, 4); __uint(max_entries, 2); __array(values, struct inner); } outer SEC(".maps") = { .values = { &one } };
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, __u32); __uint(max_entries, 8); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __type(key, __u32); __type(value, __u32); __uint(max_entries, 2); } next SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __type(key, __u32); __type(value, __u32); __uint(max_entries, 4); } ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __type(key, __u32); __type(value, __u32); __uint(max_entries, 4); } cpus SEC(".maps");
MAP(table, BPF_MAP_TYPE_HASH, __u32, __u64, 4);
SEC("xdp") int nested(struct xdp_md *c) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); __u64 *v; if (!m) return 2; v = bpf_map_lookup_elem(m, &k); if (v) ++*v; return 2; }
SEC("xdp") int nested_blind(struct xdp_md *c) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); __u64 *v = bpf_map_lookup_elem(m, &k); if (v) ++*v; return 2; }
SEC("xdp") int nested_half(struct xdp_md *c) { __u32 k = 0; void *m = bpf_map_lookup_elem(&outer, &k); if (!m) return 2; ++*(__u64 *)bpf_map_lookup_elem(m, &k); return 2; }
SEC("xdp") int nested_read(struct xdp_md *c) { __u32 k = 0; __u64 *m = bpf_map_lookup_elem(&outer, &k); return m ? *m & 1 : 2; }
SEC("xdp") int nested_update(struct xdp_md *c) { __u32 k = 0, v = 1; return bpf_map_update_elem(&outer, &k, &v, 0) ? 1 : 2; }
SEC("xdp") int push(struct xdp_md *c) { __u32 v = c->rx_queue_index; return bpf_map_push_elem(&queue, &v, 0) ? 1 : 2; }
SEC("xdp") int pop(struct xdp_md *c) { __u32 v; return bpf_map_pop_elem(&queue, &v) || v ? 1 : 2; }
SEC("xdp") int push_table(struct xdp_md *c) { __u64 v = 1; return bpf_map_push_elem(&table, &v, 0) ? 1 : 2; }
SEC("xdp") int find_queue(struct xdp_md *c) { __u32 v = 0; return bpf_map_lookup_elem(&queue, &v) ? 1 : 2; }
SEC("xdp") int onward(struct xdp_md *c) { bpf_tail_call(c, &next, 1); return 2; }
SEC("xdp") int onward_table(struct xdp_md *c) { bpf_tail_call(c, &table, 1); return 2; }
SEC("xdp") int onward_read(struct xdp_md *c) { __u32 k = 0; return bpf_map_lookup_elem(&next, &k) ? 1 : 2; }
SEC("xdp") int out(struct xdp_md *c) { return bpf_redirect_map(&ports, c->ingress_ifindex & 3, 0); }
SEC("xdp") int spread(struct xdp_md *c) { return bpf_redirect_map(&cpus, bpf_get_smp_processor_id() & 3, XDP_DROP); }
SEC("xdp") int out_table(struct xdp_md *c) { return bpf_redirect_map(&table, 1, 0); }
SEC("xdp") int out_any(struct xdp_md *c) { return c->rx_queue_index; }
SEC("xdp") int egress(struct xdp_md *c) { return c->egress_ifindex ? 1 : 2; }
SEC("xdp_devmap/") int after(struct xdp_md *c) { return c->egress_ifindex ? 1 : 2; }
