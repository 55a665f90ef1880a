// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Storage of cgroups, by the group, by what is said to be one, and by a task's. */
#include "kit.h"
struct st { __u64 bytes, pkts; __u32 rtt, state; };
struct { __uint(type, 32); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct st); } cgrp SEC(".maps");
MAP(plain, ARRAY, __u32, struct st, 4);
static void *(*cgrp_get)(void *map, struct cgroup *c, void *v, __u64 f) = (void *)210;
static long (*cgrp_delete)(void *map, struct cgroup *c) = (void *)211;
SEC("cgroup_skb/egress") int g_cgrp(struct __sk_buff *s) { struct st *x = cgrp_get(&cgrp, (void *)s->sk, 0, 0); return x != 0; }
SEC("tp_btf/cgroup_mkdir") int g_cgrp_tp(__u64 *c) { struct st *x = cgrp_get(&cgrp, (struct cgroup *)c[0], 0, 1); if (x) x->pkts++; return 0; }
SEC("tp_btf/cgroup_mkdir") int g_cgrp_null(__u64 *c) { struct st *x = cgrp_get(&cgrp, (struct cgroup *)c[0], 0, 1); x->pkts++; return 0; }
SEC("tp_btf/cgroup_mkdir") int g_cgrp_path(__u64 *c) { struct st *x = cgrp_get(&cgrp, (void *)c[1], 0, 1); if (x) x->pkts++; return 0; }
SEC("tp_btf/sched_switch") int by_task(__u64 *c) { struct task_struct *t = (void *)c[2]; struct st *x; bpf_rcu_read_lock(); x = cgrp_get(&cgrp, t->cgroups->dfl_cgrp, 0, 1); if (x) x->bytes++; bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/sched_switch") int by_task_bare(__u64 *c) { struct task_struct *t = (void *)c[2]; struct st *x = cgrp_get(&cgrp, t->cgroups->dfl_cgrp, 0, 1); if (x) x->bytes++; return 0; }
SEC("tp_btf/sched_switch") int by_task_itself(__u64 *c) { struct st *x = cgrp_get(&cgrp, (void *)c[2], 0, 1); if (x) x->bytes++; return 0; }
SEC("tp_btf/cgroup_rmdir") int removed(__u64 *c) { return cgrp_delete(&cgrp, (void *)c[0]) & 0; }
SEC("tp_btf/cgroup_mkdir") int plain_map(__u64 *c) { struct st *x = cgrp_get(&plain, (void *)c[0], 0, 1); return x != 0; }
SEC("tp_btf/cgroup_mkdir") int init_short(__u64 *c) { __u32 v = 1; struct st *x = cgrp_get(&cgrp, (void *)c[0], &v, 1); if (x) x->state = 2; return 0; }
SEC("tp_btf/cgroup_mkdir") int looked_up(__u64 *c) { __u32 k = 1; struct st *x = bpf_map_lookup_elem(&cgrp, &k); return x != 0; }
SEC("tp_btf/cgroup_mkdir") int over(__u64 *c) { struct st *x = cgrp_get(&cgrp, (void *)c[0], 0, 1); if (x) x[1].state = 2; return 0; }
