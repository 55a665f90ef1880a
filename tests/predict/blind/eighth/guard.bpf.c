// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies on security hooks: labels in local storage, paths, refusals with a number, memory that may be null. */
#include "kit.h"
struct label { __u32 level, flags; char name[24]; };
struct mapping { __u64 inode; __u32 level, refuse; };
struct exec_event { __u32 pid, len; char path[128]; };
STORE(inode_labels, INODE_STORAGE, struct label);
STORE(task_labels, TASK_STORAGE, struct label);
MAP(levels, HASH, __u64, struct mapping, 1024);
MAP(paths, PERCPU_ARRAY, __u32, char[256], 2);
RING(events, 1 << 16);
struct kernel_cap_struct { __u64 val; } CORE;
struct msghdr; struct sockaddr { unsigned short sa_family; char sa_data[14]; } CORE;
struct user_namespace; struct file_operations;
extern int bpf_get_file_xattr(struct file *f, const char *name, void *dyn) __ksym __weak;
extern struct file *bpf_get_task_exe_file(struct task_struct *t) __ksym __weak;
extern void bpf_put_file(struct file *f) __ksym __weak;
extern int bpf_path_d_path(struct path *p, char *buf, __u64 n) __ksym __weak;

INLINE int refuse(struct file *f) {
	__u64 ino = f->f_inode->i_ino;
	struct mapping *m = bpf_map_lookup_elem(&levels, &ino);
	return m && m->refuse ? -EPERM : 0;
}
enum { OK, POSITIVE, BIG, MAYBE, CALLED_SUB, LABELLED, LABEL_NULL, LABEL_DENTRY, LABEL_COPY, LABEL_OVER, NO_INODE, PATH_OK, PATH_LONG, PATH_STACK, PATH_WRONG, PATH_VAR, RINGED, RINGED_VAR, RINGED_LEAK, CHAIN, CHAIN_WRITE, FLAGS, OFFSET, IMA, RET_U32, SUBRET, TASK };
SUB int verdict(__u32 level) { return level > 3 ? -EPERM : 0; }
SUB int verdict_wide(__u32 level) { return level > 3 ? 1 : 0; }
INLINE int open_(__u64 *ctx, const int way) {
	struct file *f = (void *)ctx[0];
	struct label *l;
	__u32 z = 0;
	if (way == POSITIVE) return f->f_flags & 1 ? EPERM : 0;
	if (way == BIG) return f->f_flags & 1 ? -5000 : 0;
	if (way == RET_U32) { __u32 r = -EPERM; barrier_var(r); return f->f_flags & 1 ? (int)r : 0; }
	if (way == SUBRET) return verdict(f->f_flags);
	if (way == CALLED_SUB) return verdict_wide(f->f_flags);
	if (way == LABELLED || way == LABEL_NULL || way == LABEL_COPY || way == LABEL_OVER) {
		struct label init = { 1, 2, "fresh" };
		l = bpf_inode_storage_get(&inode_labels, f->f_inode, &init, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (way == LABEL_NULL) { l->level++; return 0; }
		if (!l) return 0;
		if (way == LABEL_COPY) { bpf_probe_read_kernel_str(l->name, sizeof(l->name), f->f_path.dentry->d_name.name); return 0; }
		if (way == LABEL_OVER) { bpf_probe_read_kernel_str(l->name, 32, f->f_path.dentry->d_name.name); return 0; }
		return l->level > 3 ? -EPERM : 0;
	}
	if (way == LABEL_DENTRY) { l = bpf_inode_storage_get(&inode_labels, (void *)f->f_path.dentry, 0, 0); return l ? -EPERM : 0; }
	if (way == NO_INODE) { l = bpf_inode_storage_get(&inode_labels, 0, 0, 0); return l ? -EPERM : 0; }
	if (way == TASK) { l = bpf_task_storage_get(&task_labels, bpf_get_current_task_btf(), 0, 1); if (l) l->flags |= f->f_flags; return 0; }
	if (way == PATH_OK || way == PATH_LONG || way == PATH_WRONG || way == PATH_VAR) {
		char *p = bpf_map_lookup_elem(&paths, &z);
		long n;
		if (!p) return 0;
		if (way == PATH_WRONG) n = bpf_d_path((void *)f, p, 256);
		else n = bpf_d_path(&f->f_path, p, way == PATH_LONG ? 257 : 256);
		if (n < 0) return 0;
		if (way == PATH_VAR) return p[n - 1] == 'x' ? -EPERM : 0;
		return p[0] == '/' && p[1] == 'x' ? -EPERM : 0;
	}
	if (way == PATH_STACK) { char p[64]; if (bpf_d_path(&f->f_path, p, sizeof(p)) < 0) return 0; return p[0] == 'x' ? -EPERM : 0; }
	if (way == RINGED || way == RINGED_LEAK || way == RINGED_VAR) {
		struct exec_event *e = bpf_ringbuf_reserve(&events, way == RINGED_VAR ? 8 : sizeof(*e), 0);
		if (!e) return 0;
		e->pid = bpf_get_current_pid_tgid();
		e->len = bpf_d_path(&f->f_path, e->path, sizeof(e->path));
		if (way == RINGED_LEAK && (int)e->len < 0) return 0;
		bpf_ringbuf_submit(e, 0);
		return 0;
	}
	if (way == CHAIN) { return f->f_path.dentry->d_parent->d_inode->i_sb->s_magic == 0x9fa0 ? -EPERM : 0; }
	if (way == CHAIN_WRITE) { f->f_path.dentry->d_inode->i_mode = 0; return 0; }
	if (way == OFFSET) { return *(int *)((void *)f + 1 + (bpf_get_prandom_u32() & 3)) ? 0 : -EPERM; }
	if (way == MAYBE) return refuse(f) ?: f->f_pos < 0;
	return refuse(f);
}
#define O(name, n) WAY("lsm/file_open", name, __u64, open_, n)
O(ok, OK) O(positive, POSITIVE) O(big, BIG) O(maybe, MAYBE) O(called_sub, CALLED_SUB) O(labelled, LABELLED) O(label_null, LABEL_NULL) O(label_dentry, LABEL_DENTRY)
O(label_copy, LABEL_COPY) O(label_over, LABEL_OVER) O(no_inode, NO_INODE) O(path_ok, PATH_OK) O(path_long, PATH_LONG) O(path_stack, PATH_STACK) O(path_wrong, PATH_WRONG)
O(path_var, PATH_VAR) O(ringed, RINGED) O(ringed_var, RINGED_VAR) O(ringed_leak, RINGED_LEAK) O(chain, CHAIN) O(chain_write, CHAIN_WRITE) O(offset, OFFSET) O(ret_u32, RET_U32) O(subret, SUBRET) O(task, TASK)
WAY("lsm.s/file_open", sleeps_path, __u64, open_, PATH_OK)
WAY("lsm.s/file_open", sleeps_store, __u64, open_, LABELLED)

SEC("lsm.s/bprm_check_security") int BPF_PROG(bprm, struct linux_binprm *b) {
	char name[32];
	if (bpf_copy_from_user(name, sizeof(name), (void *)b->filename)) return 0;
	return name[0] == 'x' ? -EPERM : 0;
}
SEC("lsm/bprm_check_security") int BPF_PROG(bprm_waits, struct linux_binprm *b) {
	char name[32];
	if (bpf_copy_from_user(name, sizeof(name), (void *)b->filename)) return 0;
	return name[0] == 'x' ? -EPERM : 0;
}
SEC("lsm.s/bprm_check_security") int BPF_PROG(bprm_ima, struct linux_binprm *b) { char d[32]; return bpf_ima_file_hash(b->file, d, sizeof(d)) < 0 ? 0 : d[0] == 1 ? -EPERM : 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(bprm_ima_quick, struct linux_binprm *b) { char d[32]; return bpf_ima_file_hash(b->file, d, sizeof(d)) < 0 ? 0 : d[0] == 1 ? -EPERM : 0; }
SEC("lsm/bprm_committed_creds") int BPF_PROG(committed, struct linux_binprm *b) { bpf_bprm_opts_set(b, 1); return 0; }
SEC("lsm/bprm_committed_creds") int BPF_PROG(committed_one, struct linux_binprm *b) { return b->argc > 3; }
SEC("lsm/bprm_check_security") int BPF_PROG(opts_of_file, struct linux_binprm *b) { bpf_bprm_opts_set((void *)b->file, 1); return 0; }
SEC("lsm/task_alloc") int BPF_PROG(born, struct task_struct *t, unsigned long flags) {
	struct label *mine = bpf_task_storage_get(&task_labels, bpf_get_current_task_btf(), 0, 0), *its;
	if (!mine) return 0;
	its = bpf_task_storage_get(&task_labels, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (its) *its = *mine;
	return 0;
}
SEC("lsm/task_alloc") int BPF_PROG(born_wrong, struct task_struct *t, unsigned long flags) {
	struct label *its = bpf_task_storage_get(&task_labels, (void *)t->mm, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return its ? 0 : -EPERM;
}
SEC("lsm/task_alloc") int BPF_PROG(born_parent, struct task_struct *t, unsigned long flags) {
	struct label *its = bpf_task_storage_get(&task_labels, t->real_parent, 0, 0);
	return its ? its->level > 3 ? -EPERM : 0 : 0;
}
SEC("lsm/task_alloc") int BPF_PROG(born_flags, struct task_struct *t, unsigned long flags) { return flags & 0x10000 ? 0 : -EPERM; }
SEC("lsm/task_alloc") int BPF_PROG(born_third, struct task_struct *t, unsigned long flags, void *more) { return more ? 0 : -EPERM; }
SEC("lsm/task_free") int BPF_PROG(gone, struct task_struct *t) { bpf_task_storage_delete(&task_labels, t); return 0; }
SEC("lsm/socket_connect") int BPF_PROG(connects, struct socket *s, struct sockaddr *a, int n, int ret) {
	if (ret) return ret;
	if (a->sa_family != AF_INET) return 0;
	return s->sk->sk_protocol == 132 ? -EPERM : 0;
}
SEC("lsm/socket_connect") int BPF_PROG(connects_in, struct socket *s, struct sockaddr *a, int n) {
	struct { __u16 family, port; __u32 ip; } in = {};
	bpf_probe_read_kernel(&in, sizeof(in), a);
	return in.port == bpf_htons(23) ? -EPERM : 0;
}
SEC("lsm/socket_connect") int BPF_PROG(connects_cast, struct socket *s, struct sockaddr *a, int n) { struct { __u16 f, p; __u32 ip; __u64 z[9]; } *in = (void *)a; return in->z[5] == 1 ? -EPERM : 0; }
SEC("lsm/socket_connect") int BPF_PROG(connects_opt, struct socket *s, struct sockaddr *a, int n) { int v = 1; return bpf_setsockopt(s->sk, 1, 9, &v, 4) ? -EPERM : 0; }
SEC("lsm/inode_permission") int BPF_PROG(may, struct inode *i, int mask) { return i->i_uid.val == 1000 && (mask & 2) ? -EPERM : 0; }
SEC("lsm/inode_permission") int BPF_PROG(may_ret, struct inode *i, int mask) { return mask; }
SEC("lsm/inode_unlink") int BPF_PROG(unlinks, struct inode *dir, struct dentry *d) {
	char n[16] = {};
	bpf_probe_read_kernel_str(n, sizeof(n), d->d_name.name);
	return bpf_strncmp(n, sizeof(n), "passwd") ? 0 : -EPERM;
}
SEC("lsm/inode_unlink") int BPF_PROG(unlinks_stack, struct inode *dir, struct dentry *d) {
	char n[16] = {}, want[8] = "passwd";
	want[0] += bpf_get_prandom_u32() & 1;
	bpf_probe_read_kernel_str(n, sizeof(n), d->d_name.name);
	return bpf_strncmp(n, sizeof(n), want) ? 0 : -EPERM;
}
SEC("lsm/inode_unlink") int BPF_PROG(unlinks_null, struct inode *dir, struct dentry *d) { struct label *l = bpf_inode_storage_get(&inode_labels, d->d_inode, 0, 0); return l && l->level ? -EPERM : 0; }
SEC("lsm/cred_prepare") int BPF_PROG(creds, struct cred *new, const struct cred *old, int gfp) { return new->uid.val == 0 && old->uid.val ? -EPERM : 0; }
SEC("lsm/cred_prepare") int BPF_PROG(creds_write, struct cred *new, const struct cred *old, int gfp) { new->uid.val = 0; return 0; }
SEC("lsm/no_such_hook_here") int BPF_PROG(nowhere, void *a) { return 0; }
SEC("lsm/file_mprotect") int BPF_PROG(mprotects, struct vm_area_struct *v, unsigned long req, unsigned long prot) { return v->vm_start <= v->vm_end && (prot & 4) ? -EPERM : 0; }
SEC("lsm/file_mprotect") int BPF_PROG(mprotects_file, struct vm_area_struct *v, unsigned long req, unsigned long prot) { return v->vm_file->f_flags & 1 ? -EPERM : 0; }
SEC("lsm.s/file_open") int BPF_PROG(exe_leak, struct file *f) { if (!bpf_get_task_exe_file) return 0; struct file *e = bpf_get_task_exe_file(bpf_get_current_task_btf()); return e ? 0 : -EPERM; }
SEC("lsm.s/file_open") int BPF_PROG(exe_put, struct file *f) { if (!bpf_get_task_exe_file) return 0; struct file *e = bpf_get_task_exe_file(bpf_get_current_task_btf()); if (e) bpf_put_file(e); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(exe_put_null, struct file *f) { if (!bpf_get_task_exe_file) return 0; bpf_put_file(bpf_get_task_exe_file(bpf_get_current_task_btf())); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(exe_put_other, struct file *f) { if (!bpf_put_file) return 0; bpf_put_file(f); return 0; }
SEC("lsm.s/file_open") int BPF_PROG(path_k, struct file *f) { char b[32]; if (!bpf_path_d_path) return 0; return bpf_path_d_path(&f->f_path, b, sizeof(b)) < 0 ? -EPERM : 0; }
SEC("lsm.s/file_open") int BPF_PROG(path_k_size, struct file *f) { char b[32]; if (!bpf_path_d_path) return 0; return bpf_path_d_path(&f->f_path, b, 64) < 0 ? -EPERM : 0; }
SEC("lsm.s/file_open") int BPF_PROG(path_k_exe, struct file *f) { char b[32]; if (!bpf_path_d_path) return 0; return bpf_path_d_path(&bpf_get_current_task_btf()->mm->exe_file->f_path, b, sizeof(b)) < 0 ? -EPERM : 0; }
