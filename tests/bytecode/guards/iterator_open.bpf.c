// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The body of an open-coded iterator changes the answer.
#include "guards.h"

struct bpf_iter_num___guard {
	__u64 opaque[1];
};

extern int bpf_iter_num_new(struct bpf_iter_num___guard *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num___guard *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num___guard *it) __ksym;

// A function of its own, or the compiler hoists the relocated offset out of the loop.
NOINLINE int read_it(struct task_struct___guard *task)
{
	HIDE(task);
	return MISS(task);
}

SEC("raw_tp/sys_enter")
int probe(void *ctx)
{
	struct task_struct___guard *task = TASK();
	struct bpf_iter_num___guard it;
	unsigned long exists = bpf_core_field_exists(task->preflight_absent);
	int sum = 0;
	int *value;

	HIDE(exists);
	bpf_iter_num_new(&it, 0, 10);
	while ((value = bpf_iter_num_next(&it))) {
		sum += *value;
		if (exists)
			sum += read_it(task);
		exists = 1;
	}
	bpf_iter_num_destroy(&it);
	return sum;
}
