// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern const void c4_no_such_symbol __ksym __weak; 
SEC("raw_tp/sched_wakeup") int ks_w(void *c) { return &c4_no_such_symbol == (void *)0; }
