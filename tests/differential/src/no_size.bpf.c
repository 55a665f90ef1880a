// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The size of a function type: there is none, and the object is refused, kernel or not. */
#include "core.h"

struct task_struct {
	int pid;
} CORE;
typedef int initcall_t(void);

SEC("kprobe/a")
int sizes(struct task_struct *t)
{
	use(type_size(struct task_struct));
	use(type_exists(initcall_t));
	use(type_size(initcall_t));
	use(t->pid);
	return 0;
}
