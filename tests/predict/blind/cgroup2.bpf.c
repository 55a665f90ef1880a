// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("cgroup/connect_unix") int g1(void *c) { return 1; }
SEC("cgroup/bind4") int g2(struct bpf_sock_addr *c) { return 1; }
SEC("cgroup/post_bind4") int g3(struct bpf_sock *c) { return 1; }
SEC("cgroup/setsockopt") int g4(struct bpf_sockopt *c) { return 1; }
SEC("cgroup/getsockname6") int g5(void *c) { return 1; }
SEC("sk_reuseport/migrate") int g6(struct sk_reuseport_md *c) { return 1; }
SEC("lsm_cgroup/sk_alloc_security") int BPF_PROG(g7) { return 1; }
SEC("tcx/ingress") int g8(void *c) { return 0; }
SEC("netkit/primary") int g9(void *c) { return 0; }
SEC("netfilter") int g10(void *c) { return 1; }
SEC("lwt_out") int g11(void *c) { return 0; }
SEC("uprobe.multi//bin/busybox:main") int g12(void *c) { return 0; }
