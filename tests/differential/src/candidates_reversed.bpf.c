// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The questions of candidates.bpf.c in another order. */
#define REVERSED
#include "candidates.bpf.c"
