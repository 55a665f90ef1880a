// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v4
/* Memory of an arena, its pages, and pointers into it. */
#include "kit.h"
#define __arena __attribute__((address_space(1)))
struct { __uint(type, 33); __uint(map_flags, 1 << 10); __uint(max_entries, 100); } arena SEC(".maps");
extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 pages, int node, __u64 flags) __ksym __weak;
extern void bpf_arena_free_pages(void *map, void __arena *p, __u32 pages) __ksym __weak;
struct node { struct node __arena *next; __u64 v; };
static __u64 kept;
MAP(heads, ARRAY, __u32, __u64, 1);
SEC("syscall") int one_page(void *ctx) { __u64 __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); if (!p) return 1; p[0] = 7; return p[1]; }
SEC("syscall") int page_unchecked(void *ctx) { __u64 __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); p[0] = 7; return 0; }
SEC("syscall") int page_freed(void *ctx) { __u64 __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); bpf_arena_free_pages(&arena, p, 1); return 0; }
SEC("syscall") int page_list(void *ctx) {
	struct node __arena *n = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
	struct node __arena *m;
	if (!n) return 1;
	m = n + 1;
	n->next = m; m->v = 3; m->next = 0;
	return n->next->v;
}
SEC("xdp") int page_xdp(void *ctx) { __u64 __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); return p ? 1 : 2; }
SEC("syscall") int page_other_map(void *ctx) { __u64 __arena *p = bpf_arena_alloc_pages(&heads, 0, 1, -1, 0); return p ? 1 : 0; }
SEC("syscall") int page_number(void *ctx) { __u64 __arena *p = (__u64 __arena *)kept; return p[0]; }
SEC("syscall") int lookup_arena(void *ctx) { __u32 k = 0; return bpf_map_lookup_elem(&arena, &k) != 0; }
SEC("syscall") int page_helper(void *ctx) { __u64 __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0); return bpf_probe_read_kernel((void *)p, 8, ctx); }
SEC("syscall") int no_arena(void *ctx) { kept++; return 0; }
