// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a raw tracepoint whose arguments are typed by the kernel's BTF. */
#include "kernel.h"
#include <bpf/bpf_tracing.h>
#include "license.h"

SEC("tp_btf/sched_process_exec")
int BPF_PROG(probe_tp_btf, struct task_struct *task)
{
	/* A direct load through a BTF pointer: the verifier checks the type. */
	return task->pid < 0;
}
