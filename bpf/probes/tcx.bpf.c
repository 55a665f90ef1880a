// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: packets at a network device through a link. Loaders before libbpf 1.3 do not know the section name. */
#include <linux/bpf.h>
#include "license.h"

/* enum tcx_action_base of include/uapi/linux/bpf.h, absent from older headers. */
#define PROBE_TCX_NEXT (-1)

SEC("tcx/ingress")
int probe_tcx(struct __sk_buff *skb)
{
	return PROBE_TCX_NEXT;
}
