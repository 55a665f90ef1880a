// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *c, __u64 *t) __ksym;
SEC("xdp") int k1(struct xdp_md *c) { __u64 t = 0; return bpf_xdp_metadata_rx_timestamp(c, &t) ? 1 : 2; }
