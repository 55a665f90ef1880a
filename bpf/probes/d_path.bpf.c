// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Feature: the path of a file. Allowed in few places; an iterator over open files is one. */
#include "kernel.h"
#include "license.h"

SEC("iter/task_file")
int probe_d_path(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	char name[64];

	if (!file)
		return 0;
	bpf_d_path(&file->f_path, name, sizeof(name));
	return 0;
}
