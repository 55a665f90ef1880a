// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Enumerators: negative, above 2^31, 64 bits wide, and enums under a field. */
#include "core.h"

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART = 9 };
enum nf_ip_hook_priorities { NF_IP_PRI_FIRST = -100, NF_IP_PRI_LAST = 5 };
enum bpf_access_type { BPF_READ = 1, BPF_WRITE = 2 };
/* BPF_F_INDEX_MASK and its like make an anonymous enum in the kernel, so these have no candidate */
enum preflight_wide { PREFLIGHT_WIDE = 0xfedcba9876543210ULL };
enum preflight_high { PREFLIGHT_HIGH = 0xff000000u };
enum zone_type { ZONE_NORMAL = 77, ZONE_MOVABLE = 78 };

struct sk_buff_like {
	int x;
};

SEC("kprobe/a")
int small(void *ctx)
{
	use(enum_value(enum hrtimer_restart, HRTIMER_RESTART));
	use(enum_exists(enum hrtimer_restart, HRTIMER_NORESTART));
	use(enum_value(enum bpf_access_type, BPF_WRITE));
	use(enum_value(enum zone_type, ZONE_NORMAL));
	use(enum_value(enum zone_type, ZONE_MOVABLE));
	return 0;
}

SEC("kprobe/b")
int negative(void *ctx)
{
	use(enum_value(enum nf_ip_hook_priorities, NF_IP_PRI_FIRST));
	use(enum_value(enum nf_ip_hook_priorities, NF_IP_PRI_LAST));
	return 0;
}

SEC("kprobe/c")
int wide(void *ctx)
{
	use(enum_value(enum preflight_wide, PREFLIGHT_WIDE));
	use(enum_exists(enum preflight_wide, PREFLIGHT_WIDE));
	return 0;
}
