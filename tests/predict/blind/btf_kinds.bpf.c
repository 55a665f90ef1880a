// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
// clang-19
enum big { BIG_A = 1, BIG_B = 0x100000000ULL };
struct hasfloat { float f; double d; int x; };
#define TAG(x) __attribute__((btf_decl_tag(x)))
#define TTAG(x) __attribute__((btf_type_tag(x)))
struct tagged { int TTAG("user") *p; int x TAG("hello"); } TAG("whole");
struct val { enum big b; struct hasfloat f; struct tagged t; };
MAP(m, BPF_MAP_TYPE_HASH, __u32, struct val, 4);
__attribute__((noinline)) int tg(int a TAG("arg")) { return a + 1; }
SEC("socket") int bk(struct __sk_buff *s) { __u32 k = 0; struct val *v = bpf_map_lookup_elem(&m, &k); if (!v) return 0; return v->t.x + tg(s->len) + (v->b == BIG_B); }
