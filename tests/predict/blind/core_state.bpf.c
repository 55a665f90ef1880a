// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct task_struct___old { long state; } CORE; struct task_struct___new { unsigned int __state; } CORE;
SEC("raw_tp/sched_wakeup") int cs_old(void *c) { struct task_struct___old *t = (void *)bpf_get_current_task(); return BPF_CORE_READ(t, state) == 1; }
SEC("raw_tp/sched_wakeup") int cs_new(void *c) { struct task_struct___new *t = (void *)bpf_get_current_task(); return BPF_CORE_READ(t, __state) == 1; }
SEC("raw_tp/sched_wakeup") int cs_guard(void *c) { struct task_struct___new *t = (void *)bpf_get_current_task(); if (bpf_core_field_exists(t->__state)) return BPF_CORE_READ(t, __state) == 1; struct task_struct___old *o = (void *)t; return BPF_CORE_READ(o, state) == 1; }
