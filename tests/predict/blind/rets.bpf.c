// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("cgroup/getsockopt") int q1(void *c) { return 2; }
SEC("cgroup/sock_create") int q2(void *c) { return bpf_get_prandom_u32() & 1; }
SEC("cgroup/sock_create") int q3(void *c) { return bpf_get_prandom_u32() & 3; }
SEC("cgroup/sendmsg4") int q4(void *c) { return bpf_get_prandom_u32() > 7; }
SEC("cgroup/recvmsg4") int q5(void *c) { return 0; }
SEC("cgroup/recvmsg4") int q6(void *c) { return 1; }
SEC("cgroup/sysctl") int q7(void *c) { return bpf_get_current_cgroup_id() == 7 ? 0 : 1; }
SEC("sk_lookup") int q8(void *c) { return bpf_get_prandom_u32() & 1; }
SEC("fentry/vfs_open") int BPF_PROG(q9) { return bpf_get_prandom_u32() & 0; }
SEC("fexit/vfs_open") int BPF_PROG(q10) { bpf_printk("x"); return 0; }
SEC("iter/task") int q11(void *c) { return bpf_get_prandom_u32() & 1; }
SEC("lsm/file_open") int BPF_PROG(q12, struct file *f, int ret) { return ret; }
SEC("lsm/file_open") int BPF_PROG(q13, struct file *f, int ret) { return bpf_get_prandom_u32() & 1 ? -1 : 0; }
SEC("lsm/file_open") int BPF_PROG(q14, struct file *f, int ret) { return bpf_get_prandom_u32(); }
SEC("lsm/task_free") int BPF_PROG(q15, struct task_struct *t) { return 0; }
SEC("lsm/task_free") int BPF_PROG(q16, struct task_struct *t) { return 3; }
SEC("fentry/vfs_open") int BPF_PROG(q17, void *a, void *b) { return (long)a == 3 ? 0 : 0; }
SEC("flow_dissector") int q18(struct __sk_buff *c) { return 9; }
SEC("cgroup/dev") int q19(void *c) { return 3; }
