// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sessions that end by a timer. */
#include "net.h"
struct session { struct bpf_timer timer; __u64 begun; __u32 state; };
MAP(sessions, BPF_MAP_TYPE_HASH, __u32, struct session, 128);
MAP(plain, BPF_MAP_TYPE_HASH, __u32, __u64, 128);
static int over(void *map, __u32 *key, struct session *s) { s->state = 2; bpf_map_delete_elem(&sessions, key); return 0; }
static int over_badly(void *map, __u32 *key, struct session *s) { s->state = 2; return 1; }
SEC("tc") int begin(struct __sk_buff *skb) {
	__u32 k = skb->hash; struct session empty = {}, *s;
	bpf_map_update_elem(&sessions, &k, &empty, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&sessions, &k);
	if (!s) return 0;
	bpf_timer_init(&s->timer, &sessions, 1);
	bpf_timer_set_callback(&s->timer, over);
	return bpf_timer_start(&s->timer, 1000000, 0);
}
SEC("tc") int begin_other(struct __sk_buff *skb) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); if (s) bpf_timer_init(&s->timer, &plain, 1); return 0; }
SEC("tc") int begin_wrong(struct __sk_buff *skb) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); if (s) bpf_timer_set_callback(&s->timer, over_badly); return 0; }
SEC("tc") int begin_blind(struct __sk_buff *skb) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); bpf_timer_start(&s->timer, 1, 0); return 0; }
SEC("tc") int begin_off(struct __sk_buff *skb) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); if (s) bpf_timer_cancel((void *)&s->begun); return 0; }
SEC("tc") int overwrite(struct __sk_buff *skb) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); if (s) *(volatile __u64 *)s = 0; return 0; }
SEC("tc") int state(struct __sk_buff *skb) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); return s ? s->state : 0; }
SEC("kprobe/do_unlinkat") int BPF_KPROBE(from_probe) { __u32 k = 1; struct session *s = bpf_map_lookup_elem(&sessions, &k); if (s) bpf_timer_cancel(&s->timer); return 0; }
