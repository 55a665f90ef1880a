// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bounds, flexible arrays, root indexes, arrays of structs and of arrays. */
#include "core.h"

struct timespec64 {
	long tv_sec;
	long tv_nsec;
} CORE;
struct task_struct {
	char comm[64];           /* 16 in the kernel */
	void *perf_event_ctxp[2];
} CORE;
struct cred {
	u32 securebits;
} CORE;
struct bpf_prog {
	u16 pages;
	u64 insnsi[];
} CORE;
struct linux_dirent64 {
	u64 d_ino;
	char d_name[];
} CORE;
struct upid {
	int nr;
	void *ns;
} CORE;
struct pid {
	u32 level;
	struct upid numbers[1];
} CORE;
struct in6_addr {
	union {
		u8 u6_addr8[16];
		u16 u6_addr16[8];
		u32 u6_addr32[4];
	} in6_u;
} CORE;
struct sockaddr {
	u16 sa_family;
	char sa_data[30];        /* shorter, or flexible in a union, in the kernel */
} CORE;

SEC("kprobe/a")
int bounds(struct task_struct *t)
{
	use(t->comm[0]);
	use(t->comm[15]);
	use(t->comm[16]);
	use(t->comm[40]);
	use(exists(t->comm[40]));
	use(exists(t->comm[4]));
	use(byte_off(t->comm[4]));
	use(byte_sz(t->comm[4]));
	use(byte_sz(t->comm));
	use(t->perf_event_ctxp[1]);
	return 0;
}

SEC("kprobe/b")
int flexible(struct bpf_prog *p)
{
	struct linux_dirent64 *d = (void *)p;
	struct pid *pid = (void *)p;

	use(byte_off(p->insnsi[5]));
	use(d->d_name[7]);
	use(byte_off(d->d_name));
	use(exists(d->d_name[200]));
	use(pid->numbers[0].nr);
	use(byte_off(pid->numbers[0].ns));
	return 0;
}

SEC("kprobe/c")
int roots(struct timespec64 *f)
{
	struct cred *c = (void *)f;

	field_ptr(f[2].tv_nsec);
	use(byte_off(c[3].securebits));
	use(byte_off(f[1].tv_sec));
	return 0;
}

SEC("kprobe/d")
int nested(struct in6_addr *a)
{
	struct sockaddr *s = (void *)a;

	use(a->in6_u.u6_addr32[3]);
	use(a->in6_u.u6_addr16[7]);
	use(a->in6_u.u6_addr8[15]);
	use(s->sa_data[13]);
	use(s->sa_data[29]);
	use(byte_sz(s->sa_data));
	return 0;
}
