// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Latency of file operations, by process and file. */
#include "net.h"
struct key { __u32 pid; __u64 ino; };
struct sum { __u64 n, ns, slots[16]; };
struct inode { unsigned long i_ino; } CORE;
struct file_of { struct inode *f_inode; };
struct file___i { struct inode *f_inode; } CORE;
MAP(begin, BPF_MAP_TYPE_LRU_HASH, __u64, __u64, 4096);
MAP(sums, BPF_MAP_TYPE_HASH, struct key, struct sum, 1024);
MAP(room, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct sum, 1);
ALWAYS int slot(__u64 v) { int n = 0; for (int i = 0; i < 15 && v > 1; i++) { v >>= 1; n++; } return n; }
SEC("kprobe/vfs_write") int enter(struct pt_regs *ctx) { __u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns(); bpf_map_update_elem(&begin, &id, &now, BPF_ANY); return 0; }
SEC("kretprobe/vfs_write") int leave(struct pt_regs *ctx) {
	__u64 id = bpf_get_current_pid_tgid(), *then = bpf_map_lookup_elem(&begin, &id);
	struct key key = { .pid = id >> 32 };
	if (!then) return 0;
	__u64 took = bpf_ktime_get_ns() - *then;
	struct sum *s = bpf_map_lookup_elem(&sums, &key);
	if (!s) { __u32 zero = 0; struct sum *fresh = bpf_map_lookup_elem(&room, &zero); if (!fresh) return 0; bpf_map_update_elem(&sums, &key, fresh, BPF_NOEXIST); s = bpf_map_lookup_elem(&sums, &key); if (!s) return 0; }
	__sync_fetch_and_add(&s->n, 1);
	__sync_fetch_and_add(&s->ns, took);
	s->slots[slot(took) & 15]++;
	bpf_map_delete_elem(&begin, &id);
	return 0;
}
SEC("kretprobe/vfs_write") int leave_retry(struct pt_regs *ctx) {
	struct key key = { .pid = bpf_get_current_pid_tgid() };
	struct sum *s = bpf_map_lookup_elem(&sums, &key);
	if (!s) { struct sum fresh = {}; bpf_map_update_elem(&sums, &key, &fresh, 0); s = bpf_map_lookup_elem(&sums, &key); }
	s->n++;
	return 0;
}
SEC("kretprobe/vfs_write") int leave_slot(struct pt_regs *ctx) {
	struct key key = { .pid = bpf_get_current_pid_tgid() };
	struct sum *s = bpf_map_lookup_elem(&sums, &key);
	if (s) s->slots[PT_REGS_RC(ctx)]++;
	return 0;
}
SEC("kretprobe/vfs_write") int leave_count(struct pt_regs *ctx) {
	struct key key = { .pid = bpf_get_current_pid_tgid() };
	struct sum *s = bpf_map_lookup_elem(&sums, &key);
	long n = PT_REGS_RC(ctx);
	if (s && n < 16) s->slots[n]++;
	return 0;
}
SEC("fentry/vfs_write") int BPF_PROG(typed, struct file___i *f) { struct key key = { .ino = f->f_inode->i_ino }; struct sum *s = bpf_map_lookup_elem(&sums, &key); if (s) s->n++; return 0; }
