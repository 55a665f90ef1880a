// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TCP connects and accepts by fentry and fexit. */
#include "tcpconnect_results.h"
#include <bpf/bpf_tracing.h>

SEC("fentry/tcp_v4_connect")
int BPF_PROG(tcpconnect_v4, struct sock___socks *sk, struct sockaddr_in *address)
{
	return connect_called(sk, address);
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(tcpconnect_v4_end, struct sock___socks *sk, void *address, int length, int result)
{
	return connect_returned(sk, result);
}

SEC("fentry/tcp_v6_connect")
int BPF_PROG(tcpconnect_v6, struct sock___socks *sk, struct sockaddr_in *address)
{
	return connect_called(sk, address);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(tcpconnect_v6_end, struct sock___socks *sk, void *address, int length, int result)
{
	return connect_returned(sk, result);
}

SEC("fentry/tcp_set_state")
int BPF_PROG(tcpconnect_state, struct sock___socks *sk, int state)
{
	return state_set(sk, state);
}

/*
 * The result follows the arguments, and there are two of them since 6.10, four before:
 * (sk, flags, int *err, kern). Which, tells the type that took their place.
 */
SEC("fexit/inet_csk_accept")
int tcpconnect_accept(unsigned long long *ctx)
{
	void *error_at = 0;
	int error = 0;

	if (bpf_core_type_exists(struct proto_accept_arg)) {
		error = BPF_CORE_READ((struct proto_accept_arg *)ctx[1], err);
		return accepted((void *)ctx[0], (void *)ctx[2], error);
	}
	/* 5.10 lets no program load an argument that points to a number, so it is read like any memory. */
	bpf_probe_read_kernel(&error_at, sizeof(error_at), &ctx[2]);
	if (bpf_probe_read_kernel(&error, sizeof(error), error_at))
		health_count(HEALTH_READ_FAILED);
	return accepted((void *)ctx[0], (void *)ctx[4], error);
}
