// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: a kernel function's return through a BPF trampoline, arguments and result typed by BTF. */
#include <linux/bpf.h>
#include <bpf/bpf_tracing.h>
#include "license.h"

SEC("fexit/bpf_fentry_test1")
int BPF_PROG(probe_fexit, int a, int result)
{
	return 0;
}
