// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern const int bpf_prog_active __ksym;
SEC("raw_tp/sys_enter") int t1(void *c) { int *p = bpf_this_cpu_ptr(&bpf_prog_active); return *p; }
