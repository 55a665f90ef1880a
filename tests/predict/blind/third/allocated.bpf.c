// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory that programs allocate. */
#include "net.h"
extern void *bpf_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
struct node { __u64 data; __u64 more; };
SEC("tc") int made(struct __sk_buff *skb) {
	struct node *n = bpf_obj_new_impl(bpf_core_type_id_local(struct node), 0);
	if (!n) return 0;
	n->data = 3;
	bpf_obj_drop_impl(n, 0);
	return 0;
}
SEC("tc") int leak(struct __sk_buff *skb) { struct node *n = bpf_obj_new_impl(bpf_core_type_id_local(struct node), 0); return n ? 1 : 0; }
SEC("tc") int unchecked(struct __sk_buff *skb) { struct node *n = bpf_obj_new_impl(bpf_core_type_id_local(struct node), 0); n->data = 1; bpf_obj_drop_impl(n, 0); return 0; }
SEC("tc") int beyond(struct __sk_buff *skb) { struct node *n = bpf_obj_new_impl(bpf_core_type_id_local(struct node), 0); if (!n) return 0; ((volatile __u64 *)n)[2] = 1; bpf_obj_drop_impl(n, 0); return 0; }
