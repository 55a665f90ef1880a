// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What may be done: LSM hooks. */
#include "net.h"
struct linux_binprm { struct file *file; const char *filename; } CORE;
struct cred; struct inode { unsigned long i_ino; } CORE;
struct socket { int state; } CORE; struct sockaddr { unsigned short sa_family; } CORE;
MAP(deny, BPF_MAP_TYPE_HASH, __u64, __u32, 64);
struct { __uint(type, BPF_MAP_TYPE_INODE_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } marks SEC(".maps");
SEC("lsm/file_open") int BPF_PROG(open, struct file *file) { __u64 k = bpf_get_current_uid_gid(); return bpf_map_lookup_elem(&deny, &k) ? -1 : 0; }
SEC("lsm/file_open") int BPF_PROG(open_positive, struct file *file) { __u64 k = 1; return bpf_map_lookup_elem(&deny, &k) ? 1 : 0; }
SEC("lsm/file_open") int BPF_PROG(open_far, struct file *file) { return -5000; }
SEC("lsm/file_open") int BPF_PROG(open_value, struct file *file) { __u64 k = 1; __u32 *v = bpf_map_lookup_elem(&deny, &k); return v ? *v : 0; }
SEC("lsm/file_open") int BPF_PROG(open_clamped, struct file *file) { __u64 k = 1; int *v = (int *)bpf_map_lookup_elem(&deny, &k), r; if (!v) return 0; r = *v; if (r < -4095 || r > 0) r = -1; return r; }
SEC("lsm.s/file_open") int BPF_PROG(open_path, struct file *file) { char b[64]; long n = bpf_d_path(&file->f_path, b, sizeof(b)); return n > 0 && b[0] == '!' ? -1 : 0; }
SEC("lsm/file_open") int BPF_PROG(open_write, struct file *file) { file->f_flags = 0; return 0; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(exec, struct linux_binprm *b) { char c[8] = {}; bpf_copy_from_user(c, sizeof(c), (void *)16); return c[0] == 'x' ? -1 : 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(exec_awake, struct linux_binprm *b) { char c[8] = {}; bpf_copy_from_user(c, sizeof(c), (void *)16); return c[0] == 'x' ? -1 : 0; }
SEC("lsm/bprm_committed_creds") int BPF_PROG(committed, struct linux_binprm *b) { return 0; }
SEC("lsm/inode_unlink") int BPF_PROG(unlink, struct inode *dir, void *dentry, int ret) { __u64 *m = bpf_inode_storage_get(&marks, dir, 0, 0); return m && *m ? -1 : ret; }
SEC("lsm/inode_unlink") int BPF_PROG(unlink_create, struct inode *dir) { __u64 *m = bpf_inode_storage_get(&marks, dir, 0, BPF_LOCAL_STORAGE_GET_F_CREATE); *m = 1; return 0; }
SEC("lsm/socket_connect") int BPF_PROG(connect, struct socket *sock, struct sockaddr *a, int len, int ret) { if (ret) return ret; return a->sa_family == 2 ? -1 : 0; }
SEC("lsm/socket_connect") int BPF_PROG(connect_len, struct socket *sock, struct sockaddr *a, int len) { return len; }
SEC("lsm_cgroup/socket_bind") int BPF_PROG(bind, struct socket *sock) { return 1; }
SEC("lsm_cgroup/socket_bind") int BPF_PROG(bind_two, struct socket *sock) { return 2; }
