// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
// mcpu=v3
long cnt; 
SEC("socket") int at_fetch(struct __sk_buff *s) { return __sync_fetch_and_add(&cnt, 1) == 3; }
SEC("socket") int at_add(struct __sk_buff *s) { __sync_fetch_and_add(&cnt, 1); return 0; }
SEC("socket") int at_cas(struct __sk_buff *s) { return __sync_val_compare_and_swap(&cnt, 1, 2) == 3; }
