// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* An agent's event journal: records of variable length made in a per-CPU heap, sent by perf buffers and rings. */
#include "kit.h"
enum { MAX_ARGS = 8, ARG = 64, HEAP = 1024 };
struct head { __u64 ts; __u32 pid, ppid, uid, used; char comm[16]; };
struct record { struct head h; char body[HEAP]; };
struct tp_execve { __u64 common; long nr; const char *filename; const char *const *argv; const char *const *envp; };
MAP(heap, PERCPU_ARRAY, __u32, struct record, 1);
MAP(starts, HASH, __u32, struct head, 4096);
MAP(totals, ARRAY, __u32, __u64, 4);
RING(ring, 1 << 18);
PERF(perf);
const volatile __u32 only_uid = 0, max_args = 4;
const volatile char prefix[16] = "/usr/";
__u64 dropped;

INLINE void fill(struct head *h) {
	struct task_struct *t = (void *)bpf_get_current_task();
	h->ts = bpf_ktime_get_ns(); h->pid = bpf_get_current_pid_tgid() >> 32; h->uid = bpf_get_current_uid_gid();
	h->ppid = BPF_CORE_READ(t, real_parent, tgid); h->used = 0;
	bpf_get_current_comm(h->comm, sizeof(h->comm));
}
enum { E_OK, E_NOBOUND, E_SMALLBOUND, E_SIGNED, E_OUT_ALL, E_OUT_USED, E_OUT_USED_BARE, E_NULL, E_RING, E_RING_LEAK, E_RING_VAR, E_RING_OUT, E_RING_AFTER, E_RING_HALF, E_STACK, E_WRONG_READ, E_ARGV_DIRECT, E_EARLY_LEAK, E_FIXED_OVER, E_MINUS, E_ASM, E_SUBMIT_NULL, E_DISCARD, E_SUBMIT_INSIDE };
INLINE int exec(struct tp_execve *ctx, const int way) {
	__u32 z = 0, at = 0;
	struct record *r;
	const char *arg = 0;
	long n;
	if (only_uid && (__u32)bpf_get_current_uid_gid() != only_uid) return 0;
	if (way == E_STACK) { struct { struct head h; char body[400]; } s = {}; fill(&s.h); bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &s, sizeof(s)); return 0; }
	r = bpf_map_lookup_elem(&heap, &z);
	if (way != E_NULL && !r) return 0;
	fill(&r->h);
	if (way == E_ARGV_DIRECT) { r->body[0] = ctx->argv[0][0]; return 0; }
	for (int i = 0; i < MAX_ARGS; i++) {
		if (i >= max_args) break;
		if (bpf_probe_read_user(&arg, sizeof(arg), &ctx->argv[i]) || !arg) break;
		if (way == E_NOBOUND) ;
		else if (way == E_SMALLBOUND) { if (at > HEAP - ARG + 1) break; }
		else if (way == E_FIXED_OVER) { if (at >= HEAP) break; }
		else if (way == E_ASM) { asm volatile("if %0 > 960 goto +0" : "+r"(at)); if (at > HEAP - ARG) break; }
		else if (at > HEAP - ARG) break;
		n = bpf_probe_read_user_str(r->body + at, ARG, arg);
		if (way == E_SIGNED) { at += n; continue; }
		if (n < 0) break;
		at += way == E_MINUS ? n - 1 : n;
	}
	r->h.used = at;
	if (way == E_OUT_ALL) { bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, r, sizeof(*r)); return 0; }
	if (way == E_OUT_USED || way == E_OUT_USED_BARE) {
		__u64 size = sizeof(struct head) + at;
		if (way == E_OUT_USED && size > sizeof(*r)) return 0;
		bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, r, size);
		return 0;
	}
	if (way == E_RING_OUT) { bpf_ringbuf_output(&ring, r, sizeof(struct head) + (at & (HEAP - 1)), 0); return 0; }
	if (way == E_WRONG_READ) { bpf_ringbuf_output(&perf, r, sizeof(struct head), 0); return 0; }
	if (way >= E_RING) {
		struct head *h;
		if (way == E_RING_VAR) { h = bpf_ringbuf_reserve(&ring, sizeof(*h) + (at & 255), 0); }
		else h = bpf_ringbuf_reserve(&ring, way == E_RING_HALF ? 32 : sizeof(*h), 0);
		if (way == E_SUBMIT_NULL) { bpf_ringbuf_submit(h, 0); return 0; }
		if (!h) { __sync_fetch_and_add(&dropped, 1); return 0; }
		__builtin_memcpy(h, &r->h, sizeof(*h));
		if (way == E_RING_LEAK) return 0;
		if (way == E_EARLY_LEAK && h->uid == 0) return 0;
		if (way == E_DISCARD) { bpf_ringbuf_discard(h, BPF_RB_NO_WAKEUP); return 0; }
		if (way == E_SUBMIT_INSIDE) { bpf_ringbuf_submit(&h->pid, 0); return 0; }
		bpf_ringbuf_submit(h, 0);
		if (way == E_RING_AFTER) h->used = 1;
	}
	return 0;
}
WAY("tp/syscalls/sys_enter_execve", e_ok, struct tp_execve, exec, E_OK)
WAY("tp/syscalls/sys_enter_execve", e_nobound, struct tp_execve, exec, E_NOBOUND)
WAY("tp/syscalls/sys_enter_execve", e_smallbound, struct tp_execve, exec, E_SMALLBOUND)
WAY("tp/syscalls/sys_enter_execve", e_signed, struct tp_execve, exec, E_SIGNED)
WAY("tp/syscalls/sys_enter_execve", e_out_all, struct tp_execve, exec, E_OUT_ALL)
WAY("tp/syscalls/sys_enter_execve", e_out_used, struct tp_execve, exec, E_OUT_USED)
WAY("tp/syscalls/sys_enter_execve", e_out_used_bare, struct tp_execve, exec, E_OUT_USED_BARE)
WAY("tp/syscalls/sys_enter_execve", e_null, struct tp_execve, exec, E_NULL)
WAY("tp/syscalls/sys_enter_execve", e_ring, struct tp_execve, exec, E_RING)
WAY("tp/syscalls/sys_enter_execve", e_ring_leak, struct tp_execve, exec, E_RING_LEAK)
WAY("tp/syscalls/sys_enter_execve", e_ring_var, struct tp_execve, exec, E_RING_VAR)
WAY("tp/syscalls/sys_enter_execve", e_ring_out, struct tp_execve, exec, E_RING_OUT)
WAY("tp/syscalls/sys_enter_execve", e_ring_after, struct tp_execve, exec, E_RING_AFTER)
WAY("tp/syscalls/sys_enter_execve", e_ring_half, struct tp_execve, exec, E_RING_HALF)
WAY("tp/syscalls/sys_enter_execve", e_stack, struct tp_execve, exec, E_STACK)
WAY("tp/syscalls/sys_enter_execve", e_wrong_read, struct tp_execve, exec, E_WRONG_READ)
WAY("tp/syscalls/sys_enter_execve", e_argv_direct, struct tp_execve, exec, E_ARGV_DIRECT)
WAY("tp/syscalls/sys_enter_execve", e_early_leak, struct tp_execve, exec, E_EARLY_LEAK)
WAY("tp/syscalls/sys_enter_execve", e_fixed_over, struct tp_execve, exec, E_FIXED_OVER)
WAY("tp/syscalls/sys_enter_execve", e_minus, struct tp_execve, exec, E_MINUS)
WAY("tp/syscalls/sys_enter_execve", e_submit_null, struct tp_execve, exec, E_SUBMIT_NULL)
WAY("tp/syscalls/sys_enter_execve", e_discard, struct tp_execve, exec, E_DISCARD)
WAY("tp/syscalls/sys_enter_execve", e_submit_inside, struct tp_execve, exec, E_SUBMIT_INSIDE)

/* Opened files: entry and exit meet in a map. */
enum { O_OK, O_NO_CHECK, O_AFTER_DELETE, O_BIG_FIELD, O_CTX_PAST, O_CTX_WRITE, O_PREFIX, O_PREFIX_OVER, O_RODATA, O_RET_PTR, O_KEY_WIDE, O_VALUE_SHORT, O_FLAG_REG };
INLINE int opened(struct tp_openat *ctx, const int way) {
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct head h = {}, *was;
	char name[64];
	long n;
	fill(&h);
	n = bpf_probe_read_user_str(name, sizeof(name), ctx->filename);
	if (n <= 0) return 0;
	if (way == O_PREFIX) { for (int i = 0; i < 5; i++) if (name[i] != prefix[i]) return 0; }
	if (way == O_PREFIX_OVER) { for (int i = 0; i < 24; i++) { barrier_var(i); if (name[i] != prefix[i]) return 0; } }
	if (way == O_RODATA) { *(volatile char *)&prefix[0] = 'x'; }
	if (way == O_CTX_PAST) { h.used = *(__u64 *)((void *)ctx + 16 + 6 * 8); }
	if (way == O_CTX_WRITE) ctx->mode = 0;
	was = bpf_map_lookup_elem(&starts, &pid);
	if (way == O_NO_CHECK) { was->used++; return 0; }
	if (!was) {
		if (way == O_VALUE_SHORT) { bpf_map_update_elem(&starts, &pid, &h.comm, BPF_ANY); return 0; }
		if (way == O_KEY_WIDE) { __u8 k[2] = { 1, 2 }; bpf_map_update_elem(&starts, k + 1, &h, BPF_ANY); return 0; }
		bpf_map_update_elem(&starts, &pid, &h, way == O_FLAG_REG ? ctx->flags : BPF_ANY);
		return 0;
	}
	if (way == O_AFTER_DELETE) { bpf_map_delete_elem(&starts, &pid); was->used = 3; return 0; }
	if (way == O_BIG_FIELD) { ((struct record *)was)->body[0] = 1; return 0; }
	if (way == O_RET_PTR) return (long)was;
	if (h.ts - was->ts > 1000000) __sync_fetch_and_add(&dropped, h.ts - was->ts);
	return 0;
}
WAY("tp/syscalls/sys_enter_openat", o_ok, struct tp_openat, opened, O_OK)
WAY("tp/syscalls/sys_enter_openat", o_no_check, struct tp_openat, opened, O_NO_CHECK)
WAY("tp/syscalls/sys_enter_openat", o_after_delete, struct tp_openat, opened, O_AFTER_DELETE)
WAY("tp/syscalls/sys_enter_openat", o_big_field, struct tp_openat, opened, O_BIG_FIELD)
WAY("tp/syscalls/sys_enter_openat", o_ctx_past, struct tp_openat, opened, O_CTX_PAST)
WAY("tp/syscalls/sys_enter_openat", o_ctx_write, struct tp_openat, opened, O_CTX_WRITE)
WAY("tp/syscalls/sys_enter_openat", o_prefix, struct tp_openat, opened, O_PREFIX)
WAY("tp/syscalls/sys_enter_openat", o_prefix_over, struct tp_openat, opened, O_PREFIX_OVER)
WAY("tp/syscalls/sys_enter_openat", o_rodata, struct tp_openat, opened, O_RODATA)
WAY("tp/syscalls/sys_enter_openat", o_ret_ptr, struct tp_openat, opened, O_RET_PTR)
WAY("tp/syscalls/sys_enter_openat", o_key_wide, struct tp_openat, opened, O_KEY_WIDE)
WAY("tp/syscalls/sys_enter_openat", o_value_short, struct tp_openat, opened, O_VALUE_SHORT)
WAY("tp/syscalls/sys_enter_openat", o_flag_reg, struct tp_openat, opened, O_FLAG_REG)
