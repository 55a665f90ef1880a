// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a kernel function's entry through a BPF trampoline, arguments typed by BTF. */
#include <linux/bpf.h>
#include <bpf/bpf_tracing.h>
#include "license.h"

SEC("fentry/bpf_fentry_test1")
int BPF_PROG(probe_fentry, int a)
{
	return 0;
}
