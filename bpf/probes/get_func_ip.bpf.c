// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: which function a probe on many functions fired for. */
#include <linux/bpf.h>
#include "license.h"

SEC("kprobe/bpf_fentry_test1")
int probe_get_func_ip(void *ctx)
{
	return bpf_get_func_ip(ctx) == 0;
}
