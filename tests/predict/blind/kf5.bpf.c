// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern void vfs_read(void) __ksym;
SEC("raw_tp/sys_enter") int k1(void *s) { vfs_read(); return 0; }
