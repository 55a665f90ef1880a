// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Strings. */
#include "net.h"
MAP(lines, BPF_MAP_TYPE_ARRAY, __u32, char[64], 4);
const char format[] = "%d %d";
const char prefix[] = "/tmp";
SEC("raw_tp/sched_switch") int print(void *ctx) { bpf_printk("on %d", bpf_get_smp_processor_id()); return 0; }
SEC("raw_tp/sched_switch") int print_bad(void *ctx) { bpf_printk("on %q", 1); return 0; }
SEC("raw_tp/sched_switch") int print_many(void *ctx) { bpf_printk("%d %d %d %d", 1, 2, 3, 4); return 0; }
SEC("raw_tp/sched_switch") int into(void *ctx) { __u32 k = 0; char *l = bpf_map_lookup_elem(&lines, &k); if (!l) return 0; __u64 a[2] = { 1, 2 }; return bpf_snprintf(l, 64, format, a, sizeof(a)); }
SEC("raw_tp/sched_switch") int into_odd(void *ctx) { __u32 k = 0; char *l = bpf_map_lookup_elem(&lines, &k); if (!l) return 0; __u64 a[2] = { 1, 2 }; return bpf_snprintf(l, 64, format, a, 12); }
SEC("raw_tp/sched_switch") int into_null(void *ctx) { __u32 k = 0; char *l = bpf_map_lookup_elem(&lines, &k); __u64 a[2] = { 1, 2 }; return bpf_snprintf(l, 64, format, a, sizeof(a)); }
SEC("raw_tp/sched_switch") int same(void *ctx) { __u32 k = 0; char *l = bpf_map_lookup_elem(&lines, &k); return l ? bpf_strncmp(l, 4, prefix) == 0 : 0; }
SEC("raw_tp/sched_switch") int same_moving(void *ctx) { __u32 k = 0; char *l = bpf_map_lookup_elem(&lines, &k); return l ? bpf_strncmp(prefix, 4, l) == 0 : 0; }
SEC("raw_tp/sched_switch") int too_long(void *ctx) { __u32 k = 0; char *l = bpf_map_lookup_elem(&lines, &k); return l ? bpf_get_current_comm(l + 56, 16) : 0; }
