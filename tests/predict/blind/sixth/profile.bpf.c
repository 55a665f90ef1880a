// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
// mcpu=v3
/* A profiler: samples, user stacks, symbols of interpreters read at offsets, subprograms, loops. */
#include "kit.h"
struct key { __u32 pid; int kstack, ustack; char comm[16]; };
struct offsets { __u64 tls, frame, code, name, back; };
struct sym { char file[64], name[64]; __u32 line; };
struct walk { struct sym sym; __u64 frame; __u32 depth; __u32 ids[32]; };
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 1016); __uint(max_entries, 4096); } traces SEC(".maps");
MAP(counts, BPF_MAP_TYPE_HASH, struct key, __u64, 10240);
MAP(procs, BPF_MAP_TYPE_HASH, __u32, struct offsets, 128);
MAP(walks, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct walk, 1);
MAP(symbols, BPF_MAP_TYPE_LRU_HASH, struct sym, __u32, 1024);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } next SEC(".maps");
struct bpf_perf_event_data_ { struct pt_regs regs; __u64 sample_period, addr; };
const volatile int freq = 49; int dropped;
SEC("perf_event") int sample(void *ctx) {
	struct key k = {}; __u64 one = 1, *n; __u64 id = bpf_get_current_pid_tgid();
	k.pid = id >> 32;
	if (!k.pid) return 0;
	k.kstack = bpf_get_stackid(ctx, &traces, BPF_F_FAST_STACK_CMP);
	k.ustack = bpf_get_stackid(ctx, &traces, BPF_F_USER_STACK);
	bpf_get_current_comm(k.comm, sizeof(k.comm));
	n = bpf_map_lookup_elem(&counts, &k);
	if (n) __sync_fetch_and_add(n, 1);
	else if (bpf_map_update_elem(&counts, &k, &one, BPF_NOEXIST)) __sync_fetch_and_add(&dropped, 1);
	return 0;
}
SEC("perf_event") int sample_unset(void *ctx) { struct key k; __u64 one = 1; k.pid = bpf_get_current_pid_tgid(); k.kstack = 0; k.ustack = 0; bpf_map_update_elem(&counts, &k, &one, 0); return 0; }
SEC("perf_event") int sample_freq(void *ctx) { *(volatile int *)&freq = 99; return 0; }
SEC("perf_event") int sample_period(struct bpf_perf_event_data_ *ctx) { return ctx->sample_period > 10; }
SEC("perf_event") int sample_ip(struct bpf_perf_event_data_ *ctx) { return ctx->regs.ip & 1; }
SEC("perf_event") int sample_ip_write(struct bpf_perf_event_data_ *ctx) { *(volatile __u64 *)ctx = 0; return 0; }
SEC("perf_event") int sample_map(void *ctx) { return bpf_get_stackid(ctx, &counts, 0) > 0; }
SEC("perf_event") int sample_lookup(void *ctx) { __u32 k = 1; return bpf_map_lookup_elem(&traces, &k) != 0; }
SEC("perf_event") int sample_value(void *ctx) { struct { __u64 counter, enabled, running; } v; if (bpf_perf_prog_read_value(ctx, (void *)&v, sizeof(v))) return 0; return v.counter > 1; }
NOINLINE int frame_of(struct offsets *o, struct walk *w) {
	__u64 code = 0;
	if (bpf_probe_read_user(&code, 8, (void *)(w->frame + o->code))) return -1;
	if (bpf_probe_read_user_str(w->sym.name, sizeof(w->sym.name), (void *)(code + o->name)) < 0) return -1;
	return bpf_probe_read_user(&w->frame, 8, (void *)(w->frame + o->back)) ? -1 : 0;
}
INLINE __u32 id_of(struct sym *s) { __u32 *id = bpf_map_lookup_elem(&symbols, s), neu = bpf_get_prandom_u32(); if (id) return *id; bpf_map_update_elem(&symbols, s, &neu, 0); return neu; }
SEC("perf_event") int interpreter(void *ctx) {
	__u32 pid = bpf_get_current_pid_tgid() >> 32, z = 0; struct offsets *o = bpf_map_lookup_elem(&procs, &pid); struct walk *w;
	if (!o) return 0;
	w = bpf_map_lookup_elem(&walks, &z);
	if (!w) return 0;
	w->depth = 0;
	for (int i = 0; i < 16; i++) {
		if (!w->frame || frame_of(o, w)) break;
		w->ids[i] = id_of(&w->sym);
		w->depth++;
	}
	bpf_tail_call(ctx, &next, 0);
	return 0;
}
SEC("perf_event") int interpreter_depth(void *ctx) {
	__u32 pid = bpf_get_current_pid_tgid() >> 32, z = 0; struct offsets *o = bpf_map_lookup_elem(&procs, &pid); struct walk *w = bpf_map_lookup_elem(&walks, &z);
	if (!o || !w) return 0;
	if (frame_of(o, w)) return 0;
	w->ids[w->depth++] = id_of(&w->sym);
	return 0;
}
SEC("perf_event") int interpreter_masked(void *ctx) {
	__u32 pid = bpf_get_current_pid_tgid() >> 32, z = 0; struct offsets *o = bpf_map_lookup_elem(&procs, &pid); struct walk *w = bpf_map_lookup_elem(&walks, &z);
	if (!o || !w) return 0;
	if (frame_of(o, w)) return 0;
	w->ids[w->depth++ & 31] = id_of(&w->sym);
	return 0;
}
SEC("perf_event") int interpreter_half(void *ctx) { __u32 z = 0, pid = 1; struct offsets *o = bpf_map_lookup_elem(&procs, &pid); struct walk *w = bpf_map_lookup_elem(&walks, &z); if (!o && !w) return 0; return frame_of(o, w); }
SEC("uprobe//usr/bin/bash:readline") int BPF_KPROBE(u_line, const char *prompt) { char c = 0; bpf_probe_read_user(&c, 1, prompt); return c; }
SEC("uretprobe//usr/bin/bash:readline") int BPF_KRETPROBE(u_line_exit, const void *ret) { char s[80]; long n = bpf_probe_read_user_str(s, sizeof(s), ret); if (n <= 0) return 0; return s[n - 1]; }
SEC("uretprobe//usr/bin/bash:readline") int BPF_KRETPROBE(u_line_masked, const void *ret) { char s[64] = {}; long n = bpf_probe_read_user_str(s, sizeof(s), ret); return s[(n - 1) & 63]; }
SEC("uprobe.s//usr/bin/bash:readline") int BPF_KPROBE(u_sleep, const char *prompt) { char c[8] = {}; return bpf_copy_from_user(c, 8, prompt); }
SEC("uprobe//usr/bin/bash:readline") int BPF_KPROBE(u_atomic, const char *prompt) { char c[8] = {}; return bpf_copy_from_user(c, 8, prompt); }
SEC("uprobe//usr/bin/bash:readline") int BPF_KPROBE(u_direct, const char *prompt) { return prompt[0]; }
SEC("uprobe//usr/bin/bash:readline") int BPF_KPROBE(u_write) { char c[4] = "no"; return bpf_probe_write_user((void *)PT_REGS_SP(ctx), c, 4); }
SEC("uprobe//usr/bin/bash:readline") int BPF_KPROBE(u_cookie) { return bpf_get_attach_cookie(ctx) & 1; }
SEC("uprobe//usr/bin/bash:readline") int BPF_KPROBE(u_args, int a, int b, int c, int d, int e) { return a + b + c + d + e; }
SEC("perf_event") int cookie(struct pt_regs *ctx) { return bpf_get_attach_cookie(ctx) & 1; }
SEC("perf_event") int branches(void *ctx) { __u64 b[30]; long n = bpf_read_branch_records(ctx, b, sizeof(b), 0); return n > 8 ? b[0] & 1 : 0; }
SEC("kprobe/do_sys_openat2") int BPF_KPROBE(branches_k) { __u64 b[3]; bpf_read_branch_records((void *)ctx, b, sizeof(b), 0); return 0; }
