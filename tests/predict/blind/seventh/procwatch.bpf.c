// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Processes: exec, exit, fork, arguments, ancestors, names; strings of any length. */
#include "kit.h"
#define ARGS 20
#define ARGLEN 128
struct exec { __u32 pid, ppid, uid; int argc, used; char comm[16]; char args[ARGS * ARGLEN]; };
struct small { __u32 pid; int len; char path[200]; };
MAP(heap, PERCPU_ARRAY, __u32, struct exec, 1);
MAP(shared_heap, ARRAY, __u32, struct exec, 1);
MAP(paths, PERCPU_ARRAY, __u32, struct small, 1);
MAP(starts, HASH, __u32, __u64, 10240);
MAP(calls, HASH, __u32, struct small, 1024);
PERF(events);
RING(ring, 1 << 18);
const volatile int wanted_uid = -1;
const volatile int max_args = ARGS;

SEC("tracepoint/syscalls/sys_enter_openat") int opens(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	s->pid = bpf_get_current_pid_tgid() >> 32;
	s->len = bpf_probe_read_user_str(s->path, sizeof(s->path), ctx->filename);
	if (s->len < 0) return 0;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, s, sizeof(*s));
	return 0;
}
/* As long as the string is, kept in a register. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_tight(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	long n = bpf_probe_read_user_str(s->path, sizeof(s->path), ctx->filename);
	if (n < 0 || n > (long)sizeof(s->path)) return 0;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, s, 8 + n);
	return 0;
}
/* Read back from memory that others may write. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_reread(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	s->len = bpf_probe_read_user_str(s->path, sizeof(s->path), ctx->filename);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, s, 8 + *(volatile int *)&s->len);
	return 0;
}
/* Only its upper end is looked at. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_signed(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	int n = bpf_probe_read_user_str(s->path, sizeof(s->path), ctx->filename);
	if (n > 200) return 0;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, s->path, n);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_masked(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	__u64 n = bpf_probe_read_user_str(s->path, sizeof(s->path), ctx->filename);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, s, (n & 127) + 8);
	return 0;
}
/* The mask lets more through than there is. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_masked_wide(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	__u64 n = bpf_probe_read_user_str(s->path, sizeof(s->path), ctx->filename);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, s, (n & 255) + 8);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_stack(struct tp_openat *ctx) {
	char path[256];
	long n = bpf_probe_read_user_str(path, sizeof(path), ctx->filename);
	if (n <= 0) return 0;
	if (n > 256) n = 256;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, path, n);
	return 0;
}
/* The last one's terminator goes behind the end. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_terminated(struct tp_openat *ctx) {
	__u32 zero = 0;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	long n = bpf_probe_read_user(s->path, sizeof(s->path), ctx->filename);
	__u32 at = ctx->flags & 255;
	if (at > sizeof(s->path)) return 0;
	s->path[at] = 0;
	return n;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_terminated_right(struct tp_openat *ctx) {
	__u32 zero = 0, at = ctx->flags;
	struct small *s = bpf_map_lookup_elem(&paths, &zero);
	if (!s) return 0;
	if (at >= sizeof(s->path)) return 0;
	s->path[at] = 0;
	return 0;
}
/* The pointer of user space is read directly. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_direct(struct tp_openat *ctx) { return ctx->filename[0] == '/'; }
/* Behind the record of the tracepoint. */
SEC("tracepoint/syscalls/sys_enter_openat") int opens_behind(struct tp_openat *ctx) { return *(long *)((void *)ctx + 2040) + *(long *)((void *)ctx + 2048); }

SEC("kprobe/do_execveat_common") int BPF_KPROBE(execs, int fd, void *name, const char *const *argv) {
	__u32 zero = 0;
	struct exec *e = bpf_map_lookup_elem(&heap, &zero);
	if (!e) return 0;
	e->used = 0; e->argc = 0;
	#pragma unroll
	for (int i = 0; i < 8; i++) {
		const char *one = 0;
		bpf_probe_read_user(&one, sizeof(one), &argv[i]);
		if (!one) break;
		unsigned used = e->used;
		if (used > (ARGS - 1) * ARGLEN) break;
		long n = bpf_probe_read_user_str(&e->args[used], ARGLEN, one);
		if (n <= 0) break;
		e->used = used + n; e->argc++;
	}
	unsigned size = e->used;
	if (size > sizeof(e->args)) return 0;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, e, 36 + size);
	return 0;
}
/* How much was used is not looked at. */
SEC("kprobe/do_execveat_common") int BPF_KPROBE(execs_open, int fd, void *name, const char *const *argv) {
	__u32 zero = 0;
	struct exec *e = bpf_map_lookup_elem(&heap, &zero);
	if (!e) return 0;
	e->used = 0;
	#pragma unroll
	for (int i = 0; i < 4; i++) {
		const char *one = 0;
		bpf_probe_read_user(&one, sizeof(one), &argv[i]);
		if (!one) break;
		long n = bpf_probe_read_user_str(&e->args[e->used], ARGLEN, one);
		if (n <= 0) break;
		e->used += n;
	}
	return 0;
}
SEC("kprobe/do_execveat_common") int BPF_KPROBE(execs_loop, int fd, void *name, const char *const *argv) {
	__u32 zero = 0;
	struct exec *e = bpf_map_lookup_elem(&heap, &zero);
	unsigned used = 0;
	if (!e) return 0;
	for (int i = 1; i < ARGS && i < max_args; i++) {
		const char *one = 0;
		bpf_probe_read_user(&one, sizeof(one), &argv[i]);
		if (!one) break;
		if (used > sizeof(e->args) - ARGLEN) break;
		unsigned n = bpf_probe_read_user_str(&e->args[used], ARGLEN, one);
		if (n > ARGLEN) break;
		used += n;
	}
	e->used = used;
	return 0;
}
/* The bound is on the count, the index is the bytes. */
SEC("kprobe/do_execveat_common") int BPF_KPROBE(execs_wrong_bound, int fd, void *name, const char *const *argv) {
	__u32 zero = 0;
	struct exec *e = bpf_map_lookup_elem(&heap, &zero);
	unsigned used = 0;
	if (!e) return 0;
	for (int i = 1; i < ARGS; i++) {
		const char *one = 0;
		bpf_probe_read_user(&one, sizeof(one), &argv[i]);
		if (!one) break;
		unsigned n = bpf_probe_read_user_str(&e->args[used], ARGLEN, one);
		if (n > ARGLEN + 64) break;
		used += n;
	}
	e->used = used;
	return 0;
}
SEC("tp/sched/sched_process_exec") int exec_ring(void *ctx) {
	struct task_struct *t = (void *)bpf_get_current_task();
	struct small *s;
	if (wanted_uid != -1 && (__u32)bpf_get_current_uid_gid() != (__u32)wanted_uid) return 0;
	s = bpf_ringbuf_reserve(&ring, sizeof(*s), 0);
	if (!s) return 0;
	s->pid = BPF_CORE_READ(t, tgid);
	s->len = BPF_CORE_READ(t, real_parent, tgid);
	bpf_get_current_comm(s->path, sizeof(s->path));
	bpf_ringbuf_submit(s, 0);
	return 0;
}
/* The early way out keeps the record. */
SEC("tp/sched/sched_process_exec") int exec_ring_kept(void *ctx) {
	struct small *s = bpf_ringbuf_reserve(&ring, sizeof(*s), 0);
	if (!s) return 0;
	s->pid = bpf_get_current_pid_tgid() >> 32;
	if (wanted_uid != -1 && (__u32)bpf_get_current_uid_gid() != (__u32)wanted_uid) return 0;
	bpf_ringbuf_submit(s, 0);
	return 0;
}
/* The record's size is decided while running. */
SEC("tp/sched/sched_process_exec") int exec_ring_sized(void *ctx) {
	__u64 n = bpf_get_prandom_u32() & 127;
	char *s = bpf_ringbuf_reserve(&ring, n + 8, 0);
	if (!s) return 0;
	s[0] = 1;
	bpf_ringbuf_submit(s, 0);
	return 0;
}
SEC("tp/sched/sched_process_exec") int exec_ring_output(void *ctx) {
	struct small s = { .pid = 1 };
	int n = bpf_get_current_comm(s.path, 16);
	return n ? 0 : bpf_ringbuf_output(&ring, &s, 24, 0);
}
/* Behind the record. */
SEC("tp/sched/sched_process_exec") int exec_ring_behind(void *ctx) {
	__u64 *s = bpf_ringbuf_reserve(&ring, 24, 0);
	if (!s) return 0;
	s[3] = 1;
	bpf_ringbuf_submit(s, 0);
	return 0;
}
SEC("tp/sched/sched_process_exit") int exits(void *ctx) {
	__u32 pid = bpf_get_current_pid_tgid();
	__u64 *at = bpf_map_lookup_elem(&starts, &pid), took;
	if (!at) return 0;
	took = bpf_ktime_get_ns() - *at;
	bpf_map_delete_elem(&starts, &pid);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &took, sizeof(took));
	return 0;
}
SEC("tp/sched/sched_process_fork") int forks(struct tp_fork *ctx) {
	__u32 child = ctx->child_pid;
	__u64 now = bpf_ktime_get_ns();
	bpf_map_update_elem(&starts, &child, &now, BPF_ANY);
	return 0;
}
SEC("tp/sched/sched_switch") int switches(struct tp_switch *ctx) {
	struct small s = {};
	s.pid = ctx->next_pid;
	bpf_probe_read_kernel(s.path, 16, ctx->next_comm);
	return bpf_map_update_elem(&calls, &s.pid, &s, BPF_ANY);
}
/* The value was put together with holes. */
SEC("tp/sched/sched_switch") int switches_holes(struct tp_switch *ctx) {
	struct small s;
	s.pid = ctx->next_pid; s.len = 0;
	bpf_probe_read_kernel(s.path, 16, ctx->next_comm);
	return bpf_map_update_elem(&calls, &s.pid, &s, BPF_ANY);
}
SEC("raw_tp/sched_process_exec") int BPF_PROG(exec_raw, struct task_struct *t, int old, struct linux_binprm *b) {
	struct small s = {};
	const char *name = BPF_CORE_READ(b, filename);
	s.pid = BPF_CORE_READ(t, tgid);
	s.len = bpf_probe_read_kernel_str(s.path, sizeof(s.path), name);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &s, sizeof(s));
	return 0;
}
/* Raw tracepoints know no types. */
SEC("raw_tp/sched_process_exec") int BPF_PROG(exec_raw_direct, struct task_struct *t, int old, struct linux_binprm *b) { return t->pid; }
SEC("tp_btf/sched_process_exec") int BPF_PROG(exec_btf, struct task_struct *t, int old, struct linux_binprm *b) {
	if (t->tgid == t->real_parent->tgid) return 0;
	return b->argc > 3 ? t->mm->map_count : 0;
}
SEC("tp_btf/sched_process_exec") int BPF_PROG(exec_btf_writes, struct task_struct *t, int old, struct linux_binprm *b) { t->prio = 0; return 0; }
SEC("tp_btf/sched_process_exec") int BPF_PROG(exec_btf_name, struct task_struct *t, int old, struct linux_binprm *b) { return b->filename[0] == '/'; }
SEC("tp_btf/sched_process_exec") int BPF_PROG(exec_btf_fourth, struct task_struct *t, int old, struct linux_binprm *b, void *more) { return more != 0; }
SUB int depth_of(struct task_struct *t) {
	int n = 0;
	for (int i = 0; i < 16; i++) {
		if (!t || BPF_CORE_READ(t, pid) == 1) break;
		t = BPF_CORE_READ(t, real_parent); n++;
	}
	return n;
}
SEC("kprobe/wake_up_new_task") int BPF_KPROBE(ancestors, struct task_struct *t) { return depth_of(t) > 8; }
SEC("kretprobe/wake_up_new_task") int BPF_KRETPROBE(returned, long ret) { return ret < 0; }
/* Registers lie behind the context's end. */
SEC("kprobe/wake_up_new_task") int regs_behind(struct pt_regs *ctx) { return *(long *)((void *)ctx + 168); }
SEC("kprobe/wake_up_new_task") int regs_write(struct pt_regs *ctx) { *(long *)((void *)ctx + 80) = 1; return 0; }
SEC("perf_event") int sample(struct bpf_perf_event_data *ctx) {
	struct bpf_perf_event_value v = {};
	bpf_perf_prog_read_value(ctx, &v, sizeof(v));
	__u64 n = ctx->sample_period + ctx->addr;
	return n > v.counter;
}
SEC("perf_event") int sample_short(struct bpf_perf_event_data *ctx) {
	__u64 v[2] = {};
	return bpf_perf_prog_read_value(ctx, (void *)v, sizeof(struct bpf_perf_event_value));
}
