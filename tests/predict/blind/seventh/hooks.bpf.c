// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Functions and LSM hooks by type: arguments, what is returned, storage of tasks and inodes, sleeping. */
#include "kit.h"
struct note { __u64 at; __u32 pid, uid; };
STORE(of_task, TASK_STORAGE, struct note);
STORE(of_inode, INODE_STORAGE, struct note);
STORE(of_sock, SK_STORAGE, struct note);
MAP(counts, HASH, __u32, __u64, 1024);
MAP(names, PERCPU_ARRAY, __u32, char[512], 1);
RING(journal, 65536);

SEC("lsm/file_open") int BPF_PROG(open, struct file *f) {
	struct inode *i = f->f_inode;
	struct note *n = bpf_inode_storage_get(&of_inode, i, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n) n->at = bpf_ktime_get_ns();
	return 0;
}
SEC("lsm/file_open") int BPF_PROG(open_unchecked, struct file *f) {
	struct note *n = bpf_inode_storage_get(&of_inode, f->f_inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	n->at = 1;
	return 0;
}
/* The inode that a helper read is no inode to the kernel. */
SEC("lsm/file_open") int BPF_PROG(open_read_inode, struct file *f) {
	struct inode *i = BPF_CORE_READ(f, f_inode);
	struct note *n = bpf_inode_storage_get(&of_inode, i, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n) n->at = 1;
	return 0;
}
SEC("lsm/file_open") int BPF_PROG(open_positive, struct file *f) { return f->f_flags & 1; }
SEC("lsm/file_open") int BPF_PROG(open_denied, struct file *f) { return f->f_inode->i_uid.val == 1000 ? -EPERM : 0; }
SEC("lsm/file_open") int BPF_PROG(open_path, struct file *f) {
	__u32 zero = 0;
	char *buf = bpf_map_lookup_elem(&names, &zero);
	if (!buf) return 0;
	return bpf_d_path(&f->f_path, buf, 512) < 0 ? 0 : buf[0] == 'x' ? -EPERM : 0;
}
/* A path where bpf_d_path is not allowed. */
SEC("lsm/task_setnice") int BPF_PROG(nice_path, struct task_struct *t, int nice) {
	char buf[64];
	bpf_d_path(&t->mm->exe_file->f_path, buf, sizeof(buf));
	return 0;
}
SEC("lsm/task_setnice") int BPF_PROG(nice, struct task_struct *t, int to, int ret) { return ret ? ret : to < 0 ? -EPERM : 0; }
SEC("lsm/bprm_committed_creds") int BPF_PROG(committed, struct linux_binprm *b) {
	struct note *n = bpf_task_storage_get(&of_task, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n) n->uid = b->cred->uid.val;
	return 0;
}
SEC("lsm/bprm_committed_creds") int BPF_PROG(committed_value, struct linux_binprm *b) { return -EPERM; }
SEC("lsm.s/bprm_check_security") int BPF_PROG(check_sleepy, struct linux_binprm *b) {
	char buf[64];
	struct task_struct *t = bpf_get_current_task_btf();
	long n = bpf_copy_from_user(buf, sizeof(buf), (void *)t->mm->arg_start);
	return n ? 0 : buf[0] == '-' ? -EPERM : 0;
}
/* It may not sleep. */
SEC("lsm/bprm_check_security") int BPF_PROG(check_awake, struct linux_binprm *b) {
	char buf[64];
	long n = bpf_copy_from_user(buf, sizeof(buf), (void *)b->filename);
	return n ? 0 : buf[0] == '-' ? -EPERM : 0;
}
/* This hook cannot sleep. */
SEC("lsm.s/task_free") int BPF_PROG(free_sleepy, struct task_struct *t) { return 0; }
SEC("lsm/task_free") int BPF_PROG(freed, struct task_struct *t) { bpf_task_storage_delete(&of_task, t); return 0; }
SEC("lsm/socket_connect") int BPF_PROG(sconnect, struct socket *s, void *addr, int len) {
	struct note *n;
	struct sock *sk = s->sk;
	if (!sk) return 0;
	n = bpf_sk_storage_get(&of_sock, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n) n->pid = bpf_get_current_pid_tgid();
	return 0;
}
SEC("lsm/socket_connect") int BPF_PROG(sconnect_family, struct socket *s, void *addr, int len) {
	unsigned short family = 0;
	bpf_probe_read_kernel(&family, 2, addr);
	return family == 99 ? -EPERM : 0;
}
SEC("lsm/inode_unlink") int BPF_PROG(unlink, struct inode *dir, struct dentry *d) {
	char name[32];
	const unsigned char *p = d->d_name.name;
	bpf_probe_read_kernel_str(name, sizeof(name), p);
	return d->d_inode->i_ino == 1 ? -EPERM : name[0] == '.';
}
SEC("lsm/inode_unlink") int BPF_PROG(unlink_kept, struct inode *dir, struct dentry *d) { return bpf_get_current_pid_tgid() >> 32 == 1 ? -1 : 0; }
SEC("lsm/no_such_hook_here") int BPF_PROG(nowhere) { return 0; }
SEC("lsm/task_alloc") int BPF_PROG(alloc_current, struct task_struct *t, unsigned long flags) {
	struct note init = { 1, 2, 3 };
	struct note *n = bpf_task_storage_get(&of_task, t, &init, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return n ? 0 : 0;
}
/* The number of a task for the task. */
SEC("lsm/task_alloc") int BPF_PROG(alloc_number, struct task_struct *t, unsigned long flags) {
	struct note *n = bpf_task_storage_get(&of_task, (void *)bpf_get_current_task(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return n ? 0 : 0;
}
SEC("lsm/cred_prepare") int BPF_PROG(creds, struct cred *new, const struct cred *old, unsigned gfp) { return new->uid.val < old->uid.val ? -EPERM : 0; }
SEC("lsm/cred_prepare") int BPF_PROG(creds_write, struct cred *new, const struct cred *old, unsigned gfp) { new->uid.val = 0; return 0; }

SEC("fentry/vfs_read") int BPF_PROG(read_in, struct file *f, char *buf, unsigned long n) {
	__u32 k = f->f_inode->i_sb->s_dev;
	__u64 one = 1, *c = bpf_map_lookup_elem(&counts, &k);
	if (c) __sync_fetch_and_add(c, n);
	else bpf_map_update_elem(&counts, &k, &one, BPF_NOEXIST);
	return 0;
}
/* The buffer is user memory. */
SEC("fentry/vfs_read") int BPF_PROG(read_buffer, struct file *f, char *buf, unsigned long n) { return buf[0]; }
SEC("fexit/vfs_read") int BPF_PROG(read_out, struct file *f, char *buf, unsigned long n, long long *pos, long ret) { return ret > 0 && f->f_flags; }
/* One argument too many. */
SEC("fentry/vfs_read") int BPF_PROG(read_five, struct file *f, char *buf, unsigned long n, long long *pos, long ret) { return ret != 0; }
SEC("fentry/vfs_read") int BPF_PROG(read_minus, struct file *f) { return -1; }
SEC("fentry/vfs_read") int BPF_PROG(read_pos, struct file *f, char *buf, unsigned long n, long long *pos) { return *pos != 0; }
SEC("fexit/tcp_v4_connect") int BPF_PROG(tconnect, struct sock *sk, void *a, int len, int ret) { return sk->__sk_common.skc_dport == 0 && ret; }
SEC("fentry/tcp_v4_connect") int BPF_PROG(tconnect_cast, struct sock *sk) {
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	return tp ? tp->snd_cwnd > 10 : 0;
}
/* Cast without the helper, read beyond the sock. */
SEC("fentry/tcp_v4_connect") int BPF_PROG(tconnect_beyond, struct sock *sk) { return *(int *)((void *)sk + 4000); }
SEC("fentry/tcp_v4_connect") int BPF_PROG(tconnect_store, struct sock *sk) {
	struct note *n = bpf_sk_storage_get(&of_sock, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n) n->at = 1;
	return 0;
}
SEC("fentry/tcp_v4_connect") int BPF_PROG(tconnect_cast_unchecked, struct sock *sk) { return bpf_skc_to_tcp_sock(sk)->snd_cwnd; }
SEC("fmod_ret/security_file_open") int BPF_PROG(mod, struct file *f, int ret) { return ret ? ret : f->f_flags == 7 ? -EPERM : 0; }
SEC("fmod_ret/vfs_read") int BPF_PROG(mod_vfs, struct file *f) { return 0; }
SEC("fentry.s/vfs_read") int BPF_PROG(sleepy_vfs, struct file *f) { return 0; }
SEC("fentry/vfs_read") int BPF_PROG(recurse, struct file *f) {
	struct task_struct *t = bpf_get_current_task_btf();
	return t->real_parent->real_parent->real_parent->pid;
}
SEC("fentry/vfs_read") int BPF_PROG(comm_direct, struct file *f) { struct task_struct *t = bpf_get_current_task_btf(); return t->comm[3] == 'x'; }
SEC("fentry/vfs_read") int BPF_PROG(comm_index, struct file *f) {
	struct task_struct *t = bpf_get_current_task_btf();
	return t->comm[bpf_get_prandom_u32() & 15] == 'x';
}
SEC("fentry/vfs_read") int BPF_PROG(log_it, struct file *f, char *buf, unsigned long n) {
	struct note *e = bpf_ringbuf_reserve(&journal, sizeof(*e), 0);
	if (!e) return 0;
	e->at = n; e->uid = f->f_inode->i_uid.val;
	bpf_ringbuf_submit(e, 0);
	return e->pid;
}
SEC("fentry/vfs_read") int BPF_PROG(no_context_helper, struct file *f) { return bpf_get_socket_cookie(ctx); }
SEC("fexit/vfs_read") int BPF_PROG(by_func_ret) { __u64 r = 0; bpf_get_func_ret(ctx, &r); return r > 10; }
SEC("fentry/vfs_read") int BPF_PROG(by_func_ret_entry) { __u64 r = 0; bpf_get_func_ret(ctx, &r); return r > 10; }
SEC("fentry/vfs_read") int BPF_PROG(by_func_arg) { __u64 a = 0; return bpf_get_func_arg(ctx, 2, &a) ? 0 : a > 4096; }
SEC("raw_tp/sys_enter") int BPF_PROG(sys_raw, struct pt_regs *r, long id) { return PT_REGS_PARM1_CORE_SYSCALL(r) + id; }
SEC("raw_tp/sys_enter") int BPF_PROG(sys_direct, struct pt_regs *r, long id) { return r->di; }
SEC("tp_btf/sys_enter") int BPF_PROG(sys_btf, struct pt_regs *r, long id) { return r->di == 3; }
SEC("tp_btf/sched_switch") int BPF_PROG(sw, bool preempt, struct task_struct *prev, struct task_struct *next) {
	struct note *n = bpf_task_storage_get(&of_task, next, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (n) n->at = bpf_ktime_get_ns();
	n = bpf_task_storage_get(&of_task, prev, 0, 0);
	if (n && n->at) n->uid++;
	return 0;
}
/* Which of the two is found out with a comparison of pointers, then the wrong is used. */
SEC("tp_btf/sched_switch") int BPF_PROG(sw_null, bool preempt, struct task_struct *prev, struct task_struct *next) {
	struct note *n = bpf_task_storage_get(&of_task, next, 0, 0), *o = bpf_task_storage_get(&of_task, prev, 0, 0);
	if (!n) return 0;
	o->at = n->at;
	return 0;
}
SEC("tp_btf/no_such_tracepoint") int BPF_PROG(no_tp, void *a) { return 0; }
