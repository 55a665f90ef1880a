// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("cgroup_skb/egress") int r_eg3(struct __sk_buff *s) { return 3; }
SEC("cgroup_skb/ingress") int r_in3(struct __sk_buff *s) { return 3; }
SEC("cgroup/bind4") int r_b4(void *s) { return 3; }
SEC("cgroup/connect4") int r_c4(void *s) { return 2; }
SEC("tp_btf/sched_wakeup") int BPF_PROG(r_tb) { return 5; }
SEC("fentry/tcp_sendmsg") int BPF_PROG(r_fe) { return 5; }
SEC("lsm/file_open") int BPF_PROG(r_lsm) { return -4096; }
SEC("lsm/file_open") int BPF_PROG(r_lsm_ok) { return -1; }
SEC("iter/task") int r_it(void *c) { return 7; }
SEC("sk_lookup") int r_sl(void *c) { return 2; }
SEC("xdp") int r_x(void *c) { return 77; }
SEC("raw_tp.w/sched_wakeup") int r_rtw(void *c) { return 9; }
