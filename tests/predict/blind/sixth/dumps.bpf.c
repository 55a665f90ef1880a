// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
// mcpu=v3
/* Iterators that dump what is there. */
#include "kit.h"
struct seq_file; struct bpf_iter_meta { struct seq_file *seq; __u64 session_id, seq_num; } CORE;
struct bpf_map { unsigned id; char name[16]; unsigned max_entries; } CORE;
struct bpf_prog_aux { unsigned id; char name[16]; } CORE;
struct bpf_prog { struct bpf_prog_aux *aux; } CORE;
struct vm_area_struct { unsigned long vm_start, vm_end; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
struct bpf_iter__task_file { struct bpf_iter_meta *meta; struct task_struct *task; unsigned fd; struct file *file; } CORE;
struct bpf_iter__task_vma { struct bpf_iter_meta *meta; struct task_struct *task; struct vm_area_struct *vma; } CORE;
struct bpf_iter__bpf_map { struct bpf_iter_meta *meta; struct bpf_map *map; } CORE;
struct bpf_iter__bpf_prog { struct bpf_iter_meta *meta; struct bpf_prog *prog; } CORE;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; void *key, *value; } CORE;
struct bpf_iter__tcp { struct bpf_iter_meta *meta; struct sock_common *sk_common; unsigned uid; } CORE;
struct tcp_sock { __u32 snd_cwnd; } CORE;
#define P(s, f, ...) ({ static const char text[] = f; __u64 args[] = { __VA_ARGS__ }; bpf_seq_printf(s, text, sizeof(text), args, sizeof(args)); })
SEC("iter/task") int tasks(struct bpf_iter__task *c) { struct task_struct *t = c->task; struct seq_file *s = c->meta->seq; if (!t) return 0; if (c->meta->seq_num == 0) P(s, "%8s\n", (long)"pid"); P(s, "%8d %8d\n", t->tgid, t->pid); return 0; }
SEC("iter/task") int tasks_hasty(struct bpf_iter__task *c) { struct task_struct *t = c->task; P(c->meta->seq, "%d\n", t->pid); return 0; }
SEC("iter/task") int tasks_ret(struct bpf_iter__task *c) { return c->task ? 1 : 0; }
SEC("iter/task") int tasks_two(struct bpf_iter__task *c) { return c->task ? 2 : 0; }
SEC("iter/task") int tasks_comm(struct bpf_iter__task *c) { struct task_struct *t = c->task; if (t) bpf_seq_write(c->meta->seq, t->comm, sizeof(t->comm)); return 0; }
SEC("iter/task") int tasks_parent(struct bpf_iter__task *c) { struct task_struct *t = c->task; int ppid; if (!t) return 0; ppid = t->real_parent->tgid; bpf_seq_write(c->meta->seq, &ppid, sizeof(ppid)); return 0; }
SEC("iter/task") int tasks_unset(struct bpf_iter__task *c) { struct { int a, b; } r; if (!c->task) return 0; r.a = c->task->pid; bpf_seq_write(c->meta->seq, &r, sizeof(r)); return 0; }
SEC("iter/task_file") int files(struct bpf_iter__task_file *c) { struct task_struct *t = c->task; struct file *f = c->file; if (!t || !f) return 0; P(c->meta->seq, "%d %d %x\n", t->tgid, c->fd, f->f_flags); return 0; }
SEC("iter/task_file") int files_half(struct bpf_iter__task_file *c) { struct task_struct *t = c->task; struct file *f = c->file; if (!t) return 0; P(c->meta->seq, "%x\n", f->f_flags); return 0; }
SEC("iter/task_file") int files_path(struct bpf_iter__task_file *c) { char b[64] = {}; struct file *f = c->file; if (!f) return 0; bpf_d_path(&f->f_path, b, sizeof(b)); return 0; }
SEC("iter/task_vma") int vmas(struct bpf_iter__task_vma *c) { struct vm_area_struct *v = c->vma; if (!v || !c->task) return 0; P(c->meta->seq, "%lx-%lx\n", v->vm_start, v->vm_end); return 0; }
SEC("iter/task_vma") int vmas_path(struct bpf_iter__task_vma *c) { struct vm_area_struct *v = c->vma; if (!v) return 0; return v->vm_end < v->vm_start; }
SEC("iter/bpf_map") int maps(struct bpf_iter__bpf_map *c) { struct bpf_map *m = c->map; if (!m) return 0; P(c->meta->seq, "%u %s %u\n", m->id, (long)m->name, m->max_entries); return 0; }
SEC("iter/bpf_map") int maps_write(struct bpf_iter__bpf_map *c) { struct bpf_map *m = c->map; if (m) m->max_entries = 1; return 0; }
SEC("iter/bpf_prog") int progs(struct bpf_iter__bpf_prog *c) { struct bpf_prog *p = c->prog; if (!p) return 0; P(c->meta->seq, "%u\n", p->aux->id); return 0; }
SEC("iter/bpf_map_elem") int elems(struct bpf_iter__bpf_map_elem *c) { __u32 *k = c->key, *v = c->value; if (!k || !v) return 0; P(c->meta->seq, "%u %u\n", *k, *v); return 0; }
SEC("iter/bpf_map_elem") int elems_hasty(struct bpf_iter__bpf_map_elem *c) { __u32 *k = c->key; P(c->meta->seq, "%u\n", *k); return 0; }
SEC("iter/tcp") int tcps(struct bpf_iter__tcp *c) { struct sock_common *sk = c->sk_common; struct tcp_sock *tp; if (!sk) return 0; tp = bpf_skc_to_tcp_sock(sk); if (!tp) return 0; P(c->meta->seq, "%u %u\n", c->uid, tp->snd_cwnd); return 0; }
SEC("iter/tcp") int tcps_blind(struct bpf_iter__tcp *c) { struct sock_common *sk = c->sk_common; struct tcp_sock *tp; if (!sk) return 0; tp = bpf_skc_to_tcp_sock(sk); P(c->meta->seq, "%u\n", tp->snd_cwnd); return 0; }
SEC("iter/tcp") int tcps_null(struct bpf_iter__tcp *c) { struct tcp_sock *tp = bpf_skc_to_tcp_sock(c->sk_common); return tp ? 0 : 0; }
SEC("iter.s/task") int tasks_sleep(struct bpf_iter__task *c) { struct task_struct *t = c->task; char b[8] = {}; if (t) bpf_copy_from_user_task(b, sizeof(b), (void *)4096, t, 0); return 0; }
SEC("iter/task") int tasks_nosleep(struct bpf_iter__task *c) { struct task_struct *t = c->task; char b[8] = {}; if (t) bpf_copy_from_user_task(b, sizeof(b), (void *)4096, t, 0); return 0; }
SEC("iter/slabs") int slabs(void *c) { return 0; }
