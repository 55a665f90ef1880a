// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * Latency of one kernel function by kprobe and kretprobe; user space says which when it
 * attaches. The one named here is called by nothing but tests of the kernel's own.
 */
#include "frames.h"
#include "calls.h"

SEC("kprobe/bpf_fentry_test1")
int funclat_enter(struct pt_regs *ctx)
{
	return call_begins(FRAME_AT_ENTRY(ctx), false);
}

SEC("kretprobe/bpf_fentry_test1")
int funclat_return(struct pt_regs *ctx)
{
	return call_ends(FRAME_AT_RETURN(ctx));
}

SEC("raw_tp/sched_process_exit")
int funclat_gone(void *ctx)
{
	return calling_thread_gone();
}
