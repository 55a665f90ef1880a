// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Raw tracepoints and perf events. */
#include "net.h"
struct bpf_perf_event_data { struct { unsigned long before[16], ip, after[4]; } regs; __u64 sample_period, addr; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 64); } hits SEC(".maps");
SEC("raw_tp/sys_enter") int enter(struct bpf_raw_tracepoint_args *ctx) { __u32 nr = ctx->args[1]; __u64 one = 1; bpf_map_update_elem(&hits, &nr, &one, 0); return 0; }
SEC("raw_tp/sys_enter") int enter_direct(struct bpf_raw_tracepoint_args *ctx) { struct pt_regs *r = (void *)ctx->args[0]; return r->di; }
SEC("raw_tp/sys_enter") int enter_read(struct bpf_raw_tracepoint_args *ctx) { struct pt_regs *r = (void *)ctx->args[0]; return PT_REGS_PARM1_CORE(r); }
SEC("raw_tp/sys_enter") int enter_write(struct bpf_raw_tracepoint_args *ctx) { ctx->args[0] = 0; return 0; }
SEC("perf_event") int sample(struct bpf_perf_event_data *ctx) { __u32 ip = ctx->regs.ip; __u64 *n = bpf_map_lookup_elem(&hits, &ip); if (n) *n += ctx->sample_period; return 0; }
SEC("perf_event") int sample_write(struct bpf_perf_event_data *ctx) { ctx->sample_period = 3; return 0; }
SEC("perf_event") int sample_branches(struct bpf_perf_event_data *ctx) { __u64 b[6]; return bpf_read_branch_records(ctx, b, sizeof(b), 0); }
SEC("raw_tp/no_such_event") int nobody(void *ctx) { return 0; }
