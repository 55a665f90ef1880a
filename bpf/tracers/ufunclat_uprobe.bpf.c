// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * How long does one function of a program take? User space says which. Not for programs
 * that move their stacks, like those in Go: a return probe breaks them.
 */
#include "frames.h"
#include "calls.h"

SEC("uprobe")
int ufunclat_enter(struct pt_regs *ctx)
{
	return call_begins(FRAME_AT_ENTRY(ctx), true);
}

SEC("uretprobe")
int ufunclat_return(struct pt_regs *ctx)
{
	return call_ends(FRAME_AT_RETURN(ctx));
}

SEC("raw_tp/sched_process_exit")
int ufunclat_gone(void *ctx)
{
	return calling_thread_gone();
}
