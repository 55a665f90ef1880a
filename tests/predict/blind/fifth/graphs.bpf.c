// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists of objects made by the program. */
#include "net.h"
#define __contains(n, f) __attribute__((btf_decl_tag("contains:" #n ":" #f)))
struct bpf_list_node { __u64 opaque[3]; } __attribute__((aligned(8)));
struct bpf_list_head { __u64 opaque[2]; } __attribute__((aligned(8)));
struct node { struct bpf_list_node link; __u64 value; };
extern void *bpf_obj_new_impl(__u64 id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, __u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) __ksym;
struct bpf_spin_lock lock SEC(".data.list");
struct bpf_list_head head __contains(node, link) SEC(".data.list");
#define NEW(t) ((t *)bpf_obj_new_impl(__builtin_btf_type_id(*(t *)0, 0), 0))
SEC("tc") int add(struct __sk_buff *skb) { struct node *n = NEW(struct node); if (!n) return 0; n->value = skb->len; bpf_spin_lock(&lock); bpf_list_push_front_impl(&head, &n->link, 0, 0); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int add_free(struct __sk_buff *skb) { struct node *n = NEW(struct node); if (!n) return 0; bpf_list_push_front_impl(&head, &n->link, 0, 0); return 0; }
SEC("tc") int make(struct __sk_buff *skb) { struct node *n = NEW(struct node); if (!n) return 0; bpf_obj_drop_impl(n, 0); return 0; }
SEC("tc") int make_lost(struct __sk_buff *skb) { struct node *n = NEW(struct node); return n ? 2 : 0; }
SEC("tc") int make_after(struct __sk_buff *skb) { struct node *n = NEW(struct node); if (!n) return 0; bpf_obj_drop_impl(n, 0); return n->value & 1; }
SEC("tc") int remove(struct __sk_buff *skb) { struct bpf_list_node *l; struct node *n; bpf_spin_lock(&lock); l = bpf_list_pop_front(&head); bpf_spin_unlock(&lock); if (!l) return 0; n = (void *)l - __builtin_offsetof(struct node, link); bpf_obj_drop_impl(n, 0); return 0; }
