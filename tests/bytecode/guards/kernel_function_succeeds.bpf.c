// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What follows the success of a kernel function that returns a number.
#include "guards.h"

extern int bpf_dynptr_from_xdp(struct xdp_md *, __u64, struct bpf_dynptr *) __ksym;

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	struct task_struct___guard *task = TASK();
	struct bpf_dynptr packet;

	if (bpf_dynptr_from_xdp(ctx, 0, &packet))
		return 1;
	return MISS(task) & 1;
}
