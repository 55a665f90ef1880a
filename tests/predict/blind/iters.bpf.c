// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct bpf_iter_meta { void *seq; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
struct bpf_iter__any { struct bpf_iter_meta *meta; } CORE;
SEC("iter/task") int it_task(struct bpf_iter__task *c) { struct task_struct *t = c->task; if (!t) return 0; return 0; }
SEC("iter/task_vma") int it_vma(void *c) { return 0; }
SEC("iter/cgroup") int it_cg(void *c) { return 0; }
SEC("iter/bpf_link") int it_link(void *c) { return 0; }
SEC("iter/ksym") int it_ksym(void *c) { return 0; }
SEC("iter/dmabuf") int it_dmabuf(void *c) { return 0; }
SEC("iter/tcp") int it_tcp(void *c) { return 0; }
SEC("iter/unix") int it_unix(void *c) { return 0; }
SEC("iter.s/task") int it_task_s(void *c) { return 0; }
SEC("iter/ipv6_route") int it_r6(void *c) { return 0; }
SEC("iter/kmem_cache") int it_kc(void *c) { return 0; }
