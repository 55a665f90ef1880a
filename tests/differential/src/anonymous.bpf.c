// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A root type without a name is refused; its local id is not. */
#include "core.h"

struct task_struct {
	int pid;
} CORE;

SEC("kprobe/a")
int anonymous_root(struct task_struct *t)
{
	struct {
		int a;
		int b;
	} CORE *p = (void *)t;

	use(local_id(struct { int a; }));
	use(t->pid);
	use(p->b);
	use(exists(p->a));
	use(t->pid);
	return 0;
}
