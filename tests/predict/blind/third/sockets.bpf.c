// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Is there a listener? */
#include "net.h"
SEC("tc") int listener(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = { .ipv4 = { .daddr = 0x100007f, .dport = 0x5000 } };
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk) return 2;
	int state = sk->state;
	bpf_sk_release(sk);
	return state == 10 ? 0 : 2;
}
SEC("tc") int listener_leak(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	return bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv4), -1, 0) ? 0 : 2;
}
SEC("tc") int listener_unchecked(struct __sk_buff *skb) {
	struct bpf_sock_tuple t = {};
	bpf_sk_release(bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv4), -1, 0));
	return 0;
}
SEC("xdp") int listener_after(struct xdp_md *ctx) {
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
	if (!sk) return XDP_PASS;
	bpf_sk_release(sk);
	return sk->family == 2 ? XDP_DROP : XDP_PASS;
}
SEC("tc") int not_held(struct __sk_buff *skb) { struct bpf_sock *sk = skb->sk; if (sk) bpf_sk_release(sk); return 0; }
SEC("tc") int tcp_state(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 0;
	struct bpf_tcp_sock *tp = bpf_tcp_sock(sk);
	return tp ? tp->snd_cwnd > 10 : 0;
}
SEC("tc") int tcp_state_unchecked(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 0;
	return bpf_tcp_sock(sk)->snd_cwnd > 10;
}
SEC("socket") int in_filter(struct __sk_buff *skb) { struct bpf_sock_tuple t = {}; struct bpf_sock *sk = bpf_sk_lookup_tcp(skb, &t, 12, -1, 0); if (sk) bpf_sk_release(sk); return 0; }
