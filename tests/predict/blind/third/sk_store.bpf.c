// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is remembered of a socket. */
#include "net.h"
struct seen { __u64 bytes; };
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct seen); } store SEC(".maps");
SEC("tc") int note(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk) return 0;
	struct seen *s = bpf_sk_storage_get(&store, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (s) s->bytes += skb->len;
	return 0;
}
SEC("tc") int note_null(struct __sk_buff *skb) {
	struct seen *s = bpf_sk_storage_get(&store, skb->sk, 0, 1);
	if (s) s->bytes += skb->len;
	return 0;
}
SEC("tc") int note_part(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk) return 0;
	struct seen *s = bpf_sk_storage_get(&store, sk, 0, 1);
	if (s) s->bytes++;
	return 0;
}
SEC("tc") int note_unchecked(struct __sk_buff *skb) {
	struct bpf_sock *sk = skb->sk;
	if (!sk || !(sk = bpf_sk_fullsock(sk))) return 0;
	struct seen *s = bpf_sk_storage_get(&store, sk, 0, 1);
	s->bytes++;
	return 0;
}
SEC("cgroup/sock_create") int created(struct bpf_sock *sk) {
	struct seen *s = bpf_sk_storage_get(&store, sk, 0, 1);
	if (s) s->bytes = 0;
	return 1;
}
SEC("fentry/tcp_sendmsg") int BPF_PROG(sent, struct sock *sk) {
	struct seen *s = bpf_sk_storage_get(&store, sk, 0, 0);
	if (s) s->bytes++;
	return 0;
}
SEC("kprobe/tcp_sendmsg") int BPF_KPROBE(sent_probe, struct sock *sk) {
	struct seen *s = bpf_sk_storage_get(&store, sk, 0, 0);
	if (s) s->bytes++;
	return 0;
}
