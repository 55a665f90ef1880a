// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* What user space reads: iterators over the kernel's objects, each with what may be null and what may be written. */
#include "kit.h"
struct seq_file { void *buf; unsigned long size, from, count; } CORE;
struct bpf_iter__bpf_prog { struct bpf_iter_meta *meta; struct bpf_prog *prog; } CORE;
struct bpf_prog_aux { unsigned id, func_cnt; char name[16]; } CORE;
struct bpf_prog { unsigned short pages; unsigned len; struct bpf_prog_aux *aux; } CORE;
struct udp_sock { struct sock *sk; } CORE;
struct bpf_iter__udp { struct bpf_iter_meta *meta; struct udp_sock *udp_sk; unsigned uid; int bucket; } CORE;
struct bpf_iter__netlink { struct bpf_iter_meta *meta; struct sock *sk; } CORE;
struct ent { __u32 pid, n; char comm[16]; };
MAP(ents, HASH, __u32, struct ent, 64);
MAP(arrs, ARRAY, __u32, __u64, 8);
STORE(sks, SK_STORAGE, struct ent);
#define OUT(seq, fmt, ...) ({ static const char ___f[] = fmt; __u64 ___p[] = { __VA_ARGS__ }; bpf_seq_printf(seq, ___f, sizeof(___f), ___p, sizeof(___p)); })
#define T(name) SEC("iter/task") int name(struct bpf_iter__task *c)
T(t_ok) { struct task_struct *t = c->task; if (!t) return 0; OUT(c->meta->seq, "%d %s\n", t->pid, (long)t->comm); return 0; }
T(t_null) { struct task_struct *t = c->task; OUT(c->meta->seq, "%d\n", t->pid); return 0; }
T(t_args_over) { static const char f[] = "%d %d\n"; struct task_struct *t = c->task; __u64 p[1]; if (!t) return 0; p[0] = t->pid; bpf_seq_printf(c->meta->seq, f, sizeof(f), p, 12); return 0; }
T(t_args_few) { static const char f[] = "%d %d\n"; __u64 p[1] = { 1 }; bpf_seq_printf(c->meta->seq, f, sizeof(f), p, 8); return 0; }
T(t_fmt_stack) { char f[8] = "%d\n"; __u64 p[1] = { 1 }; f[1] = c->meta->session_id ? 'd' : 'x'; bpf_seq_printf(c->meta->seq, f, sizeof(f), p, 8); return 0; }
T(t_write) { struct task_struct *t = c->task; if (!t) return 0; bpf_seq_write(c->meta->seq, &t->pid, 4); return 0; }
T(t_write_copy) { struct task_struct *t = c->task; struct ent e = {}; if (!t) return 0; e.pid = t->pid; bpf_probe_read_kernel_str(e.comm, 16, t->comm); bpf_seq_write(c->meta->seq, &e, sizeof(e)); return 0; }
T(t_write_over) { struct ent e = {}; bpf_seq_write(c->meta->seq, &e, sizeof(e) + 8); return 0; }
T(t_seq_wrong) { struct ent e = {}; bpf_seq_write((void *)c->meta, &e, sizeof(e)); return 0; }
T(t_seq_task) { struct ent e = {}; bpf_seq_write((void *)c->task, &e, sizeof(e)); return 0; }
T(t_ret_two) { return c->meta->seq_num > 3 ? 2 : 0; }
T(t_ret_one) { return c->meta->seq_num > 3; }
T(t_chain) { struct task_struct *t = c->task; if (!t) return 0; OUT(c->meta->seq, "%d %d\n", t->real_parent->tgid, t->mm->map_count); return 0; }
T(t_cred) { struct task_struct *t = c->task; if (!t) return 0; OUT(c->meta->seq, "%d\n", t->cred->uid.val); return 0; }
T(t_set) { struct task_struct *t = c->task; if (t) t->prio = 1; return 0; }
T(t_ctx_set) { c->task = 0; return 0; }
T(t_meta_set) { c->meta->seq_num = 0; return 0; }
T(t_past) { return ((__u64 *)c)[2] == 1; }
T(t_map) { struct task_struct *t = c->task; __u32 k; struct ent *e; if (!t) return 0; k = t->pid; e = bpf_map_lookup_elem(&ents, &k); if (e) OUT(c->meta->seq, "%d\n", e->n); return 0; }
T(t_map_null) { struct task_struct *t = c->task; __u32 k; struct ent *e; if (!t) return 0; k = t->pid; e = bpf_map_lookup_elem(&ents, &k); OUT(c->meta->seq, "%d\n", e->n); return 0; }
T(t_copy_user) { struct task_struct *t = c->task; char b[16]; if (!t) return 0; bpf_probe_read_user(b, sizeof(b), (void *)t->mm->arg_start); return 0; }
SEC("iter.s/task") int t_sleeps(struct bpf_iter__task *c) { struct task_struct *t = c->task; char b[16] = {}; if (!t) return 0; bpf_copy_from_user_task(b, sizeof(b), (void *)0x1000, t, 0); bpf_seq_write(c->meta->seq, b, 16); return 0; }
SEC("iter.s/task") int t_sleeps_null(struct bpf_iter__task *c) { char b[16] = {}; bpf_copy_from_user_task(b, sizeof(b), (void *)0x1000, c->task, 0); return 0; }
SEC("iter/task") int t_sleeps_not(struct bpf_iter__task *c) { struct task_struct *t = c->task; char b[16] = {}; if (!t) return 0; bpf_copy_from_user_task(b, sizeof(b), (void *)0x1000, t, 0); return 0; }
SEC("iter/task_file") int f_ok(struct bpf_iter__task_file *c) { struct file *f = c->file; if (!c->task || !f) return 0; OUT(c->meta->seq, "%d %lx\n", c->fd, f->f_inode->i_ino); return 0; }
SEC("iter/task_file") int f_null(struct bpf_iter__task_file *c) { OUT(c->meta->seq, "%d %lx\n", c->fd, c->file->f_inode->i_ino); return 0; }
SEC("iter/task_file") int f_path(struct bpf_iter__task_file *c) { char b[64]; struct file *f = c->file; if (!f) return 0; if (bpf_d_path(&f->f_path, b, 64) < 0) return 0; return 0; }
SEC("iter/task_vma") int v_ok(struct bpf_iter__task_vma *c) { struct vm_area_struct *v = c->vma; struct file *f; if (!c->task || !v) return 0; f = v->vm_file; OUT(c->meta->seq, "%lx %lx\n", v->vm_start, f ? f->f_inode->i_ino : 0); return 0; }
SEC("iter/task_vma") int v_path(struct bpf_iter__task_vma *c) { struct vm_area_struct *v = c->vma; char b[32]; struct file *f; if (!v) return 0; f = v->vm_file; if (!f) return 0; return bpf_d_path(&f->f_path, b, 32) < 0; }
SEC("iter/bpf_map") int m_ok(struct bpf_iter__bpf_map *c) { struct bpf_map *m = c->map; if (!m) return 0; OUT(c->meta->seq, "%d %s\n", m->id, (long)m->name); return 0; }
SEC("iter/bpf_map") int m_null(struct bpf_iter__bpf_map *c) { OUT(c->meta->seq, "%d\n", c->map->id); return 0; }
SEC("iter/bpf_map") int m_lookup(struct bpf_iter__bpf_map *c) { __u32 k = 0; struct bpf_map *m = c->map; if (!m) return 0; return bpf_map_lookup_elem(m, &k) != 0; }
SEC("iter/bpf_prog") int p_ok(struct bpf_iter__bpf_prog *c) { struct bpf_prog *p = c->prog; if (!p) return 0; OUT(c->meta->seq, "%d %d\n", p->aux->id, p->len); return 0; }
SEC("iter/bpf_prog") int p_null(struct bpf_iter__bpf_prog *c) { OUT(c->meta->seq, "%d\n", c->prog->len); return 0; }
SEC("iter/bpf_map_elem") int e_ok(struct bpf_iter__bpf_map_elem *c) { __u32 *k = c->key; struct ent *v = c->value; if (!k || !v) return 0; OUT(c->meta->seq, "%d %d\n", *k, v->n); return 0; }
SEC("iter/bpf_map_elem") int e_null(struct bpf_iter__bpf_map_elem *c) { __u32 *k = c->key; OUT(c->meta->seq, "%d\n", *k); return 0; }
SEC("iter/bpf_map_elem") int e_key_write(struct bpf_iter__bpf_map_elem *c) { __u32 *k = c->key; if (k) *k = 1; return 0; }
SEC("iter/bpf_map_elem") int e_value_write(struct bpf_iter__bpf_map_elem *c) { struct ent *v = c->value; if (v) v->n = 0; return 0; }
SEC("iter/bpf_map_elem") int e_neg(struct bpf_iter__bpf_map_elem *c) { char *v = c->value; if (!v) return 0; return v[-1] == 1; }
SEC("iter/bpf_map_elem") int e_var(struct bpf_iter__bpf_map_elem *c) { char *v = c->value; if (!v) return 0; return v[bpf_get_prandom_u32() & 7] == 1; }
SEC("iter/bpf_map_elem") int e_delete(struct bpf_iter__bpf_map_elem *c) { if (!c->key) return 0; bpf_map_delete_elem(&ents, c->key); return 0; }
SEC("iter/tcp") int n_tcp(struct bpf_iter__tcp *c) { struct sock_common *s = c->sk_common; if (!s) return 0; OUT(c->meta->seq, "%d %d\n", s->skc_num, c->uid); return 0; }
SEC("iter/tcp") int n_tcp_cast(struct bpf_iter__tcp *c) { struct sock_common *s = c->sk_common; struct tcp_sock *t; if (!s) return 0; t = (void *)bpf_skc_to_tcp_sock(s); if (!t) return 0; OUT(c->meta->seq, "%u\n", t->snd_cwnd); return 0; }
SEC("iter/tcp") int n_tcp_cast_null(struct bpf_iter__tcp *c) { struct sock_common *s = c->sk_common; struct tcp_sock *t; if (!s) return 0; t = (void *)bpf_skc_to_tcp_sock(s); OUT(c->meta->seq, "%u\n", t->snd_cwnd); return 0; }
SEC("iter/tcp") int n_tcp_bare(struct bpf_iter__tcp *c) { struct tcp_sock *t = (void *)bpf_skc_to_tcp_sock(c->sk_common); return t ? 1 : 0; }
SEC("iter/tcp") int n_opt(struct bpf_iter__tcp *c) { struct sock_common *s = c->sk_common; int v = 1; if (!s) return 0; return bpf_setsockopt(s, 6, 13, &v, 4) ? 1 : 0; }
SEC("iter/bpf_sk_storage_map") int k_ok(struct bpf_iter__bpf_sk_storage_map *c) { struct ent *e = c->value; if (!c->sk || !e) return 0; OUT(c->meta->seq, "%d %d\n", e->n, c->sk->sk_mark); return 0; }
SEC("iter/bpf_sk_storage_map") int k_write(struct bpf_iter__bpf_sk_storage_map *c) { struct ent *e = c->value; if (e) e->n = 1; return 0; }
SEC("iter/netlink") int l_ok(struct bpf_iter__netlink *c) { struct sock *s = c->sk; if (!s) return 0; OUT(c->meta->seq, "%d\n", s->sk_rcvbuf); return 0; }
SEC("iter/nothing_such") int l_none(void *c) { return 0; }
SEC("iter/udp") int u_ok(struct bpf_iter__udp *c) { if (!c->udp_sk) return 0; OUT(c->meta->seq, "%d %d\n", c->uid, c->bucket); return 0; }
