// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions of the kernel, by their registers. */
#include "net.h"
MAP(starts, BPF_MAP_TYPE_HASH, __u32, __u64, 1024);
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 1016); __uint(max_entries, 64); } stacks SEC(".maps");
SEC("kprobe/vfs_read") int BPF_KPROBE(enter, struct file *f) {
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_ns();
	bpf_map_update_elem(&starts, &tid, &now, 0);
	return BPF_CORE_READ(f, f_flags) & 1;
}
SEC("kretprobe/vfs_read") int BPF_KRETPROBE(leave, long n) {
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 *then = bpf_map_lookup_elem(&starts, &tid);
	if (!then) return 0;
	__u64 took = bpf_ktime_get_ns() - *then;
	bpf_map_delete_elem(&starts, &tid);
	return took > n;
}
SEC("kprobe/vfs_read") int BPF_KPROBE(direct, struct file *f) { return f->f_flags; }
SEC("kprobe/vfs_read") int beyond(struct pt_regs *ctx) { return *(volatile __u64 *)((void *)ctx + 168); }
SEC("kprobe/vfs_read") int writes(struct pt_regs *ctx) { ctx->di = 0; return 0; }
SEC("kprobe/vfs_read") int part(struct pt_regs *ctx) { return *(volatile __u32 *)&ctx->si; }
SEC("kprobe/vfs_read") int odd(struct pt_regs *ctx) { return *(volatile __u32 *)((void *)&ctx->si + 2); }
SEC("kprobe/vfs_read") int stack(struct pt_regs *ctx) { return bpf_get_stackid(ctx, &stacks, BPF_F_FAST_STACK_CMP) > 3; }
SEC("kprobe/vfs_read") int stack_any(struct pt_regs *ctx) { return bpf_get_stackid(ctx, &starts, 0); }
SEC("kprobe/vfs_read") int override(struct pt_regs *ctx) { return bpf_override_return(ctx, -12); }
SEC("kprobe/vfs_read") int current(struct pt_regs *ctx) { struct task_struct *t = (void *)bpf_get_current_task(); return t->pid; }
SEC("kprobe/vfs_read") int current_btf(struct pt_regs *ctx) { struct task_struct *t = bpf_get_current_task_btf(); return t->real_parent->pid; }
