// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Offsets beyond what a load can hold: refused there, fine in arithmetic. */
#include "core.h"

struct pglist_data {
	int node_id;
	int kswapd_order;
	unsigned long node_start_pfn;
	int nr_zones;
} CORE;

SEC("kprobe/a")
int far_in_arithmetic(struct pglist_data *p)
{
	use(byte_off(p->node_id));
	field_ptr(p->kswapd_order);
	return 0;
}

SEC("kprobe/b")
int far_in_a_load(struct pglist_data *p)
{
	use(p->kswapd_order);
	use(p->node_id);
	return p->nr_zones;
}
