// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern void *bpf_rdonly_cast(const void *p, __u32 id) __ksym;
SEC("tp_btf/sched_wakeup") int BPF_PROG(rc) { struct task_struct *t = bpf_rdonly_cast((void *)bpf_get_current_task(), bpf_core_type_id_kernel(struct task_struct)); return t->pid == 1; }
