// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Stacks of samples, and helpers that not all may call. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 127 * 8); __uint(max_entries, 512); } stacks SEC(".maps");
struct key { __u32 pid; __s32 kernel, user; };
MAP(counts, BPF_MAP_TYPE_HASH, struct key, __u64, 512);
MAP(room, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64[32], 1);
struct bpf_perf_event_data { struct { unsigned long r[21]; } regs; __u64 sample_period, addr; };
SEC("perf_event") int sample(struct bpf_perf_event_data *ctx) {
	struct key key = { .pid = bpf_get_current_pid_tgid() };
	key.kernel = bpf_get_stackid(ctx, &stacks, 0);
	key.user = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	__u64 one = 1, *n = bpf_map_lookup_elem(&counts, &key);
	if (n) (*n)++; else bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	return 0;
}
SEC("perf_event") int sample_else(struct bpf_perf_event_data *ctx) { struct key key = {}; __u64 *n = bpf_map_lookup_elem(&counts, &key); if (!n) bpf_map_update_elem(&counts, &key, &key, 0); (*n)++; return 0; }
SEC("perf_event") int sample_stack(struct bpf_perf_event_data *ctx) { __u32 z = 0; __u64 *r = bpf_map_lookup_elem(&room, &z); if (!r) return 0; return bpf_get_stack(ctx, r, 256, 0) > 0; }
SEC("perf_event") int sample_stack_long(struct bpf_perf_event_data *ctx) { __u32 z = 0; __u64 *r = bpf_map_lookup_elem(&room, &z); if (!r) return 0; return bpf_get_stack(ctx, r, 512, 0) > 0; }
SEC("perf_event") int sample_copy(struct bpf_perf_event_data *ctx) { struct bpf_perf_event_data copy = *ctx; return bpf_get_stackid(&copy, &stacks, 0); }
SEC("kprobe/do_nanosleep") int on_stack(struct pt_regs *ctx) { __u64 ips[16]; long n = bpf_get_stack(ctx, ips, sizeof(ips), 0); return n > 8 ? ips[0] > 5 : 0; }
SEC("kprobe/do_nanosleep") int signal(struct pt_regs *ctx) { return bpf_send_signal(9); }
SEC("kprobe/do_nanosleep") int regs(struct pt_regs *ctx) { struct pt_regs copy; bpf_probe_read_kernel(&copy, sizeof(copy), ctx); return copy.di > 3; }
SEC("kprobe/do_nanosleep") int task(struct pt_regs *ctx) { struct task_struct *t = (void *)bpf_get_current_task(); return BPF_CORE_READ(t, real_parent, tgid) > 3; }
SEC("kprobe/do_nanosleep") int task_user(struct pt_regs *ctx) { struct task_struct *t = (void *)bpf_get_current_task(); return t->tgid > 3; }
SEC("raw_tp/task_rename") int raw(struct bpf_raw_tracepoint_args *ctx) { char c[16]; bpf_probe_read_kernel_str(c, 16, (void *)ctx->args[1]); return c[0] == 'a'; }
SEC("raw_tp/task_rename") int raw_direct(struct bpf_raw_tracepoint_args *ctx) { return *(char *)ctx->args[1] == 'a'; }
