// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The size of a type that is only declared: refused when the kernel has such a declaration, too. */
#include "core.h"

struct task_struct {
	int pid;
} CORE;
typedef void (fn_t)(int);
typedef fn_t work_func_like_t;
/* a function type, which has no size, under a name the kernel has */
typedef int (initcall_entry_fn)(void);
typedef void irq_handler_like(int);

SEC("kprobe/a")
int sizes(struct task_struct *t)
{
	use(type_size(struct task_struct));
	use(type_exists(work_func_like_t));
	use(t->pid);
	return 0;
}
