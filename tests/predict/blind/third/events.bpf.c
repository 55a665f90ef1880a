// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events of processes over a ring buffer. */
#include "net.h"
struct event { __u32 pid; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } ring SEC(".maps");
SEC("raw_tp/sched_process_exec") int exec(void *ctx) {
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("raw_tp/sched_process_exec") int exec_unchecked(void *ctx) {
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("raw_tp/sched_process_exec") int exec_leak(void *ctx) {
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	if (e->pid < 2) return 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("raw_tp/sched_process_exec") int exec_twice(void *ctx) {
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) return 0;
	e->pid = 1;
	if (bpf_get_current_comm(e->comm, sizeof(e->comm))) bpf_ringbuf_discard(e, 0);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("raw_tp/sched_process_exec") int exec_beyond(void *ctx) {
	struct event *e = bpf_ringbuf_reserve(&ring, 8, 0);
	if (!e) return 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("raw_tp/sched_process_exec") int exec_output(void *ctx) {
	struct event e = {};
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_ringbuf_output(&ring, &e, sizeof(e), 0);
	return 0;
}
SEC("raw_tp/sched_process_exec") int exec_after(void *ctx) {
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) return 0;
	bpf_ringbuf_submit(e, 0);
	e->pid = 4;
	return 0;
}
