// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, 33); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 10); } ar SEC(".maps");
extern void *bpf_arena_alloc_pages(void *map, void *addr, __u32 n, int node, __u64 flags) __ksym __weak;
SEC("syscall") int p_ar(void *c) { return (long)bpf_arena_alloc_pages(&ar, 0, 1, -1, 0) == 0; }
