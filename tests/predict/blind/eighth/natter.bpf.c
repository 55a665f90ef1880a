// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Address translation on a queueing discipline, in functions that the verifier walks into and in some that it does not. */
#include "kit.h"
struct tuple { __u32 a, b; __u16 pa, pb; __u32 proto; };
struct conn { struct bpf_spin_lock lock; __u32 nat_ip; __u16 nat_port, flags; __u64 seen; };
struct pool { __u32 base, count, next; };
MAP(conns, HASH, struct tuple, struct conn, 4096);
MAP(pools, ARRAY, __u32, struct pool, 4);
TAILS(steps, 4);
struct parsed { struct iphdr *ip; struct tcphdr *tcp; __u32 off; };

SUB int look(struct __sk_buff *skb, struct parsed *out) {
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + 14;
	if (data + 14 + 20 + 20 > end) return -1;
	if (ip->ihl != 5 || ip->protocol != PROTO_TCP) return -1;
	out->ip = ip; out->tcp = (void *)(ip + 1); out->off = 34;
	return 0;
}
/* Only some ways fill what is handed in. */
SUB int look_some(struct __sk_buff *skb, struct tuple *t) {
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + 14;
	if (data + 54 > end) return -1;
	t->a = ip->saddr; t->b = ip->daddr;
	if (ip->protocol == PROTO_TCP) { struct tcphdr *h = (void *)(ip + 1); t->pa = h->source; t->pb = h->dest; }
	t->proto = ip->protocol;
	return 0;
}
INLINE void key_of(const struct parsed *p, struct tuple *t) { t->a = p->ip->saddr; t->b = p->ip->daddr; t->pa = p->tcp->source; t->pb = p->tcp->dest; t->proto = PROTO_TCP; }
GLOBAL int checksum(struct __sk_buff *skb, __u32 from, __u32 to) {
	bpf_l4_csum_replace(skb, 14 + 20 + 16, from, to, BPF_F_PSEUDO_HDR | 4);
	return bpf_l3_csum_replace(skb, 14 + 10, from, to, 4);
}
GLOBAL int pick(struct pool *p) { if (!p) return 0; return p->count ? p->base + p->next++ % p->count : 0; }
GLOBAL int pick_trusts(struct pool *p) { return p->base + p->next; }
enum { OK, STALE, LOCKED_CALL, LOCKED_RET, UNLOCK_TWICE, LOCK_READ, POOL_NULL, POOL_GLOBAL, POOL_TRUST, STORE_BYTES, STORE_OVER, COPY_LOCK, NEW_LOCK, UNSET_SOME, ORDER, PULL, PULL_STALE, DIFF, DIFF_ODD, DIFF_ZERO, TAIL, TAIL_HASH, TAIL_CTX, MARKED, CB_WRITE, CB_OVER, CLASS, HASH_W, VLAN, REDIR, TSTAMP, IFW };
INLINE int translate(struct __sk_buff *skb, const int way) {
	struct parsed p = {};
	struct tuple t = {};
	struct conn *c, fresh = {};
	__u32 z = 0, old, neu;
	if (way == UNSET_SOME) {
		struct tuple u;
		if (look_some(skb, &u)) return 0;
		return bpf_map_lookup_elem(&conns, &u) ? 0 : 2;
	}
	if (look(skb, &p)) return 0;
	key_of(&p, &t);
	c = bpf_map_lookup_elem(&conns, &t);
	if (!c) {
		struct pool *pool = bpf_map_lookup_elem(&pools, &z);
		if (way == POOL_NULL) { fresh.nat_ip = pool->base; }
		else if (way == POOL_GLOBAL) fresh.nat_ip = pick(pool);
		else if (way == POOL_TRUST) fresh.nat_ip = pool ? pick_trusts(pool) : 0;
		else { if (!pool) return 0; fresh.nat_ip = pool->base + (pool->next++ & 0xff); }
		fresh.seen = bpf_ktime_get_ns();
		bpf_map_update_elem(&conns, &t, &fresh, BPF_NOEXIST);
		return 0;
	}
	if (way == COPY_LOCK) { fresh = *c; return fresh.nat_port == 1 ? 2 : 0; }
	if (way == NEW_LOCK) { struct bpf_spin_lock l = {}; bpf_spin_lock(&l); bpf_spin_unlock(&l); return 0; }
	if (way == LOCK_READ) { if (*(volatile __u32 *)&c->lock) return 2; }
	bpf_spin_lock(&c->lock);
	c->seen = way == LOCKED_CALL ? bpf_ktime_get_ns() : c->seen + 1;
	neu = c->nat_ip;
	if (way == LOCKED_RET && c->flags & 1) return 2;
	bpf_spin_unlock(&c->lock);
	if (way == UNLOCK_TWICE) bpf_spin_unlock(&c->lock);
	old = p.ip->saddr;
	if (way == PULL || way == PULL_STALE) {
		if (bpf_skb_pull_data(skb, 60)) return 0;
		if (way == PULL && look(skb, &p)) return 0;
		p.ip->saddr = neu;
		return 0;
	}
	if (way == DIFF || way == DIFF_ODD || way == DIFF_ZERO) {
		__u32 a[2] = { old, 0 }, b[2] = { neu, 0 };
		__s64 d = way == DIFF_ZERO ? bpf_csum_diff(0, 0, b, 8, 0) : bpf_csum_diff(a, way == DIFF_ODD ? 12 : 8, b, 8, 0);
		return bpf_l4_csum_replace(skb, 50, 0, d, BPF_F_PSEUDO_HDR) ? 2 : 0;
	}
	if (way == TAIL) { bpf_tail_call(skb, &steps, 1); return 0; }
	if (way == TAIL_HASH) { bpf_tail_call(skb, &pools, 1); return 0; }
	if (way == TAIL_CTX) { bpf_tail_call(&t, &steps, 1); return 0; }
	if (way == MARKED) { skb->mark = neu; skb->priority = 3; skb->queue_mapping = 1; skb->tc_index = 2; }
	if (way == CB_WRITE) { skb->cb[4] = neu; skb->cb[0] = 1; return skb->cb[3] == 9 ? 2 : 0; }
	if (way == CB_OVER) { *(__u32 *)((void *)skb + __builtin_offsetof(struct __sk_buff, cb) + 20) = neu; }
	if (way == CLASS) { skb->tc_classid = 3; return skb->tc_classid == 4; }
	if (way == HASH_W) { skb->hash = 3; }
	if (way == TSTAMP) { skb->tstamp = bpf_ktime_get_ns() + 1000; }
	if (way == IFW) { skb->ifindex = 3; }
	if (way == VLAN) { if (bpf_skb_vlan_push(skb, ETH_VLAN, 7)) return 2; return p.tcp->syn; }
	if (way == REDIR) return bpf_redirect_neigh(3, 0, 0, 0);
	if (way == STORE_BYTES) return bpf_skb_store_bytes(skb, 26, &neu, sizeof(neu), 0) ? 2 : 0;
	if (way == STORE_OVER) return bpf_skb_store_bytes(skb, 26, &neu, 8, 0) ? 2 : 0;
	if (way == STALE) { checksum(skb, old, neu); p.ip->saddr = neu; return 0; }
	if (way == ORDER) { p.ip->saddr = neu; checksum(skb, old, neu); return 0; }
	p.ip->saddr = neu;
	return 0;
}
WAY("tc", ok, struct __sk_buff, translate, OK)
WAY("tc", stale, struct __sk_buff, translate, STALE)
WAY("tc", locked_call, struct __sk_buff, translate, LOCKED_CALL)
WAY("tc", locked_ret, struct __sk_buff, translate, LOCKED_RET)
WAY("tc", unlock_twice, struct __sk_buff, translate, UNLOCK_TWICE)
WAY("tc", lock_read, struct __sk_buff, translate, LOCK_READ)
WAY("tc", pool_null, struct __sk_buff, translate, POOL_NULL)
WAY("tc", pool_global, struct __sk_buff, translate, POOL_GLOBAL)
WAY("tc", pool_trust, struct __sk_buff, translate, POOL_TRUST)
WAY("tc", store_bytes, struct __sk_buff, translate, STORE_BYTES)
WAY("tc", store_over, struct __sk_buff, translate, STORE_OVER)
WAY("tc", copy_lock, struct __sk_buff, translate, COPY_LOCK)
WAY("tc", new_lock, struct __sk_buff, translate, NEW_LOCK)
WAY("tc", unset_some, struct __sk_buff, translate, UNSET_SOME)
WAY("tc", order, struct __sk_buff, translate, ORDER)
WAY("tc", pull, struct __sk_buff, translate, PULL)
WAY("tc", pull_stale, struct __sk_buff, translate, PULL_STALE)
WAY("tc", diff, struct __sk_buff, translate, DIFF)
WAY("tc", diff_odd, struct __sk_buff, translate, DIFF_ODD)
WAY("tc", diff_zero, struct __sk_buff, translate, DIFF_ZERO)
WAY("tc", tail, struct __sk_buff, translate, TAIL)
WAY("tc", tail_hash, struct __sk_buff, translate, TAIL_HASH)
WAY("tc", tail_ctx, struct __sk_buff, translate, TAIL_CTX)
WAY("tc", marked, struct __sk_buff, translate, MARKED)
WAY("tc", cb_write, struct __sk_buff, translate, CB_WRITE)
WAY("tc", cb_over, struct __sk_buff, translate, CB_OVER)
WAY("tc", class_, struct __sk_buff, translate, CLASS)
WAY("tc", hash_w, struct __sk_buff, translate, HASH_W)
WAY("tc", vlan_, struct __sk_buff, translate, VLAN)
WAY("tc", redir, struct __sk_buff, translate, REDIR)
WAY("tc", tstamp, struct __sk_buff, translate, TSTAMP)
WAY("tc", ifw, struct __sk_buff, translate, IFW)
WAY("cgroup_skb/egress", cg_ok, struct __sk_buff, translate, MARKED)
WAY("cgroup_skb/egress", cg_class, struct __sk_buff, translate, CLASS)
WAY("cgroup_skb/egress", cg_store, struct __sk_buff, translate, STORE_BYTES)
WAY("socket", sock_reads, struct __sk_buff, translate, OK)
WAY("sk_skb/stream_verdict", stream_reads, struct __sk_buff, translate, PULL)
WAY("lwt_xmit", lwt_writes, struct __sk_buff, translate, OK)
WAY("lwt_in", lwt_in_writes, struct __sk_buff, translate, OK)
