// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern const unsigned long __per_cpu_offset[] __ksym __weak; extern int nothing_like_it __ksym __weak;
SEC("raw_tp/sys_enter") int t1(void *c) { return &nothing_like_it ? 1 : 0; }
