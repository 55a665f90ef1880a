// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A task kept in a map. */
#include "net.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
struct slot { struct task_struct __attribute__((btf_type_tag("kptr"))) *task; __u64 when; };
MAP(kept, BPF_MAP_TYPE_ARRAY, __u32, struct slot, 1);
SEC("tp_btf/task_newtask") int BPF_PROG(swap, struct task_struct *t) {
	__u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&kept, &key);
	struct task_struct *a, *old;
	if (!s || !(a = bpf_task_acquire(t))) return 0;
	old = bpf_kptr_xchg(&s->task, a);
	if (old) bpf_task_release(old);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(swap_leak, struct task_struct *t) {
	__u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&kept, &key);
	struct task_struct *a;
	if (!s || !(a = bpf_task_acquire(t))) return 0;
	bpf_kptr_xchg(&s->task, a);
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(store, struct task_struct *t) {
	__u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&kept, &key);
	if (s) s->task = t;
	return 0;
}
SEC("tp_btf/task_newtask") int BPF_PROG(time, struct task_struct *t) {
	__u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&kept, &key);
	if (s) s->when = bpf_ktime_get_ns();
	return 0;
}
