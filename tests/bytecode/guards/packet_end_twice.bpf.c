// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What lies behind the end of a packet does not lie before it, as verifiers know.
#include "guards.h"

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	struct task_struct___guard *task = TASK();
	void *start = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	start += 14;
	if (start > end) {
		HIDE(start);
		if (start <= end)
			return MISS(task) & 1;
	}
	return 2;
}
