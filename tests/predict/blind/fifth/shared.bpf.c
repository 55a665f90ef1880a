// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Memory that is shared with user space. */
#include "net.h"
#define __arena __attribute__((address_space(1)))
struct { __uint(type, 33); __uint(map_flags, 1 << 10); __uint(max_entries, 10); } arena SEC(".maps");
extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 pages, int node, __u64 flags) __ksym;
SEC("syscall") int fill(void *c) { int __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); if (p) p[3] = 7; return 0; }
SEC("syscall") int fill_far(void *c) { int __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); if (p) p[30000] = 7; return 0; }
