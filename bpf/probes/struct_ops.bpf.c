// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a kernel interface implemented in BPF, here a congestion control nobody selects. */
#include "kernel.h"
#include <bpf/bpf_tracing.h>
#include "license.h"

SEC("struct_ops/probe_ssthresh")
__u32 BPF_PROG(probe_ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/probe_cong_avoid")
void BPF_PROG(probe_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops/probe_undo_cwnd")
__u32 BPF_PROG(probe_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops probe_struct_ops = {
	.ssthresh = (void *)probe_ssthresh,
	.cong_avoid = (void *)probe_cong_avoid,
	.undo_cwnd = (void *)probe_undo_cwnd,
	.name = "preflight_probe",
};
