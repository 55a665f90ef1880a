// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("fentry/vfs_read") int BPF_PROG(pos, struct file *f, char *b, unsigned long n, long long *pos) { return *pos == 3; }
SEC("fentry/vfs_read") int BPF_PROG(posread, struct file *f, char *b, unsigned long n, long long *pos) { long long p = 0; bpf_probe_read_kernel(&p, 8, pos); return p == 3; }
SEC("fentry/do_unlinkat") int BPF_PROG(unlink, int dfd, void *name) { return dfd == 3; }
SEC("fexit/do_unlinkat") int BPF_PROG(unlink_x, int dfd, void *name, long ret) { return ret == 3; }
SEC("fentry/tcp_set_state") int BPF_PROG(third, struct sock *sk, int st, long more) { return more == 3; }
SEC("fexit/tcp_set_state") int BPF_PROG(voidret, struct sock *sk, int st) { return st == 3; }
SEC("fexit/tcp_set_state") int BPF_PROG(voidret_read, struct sock *sk, int st, int ret) { return ret == 3; }
SEC("fexit/tcp_set_state") int BPF_PROG(after_ret, struct sock *sk, int st, int ret, long more) { return more == 3; }
