// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Code shared by programs: functions verified alone, static ones, settings, tail calls from them. */
#include "kit.h"
struct conf { __u32 mode, limit; __u64 flags; };
struct pkt { __u32 saddr, daddr; __u16 sport, dport; __u8 proto; };
MAP(confs, BPF_MAP_TYPE_ARRAY, __u32, struct conf, 4);
MAP(hits, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 256);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } chain SEC(".maps");
const volatile __u32 modes[8] = { 1, 2, 3 }; __u32 seen[16]; __u32 last; static volatile __u32 quiet;
GLOBAL int classify(__u32 addr, __u16 port) { if (port == 53) return 1; return (addr & 0xff) == 10 ? 2 : 0; }
GLOBAL int fill(struct __sk_buff *skb, struct pkt *p) { if (!p) return -1; p->proto = 6; return bpf_skb_load_bytes(skb, 26, p, 8); }
GLOBAL int fill_blind(struct __sk_buff *skb, struct pkt *p) { return bpf_skb_load_bytes(skb, 26, p, 8); }
GLOBAL int conf_of(struct conf *c) { return c ? c->mode + c->limit : -1; }
GLOBAL int conf_blind(struct conf *c) { return c->mode; }
GLOBAL int text_at(const char *s) { return s ? s[0] : 0; }
GLOBAL int text_past(const char *s) { return s ? s[1] : 0; }
GLOBAL int packet_at(void *p) { return p ? *(char *)p : 0; }
GLOBAL void nothing(struct __sk_buff *skb) { skb->mark = 1; }
GLOBAL long many(long a, long b, long c, long d, long e) { return a + b + c + d + e; }
GLOBAL int calls_next(struct __sk_buff *skb) { bpf_tail_call(skb, &chain, 1); return 0; }
NOINLINE int count(__u32 k) { __u64 one = 1, *n = bpf_map_lookup_elem(&hits, &k); if (n) { *n += 1; return 0; } return bpf_map_update_elem(&hits, &k, &one, 0); }
NOINLINE struct conf *conf(__u32 k) { return bpf_map_lookup_elem(&confs, &k); }
NOINLINE int peek(void *data, void *end) { if (data + 14 > end) return -1; return *(__u8 *)(data + 13); }
NOINLINE __u64 *entry(__u32 k) { return bpf_map_lookup_elem(&hits, &k); }
NOINLINE int write_out(struct pkt *p) { p->saddr = 1; p->daddr = 2; return 0; }
SEC("tc") int use_classify(struct __sk_buff *skb) { return classify(skb->len, skb->mark) == 1 ? 2 : 0; }
SEC("tc") int use_index(struct __sk_buff *skb) { int c = classify(skb->len, skb->mark); if (c < 0 || c > 15) return 0; seen[c]++; return 0; }
SEC("tc") int use_index_loose(struct __sk_buff *skb) { int c = classify(skb->len, skb->mark); seen[c]++; return 0; }
SEC("tc") int use_index_signed(struct __sk_buff *skb) { int c = classify(skb->len, skb->mark); if (c > 15) return 0; seen[c]++; return 0; }
SEC("tc") int use_fill(struct __sk_buff *skb) { struct pkt p = {}; if (fill(skb, &p)) return 0; return p.saddr == 1 ? 2 : 0; }
SEC("tc") int use_fill_unset(struct __sk_buff *skb) { struct pkt p; if (fill(skb, &p)) return 0; return p.saddr == 1 ? 2 : 0; }
SEC("tc") int use_fill_blind(struct __sk_buff *skb) { struct pkt p = {}; return fill_blind(skb, &p) ? 0 : 2; }
SEC("tc") int use_conf(struct __sk_buff *skb) { __u32 k = 0; return conf_of(bpf_map_lookup_elem(&confs, &k)) > 0; }
SEC("tc") int use_conf_blind(struct __sk_buff *skb) { __u32 k = 0; return conf_blind(bpf_map_lookup_elem(&confs, &k)) > 0; }
SEC("tc") int use_text(struct __sk_buff *skb) { char t[4] = "abc"; return text_at(t) == 'a' ? 2 : 0; }
SEC("tc") int use_text_past(struct __sk_buff *skb) { char t[4] = "abc"; return text_past(t) == 'a' ? 2 : 0; }
SEC("tc") int use_packet(struct __sk_buff *skb) { void *p = DATA(skb); if (p + 1 > END(skb)) return 0; return packet_at(p); }
SEC("tc") int use_nothing(struct __sk_buff *skb) { nothing(skb); return 0; }
SEC("tc") int use_many(struct __sk_buff *skb) { return many(skb->len, skb->mark, 1, 2, 3) & 1; }
SEC("tc") int use_next(struct __sk_buff *skb) { return calls_next(skb); }
SEC("xdp") int use_classify_xdp(struct xdp_md *c) { return classify(c->rx_queue_index, 5) ? XDP_PASS : XDP_DROP; }
SEC("tc") int use_count(struct __sk_buff *skb) { count(skb->mark); count(skb->len); return 0; }
SEC("tc") int use_static(struct __sk_buff *skb) { struct conf *c = conf(1); return c && c->mode == 1 ? 2 : 0; }
SEC("tc") int use_static_blind(struct __sk_buff *skb) { struct conf *c = conf(1); return c->mode == 1 ? 2 : 0; }
SEC("tc") int use_static_big(struct __sk_buff *skb) { struct conf *c = conf(9); if (!c) return 0; return ((__u64 *)c)[2] & 1; }
SEC("tc") int use_entry(struct __sk_buff *skb) { __u64 *n = entry(3); if (n) *n += skb->len; return 0; }
SEC("tc") int use_peek(struct __sk_buff *skb) { return peek(DATA(skb), END(skb)) == 8 ? 2 : 0; }
SEC("tc") int use_out(struct __sk_buff *skb) { struct pkt p; write_out(&p); return p.saddr + p.daddr == 3 ? 0 : 2; }
SEC("tc") int use_out_part(struct __sk_buff *skb) { struct pkt p; write_out(&p); return *(volatile __u16 *)&p.sport == 3 ? 0 : 2; }
SEC("tc") int modes_masked(struct __sk_buff *skb) { return modes[skb->mark & 7] == 2 ? 2 : 0; }
SEC("tc") int modes_past(struct __sk_buff *skb) { return modes[skb->mark & 15] == 2 ? 2 : 0; }
SEC("tc") int modes_write(struct __sk_buff *skb) { ((volatile __u32 *)modes)[1] = 5; return 0; }
SEC("tc") int last_seen(struct __sk_buff *skb) { last = skb->mark; quiet++; __sync_fetch_and_add(&seen[3], 1); return 0; }
SEC("tc") int seen_text(struct __sk_buff *skb) { return bpf_skb_load_bytes(skb, 0, seen, sizeof(seen)) ? 0 : 2; }
SEC("tc") int seen_more(struct __sk_buff *skb) { return bpf_skb_load_bytes(skb, 0, seen, 128) ? 0 : 2; }
SEC("tc") int print(struct __sk_buff *skb) { bpf_printk("mark %d len %d of %s", skb->mark, skb->len, "tc"); return 0; }
SEC("tc") int print_many(struct __sk_buff *skb) { bpf_printk("%d %d %d %d", skb->mark, skb->len, skb->hash, skb->ifindex); return 0; }
SEC("tc") int chain_self(struct __sk_buff *skb) { bpf_tail_call(skb, &chain, skb->mark & 7); skb->cb[0] = 1; return 2; }
SEC("tc") int chain_wrong(struct __sk_buff *skb) { bpf_tail_call(skb, &confs, 0); return 2; }
