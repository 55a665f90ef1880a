// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which socket gets it. */
#include "net.h"
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } socks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __type(key, __u64); __type(value, __u64); __uint(max_entries, 8); } byid SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } group SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); } notes SEC(".maps");
SEC("sk_lookup") int choose(struct bpf_sk_lookup *c) { __u32 k = c->local_port & 7; struct bpf_sock *s; long e; if (c->protocol != 6) return SK_PASS; s = bpf_map_lookup_elem(&socks, &k); if (!s) return SK_DROP; e = bpf_sk_assign(c, s, 0); bpf_sk_release(s); return e ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int choose_kept(struct bpf_sk_lookup *c) { __u32 k = 1; struct bpf_sock *s = bpf_map_lookup_elem(&socks, &k); if (!s) return SK_DROP; bpf_sk_assign(c, s, 0); return SK_PASS; }
SEC("sk_lookup") int choose_two(struct bpf_sk_lookup *c) { return 2; }
SEC("sk_lookup") int choose_write(struct bpf_sk_lookup *c) { c->local_port = 1; return 1; }
SEC("sk_reuseport") int share(struct sk_reuseport_md *c) { __u32 k = c->hash & 7; return bpf_sk_select_reuseport(c, &group, &k, 0) ? SK_DROP : SK_PASS; }
SEC("sk_reuseport") int share_hash(struct sk_reuseport_md *c) { __u32 k = 1; return bpf_sk_select_reuseport(c, &notes, &k, 0) ? SK_DROP : SK_PASS; }
SEC("tc") int lookup(struct __sk_buff *skb) { struct bpf_sock_tuple t = {}; struct bpf_sock *s = bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0); int mine; if (!s) return 0; mine = s->mark == 1; bpf_sk_release(s); return mine ? 0 : 2; }
SEC("tc") int lookup_late(struct __sk_buff *skb) { struct bpf_sock_tuple t = {}; struct bpf_sock *s = bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0); if (!s) return 0; bpf_sk_release(s); return s->mark == 1; }
SEC("tc") int lookup_lost(struct __sk_buff *skb) { struct bpf_sock_tuple t = {}; struct bpf_sock *s = bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0); return s ? 2 : 0; }
SEC("tc") int note(struct __sk_buff *skb) { struct bpf_sock *s = skb->sk; __u64 *n; if (!s) return 0; s = bpf_sk_fullsock(s); if (!s) return 0; n = bpf_sk_storage_get(&notes, s, 0, BPF_SK_STORAGE_GET_F_CREATE); if (n) *n += 1; return 0; }
SEC("tc") int note_half(struct __sk_buff *skb) { struct bpf_sock *s = skb->sk; __u64 *n; if (!s) return 0; n = bpf_sk_storage_get(&notes, s, 0, 0); if (n) *n += 1; return 0; }
SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *skb) { return bpf_sk_redirect_map(skb, &socks, skb->remote_port & 7, 0); }
SEC("sk_msg") int message(struct sk_msg_md *m) { __u64 k = m->remote_ip4; if (DATA(m) + 4 > END(m)) return SK_PASS; return bpf_msg_redirect_hash(m, &byid, &k, 0); }
SEC("sk_msg") int message_map(struct sk_msg_md *m) { __u64 k = 1; return bpf_msg_redirect_hash(m, &socks, &k, 0); }
