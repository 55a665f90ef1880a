// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern int bpf_strcmp(const char *a, const char *b) __ksym;
const char aa[] = "abc", bb[] = "abd";
SEC("syscall") int st(void *c) { return bpf_strcmp(aa, bb); }
SEC("raw_tp/sched_wakeup") int st_rt(void *c) { return bpf_strcmp(aa, bb); }
