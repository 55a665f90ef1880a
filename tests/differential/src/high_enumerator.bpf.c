// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A 32-bit enumerator above 2^31: the compiler zero-extends it, libbpf sign-extends it and refuses. */
#include "core.h"

enum skb_drop_reason_subsys_like { PREFLIGHT_HIGH = 0xff000000u };
enum skb_drop_reason { SKB_DROP_REASON_SUBSYS_MASK = 0xffff0000u, SKB_DROP_REASON_NOT_SPECIFIED = 2 };

SEC("kprobe/a")
int high(void *ctx)
{
	use(enum_value(enum skb_drop_reason, SKB_DROP_REASON_SUBSYS_MASK));
	use(enum_exists(enum skb_drop_reason, SKB_DROP_REASON_SUBSYS_MASK));
	use(enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED));
	use(enum_exists(enum skb_drop_reason_subsys_like, PREFLIGHT_HIGH));
	return 0;
}
