// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_INODE_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } is SEC(".maps");
struct inode; struct fl { struct inode *f_inode; } ; 
SEC("lsm/inode_unlink") int BPF_PROG(p, struct inode *i) { bpf_inode_storage_get(&is, i, 0, 1); return 0; }
SEC("fentry/vfs_unlink") int BPF_PROG(p2, void *a, struct inode *i) { bpf_inode_storage_get(&is, i, 0, 1); return 0; }
