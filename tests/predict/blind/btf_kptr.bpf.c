// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
// clang-19
#define TTAG(x) __attribute__((btf_type_tag(x)))
struct val { struct task_struct TTAG("kptr_untrusted") *t; };
MAP(m, BPF_MAP_TYPE_HASH, __u32, struct val, 4);
SEC("tp_btf/sched_wakeup") int BPF_PROG(kp, struct task_struct *p) { __u32 k = 0; struct val *v = bpf_map_lookup_elem(&m, &k); if (!v) return 0; v->t = p; return 0; }
