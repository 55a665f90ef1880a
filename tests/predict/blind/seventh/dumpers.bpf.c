// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Iterators that print. */
#include "kit.h"
struct val { __u64 hits; char who[16]; };
MAP(table, HASH, __u32, struct val, 64);
MAP(lists, ARRAY, __u32, struct val, 8);
STORE(sks, SK_STORAGE, __u64);
#define OUT(seq, fmt, args...) ({ static const char _f[] = fmt; __u64 p[] = { args }; bpf_seq_printf(seq, _f, sizeof(_f), p, sizeof(p)); })
#define SAY(seq, text) ({ static const char f[] = text; bpf_seq_printf(seq, f, sizeof(f), 0, 0); })

SEC("iter/task") int tasks(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	if (!t) { SAY(ctx->meta->seq, "end\n"); return 0; }
	if (ctx->meta->seq_num == 0) SAY(ctx->meta->seq, "tgid pid\n");
	OUT(ctx->meta->seq, "%8d %8d %s\n", t->tgid, t->pid, (__u64)t->comm);
	return 0;
}
SEC("iter/task") int tasks_unchecked(struct bpf_iter__task *ctx) { OUT(ctx->meta->seq, "%d\n", ctx->task->tgid); return 0; }
/* A conversion that is not known. */
SEC("iter/task") int tasks_float(struct bpf_iter__task *ctx) { struct task_struct *t = ctx->task; if (!t) return 0; OUT(ctx->meta->seq, "%f\n", t->tgid); return 0; }
/* Two conversions, one value. */
SEC("iter/task") int tasks_fewer(struct bpf_iter__task *ctx) { struct task_struct *t = ctx->task; if (!t) return 0; OUT(ctx->meta->seq, "%d %d\n", t->tgid); return 0; }
SEC("iter/task") int tasks_more(struct bpf_iter__task *ctx) { struct task_struct *t = ctx->task; if (!t) return 0; OUT(ctx->meta->seq, "%d\n", t->tgid, t->pid); return 0; }
SEC("iter/task") int tasks_again(struct bpf_iter__task *ctx) { return 1; }
SEC("iter/task") int tasks_two(struct bpf_iter__task *ctx) { return 2; }
SEC("iter/task") int tasks_raw(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	struct { int pid, tgid; } r;
	if (!t) return 0;
	r.pid = t->pid; r.tgid = t->tgid;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
SEC("iter/task") int tasks_raw_hole(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	struct { int pid; __u64 start; } r;
	if (!t) return 0;
	r.pid = t->pid; r.start = t->start_time;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
SEC("iter/task") int tasks_mm(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	if (!t) return 0;
	struct mm_struct *mm = t->mm;
	if (!mm) return 0;
	OUT(ctx->meta->seq, "%d %lx\n", mm->map_count, mm->start_stack);
	return 0;
}
SEC("iter/task_file") int files(struct bpf_iter__task_file *ctx) {
	struct file *f = ctx->file;
	if (!ctx->task || !f) return 0;
	OUT(ctx->meta->seq, "%d %d %lx\n", ctx->task->tgid, ctx->fd, f->f_inode->i_ino);
	return 0;
}
SEC("iter/task_file") int files_half(struct bpf_iter__task_file *ctx) {
	if (!ctx->task) return 0;
	OUT(ctx->meta->seq, "%d %lx\n", ctx->fd, ctx->file->f_inode->i_ino);
	return 0;
}
SEC("iter/bpf_map") int maps_(struct bpf_iter__bpf_map *ctx) {
	struct bpf_map *m = ctx->map;
	if (!m) return 0;
	OUT(ctx->meta->seq, "%u %s %u\n", m->id, (__u64)m->name, m->max_entries);
	return 0;
}
SEC("iter/bpf_map_elem") int elems(struct bpf_iter__bpf_map_elem *ctx) {
	__u32 *k = ctx->key;
	struct val *v = ctx->value;
	if (!k || !v) return 0;
	OUT(ctx->meta->seq, "%u %llu\n", *k, v->hits);
	return 0;
}
SEC("iter/bpf_map_elem") int elems_unchecked(struct bpf_iter__bpf_map_elem *ctx) {
	__u32 *k = ctx->key;
	struct val *v = ctx->value;
	if (!k) return 0;
	OUT(ctx->meta->seq, "%u %llu\n", *k, v->hits);
	return 0;
}
SEC("iter/bpf_map_elem") int elems_reset(struct bpf_iter__bpf_map_elem *ctx) { struct val *v = ctx->value; if (v) v->hits = 0; return 0; }
SEC("iter/bpf_map_elem") int elems_key_write(struct bpf_iter__bpf_map_elem *ctx) { __u32 *k = ctx->key; if (k) *k = 0; return 0; }
SEC("iter/bpf_map_elem") int elems_delete(struct bpf_iter__bpf_map_elem *ctx) {
	__u32 *k = ctx->key;
	if (!k) return 0;
	return bpf_map_delete_elem(&table, k) && 0;
}
SEC("iter/bpf_map_elem") int elems_key_copy(struct bpf_iter__bpf_map_elem *ctx) {
	__u32 *k = ctx->key, copy;
	if (!k) return 0;
	copy = *k;
	bpf_map_delete_elem(&table, &copy);
	return 0;
}
SEC("iter/tcp") int tcps(struct bpf_iter__tcp *ctx) {
	struct sock_common *sk = ctx->sk_common;
	struct tcp_sock *tp;
	if (!sk) return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp) return 0;
	OUT(ctx->meta->seq, "%u %u\n", tp->snd_cwnd, tp->srtt_us >> 3);
	return 0;
}
SEC("iter/tcp") int tcps_unchecked(struct bpf_iter__tcp *ctx) {
	struct sock_common *sk = ctx->sk_common;
	if (!sk) return 0;
	OUT(ctx->meta->seq, "%u\n", bpf_skc_to_tcp_sock(sk)->snd_cwnd);
	return 0;
}
SEC("iter/bpf_sk_storage_map") int stores(struct bpf_iter__bpf_sk_storage_map *ctx) {
	__u64 *v = ctx->value;
	if (!ctx->sk || !v) return 0;
	*v = 0;
	return 0;
}
SEC("iter/bpf_sk_storage_map") int stores_far(struct bpf_iter__bpf_sk_storage_map *ctx) {
	__u64 *v = ctx->value;
	if (!ctx->sk || !v) return 0;
	return v[2] && 0;
}
SEC("iter/task_vma") int vmas(struct bpf_iter__task_vma *ctx) {
	struct vm_area_struct *v = ctx->vma;
	struct file *f;
	char path[128];
	if (!v || !ctx->task) return 0;
	f = v->vm_file;
	if (f) bpf_d_path(&f->f_path, path, sizeof(path)); else path[0] = 0;
	OUT(ctx->meta->seq, "%lx-%lx %s\n", v->vm_start, v->vm_end, (__u64)path);
	return 0;
}
SEC("iter/task_vma") int vmas_null_path(struct bpf_iter__task_vma *ctx) {
	struct vm_area_struct *v = ctx->vma;
	char path[128];
	if (!v) return 0;
	return bpf_d_path(&v->vm_file->f_path, path, sizeof(path)) > 200;
}
SEC("iter/task") int tasks_stack(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	static __u64 frames[64];
	long n;
	if (!t) return 0;
	n = bpf_get_task_stack(t, frames, sizeof(frames), 0);
	if (n <= 0) return 0;
	for (int i = 0; i < 64; i++) { if (i * 8 >= n) break; OUT(ctx->meta->seq, "%pB\n", frames[i]); }
	return 0;
}
SEC("iter/task") int tasks_wrong_write(struct bpf_iter__task *ctx) { struct task_struct *t = ctx->task; if (!t) return 0; ctx->task = 0; return 0; }
SEC("iter/task") int tasks_parent(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	if (!t) return 0;
	OUT(ctx->meta->seq, "%d\n", t->real_parent->tgid);
	return 0;
}
SEC("iter/unheard_of") int unheard(struct bpf_iter__task *ctx) { return 0; }
