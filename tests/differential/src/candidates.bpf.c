// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Types that kernels have twice or under a flavour. The order of records decides, so each
 * program here depends on those before it; candidates_reversed.bpf.c asks the other way round. */
#include "core.h"

struct dma_chan {
	int lock;
	int cookie;
	int chan_id;
	void *device;
} CORE;
struct nf_conn {
	unsigned long status;
	u32 timeout;
} CORE;
struct workspace {
	char *buf;
	void *mem;
	struct workspace *list;
} CORE;
struct socket {
	int state;
	void *sk;
} CORE;

#ifdef REVERSED
SEC("kprobe/b")
int existence_first(struct dma_chan *c)
{
	use(exists(c->cookie));
	use(byte_off(c->cookie));
	use(exists(c->device));
	use(exists(c->chan_id));
	use(exists(c->lock));
	return 0;
}

SEC("kprobe/d")
int id_first(struct nf_conn *c)
{
	use(target_id(struct nf_conn));
	use(type_size(struct nf_conn));
	use(type_exists(struct nf_conn));
	use(exists(c->timeout));
	use(byte_off(c->status));
	return 0;
}
#else
SEC("kprobe/a")
int offset_first(struct dma_chan *c)
{
	use(byte_off(c->lock));
	use(exists(c->cookie));
	use(byte_off(c->cookie));
	use(exists(c->device));
	use(exists(c->chan_id));
	return 0;
}

SEC("kprobe/c")
int field_first(struct nf_conn *c)
{
	use(byte_off(c->status));
	use(exists(c->timeout));
	use(target_id(struct nf_conn));
	use(type_size(struct nf_conn));
	use(type_exists(struct nf_conn));
	return 0;
}
#endif

SEC("kprobe/e")
int ambiguous_offsets(struct workspace *w)
{
	use(exists(w->buf));
	use(byte_off(w->buf));
	use(exists(w->mem));
	use(exists(w->list));
	use(type_size(struct workspace));
	use(type_exists(struct workspace));
	return 0;
}

SEC("kprobe/f")
int two_of_a_name(struct socket *s)
{
	use(exists(s->state));
	use(byte_off(s->sk));
	use(type_size(struct socket));
	return 0;
}
