// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Local flavours, names that look like flavours, and typedefs as roots. */
#include "core.h"

struct task_struct___one {
	int pid;
} CORE;
struct task_struct___one___two {
	int pid;
} CORE;
struct task_struct____four {
	int pid;
} CORE;
struct task_struct___ {
	int pid;
} CORE;
struct task_struct {
	int tgid;
} CORE;

enum bpf_func_id___mine { BPF_FUNC_get_stackid___y = 27, BPF_FUNC_map_lookup_elem___ = 1 };

typedef struct {
	int counter;
} CORE atomic_t___mine;
typedef struct {
	struct {
		int counter;
	} refs;
} CORE refcount_t;

SEC("kprobe/a")
int flavoured_structs(void *ctx)
{
	use(((struct task_struct___one *)ctx)->pid);
	use(exists(((struct task_struct___one___two *)ctx)->pid));
	use(exists(((struct task_struct____four *)ctx)->pid));
	use(exists(((struct task_struct___ *)ctx)->pid));
	use(((struct task_struct *)ctx)->tgid);
	use(type_exists(struct task_struct___one));
	use(type_size(struct task_struct___one));
	use(target_id(struct task_struct___one));
	return 0;
}

SEC("kprobe/b")
int flavoured_enums(void *ctx)
{
	use(enum_exists(enum bpf_func_id___mine, BPF_FUNC_get_stackid___y));
	use(enum_value(enum bpf_func_id___mine, BPF_FUNC_get_stackid___y));
	use(enum_exists(enum bpf_func_id___mine, BPF_FUNC_map_lookup_elem___));
	return 0;
}

SEC("kprobe/c")
int typedef_roots(void *ctx)
{
	use(((atomic_t___mine *)ctx)->counter);
	use(((refcount_t *)ctx)->refs.counter);
	use(type_exists(atomic_t___mine));
	use(type_size(refcount_t));
	use(target_id(refcount_t));
	return 0;
}
