// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that may sleep, and sections that may not. */
#include "net.h"
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
MAP(numbers, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
SEC("fentry.s/__x64_sys_nanosleep") int BPF_PROG(args, struct pt_regs *regs) { __u64 t[2] = {}; bpf_copy_from_user(t, sizeof(t), (void *)PT_REGS_PARM1(regs)); return 0; }
SEC("fentry/__x64_sys_nanosleep") int BPF_PROG(args_atomic, struct pt_regs *regs) { __u64 t[2] = {}; bpf_copy_from_user(t, sizeof(t), (void *)PT_REGS_PARM1(regs)); return 0; }
SEC("fentry.s/__x64_sys_nanosleep") int BPF_PROG(locked) { bpf_rcu_read_lock(); struct task_struct *t = bpf_get_current_task_btf(); __u32 k = t->real_parent->pid & 3; bpf_map_lookup_elem(&numbers, &k); bpf_rcu_read_unlock(); return 0; }
SEC("fentry.s/__x64_sys_nanosleep") int BPF_PROG(locked_sleep) { __u64 t; bpf_rcu_read_lock(); bpf_copy_from_user(&t, 8, (void *)4096); bpf_rcu_read_unlock(); return 0; }
SEC("fentry.s/__x64_sys_nanosleep") int BPF_PROG(locked_return) { bpf_rcu_read_lock(); return 0; }
SEC("fentry.s/__x64_sys_nanosleep") int BPF_PROG(unlocked) { bpf_rcu_read_unlock(); return 0; }
SEC("fentry.s/tcp_sendmsg") int BPF_PROG(wrong_place) { return 0; }
