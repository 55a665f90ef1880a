// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is done while a lock is held. */
#include "net.h"
struct guarded { __u64 a; struct bpf_spin_lock lock; __u32 b; };
struct two { struct bpf_spin_lock first; __u32 x; };
MAP(values, BPF_MAP_TYPE_ARRAY, __u32, struct guarded, 4);
MAP(others, BPF_MAP_TYPE_HASH, __u32, struct two, 4);
ALWAYS struct guarded *value(__u32 k) { return bpf_map_lookup_elem(&values, &k); }
SEC("tc") int both(struct __sk_buff *skb) { struct guarded *v = value(0); if (!v) return 0; bpf_spin_lock(&v->lock); v->a += v->b; bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int branches(struct __sk_buff *skb) { struct guarded *v = value(0); if (!v) return 0; bpf_spin_lock(&v->lock); if (skb->len > 9) { v->a = 1; bpf_spin_unlock(&v->lock); return 2; } v->b = 1; bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int again(struct __sk_buff *skb) { struct guarded *v = value(0); if (!v) return 0; bpf_spin_lock(&v->lock); bpf_spin_lock(&v->lock); bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int different(struct __sk_buff *skb) { struct guarded *v = value(0), *w = value(1); if (!v || !w) return 0; bpf_spin_lock(&v->lock); v->a = 1; bpf_spin_unlock(&w->lock); return 0; }
SEC("tc") int unheld(struct __sk_buff *skb) { struct guarded *v = value(0); if (v) bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int looked_up(struct __sk_buff *skb) { struct guarded *v = value(0); if (!v) return 0; bpf_spin_lock(&v->lock); v = value(1); if (v) bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int direct(struct __sk_buff *skb) { struct guarded *v = value(0); if (v) *(volatile __u32 *)&v->lock = 0; return 0; }
SEC("tc") int copied(struct __sk_buff *skb) { struct guarded *v = value(0); if (v) bpf_skb_load_bytes(skb, 0, v, sizeof(*v)); return 0; }
SEC("tc") int wrong_place(struct __sk_buff *skb) { struct guarded *v = value(0); if (!v) return 0; bpf_spin_lock((void *)&v->b); v->a = 1; bpf_spin_unlock((void *)&v->b); return 0; }
SEC("kprobe/do_unlinkat") int BPF_KPROBE(traced) { struct guarded *v = value(0); if (!v) return 0; bpf_spin_lock(&v->lock); v->a++; bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int hashed(struct __sk_buff *skb) { __u32 k = skb->mark; struct two *t = bpf_map_lookup_elem(&others, &k); __u32 x; if (!t) return 0; bpf_spin_lock(&t->first); x = t->x++; bpf_spin_unlock(&t->first); return x & 1; }
SEC("tc") int updated(struct __sk_buff *skb) { __u32 k = 2; struct two t = {}; return bpf_map_update_elem(&others, &k, &t, BPF_F_LOCK) ? 2 : 0; }
