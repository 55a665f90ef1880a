// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Connections of containers: redirection of connect and sendmsg, bind limits, options, devices, sysctl. */
#include "kit.h"
struct target { __u32 addr; __u16 port; __u16 pad; };
struct orig { __u32 addr; __u32 port; };
MAP(services, BPF_MAP_TYPE_HASH, struct target, struct target, 512);
MAP(origs, BPF_MAP_TYPE_LRU_HASH, __u64, struct orig, 4096);
MAP(allowed, BPF_MAP_TYPE_HASH, __u64, __u8, 64);
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct orig); } kept SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, __u64); } bytes SEC(".maps");
SEC("cgroup/connect4") int connect_service(struct bpf_sock_addr *ctx) {
	struct target k = { .addr = ctx->user_ip4, .port = ctx->user_port }, *t; __u64 cookie; struct orig o;
	if (ctx->protocol != 6 && ctx->protocol != 17) return 1;
	t = bpf_map_lookup_elem(&services, &k);
	if (!t) return 1;
	cookie = bpf_get_socket_cookie(ctx);
	o.addr = ctx->user_ip4; o.port = ctx->user_port;
	bpf_map_update_elem(&origs, &cookie, &o, BPF_ANY);
	ctx->user_ip4 = t->addr; ctx->user_port = t->port;
	return 1;
}
SEC("cgroup/connect4") int connect_deny(struct bpf_sock_addr *ctx) { __u64 id = bpf_get_current_cgroup_id(); return bpf_map_lookup_elem(&allowed, &id) ? 1 : 0; }
SEC("cgroup/connect4") int connect_errno(struct bpf_sock_addr *ctx) { return -EPERM; }
SEC("cgroup/connect4") int connect_two(struct bpf_sock_addr *ctx) { return ctx->user_port == bpf_htons(80) ? 2 : 1; }
SEC("cgroup/connect4") int connect_hasty(struct bpf_sock_addr *ctx) { struct target k = { ctx->user_ip4, ctx->user_port, 0 }, *t = bpf_map_lookup_elem(&services, &k); ctx->user_ip4 = t->addr; return 1; }
SEC("cgroup/connect4") int connect_family(struct bpf_sock_addr *ctx) { ctx->user_family = 10; return 1; }
SEC("cgroup/connect4") int connect_v6(struct bpf_sock_addr *ctx) { return ctx->user_ip6[0] == 0; }
SEC("cgroup/connect6") int connect6_half(struct bpf_sock_addr *ctx) { return ctx->user_ip6[3] == bpf_htonl(1) && ctx->user_ip6[2] == 0; }
SEC("cgroup/connect6") int connect6_map(struct bpf_sock_addr *ctx) { ctx->user_ip6[0] = 0; ctx->user_ip6[1] = 0; ctx->user_ip6[2] = bpf_htonl(0xffff); ctx->user_ip6[3] = bpf_htonl(0x0a000001); return 1; }
SEC("cgroup/connect4") int connect_bind(struct bpf_sock_addr *ctx) { struct { __u16 family, port; __u32 addr; __u8 zero[8]; } sa = { .family = AF_INET, .addr = bpf_htonl(0x7f000002) }; return bpf_bind(ctx, (void *)&sa, sizeof(sa)) ? 0 : 1; }
SEC("cgroup/bind4") int bind_low(struct bpf_sock_addr *ctx) { __u16 port = bpf_ntohs(ctx->user_port); return port >= 1024; }
SEC("cgroup/bind4") int bind_keep(struct bpf_sock_addr *ctx) { return 3; }
SEC("cgroup/bind4") int bind_sockopt(struct bpf_sock_addr *ctx) { int one = 1; bpf_setsockopt(ctx, 1, 2, &one, sizeof(one)); return 1; }
SEC("cgroup/bind4") int bind_wrong(struct bpf_sock_addr *ctx) { return bpf_bind(ctx, (void *)&(struct { __u64 a, b; }){ 2, 0 }, 16) == 0; }
SEC("cgroup/sendmsg4") int send_dns(struct bpf_sock_addr *ctx) { if (ctx->user_port != bpf_htons(53)) return 1; ctx->user_ip4 = bpf_htonl(0x7f000035); ctx->msg_src_ip4 = 0; return 1; }
SEC("cgroup/recvmsg4") int recv_back(struct bpf_sock_addr *ctx) { __u64 c = bpf_get_socket_cookie(ctx); struct orig *o = bpf_map_lookup_elem(&origs, &c); if (o) { ctx->user_ip4 = o->addr; ctx->user_port = o->port; } return 1; }
SEC("cgroup/recvmsg4") int recv_deny(struct bpf_sock_addr *ctx) { return ctx->user_port != 0; }
SEC("cgroup/getpeername4") int peer(struct bpf_sock_addr *ctx) { ctx->user_ip4 = 1; return 1; }
SEC("cgroup/sock_create") int create(struct bpf_sock *sk) { if (sk->type == 3) return 0; sk->mark = 7; return 1; }
SEC("cgroup/sock_create") int create_type(struct bpf_sock *sk) { sk->type = 1; return 1; }
SEC("cgroup/sock_create") int create_store(struct bpf_sock *sk) { struct orig *o = bpf_sk_storage_get(&kept, sk, 0, BPF_SK_STORAGE_GET_F_CREATE); if (!o) return 0; o->port = sk->family; return 1; }
SEC("cgroup/sock_create") int create_port(struct bpf_sock *sk) { return sk->src_port == 0; }
SEC("cgroup/post_bind4") int bound(struct bpf_sock *sk) { return sk->src_port != 8080; }
SEC("cgroup/sock_release") int gone(struct bpf_sock *sk) { struct orig *o = bpf_sk_storage_get(&kept, sk, 0, 0); __u64 c = bpf_get_socket_cookie(sk); if (o) bpf_map_delete_elem(&origs, &c); return 1; }
SEC("cgroup_skb/egress") int egress(struct __sk_buff *skb) { __u64 *n = bpf_get_local_storage(&bytes, 0); __sync_fetch_and_add(n, skb->len); return 1; }
SEC("cgroup_skb/ingress") int ingress(struct __sk_buff *skb) { struct iphdr ip; if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip))) return 1; return ip.protocol != 1; }
SEC("cgroup_skb/ingress") int ingress_bool(struct __sk_buff *skb) { return skb->len; }
SEC("cgroup_skb/egress") int egress_cn(struct __sk_buff *skb) { return 3; }
SEC("cgroup_skb/egress") int egress_store(struct __sk_buff *skb) { return bpf_skb_store_bytes(skb, 0, &(__u32){0}, 4, 0) ? 0 : 1; }
SEC("cgroup_skb/egress") int egress_tstamp(struct __sk_buff *skb) { skb->tstamp = bpf_ktime_get_ns() + 1000; skb->priority = 1; return 1; }
SEC("cgroup_skb/egress") int egress_sock(struct __sk_buff *skb) { struct bpf_sock *sk = skb->sk; if (!sk) return 1; return bpf_sk_cgroup_id(sk) != 5; }
SEC("cgroup_skb/egress") int egress_full(struct __sk_buff *skb) { struct bpf_sock *sk = skb->sk; struct bpf_tcp_sock *tp; if (!sk) return 1; sk = bpf_sk_fullsock(sk); if (!sk) return 1; tp = bpf_tcp_sock(sk); return tp ? tp->snd_cwnd != 1 : 1; }
SEC("cgroup_skb/egress") int egress_tcp(struct __sk_buff *skb) { struct bpf_sock *sk = skb->sk; struct bpf_tcp_sock *tp; if (!sk) return 1; tp = bpf_tcp_sock(sk); return tp->snd_cwnd != 1; }
SEC("cgroup/getsockopt") int getopt(struct bpf_sockopt *c) { __u8 *o = c->optval, *e = c->optval_end; if (c->level != 0 || o + 1 > e) return 1; c->retval = 0; o[0] = 7; c->optlen = 1; return 1; }
SEC("cgroup/getsockopt") int getopt_blind(struct bpf_sockopt *c) { *(__u8 *)c->optval = 1; return 1; }
SEC("cgroup/getsockopt") int getopt_two(struct bpf_sockopt *c) { return c->optname == 3 ? 2 : 1; }
SEC("cgroup/setsockopt") int setopt(struct bpf_sockopt *c) { struct task_struct *t = (void *)bpf_get_current_task(); if (c->optname == 13) c->optlen = -1; return BPF_CORE_READ(t, tgid) != 1; }
SEC("cgroup/setsockopt") int setopt_ret(struct bpf_sockopt *c) { c->retval = -EPERM; return 1; }
SEC("cgroup/dev") int device(struct bpf_cgroup_dev_ctx *c) { return (c->access_type & 0xffff) == 2 && c->major == 1; }
SEC("cgroup/dev") int device_write(struct bpf_cgroup_dev_ctx *c) { c->major = 1; return 1; }
SEC("cgroup/sysctl") int sysctl(struct bpf_sysctl *c) { char name[64] = {}; int n = bpf_sysctl_get_name(c, name, sizeof(name), 0); if (n < 0) return 0; return !c->write || name[0] != 'k'; }
SEC("cgroup/sysctl") int sysctl_num(struct bpf_sysctl *c) { char v[16]; unsigned long n = 0; int l = bpf_sysctl_get_new_value(c, v, sizeof(v)); if (l < 0 || l >= sizeof(v)) return 1; bpf_strtoul(v, sizeof(v), 0, &n); return n < 65536; }
SEC("cgroup/sysctl") int sysctl_len(struct bpf_sysctl *c) { char v[16] = {}; long n = 0; int l = bpf_sysctl_get_current_value(c, v, sizeof(v)); bpf_strtol(v, l, 0, &n); return n < 65536; }
