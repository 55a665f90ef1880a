// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies in the kernel's security hooks. */
#include "kit.h"
struct super_block { unsigned s_dev; } CORE;
struct inode { unsigned long i_ino; unsigned short i_mode; struct super_block *i_sb; } CORE;
struct dentry { struct inode *d_inode; struct dentry *d_parent; } CORE;
struct file___g { struct inode *f_inode; struct path f_path; unsigned f_mode; } CORE;
struct linux_binprm { struct file *file; const char *filename; int argc; } CORE;
struct cred { unsigned uid; } CORE;
struct socket { short type; struct sock *sk; } CORE;
struct sockaddr { unsigned short sa_family; } CORE;
struct sockaddr_in { unsigned short sin_family, sin_port; __u32 sin_addr; };
union bpf_attr; struct bpf_map; struct bpf_prog; 
struct ikey { __u64 ino; __u64 dev; };
MAP(protected, BPF_MAP_TYPE_HASH, struct ikey, __u32, 1024);
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } marks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_INODE_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } labels SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 16); } audit SEC(".maps");
SEC("lsm/file_open") int BPF_PROG(open_protected, struct file___g *f) { struct ikey k = { f->f_inode->i_ino, f->f_inode->i_sb->s_dev }; __u32 *mode = bpf_map_lookup_elem(&protected, &k); if (!mode) return 0; return (f->f_mode & *mode) ? -EPERM : 0; }
SEC("lsm/file_open") int BPF_PROG(open_positive, struct file *f) { return 1; }
SEC("lsm/file_open") int BPF_PROG(open_map_value, struct file___g *f) { struct ikey k = { 1, 1 }; __u32 *mode = bpf_map_lookup_elem(&protected, &k); return mode ? (int)*mode : 0; }
SEC("lsm/file_open") int BPF_PROG(open_clamped, struct file___g *f) { struct ikey k = { 1, 1 }; __u32 *mode = bpf_map_lookup_elem(&protected, &k); return mode ? -(int)(*mode & 15) : 0; }
SEC("lsm/file_open") int BPF_PROG(open_path, struct file *f) { char buf[64]; long n = bpf_d_path(&f->f_path, buf, sizeof(buf)); if (n < 0 || n > sizeof(buf)) return 0; return buf[0] == '/' && buf[1] == 'x' ? -EPERM : 0; }
SEC("lsm/file_open") int BPF_PROG(open_path_ring, struct file *f) { char *r = bpf_ringbuf_reserve(&audit, 256, 0); if (!r) return 0; if (bpf_d_path(&f->f_path, r, 256) < 0) { bpf_ringbuf_discard(r, 0); return 0; } bpf_ringbuf_submit(r, 0); return 0; }
SEC("lsm/file_open") int BPF_PROG(open_path_leak, struct file *f) { char *r = bpf_ringbuf_reserve(&audit, 256, 0); if (!r) return 0; if (bpf_d_path(&f->f_path, r, 256) < 0) return 0; bpf_ringbuf_submit(r, 0); return 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(exec_name, struct linux_binprm *b) { char name[32]; long n = bpf_probe_read_kernel_str(name, sizeof(name), b->filename); return n > 0 && name[0] == '.' ? -EPERM : 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(exec_name_direct, struct linux_binprm *b) { return b->filename[0] == '.' ? -EPERM : 0; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(exec_sleep, struct linux_binprm *b) { struct task_struct *t = bpf_get_current_task_btf(); __u64 *m = bpf_task_storage_get(&marks, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE); if (m) *m = b->argc; return 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(exec_copy, struct linux_binprm *b) { char x[8] = {}; bpf_copy_from_user(x, sizeof(x), (void *)1); return 0; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(exec_copy_sleep, struct linux_binprm *b) { char x[8] = {}; return bpf_copy_from_user(x, sizeof(x), (void *)1) ? -EPERM : 0; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(exec_hash, struct linux_binprm *b) { __u64 h = 0; long n = bpf_ima_file_hash(b->file, &h, sizeof(h)); return n < 0 ? 0 : 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(exec_hash_atomic, struct linux_binprm *b) { __u64 h = 0; bpf_ima_file_hash(b->file, &h, sizeof(h)); return 0; }
SEC("lsm/bprm_creds_for_exec") int BPF_PROG(exec_opts, struct linux_binprm *b) { bpf_bprm_opts_set(b, 1); return 0; }
SEC("lsm/bprm_committed_creds") void BPF_PROG(exec_done, struct linux_binprm *b) { struct task_struct *t = bpf_get_current_task_btf(); __u64 *m = bpf_task_storage_get(&marks, t, 0, 0); if (m) *m = 0; }
SEC("lsm/task_alloc") int BPF_PROG(fork_mark, struct task_struct *t, unsigned long flags) { __u64 *p, *c; p = bpf_task_storage_get(&marks, bpf_get_current_task_btf(), 0, 0); if (!p) return 0; c = bpf_task_storage_get(&marks, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE); if (!c) return -ENOENT; *c = *p; return 0; }
SEC("lsm/task_alloc") int BPF_PROG(fork_mark_old, struct task_struct *t) { __u64 *p = bpf_task_storage_get(&marks, (struct task_struct *)bpf_get_current_task(), 0, 0); return p ? -EPERM : 0; }
SEC("lsm/task_alloc") int BPF_PROG(fork_mark_hasty, struct task_struct *t) { __u64 *p = bpf_task_storage_get(&marks, t, 0, 1); *p = 1; return 0; }
SEC("lsm/task_free") void BPF_PROG(task_gone, struct task_struct *t) { bpf_task_storage_delete(&marks, t); }
SEC("lsm/inode_unlink") int BPF_PROG(unlink_label, struct inode *dir, struct dentry *d) { __u64 *l = bpf_inode_storage_get(&labels, d->d_inode, 0, 0); return l && *l ? -EPERM : 0; }
SEC("lsm/inode_unlink") int BPF_PROG(unlink_dir, struct inode *dir, struct dentry *d) { __u64 *l = bpf_inode_storage_get(&labels, dir, 0, BPF_LOCAL_STORAGE_GET_F_CREATE); if (l) ++*l; return 0; }
SEC("lsm/inode_unlink") int BPF_PROG(unlink_ino, struct inode *dir, struct dentry *d) { struct ikey k = {}; k.ino = BPF_CORE_READ(d, d_inode, i_ino); return bpf_map_lookup_elem(&protected, &k) ? -EPERM : 0; }
SEC("lsm/socket_connect") int BPF_PROG(connect_block, struct socket *s, struct sockaddr *a, int len) { struct sockaddr_in in; if (a->sa_family != AF_INET) return 0; if (bpf_probe_read_kernel(&in, sizeof(in), a)) return 0; return in.sin_addr == bpf_htonl(0x01010101) ? -EPERM : 0; }
SEC("lsm/socket_connect") int BPF_PROG(connect_cast, struct socket *s, struct sockaddr *a, int len) { struct sockaddr_in *in = (void *)a; return in->sin_addr == bpf_htonl(0x01010101) ? -EPERM : 0; }
SEC("lsm/socket_connect") int BPF_PROG(connect_ret, struct socket *s, struct sockaddr *a, int len, int ret) { if (ret) return ret; return s->type == 3 ? -EPERM : 0; }
SEC("lsm/socket_connect") int BPF_PROG(connect_past, struct socket *s, struct sockaddr *a, int len, int ret, int no) { return no ? -EPERM : 0; }
SEC("lsm/bpf") int BPF_PROG(bpf_only, int cmd, union bpf_attr *attr, unsigned size) { return cmd == 5 && (bpf_get_current_uid_gid() & 0xffffffff) ? -EPERM : 0; }
SEC("lsm/bpf") int BPF_PROG(bpf_signal, int cmd) { if (cmd == 5) bpf_send_signal(9); return 0; }
SEC("lsm/file_openn") int BPF_PROG(no_hook, struct file *f) { return 0; }
SEC("lsm/file_mprotect") int BPF_PROG(mprotect, void *vma, unsigned long req, unsigned long prot, int ret) { if (ret) return ret; return (prot & 6) == 6 ? -EPERM : 0; }
SEC("lsm/inode_getattr") int BPF_PROG(getattr_errno, struct path *p) { return -4096; }
SEC("lsm_cgroup/socket_create") int BPF_PROG(cg_create, int family, int type) { return family == 17 ? 0 : 1; }
SEC("lsm_cgroup/socket_create") int BPF_PROG(cg_create_errno, int family, int type) { return family == 17 ? -EPERM : 0; }
