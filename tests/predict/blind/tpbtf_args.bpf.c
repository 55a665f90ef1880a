// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("tp_btf/sched_switch") int BPF_PROG(three, bool p, struct task_struct *prev, struct task_struct *next) { return prev->pid == next->pid; }
SEC("tp_btf/sched_switch") int BPF_PROG(four, bool p, struct task_struct *prev, struct task_struct *next, unsigned st) { return st == 3; }
SEC("tp_btf/sched_process_exit") int BPF_PROG(group_dead, struct task_struct *t, bool dead) { return dead; }
SEC("tp_btf/sched_pi_setprio") int BPF_PROG(pi, struct task_struct *t, struct task_struct *pi) { return pi->pid == 3; }
SEC("tp_btf/sched_pi_setprio") int BPF_PROG(pi_checked, struct task_struct *t, struct task_struct *pi) { if (!pi) return 0; return pi->pid == 3; }
SEC("tp_btf/kfree_skb") int BPF_PROG(reason, void *skb, void *loc, int reason) { return reason == 3; }
SEC("tp_btf/kfree_skb") int BPF_PROG(rxsk, void *skb, void *loc, int reason, struct sock *sk) { return sk->__sk_common.skc_family == 3; }
SEC("tp_btf/no_such_point") int BPF_PROG(nope, void *skb) { return 0; }
