// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules of control groups. */
#include "net.h"
MAP(ports, BPF_MAP_TYPE_HASH, __u16, __u32, 64);
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, __u64); } used SEC(".maps");
SEC("cgroup/connect4") int to_proxy(struct bpf_sock_addr *c) { __u16 p = c->user_port; __u32 *to = bpf_map_lookup_elem(&ports, &p); if (to) { c->user_ip4 = bpf_htonl(0x7f000001); c->user_port = *to; } return 1; }
SEC("cgroup/connect4") int to_proxy_v6(struct bpf_sock_addr *c) { c->user_ip6[0] = 0; return 1; }
SEC("cgroup/connect4") int family_set(struct bpf_sock_addr *c) { c->user_family = 2; return 1; }
SEC("cgroup/connect4") int two(struct bpf_sock_addr *c) { return 2; }
SEC("cgroup/connect6") int source6(struct bpf_sock_addr *c) { return c->msg_src_ip6[0] == 0; }
SEC("cgroup/bind4") int low(struct bpf_sock_addr *c) { return bpf_ntohs(c->user_port) >= 1024; }
SEC("cgroup/sendmsg4") int sends(struct bpf_sock_addr *c) { c->msg_src_ip4 = 0; return c->user_port != 53; }
SEC("cgroup/sock_create") int create(struct bpf_sock *s) { s->mark = 5; return s->type != 3; }
SEC("cgroup/sock_create") int create_family(struct bpf_sock *s) { s->family = 2; return 1; }
SEC("cgroup/post_bind4") int bound(struct bpf_sock *s) { return s->src_port != 80; }
SEC("cgroup_skb/egress") int out(struct __sk_buff *skb) { __u64 *n = bpf_get_local_storage(&used, 0); __sync_fetch_and_add(n, skb->len); return 1; }
SEC("cgroup_skb/egress") int out_flags(struct __sk_buff *skb) { __u64 *n = bpf_get_local_storage(&used, 1); *n = 1; return 1; }
SEC("cgroup_skb/ingress") int in(struct __sk_buff *skb) { struct iphdr *ip = DATA(skb); if ((void *)(ip + 1) > END(skb)) return 1; return ip->ttl > 1; }
SEC("cgroup_skb/ingress") int in_write(struct __sk_buff *skb) { struct iphdr *ip = DATA(skb); if ((void *)(ip + 1) > END(skb)) return 1; ip->ttl = 3; return 1; }
SEC("cgroup_skb/ingress") int in_three(struct __sk_buff *skb) { return 3; }
SEC("cgroup_skb/ingress") int in_len(struct __sk_buff *skb) { return skb->len > 100 ? 2 : 1; }
SEC("cgroup/dev") int device(struct bpf_cgroup_dev_ctx *c) { return c->major == 1 && (c->access_type & 0xffff) == BPF_DEVCG_DEV_CHAR; }
SEC("cgroup/sysctl") int control(struct bpf_sysctl *c) { char name[32]; return c->write && bpf_sysctl_get_name(c, name, sizeof(name), 0) > 0 ? 0 : 1; }
SEC("cgroup/sysctl") int control_write(struct bpf_sysctl *c) { c->write = 0; return 1; }
SEC("cgroup/getsockopt") int option(struct bpf_sockopt *c) { __u8 *o = c->optval; if (o + 1 > (__u8 *)c->optval_end) return 1; o[0] = 1; c->retval = 0; return 1; }
SEC("cgroup/getsockopt") int option_blind(struct bpf_sockopt *c) { __u8 *o = c->optval; o[0] = 1; return 1; }
SEC("cgroup/setsockopt") int option_retval(struct bpf_sockopt *c) { c->retval = 0; return 1; }
SEC("sockops") int operations(struct bpf_sock_ops *c) { if (c->op == BPF_SOCK_OPS_TCP_CONNECT_CB) bpf_sock_ops_cb_flags_set(c, 1); c->reply = -1; return 1; }
SEC("sockops") int operations_port(struct bpf_sock_ops *c) { c->local_port = 1; return 1; }
