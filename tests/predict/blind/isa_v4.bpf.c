// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
// mcpu=v4
volatile long a = 10, b = -3; volatile short sh = -5;
SEC("socket") int v4(struct __sk_buff *s) { return a / b + sh; }
SEC("socket") int v4_none(struct __sk_buff *s) { return 0; }
