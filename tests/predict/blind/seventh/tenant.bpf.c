// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* What a tenant may do: cgroup programs over packets, addresses, options, devices, sysctls. */
#include "kit.h"
struct service { __u32 ip; __u16 port, flags; };
struct backend { __u32 ip; __u16 port, pad; };
MAP(services, HASH, struct service, struct backend, 256);
MAP(allowed, HASH, __u32, __u8, 256);
STORE(sock_state, SK_STORAGE, struct backend);
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, __u64); } bytes_out SEC(".maps");
MAP(cookies, LRU_HASH, __u64, struct backend, 4096);

SEC("cgroup_skb/egress") int egress(struct __sk_buff *skb) {
	struct iphdr ip;
	if (skb->protocol != ETH_IP) return 1;
	if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET)) return 0;
	return bpf_map_lookup_elem(&allowed, &ip.daddr) != 0;
}
SEC("cgroup_skb/egress") int egress_direct(struct __sk_buff *skb) {
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	if ((void *)(ip + 1) > end) return 1;
	__u32 to = ip->daddr;
	return bpf_map_lookup_elem(&allowed, &to) != 0;
}
/* The key lies in the packet. */
SEC("cgroup_skb/egress") int egress_packet_key(struct __sk_buff *skb) {
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	if ((void *)(ip + 1) > end) return 1;
	return bpf_map_lookup_elem(&allowed, &ip->daddr) != 0;
}
/* Packets may be read here, not written. */
SEC("cgroup_skb/ingress") int ingress_write(struct __sk_buff *skb) {
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	if ((void *)(ip + 1) > end) return 1;
	ip->ttl = 64;
	return 1;
}
SEC("cgroup_skb/ingress") int ingress_three(struct __sk_buff *skb) { return skb->len > 100 ? 3 : 1; }
SEC("cgroup_skb/egress") int egress_three(struct __sk_buff *skb) { return skb->len > 100 ? 3 : 1; }
SEC("cgroup_skb/egress") int egress_counted(struct __sk_buff *skb) {
	__u64 *n = bpf_get_local_storage(&bytes_out, 0);
	__sync_fetch_and_add(n, skb->len);
	return 1;
}
/* The helper takes no flags. */
SEC("cgroup_skb/egress") int egress_flags(struct __sk_buff *skb) {
	__u64 *n = bpf_get_local_storage(&bytes_out, 1);
	*n += skb->len;
	return 1;
}
/* Storage of the cgroup looked up as in a hash. */
SEC("cgroup_skb/egress") int egress_as_hash(struct __sk_buff *skb) {
	__u64 *n = bpf_get_local_storage(&allowed, 0);
	*n += skb->len;
	return 1;
}
SEC("cgroup_skb/ingress") int ingress_sock(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk) return 1;
	return sk->src_port != 23;
}
SEC("cgroup_skb/ingress") int ingress_cgid(struct __sk_buff *skb) { return bpf_skb_ancestor_cgroup_id(skb, 1) != 1; }
/* Redirection is not theirs. */
SEC("cgroup_skb/ingress") int ingress_redirect(struct __sk_buff *skb) { return bpf_redirect(1, 0) & 1; }

SEC("cgroup/connect4") int connect4(struct bpf_sock_addr *ctx) {
	struct service s = {};
	struct backend *b;
	s.ip = ctx->user_ip4; s.port = ctx->user_port;
	b = bpf_map_lookup_elem(&services, &s);
	if (!b) return 1;
	ctx->user_ip4 = b->ip; ctx->user_port = b->port;
	return 1;
}
/* The flags of the key are not set. */
SEC("cgroup/connect4") int connect4_unset(struct bpf_sock_addr *ctx) {
	struct service s;
	struct backend *b;
	s.ip = ctx->user_ip4; s.port = ctx->user_port;
	b = bpf_map_lookup_elem(&services, &s);
	if (!b) return 1;
	ctx->user_ip4 = b->ip;
	return 1;
}
SEC("cgroup/connect4") int connect4_unchecked(struct bpf_sock_addr *ctx) {
	struct service s = {};
	struct backend *b;
	s.ip = ctx->user_ip4;
	b = bpf_map_lookup_elem(&services, &s);
	ctx->user_ip4 = b->ip;
	return 1;
}
/* A v6 address in a program for v4. */
SEC("cgroup/connect4") int connect4_v6(struct bpf_sock_addr *ctx) { ctx->user_ip6[3] = 0; return 1; }
SEC("cgroup/connect6") int connect6(struct bpf_sock_addr *ctx) { return ctx->user_ip6[0] != 0 || ctx->user_ip6[3] != bpf_htonl(1); }
/* A v6 address read by a variable index. */
SEC("cgroup/connect6") int connect6_index(struct bpf_sock_addr *ctx) {
	__u32 i = bpf_get_prandom_u32() & 3;
	return ctx->user_ip6[i] != 0;
}
SEC("cgroup/connect4") int connect4_two(struct bpf_sock_addr *ctx) { return ctx->user_port ? 1 : 2; }
SEC("cgroup/bind4") int bind4_two(struct bpf_sock_addr *ctx) { return ctx->user_port == bpf_htons(80) ? 3 : 1; }
SEC("cgroup/bind4") int bind4(struct bpf_sock_addr *ctx) {
	if (ctx->user_port == bpf_htons(53)) return 0;
	ctx->user_ip4 = bpf_htonl(0x7f000001);
	return 1;
}
SEC("cgroup/connect4") int connect4_bound(struct bpf_sock_addr *ctx) {
	struct { __u16 family, port; __u32 addr; __u8 zero[8]; } from = { AF_INET, 0, bpf_htonl(0x7f000002) };
	return bpf_bind(ctx, (void *)&from, sizeof(from)) == 0;
}
/* Binding is for those who connect. */
SEC("cgroup/bind4") int bind4_binds(struct bpf_sock_addr *ctx) {
	struct { __u16 family, port; __u32 addr; __u8 zero[8]; } from = { AF_INET, 0, bpf_htonl(0x7f000002) };
	return bpf_bind(ctx, (void *)&from, sizeof(from)) == 0;
}
SEC("cgroup/sendmsg4") int sendmsg4(struct bpf_sock_addr *ctx) { ctx->msg_src_ip4 = bpf_htonl(0x0a000001); return 1; }
SEC("cgroup/recvmsg4") int recvmsg4(struct bpf_sock_addr *ctx) {
	__u64 c = bpf_get_socket_cookie(ctx);
	struct backend *b = bpf_map_lookup_elem(&cookies, &c);
	if (b) { ctx->user_ip4 = b->ip; ctx->user_port = b->port; }
	return 1;
}
/* Replies cannot be refused. */
SEC("cgroup/recvmsg4") int recvmsg4_refuses(struct bpf_sock_addr *ctx) { return ctx->user_port != bpf_htons(53); }
SEC("cgroup/getpeername4") int peer4(struct bpf_sock_addr *ctx) { ctx->user_ip4 = 0; return 1; }
SEC("cgroup/getpeername4") int peer4_no(struct bpf_sock_addr *ctx) { return 0; }
SEC("cgroup/connect4") int connect_stores(struct bpf_sock_addr *ctx) {
	struct bpf_sock *sk = ctx->sk;
	struct backend *b;
	if (!sk) return 1;
	b = bpf_sk_storage_get(&sock_state, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (b) b->ip = ctx->user_ip4;
	return 1;
}
SEC("cgroup/connect4") int connect_opts(struct bpf_sock_addr *ctx) {
	int v = 1;
	return bpf_setsockopt(ctx, 1, 9, &v, sizeof(v)) == 0;
}
/* The value's length is more than the value. */
SEC("cgroup/connect4") int connect_opts_long(struct bpf_sock_addr *ctx) {
	int v = 1;
	return bpf_setsockopt(ctx, 1, 9, &v, 8) == 0;
}
SEC("cgroup/sock_create") int create(struct bpf_sock *sk) { if (sk->type == 3) return 0; sk->mark = 7; sk->priority = 1; return 1; }
SEC("cgroup/sock_create") int create_writes_family(struct bpf_sock *sk) { sk->family = AF_INET; return 1; }
SEC("cgroup/post_bind4") int post_bind(struct bpf_sock *sk) { return sk->src_port != 22 && sk->src_ip4 != 0; }
SEC("cgroup/post_bind6") int post_bind6(struct bpf_sock *sk) { return sk->src_ip4 == 0; }
SEC("cgroup/sock_create") int create_reads_port(struct bpf_sock *sk) { return sk->src_port == 0; }
SEC("cgroup/getsockopt") int getopt(struct bpf_sockopt *ctx) {
	__u8 *v = ctx->optval, *end = ctx->optval_end;
	if (ctx->level != 6 || ctx->optname != 13) return 1;
	if (v + 4 > end) return 0;
	*(__u32 *)v = 7;
	ctx->retval = 0; ctx->optlen = 4;
	return 1;
}
/* Compared one too few. */
SEC("cgroup/getsockopt") int getopt_short(struct bpf_sockopt *ctx) {
	__u8 *v = ctx->optval, *end = ctx->optval_end;
	if (v + 3 > end) return 0;
	*(__u32 *)v = 7;
	return 1;
}
SEC("cgroup/setsockopt") int setopt(struct bpf_sockopt *ctx) {
	__u8 *v = ctx->optval, *end = ctx->optval_end;
	if (ctx->optlen > 64 || v + 1 > end) return 1;
	if (v[0] == 'x') { ctx->level = 1; ctx->optname = 2; ctx->optlen = 1; }
	return 1;
}
/* The return value belongs to getsockopt. */
SEC("cgroup/setsockopt") int setopt_retval(struct bpf_sockopt *ctx) { ctx->retval = 0; return 1; }
SEC("cgroup/getsockopt") int getopt_level(struct bpf_sockopt *ctx) { ctx->level = 0; return 1; }
SEC("cgroup/setsockopt") int setopt_sk(struct bpf_sockopt *ctx) {
	struct bpf_tcp_sock *tp;
	if (!ctx->sk) return 1;
	tp = bpf_tcp_sock(ctx->sk);
	return tp ? tp->snd_cwnd < 1000 : 1;
}
SEC("cgroup/setsockopt") int setopt_sk_maybe(struct bpf_sockopt *ctx) {
	struct bpf_tcp_sock *tp = bpf_tcp_sock(ctx->sk);
	return tp->snd_cwnd < 1000;
}
SEC("cgroup/sysctl") int sysctl_name(struct bpf_sysctl *ctx) {
	char name[32] = {}, want[] = "net/ipv4/tcp_mem";
	if (ctx->write && bpf_sysctl_get_name(ctx, name, sizeof(name), 0) > 0)
		for (unsigned i = 0; i < sizeof(want); i++) if (name[i] != want[i]) return 1;
	return !ctx->write;
}
SEC("cgroup/sysctl") int sysctl_value(struct bpf_sysctl *ctx) {
	char value[16];
	unsigned long n;
	if (bpf_sysctl_get_current_value(ctx, value, sizeof(value)) < 0) return 0;
	if (bpf_strtoul(value, sizeof(value), 0, &n) < 0) return 0;
	return n < 4096;
}
/* The number is read whether or not it was made. */
SEC("cgroup/sysctl") int sysctl_digits(struct bpf_sysctl *ctx) {
	char value[16] = "12";
	long n;
	int used = bpf_strtol(value, sizeof(value), 0, &n);
	return value[used] == 0;
}
SEC("cgroup/sysctl") int sysctl_pos(struct bpf_sysctl *ctx) { if (ctx->file_pos) ctx->file_pos = 0; return 1; }
SEC("cgroup/dev") int devices(struct bpf_cgroup_dev_ctx *ctx) { return (ctx->access_type & 0xffff) == 2 && ctx->major == 1 && ctx->minor < 9; }
SEC("cgroup/dev") int devices_write(struct bpf_cgroup_dev_ctx *ctx) { ctx->major = 1; return 1; }
SEC("cgroup/dev") int devices_retval(struct bpf_cgroup_dev_ctx *ctx) { if (ctx->major == 1) return bpf_set_retval(-EPERM), 0; return 1; }
