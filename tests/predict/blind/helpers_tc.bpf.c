// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("tc") int tstamp(struct __sk_buff *s) { return bpf_skb_set_tstamp(s, 1, 1) ? 2 : 0; }
SEC("tc") int peer(struct __sk_buff *s) { return bpf_redirect_peer(2, 0); }
SEC("tc") int lookup(struct __sk_buff *s) { struct bpf_fib_lookup f = {}; return bpf_fib_lookup(s, &f, sizeof f, 0) ? 2 : 0; }
SEC("socket") int sockfilter_peer(struct __sk_buff *s) { return bpf_redirect_peer(2, 0); }
SEC("socket") int sockfilter_cookie(struct __sk_buff *s) { return bpf_get_socket_cookie(s) & 1; }
