// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/* TCP connects and accepts by kprobe and kretprobe. A return does not see the arguments, so they are kept. */
#include "regs.h"
#include "tcpconnect_results.h"

enum called {
	CALLED_V4 = 0,
	CALLED_V6 = 1,
	CALLED_ACCEPT = 2,
};

struct call {
	__u64 sk;
	__u64 error_at; /* where inet_csk_accept() puts its error */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct start_key);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline void keep(enum called called, __u64 sk, __u64 error_at)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = called };
	struct call call = { .sk = sk, .error_at = error_at };

	/* The kernel misses returns while more threads are inside a function than it has room for. */
	if (bpf_map_lookup_elem(&calls, &key))
		health_count(HEALTH_EXPIRED);
	if (bpf_map_update_elem(&calls, &key, &call, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
}

/* The arguments of the call that returns now; sk is 0 when they are not known. */
static __always_inline struct call kept(enum called called)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = called };
	struct call *found = bpf_map_lookup_elem(&calls, &key), call = {};

	if (found) {
		call = *found;
		bpf_map_delete_elem(&calls, &key);
	}
	return call;
}

static __always_inline int connect_end(enum called called, int result)
{
	struct call call = kept(called);

	return call.sk ? connect_returned((void *)call.sk, result) : 0;
}

SEC("kprobe/tcp_v4_connect")
int tcpconnect_v4(struct pt_regs *ctx)
{
	keep(CALLED_V4, PT_REGS_PARM1(ctx), 0);
	return connect_called((void *)PT_REGS_PARM1(ctx), (void *)PT_REGS_PARM2(ctx));
}

SEC("kretprobe/tcp_v4_connect")
int tcpconnect_v4_end(struct pt_regs *ctx)
{
	return connect_end(CALLED_V4, PT_REGS_RC(ctx));
}

SEC("kprobe/tcp_v6_connect")
int tcpconnect_v6(struct pt_regs *ctx)
{
	keep(CALLED_V6, PT_REGS_PARM1(ctx), 0);
	return connect_called((void *)PT_REGS_PARM1(ctx), (void *)PT_REGS_PARM2(ctx));
}

SEC("kretprobe/tcp_v6_connect")
int tcpconnect_v6_end(struct pt_regs *ctx)
{
	return connect_end(CALLED_V6, PT_REGS_RC(ctx));
}

SEC("kprobe/tcp_set_state")
int tcpconnect_state(struct pt_regs *ctx)
{
	return state_set((void *)PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

/* (sk, struct proto_accept_arg *) since 6.10; (sk, flags, int *err, kern) before. */
SEC("kprobe/inet_csk_accept")
int tcpconnect_accept_begin(struct pt_regs *ctx)
{
	struct proto_accept_arg *arg = (void *)PT_REGS_PARM2(ctx);
	__u64 error_at = PT_REGS_PARM3(ctx);

	if (bpf_core_type_exists(struct proto_accept_arg))
		error_at = (unsigned long)__builtin_preserve_access_index(&arg->err);
	keep(CALLED_ACCEPT, PT_REGS_PARM1(ctx), error_at);
	return 0;
}

SEC("kretprobe/inet_csk_accept")
int tcpconnect_accept(struct pt_regs *ctx)
{
	struct call call = kept(CALLED_ACCEPT);
	int error = 0;

	/* It began before the tracer: the listening socket is not known, and with it neither port nor family. */
	if (!call.sk) {
		count_unmatched();
		return 0;
	}
	if (bpf_probe_read_kernel(&error, sizeof(error), (void *)call.error_at))
		health_count(HEALTH_READ_FAILED);
	return accepted((void *)call.sk, (void *)PT_REGS_RC(ctx), error);
}
