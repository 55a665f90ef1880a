// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
static __attribute__((noinline)) int inner(void *c) { char b[300]; bpf_get_current_comm(b, 300); return b[5]; }
SEC("raw_tp/sched_wakeup") int sd(void *c) { char b[300]; bpf_get_current_comm(b, 300); return inner(c) + b[3]; }
SEC("raw_tp/sched_wakeup") int sd_ok(void *c) { char b[160]; bpf_get_current_comm(b, 160); return b[3]; }
