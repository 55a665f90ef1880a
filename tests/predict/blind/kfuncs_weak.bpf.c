// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
SEC("tp_btf/task_newtask") int BPF_PROG(tw, struct task_struct *t) { if (!bpf_task_acquire || !bpf_task_release) return 0; struct task_struct *a = bpf_task_acquire(t); if (a) bpf_task_release(a); return 0; }
