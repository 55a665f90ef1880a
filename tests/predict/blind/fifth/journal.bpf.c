// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records of what programs do, through a ring buffer. */
#include "net.h"
struct record { __u64 at; __u32 pid; __u32 kind; char comm[16]; char path[64]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct record, 1);
struct enter { __u64 common; __u64 nr; __u64 args[6]; };
ALWAYS struct record *begin(__u32 kind) {
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) return 0;
	r->at = bpf_ktime_get_ns(); r->pid = bpf_get_current_pid_tgid() >> 32; r->kind = kind;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	return r;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens(struct enter *c) {
	struct record *r = begin(1);
	if (!r) return 0;
	if (bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)c->args[1]) < 0) { bpf_ringbuf_discard(r, 0); return 0; }
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_lost(struct enter *c) {
	struct record *r = begin(1);
	if (!r) return 0;
	if (bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)c->args[1]) < 0) return 0;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_hasty(struct enter *c) {
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	r->kind = 1;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_after(struct enter *c) {
	struct record *r = begin(1);
	if (!r) return 0;
	bpf_ringbuf_submit(r, 0);
	r->kind = 2;
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_twice(struct enter *c) {
	struct record *r = begin(1);
	if (!r) return 0;
	if (c->args[2] & 1) bpf_ringbuf_discard(r, 0);
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_wide(struct enter *c) {
	struct record *r = begin(1);
	if (!r) return 0;
	bpf_probe_read_user_str(r->path, sizeof(*r), (void *)c->args[1]);
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_moved(struct enter *c) {
	struct record *r = begin(1);
	if (!r) return 0;
	bpf_ringbuf_submit(r->comm, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_sized(struct enter *c) {
	__u32 n = c->args[3] & 127; void *r = bpf_ringbuf_reserve(&ring, n, 0);
	if (!r) return 0;
	bpf_ringbuf_discard(r, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_copied(struct enter *c) {
	__u32 zero = 0; struct record *r = bpf_map_lookup_elem(&scratch, &zero); long n;
	if (!r) return 0;
	n = bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)c->args[1]);
	if (n < 0 || n > sizeof(r->path)) return 0;
	bpf_ringbuf_output(&ring, r, __builtin_offsetof(struct record, path) + n, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_unbounded(struct enter *c) {
	__u32 zero = 0; struct record *r = bpf_map_lookup_elem(&scratch, &zero); __u64 n = c->args[3];
	if (!r) return 0;
	bpf_ringbuf_output(&ring, r, n, 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_perf(struct enter *c) {
	struct record r = { .kind = 1 };
	bpf_perf_event_output(c, &events, BPF_F_CURRENT_CPU, &r, sizeof(r));
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_perf_ring(struct enter *c) {
	struct record r = { .kind = 1 };
	bpf_perf_event_output(c, &ring, BPF_F_CURRENT_CPU, &r, sizeof(r));
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_ring_perf(struct enter *c) {
	struct record r = { .kind = 1 };
	bpf_ringbuf_output(&events, &r, sizeof(r), 0);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int opens_deref(struct enter *c) { const char *path = (void *)c->args[1]; return path[0] == '/'; }
SEC("tracepoint/syscalls/sys_enter_openat") int opens_past(struct enter *c) { return *(__u64 *)((char *)c + 8192) == 1; }
SEC("kprobe/do_unlinkat") int BPF_KPROBE(unlinks, int at, void *name) {
	struct record *r = begin(2);
	if (!r) return 0;
	r->kind = at;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
SEC("kprobe/do_unlinkat") int BPF_KPROBE(unlinks_deref, int at, void *name) { return *(char *)name; }
SEC("kprobe/do_unlinkat") int BPF_KPROBE(unlinks_error, int at) { bpf_override_return(ctx, -1); return 0; }
SEC("raw_tp/sys_exit") int leaves(struct bpf_raw_tracepoint_args *c) { return c->args[1] == 0; }
SEC("raw_tp/sys_exit") int leaves_write(struct bpf_raw_tracepoint_args *c) { c->args[1] = 0; return 0; }
