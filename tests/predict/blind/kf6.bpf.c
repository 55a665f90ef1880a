// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern int bpf_wq_init(void *wq, void *m, unsigned f) __ksym __weak; extern void bpf_throw(__u64 c) __ksym; extern __u32 bpf_get_fsverity_digest(void) __ksym __weak;
SEC("tc") int k1(struct __sk_buff *s) { if (s->len == 77) bpf_throw(1); return 0; }
