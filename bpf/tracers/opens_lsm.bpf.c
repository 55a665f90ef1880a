// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Opens through the security hook file_open: a security view. It sees every file the
 * kernel opens, whichever way it was asked (io_uring and 32-bit programs too), after the
 * path was found and the permissions were checked; so it never sees an attempt that
 * failed before. The program only counts, and lets everything pass.
 */
#include "opens.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>


#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct file___opens {
	unsigned int f_flags;
};

#pragma clang attribute pop

SEC("lsm/file_open")
int BPF_PROG(opens_file_open, struct file___opens *file)
{
	if (early_filter() || sampled_out())
		return 0;
	count_open(0, BPF_CORE_READ(file, f_flags), 0);
	return 0;
}
