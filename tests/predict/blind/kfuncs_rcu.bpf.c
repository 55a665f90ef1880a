// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern void bpf_rcu_read_lock(void) __ksym; extern void bpf_rcu_read_unlock(void) __ksym;
SEC("fentry.s/__x64_sys_getpid") int BPF_PROG(rl) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }
SEC("kprobe/tcp_sendmsg") int rlk(void *c) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }
