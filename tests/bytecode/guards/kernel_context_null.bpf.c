// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A kernel function that never returns null.
#include "guards.h"

extern void *bpf_cast_to_kern_ctx(void *) __ksym;

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	struct task_struct___guard *task = TASK();
	void *context = bpf_cast_to_kern_ctx(ctx);

	HIDE(context);
	if (!context)
		return MISS(task) & 1;
	return 2;
}
