// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern int CONFIG_HZ __kconfig; extern bool CONFIG_C4_NOPE __kconfig __weak; extern int LINUX_KERNEL_VERSION __kconfig; extern bool LINUX_HAS_BPF_COOKIE __kconfig;
SEC("raw_tp/sched_wakeup") int kc(void *c) { return CONFIG_HZ + CONFIG_C4_NOPE + LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE; }
