// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct cgroup; extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym; extern void bpf_cgroup_release(struct cgroup *c) __ksym;
SEC("tp_btf/task_newtask") int BPF_PROG(k1) { struct cgroup *c = bpf_cgroup_from_id(1); if (c) bpf_cgroup_release(c); return 0; }
SEC("syscall") int k2(void *x) { struct cgroup *c = bpf_cgroup_from_id(1); if (c) bpf_cgroup_release(c); return 0; }
