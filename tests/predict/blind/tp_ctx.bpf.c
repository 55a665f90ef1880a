// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct se { __u64 pad; int nr; long args[6]; }; struct huge { char x[600]; long v; }; struct sw { char x[56]; int prio; };
SEC("tp/syscalls/sys_enter_openat") int t_args(struct se *s) { return s->args[3] == 1; }
SEC("tp/syscalls/sys_enter_openat") int t_args6(struct se *s) { return s->args[5] == 1; }
SEC("tp/sched/sched_switch") int t_far(struct huge *s) { return s->v == 1; }
SEC("tp/sched/sched_switch") int t_ok(struct sw *s) { return s->prio == 1; }
SEC("tp/skb/kfree_skb") int t_reason(struct { char x[24]; int loc; int reason; } *s) { return s->reason == 1; }
SEC("tp/skb/consume_skb") int t_consume(struct { char x[16]; long loc; } *s) { return s->loc == 1; }
SEC("tp/sched/no_such_event") int t_no(void *s) { return 0; }
SEC("tp/syscalls/sys_enter_c4") int t_nosys(void *s) { return 0; }
SEC("tp/syscalls/sys_exit_read") int t_exit(struct { __u64 p; long nr; long ret; } *s) { return s->ret == 1; }
SEC("tp/syscalls/sys_exit_read") int t_exit_far(struct { __u64 p; long nr; long ret; long more; } *s) { return s->more == 1; }
SEC("tp/raw_syscalls/sys_enter") int t_raw(struct { __u64 p; long nr; long a[6]; } *s) { return s->a[5] == 1; }
SEC("tp/timer/hrtimer_init") int t_hr(void *s) { return 0; }
SEC("tp/timer/hrtimer_setup") int t_hrs(void *s) { return 0; }
