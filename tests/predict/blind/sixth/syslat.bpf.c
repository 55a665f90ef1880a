// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Latencies: histograms of block requests, of the run queue and of calls, with twins by kprobe and fentry. */
#include "kit.h"
struct request___n { void *q; unsigned cmd_flags, __data_len; } CORE;
struct gendisk { int major, first_minor; } CORE;
struct request { struct gendisk *rq_disk; unsigned cmd_flags, __data_len; void *q; } CORE;
struct request_queue___n { struct gendisk *disk; } CORE;
struct task_struct___new { unsigned __state; } CORE;
struct task_struct___old { long state; } CORE;
struct inode { unsigned long i_ino; unsigned short i_mode; } CORE;
struct file___i { struct inode *f_inode; unsigned f_mode; } CORE;
struct hist { __u32 slots[26]; };
struct hkey { __u32 dev; __u32 op; };
MAP(hists, BPF_MAP_TYPE_HASH, struct hkey, struct hist, 256);
MAP(pchist, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct hist, 1);
MAP(since, BPF_MAP_TYPE_HASH, __u64, __u64, 10240);
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 127 * 8); __uint(max_entries, 1024); } stacks SEC(".maps");
static struct hist zero;
struct hist total;
const volatile bool in_ms = false; const volatile __u32 by_disk = 1;
INLINE __u64 log2l(__u64 v) { __u64 r = 0, s; __u32 hi = v >> 32, x = v; if (hi) { x = hi; r = 32; } s = (x > 0xffff) << 4; x >>= s; r |= s; s = (x > 0xff) << 3; x >>= s; r |= s; s = (x > 0xf) << 2; x >>= s; r |= s; s = (x > 3) << 1; x >>= s; r |= s; return r | (x >> 1); }
INLINE __u64 delta(__u64 key) { __u64 *at = bpf_map_lookup_elem(&since, &key), d; if (!at) return 0; d = bpf_ktime_get_ns() - *at; bpf_map_delete_elem(&since, &key); return in_ms ? d / 1000000 : d / 1000; }
INLINE void put(struct hist *h, __u64 d) { __u64 slot = log2l(d); if (slot >= 26) slot = 25; __sync_fetch_and_add(&h->slots[slot], 1); }
INLINE int begin(__u64 key) { __u64 now = bpf_ktime_get_ns(); return bpf_map_update_elem(&since, &key, &now, 0); }
SEC("raw_tp/block_rq_issue") int BPF_PROG(issue, struct request *rq) { begin((__u64)rq); return 0; }
SEC("tp_btf/block_rq_issue") int BPF_PROG(issue_btf, struct request *rq) { begin((__u64)rq); return 0; }
SEC("tp_btf/block_rq_complete") int BPF_PROG(complete_btf, struct request *rq, int error, unsigned bytes) {
	struct hkey k = {}; __u64 d = delta((__u64)rq); struct hist *h;
	if (!d) return 0;
	k.op = rq->cmd_flags & 255;
	if (bpf_core_field_exists(rq->rq_disk)) k.dev = BPF_CORE_READ(rq, rq_disk, first_minor);
	h = bpf_map_lookup_elem(&hists, &k);
	if (!h) { bpf_map_update_elem(&hists, &k, &zero, BPF_NOEXIST); h = bpf_map_lookup_elem(&hists, &k); if (!h) return 0; }
	put(h, d);
	return 0;
}
/* rq_disk went away; nothing guards it. */
SEC("tp_btf/block_rq_complete") int BPF_PROG(complete_unguarded, struct request *rq, int error, unsigned bytes) { struct hkey k = { .dev = BPF_CORE_READ(rq, rq_disk, first_minor) }; struct hist *h = bpf_map_lookup_elem(&hists, &k); if (h) put(h, delta((__u64)rq)); return 0; }
SEC("tp_btf/block_rq_complete") int BPF_PROG(complete_loose, struct request *rq, int error, unsigned bytes) { __u32 z = 0; struct hist *h = bpf_map_lookup_elem(&pchist, &z); __u64 slot = log2l(bytes); if (h) h->slots[slot]++; return 0; }
SEC("tp_btf/block_rq_complete") int BPF_PROG(complete_fits, struct request *rq, int error, unsigned bytes) { __u32 z = 0; struct hist *h = bpf_map_lookup_elem(&pchist, &z); if (h) h->slots[log2l(bytes) & 15]++; return 0; }
SEC("tp_btf/block_rq_complete") int BPF_PROG(complete_global, struct request *rq, int error, unsigned bytes) { put(&total, delta((__u64)rq)); return 0; }
SEC("tp_btf/block_rq_complete") int BPF_PROG(complete_write, struct request *rq, int error) { rq->cmd_flags = 0; return 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(switched, bool preempt, struct task_struct *prev, struct task_struct *next) {
	struct task_struct___new *n = (void *)prev; __u32 z = 0; struct hist *h; __u64 d; long state;
	if (bpf_core_field_exists(n->__state)) state = n->__state; else state = ((struct task_struct___old *)prev)->state;
	if (state == 0) begin(prev->pid);
	d = delta(next->pid);
	h = bpf_map_lookup_elem(&pchist, &z);
	if (h && d) put(h, d);
	return 0;
}
SEC("tp_btf/sched_switch") int BPF_PROG(switched_state, bool preempt, struct task_struct *prev, struct task_struct *next) { if (((struct task_struct___new *)prev)->__state == 0) begin(prev->pid); return 0; }
SEC("raw_tp/sched_switch") int BPF_PROG(switched_raw, bool preempt, struct task_struct *prev, struct task_struct *next) { return begin(next->pid); }
SEC("raw_tp/sched_switch") int BPF_PROG(switched_read, bool preempt, struct task_struct *prev, struct task_struct *next) { return begin(BPF_CORE_READ(next, pid)); }
SEC("tp_btf/sched_wakeup") int BPF_PROG(woken, struct task_struct *t) { begin(t->pid); return 0; }
SEC("tp_btf/sched_wakeup") int BPF_PROG(woken_stack, struct task_struct *t) { int id = bpf_get_stackid(ctx, &stacks, 0); if (id < 0) return 0; begin(id); return 0; }
SEC("tp_btf/sched_wakeup") int BPF_PROG(woken_user, struct task_struct *t) { bpf_map_delete_elem(&since, t); return 0; }
SEC("tp_btf/sched_wakeup") int BPF_PROG(woken_args, struct task_struct *t, int a, int b, int c, int d) { return d; }
SEC("tp_btf/sched_wakeup") int BPF_PROG(woken_deep, struct task_struct *t) { begin(t->real_parent->real_parent->pid); return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_read, struct file *f) { return begin(bpf_get_current_pid_tgid()); }
SEC("kretprobe/vfs_read") int BPF_KRETPROBE(k_read_exit, long ret) { __u32 z = 0; struct hist *h; if (ret < 0) return 0; h = bpf_map_lookup_elem(&pchist, &z); if (h) put(h, delta(bpf_get_current_pid_tgid())); return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_read_ino, struct file___i *f) { return BPF_CORE_READ(f, f_inode, i_ino) & 1; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_read_direct, struct file___i *f) { return f->f_inode->i_ino & 1; }
SEC("fentry/vfs_read") int BPF_PROG(f_read, struct file___i *f) { begin(bpf_get_current_pid_tgid() + f->f_inode->i_ino); return 0; }
SEC("fexit/vfs_read") int BPF_PROG(f_read_exit, struct file *f, char *buf, unsigned long n, long *pos, long ret) { __u32 z = 0; struct hist *h = bpf_map_lookup_elem(&pchist, &z); if (h && ret > 0) put(h, delta(bpf_get_current_pid_tgid())); return 0; }
SEC("fexit/vfs_read") int BPF_PROG(f_read_past, struct file *f, char *buf, unsigned long n, long *pos, long ret, long more) { return more; }
SEC("fentry/vfs_read") int BPF_PROG(f_read_ret, struct file *f, char *buf, unsigned long n, long *pos, long ret) { return ret > 0; }
SEC("fentry/vfs_read") int BPF_PROG(f_read_user, struct file *f, char *buf) { return buf[0] == 'x'; }
SEC("fentry/vfs_reed") int BPF_PROG(f_missing, struct file *f) { return 0; }
SEC("fentry/vfs_read") int BPF_PROG(f_read_override, struct file *f) { bpf_override_return((void *)ctx, -1); return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_override, struct file *f) { bpf_override_return(ctx, -1); return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_stack_buf) { __u64 ips[16]; long n = bpf_get_stack(ctx, ips, sizeof(ips), 0); return n > 8 ? ips[1] & 1 : 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_stack_tail) { __u64 ips[16] = {}; long n = bpf_get_stack(ctx, ips, sizeof(ips), 0); if (n < 8 || n > 128) return 0; return ((char *)ips)[n - 1]; }
SEC("kprobe/vfs_read") int BPF_KPROBE(k_stack_over) { __u64 ips[16] = {}; long n = bpf_get_stack(ctx, ips, sizeof(ips), 0); if (n < 8) return 0; return ((char *)ips)[n]; }
