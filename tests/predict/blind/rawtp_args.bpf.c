// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("raw_tp/sched_switch") int rt_four(struct bpf_raw_tracepoint_args *c) { return c->args[3] == 1; }
SEC("raw_tp/sched_process_exit") int rt_two(struct bpf_raw_tracepoint_args *c) { return c->args[1] == 1; }
SEC("raw_tp/kfree_skb") int rt_three(struct bpf_raw_tracepoint_args *c) { return c->args[2] == 1; }
SEC("raw_tp/sched_wakeup") int rt_ok(struct bpf_raw_tracepoint_args *c) { return c->args[0] == 1; }
SEC("raw_tp.w/sched_wakeup") int rt_w(struct bpf_raw_tracepoint_args *c) { return c->args[0] == 1; }
SEC("raw_tp/sched_absent_thing") int rt_nope(struct bpf_raw_tracepoint_args *c) { return c->args[0] == 1; }
SEC("raw_tp/sched_wakeup") int rt_13(struct bpf_raw_tracepoint_args *c) { return c->args[12] == 1; }
