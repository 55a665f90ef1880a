// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct page { unsigned long flags; } CORE; struct sk_buff { unsigned int len; } CORE; struct file_lock { unsigned char fl_type; } CORE; struct Qdisc { unsigned limit; } CORE; struct folio { unsigned long flags; } CORE;
SEC("tp_btf/mm_page_alloc") int BPF_PROG(n1, struct page *p) { return p->flags == 1; }
SEC("tp_btf/mm_page_alloc") int BPF_PROG(n2, struct page *p) { return p ? p->flags == 1 : 0; }
SEC("tp_btf/mm_page_alloc") int BPF_PROG(n3, struct page *p) { unsigned long f = 0; bpf_probe_read_kernel(&f, 8, &p->flags); return f == 1; }
SEC("tp_btf/mm_page_free") int BPF_PROG(n4, struct page *p) { return p->flags == 1; }
SEC("tp_btf/qdisc_dequeue") int BPF_PROG(n5, struct Qdisc *q, void *txq, int packets, struct sk_buff *skb) { return skb->len == 1; }
SEC("tp_btf/consume_skb") int BPF_PROG(n6, struct sk_buff *skb) { return skb->len == 1; }
SEC("tp_btf/tcp_send_reset") int BPF_PROG(n7, struct sock *sk, struct sk_buff *skb) { return skb->len == 1; }
SEC("tp_btf/netif_receive_skb") int BPF_PROG(n8, struct sk_buff *skb) { return skb->len == 1; }
SEC("tp_btf/writeback_dirty_folio") int BPF_PROG(n9, struct folio *f) { return f->flags == 1; }
