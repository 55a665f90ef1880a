// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("xdp") int buff_len(struct xdp_md *c) { return bpf_xdp_get_buff_len(c) > 100 ? XDP_PASS : XDP_DROP; }
SEC("xdp") int adjust(struct xdp_md *c) { return bpf_xdp_adjust_tail(c, -1) ? XDP_DROP : XDP_PASS; }
SEC("xdp.frags") int frags(struct xdp_md *c) { return XDP_PASS; }
SEC("xdp/devmap") int devm(struct xdp_md *c) { return XDP_PASS; }
SEC("xdp/cpumap") int cpum(struct xdp_md *c) { return XDP_PASS; }
