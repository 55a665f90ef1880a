// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("kprobe.multi/tcp_v4_*") int km(struct pt_regs *r) { return bpf_get_func_ip(r) == 1; }
SEC("kretprobe.multi/tcp_sendmsg") int krm(struct pt_regs *r) { return 0; }
SEC("kprobe/tcp_sendmsg") int kip(struct pt_regs *r) { return bpf_get_func_ip(r) == 1; }
SEC("kprobe/tcp_sendmsg") int kcookie(struct pt_regs *r) { return bpf_get_attach_cookie(r) == 1; }
SEC("fentry/tcp_sendmsg") int BPF_PROG(fcookie) { return bpf_get_attach_cookie(ctx) == 1; }
SEC("fentry/tcp_sendmsg") int BPF_PROG(fip) { return bpf_get_func_ip(ctx) == 1; }
SEC("fentry/tcp_sendmsg") int BPF_PROG(farg) { __u64 v = 0; bpf_get_func_arg(ctx, 1, &v); return v == 1; }
