// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern bool CONFIG_HZ __kconfig;
SEC("raw_tp/sched_wakeup") int kc(void *c) { return CONFIG_HZ; }
