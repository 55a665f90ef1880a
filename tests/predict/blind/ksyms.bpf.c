// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct rq { unsigned int nr_running; int cpu; } CORE;
extern const struct rq runqueues __ksym;
SEC("raw_tp/sched_wakeup") int ks_rq(void *c) { const struct rq *r = bpf_per_cpu_ptr(&runqueues, 0); return r ? r->cpu : 0; }
