// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, long); } ss SEC(".maps");
SEC("cgroup/sock_create") int p(struct bpf_sock *c) { return bpf_sk_storage_get(&ss, c, 0, 1) != 0; }
SEC("fentry/tcp_set_state") int BPF_PROG(f, struct sock *sk) { return bpf_sk_storage_get(&ss, sk, 0, 1) == 0; }
