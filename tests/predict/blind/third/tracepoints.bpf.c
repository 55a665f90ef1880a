// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events, by their formats. */
#include "net.h"
struct exec_args { __u64 head; int name; int pid, old; };
struct openat_args { __u64 head; long nr; long dfd; const char *name; long flags, mode; };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } out SEC(".maps");
SEC("tracepoint/sched/sched_process_exec") int exec(struct exec_args *ctx) {
	char name[32] = {};
	bpf_probe_read_kernel_str(name, sizeof(name), (void *)ctx + (ctx->name & 0xffff));
	bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, name, sizeof(name));
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int open(struct openat_args *ctx) {
	char name[64];
	bpf_probe_read_user_str(name, sizeof(name), ctx->name);
	return name[0] == '/';
}
SEC("tracepoint/syscalls/sys_enter_openat") int open_direct(struct openat_args *ctx) { return ctx->name[0] == '/'; }
SEC("tracepoint/sched/sched_process_exec") int exec_write(struct exec_args *ctx) { ctx->pid = 1; return 0; }
SEC("tracepoint/sched/sched_process_exec") int exec_beyond(struct exec_args *ctx) { return *(volatile int *)((void *)ctx + 2048); }
SEC("tracepoint/sched/sched_process_exec") int exec_variable(struct exec_args *ctx) { return *(volatile char *)((void *)ctx + (ctx->name & 0xff)); }
SEC("tracepoint/sched/no_such_event") int nobody(void *ctx) { return 0; }
SEC("tracepoint/sched/sched_process_exec") int exec_size(struct exec_args *ctx) {
	char name[32];
	bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, name, ctx->pid);
	return 0;
}
