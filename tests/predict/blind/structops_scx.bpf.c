// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct sched_ext_ops { void (*enqueue)(struct task_struct *p, __u64 f); char name[128]; } CORE;
SEC("struct_ops/enqueue") void BPF_PROG(enq, struct task_struct *p, __u64 f) { }
SEC(".struct_ops") struct sched_ext_ops ops = { .enqueue = (void*)enq, .name = "c4" };
