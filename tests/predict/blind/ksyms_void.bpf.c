// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern const void init_task __ksym; 
SEC("raw_tp/sched_wakeup") int ks_v(void *c) { int v; bpf_probe_read_kernel(&v, 4, &init_task); return v; }
