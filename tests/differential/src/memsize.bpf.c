// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Direct loads and stores of fields whose size, sign or kind differs. */
#include "core.h"

struct mm_struct {
	u32 total_vm;            /* unsigned long in the kernel */
	u16 map_count;           /* int in the kernel */
	u64 hiwater_rss;
	int locked_vm;           /* unsigned long or atomic64_t in the kernel */
} CORE;
struct task_struct {
	u64 tgid;                /* int in the kernel */
	long pid;                /* int in the kernel */
	u8 flags;                /* unsigned int in the kernel */
	u32 start_time;          /* u64 in the kernel */
	int exit_state;
	struct mm_struct *mm;
	_Bool prio;              /* int in the kernel */
	u32 stack;               /* pointer in the kernel */
} CORE;
struct sk_buff {
	u64 len;                 /* unsigned int in the kernel */
	u8 mark;                 /* u32 in the kernel */
	void *data;
} CORE;

SEC("kprobe/a")
int loads(struct task_struct *t)
{
	use(t->mm->total_vm);
	use(t->mm->map_count);
	use(t->mm->hiwater_rss);
	use(t->mm->locked_vm);
	use(t->tgid);
	use(t->pid);
	use(t->flags);
	use(t->start_time);
	use(t->exit_state);
	use(t->prio);
	use(t->stack);
	return 0;
}

SEC("kprobe/b")
int addresses(struct task_struct *t)
{
	field_ptr(t->tgid);
	field_ptr(t->flags);
	field_ptr(t->mm->total_vm);
	use(byte_off(t->pid));
	use(byte_sz(t->pid));
	return 0;
}

SEC("kprobe/c")
int stores(struct sk_buff *skb)
{
	skb->len = 7;
	skb->mark = 3;
	skb->data = (void *)(u64)skb->len;
	skb->mark = (u8)skb->len;
	return 0;
}
