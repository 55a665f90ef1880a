// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What kernels do not have: types, fields, enumerators, other kinds of the same name. */
#include "core.h"

struct preflight_absent {
	int a;
	struct {
		int b;
	};
} CORE;

struct task_struct {
	int pid;
	int preflight_absent_field;
	int comm;                /* an array in the kernel */
	char *mm;                /* another pointer: compatible */
	struct {
		int inner;
	} signal;                /* a pointer in the kernel */
	float se;                /* a struct in the kernel */
	enum preflight_color { RED } prio; /* an int in the kernel */
} CORE;

struct file {
	struct {
		int x;
	} f_op;
} CORE;

struct sock {
	int sk_prot;
} CORE;

struct sigval {
	int sival_int;
} CORE;

union task_struct___as_union {
	int pid;
} CORE;

enum preflight_absent_enum { PREFLIGHT_A, PREFLIGHT_B = 5 };
enum bpf_map_type { PREFLIGHT_NO_MAP_TYPE = 3, BPF_MAP_TYPE_HASH = 1 };
typedef struct preflight_nowhere {
	int x;
} preflight_absent_t;

SEC("kprobe/missing_fields")
int missing_fields(struct task_struct *task)
{
	all_about(task->preflight_absent_field);
	use(task->preflight_absent_field);
	use(task->pid);
	return 0;
}

SEC("kprobe/missing_types")
int missing_types(struct preflight_absent *p)
{
	all_about(p->a);
	use(p->b);
	use(type_exists(struct preflight_absent));
	use(type_size(struct preflight_absent));
	use(target_id(struct preflight_absent));
	use(local_id(struct preflight_absent));
	use(type_exists(preflight_absent_t));
	use(type_size(preflight_absent_t));
	use(type_exists(struct sigval));
	use(type_exists(union task_struct___as_union));
	return 0;
}

SEC("kprobe/other_kinds")
int other_kinds(struct task_struct *task)
{
	struct file *file = (void *)task;
	struct sock *sk = (void *)task;
	struct sigval *sv = (void *)task;

	use(exists(task->comm));
	use(task->comm);
	use(exists(task->mm));
	use(exists(task->signal.inner));
	use(exists(task->signal));
	use(byte_off(task->se));
	use(exists(task->prio));
	use(exists(file->f_op));
	use(file->f_op.x);
	use(exists(sk->sk_prot));
	use(sk->sk_prot);
	use(exists(sv->sival_int));
	return 0;
}

SEC("kprobe/missing_enumerators")
int missing_enumerators(void *ctx)
{
	use(enum_exists(enum preflight_absent_enum, PREFLIGHT_B));
	use(enum_value(enum preflight_absent_enum, PREFLIGHT_B));
	use(enum_exists(enum bpf_map_type, PREFLIGHT_NO_MAP_TYPE));
	use(enum_value(enum bpf_map_type, PREFLIGHT_NO_MAP_TYPE));
	use(enum_value(enum bpf_map_type, BPF_MAP_TYPE_HASH));
	return 0;
}
