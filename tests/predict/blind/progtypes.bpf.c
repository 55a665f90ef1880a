// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("sk_lookup") int p1(struct bpf_sk_lookup *c) { return 1; }
SEC("sk_reuseport") int p2(void *c) { return 1; }
SEC("flow_dissector") int p3(struct __sk_buff *c) { return 0; }
SEC("sk_skb/stream_parser") int p4(struct __sk_buff *c) { return c->len; }
SEC("sk_msg") int p5(struct sk_msg_md *c) { return 1; }
SEC("lwt_in") int p6(struct __sk_buff *c) { return 0; }
SEC("lwt_seg6local") int p7(struct __sk_buff *c) { return 0; }
SEC("lirc_mode2") int p8(int *c) { return 0; }
SEC("freplace/foo") int p9(int *c) { return 0; }
SEC("perf_event") int p10(void *c) { return 0; }
SEC("action") int p11(struct __sk_buff *c) { return 0; }
SEC("struct_ops/none") int p12(void *c) { return 0; }
