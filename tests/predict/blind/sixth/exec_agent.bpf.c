// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An agent that reports processes: exec, exit, arguments, ring buffer, scratch memory per CPU. */
#include "kit.h"
struct mm_struct { unsigned long arg_start, arg_end; } CORE;
struct nsproxy; struct signal_struct { int group_exit_code; } CORE;

struct task_struct___x { int exit_code; struct mm_struct *mm; unsigned long long start_time; struct signal_struct *signal; int exit_state; } CORE;
struct trace_event_raw_sched_process_exec { __u64 ent; __u32 __data_loc_filename; int pid; int old_pid; char __data[0]; };
struct syscall_enter { __u64 ent; long id; unsigned long args[6]; };
#define ARGS 1024
struct rec { __u32 pid, ppid, kind, length; char comm[16]; char text[256]; };
struct big { __u32 pid, length; char args[ARGS]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 18); } out SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct big, 1);
MAP(begun, BPF_MAP_TYPE_HASH, __u32, __u64, 10240);
const volatile __u32 target_pid = 0; const volatile bool with_args = true;
SEC("tp/sched/sched_process_exec") int on_exec(struct trace_event_raw_sched_process_exec *ctx) {
	struct task_struct *t = (void *)bpf_get_current_task(); __u32 pid = bpf_get_current_pid_tgid() >> 32; __u64 now = bpf_ktime_get_ns(); struct rec *r;
	if (target_pid && pid != target_pid) return 0;
	bpf_map_update_elem(&begun, &pid, &now, BPF_ANY);
	r = bpf_ringbuf_reserve(&out, sizeof(*r), 0);
	if (!r) return 0;
	r->pid = pid; r->ppid = BPF_CORE_READ(t, real_parent, tgid); r->kind = 1;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	r->length = bpf_probe_read_kernel_str(r->text, sizeof(r->text), (void *)ctx + (ctx->__data_loc_filename & 0xffff));
	bpf_ringbuf_submit(r, 0);
	return 0;
}
/* A record that is given up without being given back. */
SEC("tp/sched/sched_process_exec") int on_exec_lost(struct trace_event_raw_sched_process_exec *ctx) {
	__u32 pid = bpf_get_current_pid_tgid() >> 32; struct rec *r = bpf_ringbuf_reserve(&out, sizeof(*r), 0);
	if (!r) return 0;
	r->pid = pid;
	if (bpf_get_current_comm(r->comm, sizeof(r->comm))) return 0;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tp/sched/sched_process_exec") int on_exec_unchecked(struct trace_event_raw_sched_process_exec *ctx) {
	struct rec *r = bpf_ringbuf_reserve(&out, sizeof(*r), 0);
	r->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
NOINLINE int text_of(void *ctx, __u32 pid) { struct rec r = {}; r.pid = pid; bpf_get_current_comm(r.comm, sizeof(r.comm)); return bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &r, sizeof(r)); }
/* Two records of 288 bytes on the stacks of caller and called. */
SEC("tp/sched/sched_process_exec") int on_exec_stack(void *ctx) {
	struct rec r = {};
	r.kind = text_of(ctx, bpf_get_current_pid_tgid());
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &r, sizeof(r));
	return 0;
}
SEC("tp/sched/sched_process_exec") int on_exec_sub(void *ctx) { return text_of(ctx, bpf_get_current_pid_tgid() >> 32); }
SEC("tracepoint/syscalls/sys_enter_execve") int argv(struct syscall_enter *ctx) {
	__u32 z = 0; struct big *b = bpf_map_lookup_elem(&scratch, &z); const char **args = (void *)ctx->args[1]; const char *one; long n;
	if (!b) return 0;
	b->pid = bpf_get_current_pid_tgid() >> 32; b->length = 0;
	for (int i = 0; i < 20; i++) {
		if (bpf_probe_read_user(&one, sizeof(one), &args[i]) || !one) break;
		if (b->length > ARGS - 128) break;
		n = bpf_probe_read_user_str(&b->args[b->length], 128, one);
		if (n < 0) break;
		b->length += n;
	}
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, b, 8 + (b->length & (ARGS - 1)));
	return 0;
}
/* The length in the map is taken as it is. */
SEC("tracepoint/syscalls/sys_enter_execve") int argv_trusting(struct syscall_enter *ctx) {
	__u32 z = 0; struct big *b = bpf_map_lookup_elem(&scratch, &z); const char **args = (void *)ctx->args[1]; const char *one; long n;
	if (!b) return 0;
	for (int i = 0; i < 8; i++) {
		if (bpf_probe_read_user(&one, sizeof(one), &args[i]) || !one) break;
		n = bpf_probe_read_user_str(&b->args[b->length], 64, one);
		if (n < 0) break;
		b->length += n;
	}
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_execve") int argv_whole(struct syscall_enter *ctx) {
	__u32 z = 0; struct big *b = bpf_map_lookup_elem(&scratch, &z);
	if (!b) return 0;
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, b, 8 + b->length);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_execve") int argv_mm(struct syscall_enter *ctx) {
	struct task_struct___x *t = (void *)bpf_get_current_task(); __u32 z = 0; struct big *b = bpf_map_lookup_elem(&scratch, &z); unsigned long from, to, size;
	if (!b) return 0;
	from = BPF_CORE_READ(t, mm, arg_start); to = BPF_CORE_READ(t, mm, arg_end);
	size = to - from;
	if (size > ARGS) size = ARGS;
	bpf_probe_read_user(b->args, size, (void *)from);
	return 0;
}
/* Signed and unsigned: a negative size passes the comparison. */
SEC("tracepoint/syscalls/sys_enter_execve") int argv_signed(struct syscall_enter *ctx) {
	__u32 z = 0; struct big *b = bpf_map_lookup_elem(&scratch, &z); long size = ctx->args[2];
	if (!b || size > 256) return 0;
	bpf_probe_read_user(b->args, size, (void *)ctx->args[0]);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_execve") int argv_direct(struct syscall_enter *ctx) {
	const char *name = (void *)ctx->args[0];
	return name[0] == '/';
}
SEC("tp/sched/sched_process_exit") int on_exit(void *ctx) {
	__u64 id = bpf_get_current_pid_tgid(), *from; __u32 pid = id >> 32; struct task_struct___x *t = (void *)bpf_get_current_task(); struct rec *r;
	if (pid != (__u32)id) return 0;
	from = bpf_map_lookup_elem(&begun, &pid);
	if (!from) return 0;
	r = bpf_ringbuf_reserve(&out, sizeof(*r), 0);
	if (!r) goto clean;
	__builtin_memset(r, 0, sizeof(*r));
	r->pid = pid; r->length = (BPF_CORE_READ(t, exit_code) >> 8) & 255; r->kind = 2;
	bpf_ringbuf_submit(r, 0);
clean:
	bpf_map_delete_elem(&begun, &pid);
	return 0;
}
SEC("tp/sched/sched_process_exit") int on_exit_direct(void *ctx) { struct task_struct *t = (void *)bpf_get_current_task(); return t->tgid; }
SEC("tp/sched/sched_process_exit") int on_exit_late(void *ctx) {
	struct rec *r = bpf_ringbuf_reserve(&out, sizeof(*r), 0);
	if (!r) return 0;
	bpf_ringbuf_submit(r, 0);
	r->kind = 2;
	return 0;
}
SEC("tp/sched/sched_process_exit") int on_exit_age(void *ctx) { __u32 pid = bpf_get_current_pid_tgid() >> 32; __u64 *from = bpf_map_lookup_elem(&begun, &pid); __u64 age = bpf_ktime_get_ns() - *from; bpf_printk("%d lived %llu", pid, age); return 0; }
