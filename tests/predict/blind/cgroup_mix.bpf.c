// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("cgroup/getsockopt") int getretval(struct bpf_sockopt *c) { return bpf_get_retval() == 0; }
SEC("cgroup/getpeername4") int peername(struct bpf_sock_addr *c) { return 1; }
SEC("cgroup/sock_release") int release(struct bpf_sock *c) { return 1; }
SEC("cgroup_skb/ingress") int ingress(struct __sk_buff *c) { return bpf_skb_cgroup_id(c) != 0; }
SEC("cgroup/dev") int dev(struct bpf_cgroup_dev_ctx *c) { return bpf_get_current_cgroup_id() != 1; }
SEC("cgroup/sysctl") int sysctl(struct bpf_sysctl *c) { char b[16]; bpf_sysctl_get_name(c, b, sizeof b, 0); return 1; }
SEC("cgroup/connect4") int conn4(struct bpf_sock_addr *c) { return bpf_get_netns_cookie(c) != 0; }
