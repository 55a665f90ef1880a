// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct bpf_ct_opts { int a[3]; }; struct nf_conn; 
extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *s, void *t, __u32 l, struct bpf_ct_opts *o, __u32 os) __ksym __weak;
SEC("tc") int k1(struct __sk_buff *s) { if (!bpf_skb_ct_lookup) return 0; return 0; }
