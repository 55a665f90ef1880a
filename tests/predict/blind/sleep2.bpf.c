// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 4); } a SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); __uint(max_entries, 4); } h SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, int); __type(value, long); __uint(max_entries, 4); } l SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } ts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, int); __uint(max_entries, 16); } q SEC(".maps");
SEC("lsm.s/bprm_check_security") int BPF_PROG(s1) { int k = 0; return bpf_map_lookup_elem(&a, &k) ? 0 : -1; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(s2) { int k = 0; return bpf_map_lookup_elem(&h, &k) ? 0 : -1; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(s3) { int k = 0; return bpf_map_lookup_elem(&l, &k) ? 0 : -1; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(s5) { int v = 0; bpf_map_push_elem(&q, &v, 0); return 0; }
SEC("lsm.s/inode_permission") int BPF_PROG(s6) { return 0; }
SEC("lsm.s/socket_connect") int BPF_PROG(s7) { return 0; }
SEC("fentry.s/__x64_sys_openat") int BPF_PROG(s8) { return 0; }
SEC("fexit.s/__x64_sys_openat") int BPF_PROG(s9) { char b[8]; bpf_copy_from_user(b, 8, (void*)8); return 0; }
SEC("iter.s/bpf_map") int s10(void *c) { return 0; }
SEC("raw_tp/sys_enter") int s11(void *c) { char b[8]; return bpf_copy_from_user(b, 8, (void*)8); }
