// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
SEC("tp_btf/task_newtask") int BPF_PROG(ta, struct task_struct *t) { struct task_struct *a = bpf_task_acquire(t); if (a) bpf_task_release(a); return 0; }
SEC("kprobe/tcp_sendmsg") int ta_k(struct pt_regs *r) { struct task_struct *t = bpf_get_current_task_btf(); struct task_struct *a = bpf_task_acquire(t); if (a) bpf_task_release(a); return 0; }
SEC("xdp") int ta_x(struct xdp_md *r) { struct task_struct *a = bpf_task_acquire((void*)0); return 2; }
