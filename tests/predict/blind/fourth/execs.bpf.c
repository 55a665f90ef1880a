// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that start, with their arguments. */
#include "net.h"
#define ARGS 8
struct record { __u32 pid, len; char text[256]; };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } out SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 262144); } ring SEC(".maps");
MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct record, 1);
struct enter { __u64 head; long nr; const char *name; const char *const *argv; };
SEC("tp/syscalls/sys_enter_execve") int name(struct enter *ctx) {
	__u32 zero = 0;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r) return 0;
	r->pid = bpf_get_current_pid_tgid() >> 32;
	long n = bpf_probe_read_user_str(r->text, sizeof(r->text), ctx->name);
	if (n < 0 || n > sizeof(r->text)) return 0;
	r->len = n;
	bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, r, 8 + (n & 255));
	return 0;
}
SEC("tp/syscalls/sys_enter_execve") int name_size(struct enter *ctx) {
	__u32 zero = 0;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r) return 0;
	bpf_probe_read_user_str(r->text, sizeof(*r), ctx->name);
	return 0;
}
SEC("tp/syscalls/sys_enter_execve") int name_ring(struct enter *ctx) {
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) return 0;
	if (bpf_probe_read_user_str(r->text, sizeof(r->text), ctx->name) < 0) { bpf_ringbuf_discard(r, 0); return 0; }
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_execve") int name_ring_early(struct enter *ctx) {
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) return 0;
	if (bpf_probe_read_user_str(r->text, sizeof(r->text), ctx->name) < 0) return 0;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tp/syscalls/sys_enter_execve") int argv(struct enter *ctx) {
	__u32 zero = 0;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r) return 0;
	for (int i = 0; i < ARGS; i++) {
		const char *a = 0;
		bpf_probe_read_user(&a, sizeof(a), &ctx->argv[i]);
		if (!a) break;
		bpf_probe_read_user_str(r->text + (i & 7) * 32, 32, a);
	}
	return 0;
}
SEC("tp/syscalls/sys_enter_execve") int argv_direct(struct enter *ctx) { return ctx->argv[0] != 0; }
SEC("tp/syscalls/sys_enter_execve") int ring_variable(struct enter *ctx) { __u32 n = bpf_get_current_pid_tgid(); char *r = bpf_ringbuf_reserve(&ring, n & 63, 0); if (r) bpf_ringbuf_submit(r, 0); return 0; }
