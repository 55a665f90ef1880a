// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Many functions with one program. */
#include "net.h"
MAP(times, BPF_MAP_TYPE_HASH, __u64, __u64, 4096);
extern _Bool bpf_session_is_return(void) __ksym __attribute__((weak));
SEC("kprobe.multi/vfs_r*") int enter(struct pt_regs *ctx) {
	__u64 ip = bpf_get_func_ip(ctx), now = bpf_ktime_get_ns();
	bpf_map_update_elem(&times, &ip, &now, 0);
	return 0;
}
SEC("kretprobe.multi/vfs_r*") int leave(struct pt_regs *ctx) {
	__u64 ip = bpf_get_func_ip(ctx), *then = bpf_map_lookup_elem(&times, &ip);
	return *then > 4;
}
SEC("kprobe.multi/vfs_r*") int argument(struct pt_regs *ctx) { __u64 n = 0; bpf_get_func_arg(ctx, 0, &n); return n; }
SEC("kprobe.multi/vfs_r*") int cookie(struct pt_regs *ctx) { return bpf_get_attach_cookie(ctx) == 7; }
SEC("kprobe.multi/vfs_r*") int direct(struct pt_regs *ctx) { struct file *f = (void *)PT_REGS_PARM1(ctx); return f->f_flags; }
SEC("kprobe.multi/no_such_function_*") int nobody(struct pt_regs *ctx) { return 0; }
