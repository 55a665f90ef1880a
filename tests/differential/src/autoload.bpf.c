// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that is not loaded does not relocate and does not prune. */
#include "core.h"

struct dma_chan {
	int lock;
	int cookie;
} CORE;
struct nf_conn {
	unsigned long status;
} CORE;

SEC("?kprobe/off")
int not_loaded(struct dma_chan *c)
{
	use(byte_off(c->lock));
	use(byte_off(((struct nf_conn *)c)->status));
	return 0;
}

SEC("kprobe/on")
int loaded(struct dma_chan *c)
{
	use(exists(c->cookie));
	use(type_exists(struct nf_conn));
	return 0;
}
