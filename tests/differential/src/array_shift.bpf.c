// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A shift of an array element cannot be asked for: the object is refused. */
#include "core.h"

struct task_struct {
	char comm[16];
	int pid;
} CORE;

SEC("kprobe/a")
int before(struct task_struct *t)
{
	return t->pid;
}

SEC("kprobe/b")
int shift_of_an_element(struct task_struct *t)
{
	use(lshift(t->comm[2]));
	use(is_signed(t->comm[2]));
	return t->pid;
}
