// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long does one function of the kernel take? By fentry and fexit; user space sets the
 * target of both. The one named here is called by nothing but tests of the kernel's own.
 */
#include "calls.h"

/* Entry and return of a call run in the same frame of a trampoline, and so with the same context. */
SEC("fentry/bpf_fentry_test1")
int funclat_enter(void *ctx)
{
	return call_begins((unsigned long)ctx, false);
}

SEC("fexit/bpf_fentry_test1")
int funclat_return(void *ctx)
{
	return call_ends((unsigned long)ctx);
}

SEC("raw_tp/sched_process_exit")
int funclat_gone(void *ctx)
{
	return calling_thread_gone();
}
