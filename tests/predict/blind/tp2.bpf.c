// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct c1 { char x[16]; long a[6]; }; 
SEC("tp/syscalls/sys_enter_execve") int e1(struct c1 *c) { return c->a[2] == 3; }
SEC("tp/syscalls/sys_enter_execve") int e2(struct c1 *c) { return c->a[3] == 3; }
SEC("tp/syscalls/sys_enter_execve") int e3(struct c1 *c) { return c->a[5] == 3; }
SEC("tp/syscalls/sys_enter_mmap") int e4(struct c1 *c) { return c->a[5] == 3; }
SEC("tp/syscalls/sys_exit_openat") int e5(struct c1 *c) { return c->a[0] == 3; }
SEC("tp/syscalls/sys_enter_futex") int e6(struct c1 *c) { return c->a[5] == 3; }
SEC("tp/sched/sched_process_exec") int e7(struct c1 *c) { return c->a[1] == 3; }
SEC("tp/sched/sched_process_fork") int e8(struct c1 *c) { return c->a[4] == 3; }
SEC("tp/sched/sched_wakeup") int e9(struct { char x[28]; int prio; int target; } *c) { return c->target == 3; }
SEC("tp/block/block_rq_issue") int e10(struct c1 *c) { return c->a[5] == 3; }
SEC("tp/irq/softirq_entry") int e11(struct { char x[8]; unsigned vec; } *c) { return c->vec == 3; }
SEC("tp/irq/softirq_entry") int e12(struct { char x[16]; unsigned vec; } *c) { return c->vec == 3; }
SEC("tp/tcp/tcp_retransmit_skb") int e13(struct { char x[24]; int st; } *c) { return c->st == 3; }
SEC("tp/power/cpu_idle") int e14(struct { char x[12]; int cpu; } *c) { return c->cpu == 3; }
SEC("tp/ext4/ext4_sync_file_enter") int e15(void *c) { return 0; }
SEC("tp/xdp/xdp_redirect") int e16(void *c) { return 0; }
