// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Every kind against types that every kernel has, as existing code asks them. */
#include "core.h"

struct list_head {
	struct list_head *next, *prev;
} CORE;

struct kuid {
	u32 val;
} CORE;

struct mm_struct;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct list_head tasks;
	u64 start_time;
	u32 flags;
	int prio;
} CORE;

struct mm_struct {
	unsigned long total_vm;
} CORE;

typedef int pid_t;
typedef struct {
	int counter;
} atomic_t;

enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC,
	BPF_MAP_TYPE_HASH = 7,
	BPF_MAP_TYPE_RINGBUF = 99,
};

SEC("fentry/do_exit")
int kinds_of_fields(struct task_struct *task)
{
	all_about(task->pid);
	all_about(task->start_time);
	use(byte_sz(task->mm));
	use(exists(task->mm));
	all_about(task->flags);
	use(byte_off(task->comm));
	use(byte_sz(task->comm));
	use(exists(task->comm));
	use(byte_off(task->tasks.prev));
	use(exists(task->tasks.prev));
	field_ptr(task->comm);
	field_ptr(task->tasks.next);
	return 0;
}

SEC("fentry/do_exit")
int kinds_of_loads(struct task_struct *task)
{
	use(task->pid);
	use(task->tgid);
	use(task->start_time);
	use(task->mm->total_vm);
	use(task->real_parent->real_parent->tgid);
	use(task->comm[3]);
	return task->prio;
}

SEC("fentry/do_exit")
int kinds_of_types(void *ctx)
{
	use(type_exists(struct task_struct));
	use(type_exists(pid_t));
	use(type_exists(atomic_t));
	use(type_size(struct task_struct));
	use(type_size(pid_t));
	use(type_size(enum bpf_map_type));
	use(local_id(struct task_struct));
	use(local_id(pid_t));
	use(target_id(struct task_struct));
	use(target_id(pid_t));
	use(target_id(enum bpf_map_type));
	use(local_id(struct { int a; }));
	return 0;
}

SEC("fentry/do_exit")
int kinds_of_enumerators(void *ctx)
{
	use(enum_exists(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF));
	use(enum_value(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF));
	use(enum_exists(enum bpf_map_type, BPF_MAP_TYPE_HASH));
	use(enum_value(enum bpf_map_type, BPF_MAP_TYPE_HASH));
	use(enum_value(enum bpf_map_type, BPF_MAP_TYPE_UNSPEC));
	return 0;
}

NOINLINE int in_a_subprogram(struct task_struct *task)
{
	use(task->start_time);
	return task->tgid;
}

SEC("fexit/do_exit")
int calls_a_subprogram(struct task_struct *task)
{
	use(task->pid);
	return in_a_subprogram(task);
}
