// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bitfields on both sides, on one side, and of other widths. */
#include "core.h"

struct iphdr {
	u8 ihl : 4;
	u8 version : 4;
	u8 tos;
	u16 tot_len : 16;        /* not a bitfield in the kernel */
} CORE;
struct tcp_sock {
	u8 nonagle : 4;
	u8 thin_lto : 1;
	u8 recvmsg_inq : 1;
	u32 snd_cwnd : 20;       /* not a bitfield in the kernel */
	u32 repair;              /* a bitfield in the kernel */
} CORE;
struct task_struct {
	unsigned sched_reset_on_fork : 1;
	unsigned sched_contributes_to_load : 1;
	unsigned in_execve : 1;
	unsigned long long brk_randomized : 1;
	int in_iowait;           /* a bitfield in the kernel */
	unsigned short no_cgroup_migration : 1;
} CORE;
struct sk_buff {
	u8 pkt_type : 3;
	u8 ip_summed : 2;
	u8 cloned;
	u8 nohdr : 1;
} CORE;

SEC("kprobe/a")
int headers(struct iphdr *ip)
{
	all_about(ip->ihl);
	all_about(ip->version);
	all_about(ip->tot_len);
	all_about(ip->tos);
	return 0;
}

SEC("kprobe/b")
int sockets(struct tcp_sock *tp)
{
	all_about(tp->nonagle);
	all_about(tp->thin_lto);
	all_about(tp->snd_cwnd);
	all_about(tp->repair);
	all_about(tp->recvmsg_inq);
	use(tp->repair);
	return 0;
}

SEC("kprobe/c")
int tasks(struct task_struct *t)
{
	all_about(t->sched_reset_on_fork);
	all_about(t->sched_contributes_to_load);
	all_about(t->in_execve);
	all_about(t->brk_randomized);
	all_about(t->in_iowait);
	all_about(t->no_cgroup_migration);
	use(t->in_iowait);
	return 0;
}

SEC("kprobe/d")
int buffers(struct sk_buff *skb)
{
	all_about(skb->pkt_type);
	all_about(skb->ip_summed);
	all_about(skb->cloned);
	all_about(skb->nohdr);
	use(skb->cloned);
	return 0;
}
