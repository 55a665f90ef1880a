// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists for people. */
#include "net.h"
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; __u64 session_id, seq_num; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
struct bpf_iter__task_file { struct bpf_iter_meta *meta; struct task_struct *task; __u32 fd; struct file *file; } CORE;
struct bpf_map { __u32 id; } CORE;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; void *key; void *value; } CORE;
MAP(pids, BPF_MAP_TYPE_HASH, __u32, __u64, 64);
SEC("iter/task") int tasks(struct bpf_iter__task *ctx) {
	struct task_struct *t = ctx->task;
	if (!t) return 0;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s\n", t->pid, t->comm);
	return 0;
}
SEC("iter/task") int tasks_unchecked(struct bpf_iter__task *ctx) {
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", ctx->task->pid);
	return 0;
}
SEC("iter/task") int tasks_many(struct bpf_iter__task *ctx) {
	if (ctx->task) BPF_SEQ_PRINTF(ctx->meta->seq, "%d %d\n", ctx->task->pid);
	return 0;
}
SEC("iter/task") int tasks_count(struct bpf_iter__task *ctx) { return ctx->task ? ctx->task->pid : 0; }
SEC("iter/task_file") int files(struct bpf_iter__task_file *ctx) {
	struct file *f = ctx->file;
	if (!f || !ctx->task) return 0;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d %u %x\n", ctx->task->pid, ctx->fd, f->f_flags);
	return 0;
}
SEC("iter/bpf_map_elem") int elements(struct bpf_iter__bpf_map_elem *ctx) {
	__u32 *key = ctx->key;
	if (!key) return 0;
	bpf_seq_write(ctx->meta->seq, key, 4);
	return 0;
}
SEC("iter/bpf_map_elem") int elements_unchecked(struct bpf_iter__bpf_map_elem *ctx) {
	__u64 *value = ctx->value;
	*value = 0;
	return 0;
}
