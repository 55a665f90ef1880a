// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who talks to whom: the tuple of a TCP socket, with addresses cut unless asked for.
 * Fields by include/net/sock.h and include/net/inet_sock.h.
 */
#ifndef PREFLIGHT_SOCKS_H
#define PREFLIGHT_SOCKS_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FAMILY_INET 2
#define FAMILY_INET6 10
#define PROTOCOL_TCP 6

/* Whole addresses; otherwise the last 8 of 32 and the last 80 of 128 bits are zero: the network, not the person. */
const volatile bool full_addresses = false;
/* Look at one remote or local port alone; 0 is all. */
const volatile __u16 target_port = 0;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr___socks {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common___socks {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr___socks skc_v6_daddr;
	struct in6_addr___socks skc_v6_rcv_saddr;
};

struct sock___socks {
	struct sock_common___socks __sk_common;
	int sk_err;
	__u16 sk_protocol;
};

#pragma clang attribute pop

struct tuple {
	__u16 family;
	__u16 local_port;
	__u16 remote_port;
	__u16 unused;
	/* In network order; IPv4 takes the first four bytes. */
	__u8 local_address[16];
	__u8 remote_address[16];
};

/* Zero the part of an address that tells one host from its neighbours: keeps /24 and /48. */
static __always_inline void cut_addresses(struct tuple *tuple)
{
	if (full_addresses)
		return;
	if (tuple->family == FAMILY_INET) {
		tuple->local_address[3] = 0;
		tuple->remote_address[3] = 0;
		return;
	}
	__builtin_memset(tuple->local_address + 6, 0, 10);
	__builtin_memset(tuple->remote_address + 6, 0, 10);
}

/* The common part only: a request or TIME_WAIT socket has no more. `tuple` is zero before. */
static __always_inline void read_tuple(struct tuple *tuple, const struct sock___socks *sk)
{
	tuple->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	tuple->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	tuple->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (tuple->family == FAMILY_INET6) {
		BPF_CORE_READ_INTO(&tuple->local_address, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&tuple->remote_address, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else if (tuple->family == FAMILY_INET) {
		BPF_CORE_READ_INTO((__be32 *)tuple->local_address, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__be32 *)tuple->remote_address, sk, __sk_common.skc_daddr);
	}
}

static __always_inline bool other_port(const struct tuple *tuple)
{
	return target_port && tuple->local_port != target_port && tuple->remote_port != target_port;
}

#endif
