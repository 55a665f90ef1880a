// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern const struct task_struct init_task __ksym;
SEC("raw_tp/sys_enter") int t1(void *c) { return init_task.pid; }
