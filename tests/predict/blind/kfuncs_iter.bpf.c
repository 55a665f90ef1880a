// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct bpf_iter_num { __u64 o[1]; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int s, int e) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
SEC("raw_tp/sched_wakeup") int in(void *c) { struct bpf_iter_num it; int *v, s = 0; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) s += *v; bpf_iter_num_destroy(&it); return s; }
