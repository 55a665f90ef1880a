// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What programs of user space do: probes by offset, and arguments as USDT describes them. */
#include "net.h"
struct spec { __u32 reg_off; __s32 off; __u8 kind; };
MAP(specs, BPF_MAP_TYPE_ARRAY, __u32, struct spec, 16);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } out SEC(".maps");
SEC("uprobe//bin/sh:main") int enter(struct pt_regs *ctx) {
	char line[32] = {};
	long n = bpf_probe_read_user_str(line, sizeof(line), (void *)PT_REGS_PARM2(ctx));
	if (n > 0) bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, line, n & 31);
	return 0;
}
SEC("uprobe") int direct(struct pt_regs *ctx) { char *line = (void *)PT_REGS_PARM1(ctx); return line[0]; }
SEC("uprobe") int by_spec(struct pt_regs *ctx) {
	__u32 key = bpf_get_attach_cookie(ctx) & 15;
	__u64 value = 0;
	struct spec *s = bpf_map_lookup_elem(&specs, &key);
	if (!s) return 0;
	if (s->reg_off > 160) return 0;
	bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + s->reg_off);
	if (s->kind == 2) bpf_probe_read_user(&value, sizeof(value), (void *)value + s->off);
	return value > 9;
}
SEC("uprobe") int by_spec_direct(struct pt_regs *ctx) {
	__u32 key = 0;
	struct spec *s = bpf_map_lookup_elem(&specs, &key);
	if (!s || s->reg_off > 160) return 0;
	return *(volatile __u64 *)((void *)ctx + (s->reg_off & ~7));
}
SEC("uretprobe") int leave(struct pt_regs *ctx) { return PT_REGS_RC(ctx) == 0; }
SEC("uprobe") int unsized(struct pt_regs *ctx) {
	char line[32] = {};
	long n = PT_REGS_PARM3(ctx);
	bpf_probe_read_user(line, n, (void *)PT_REGS_PARM2(ctx));
	bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, line, sizeof(line));
	return 0;
}
SEC("uprobe.s") int sleeps(struct pt_regs *ctx) { char b[8]; return bpf_copy_from_user(b, 8, (void *)PT_REGS_PARM1(ctx)); }
