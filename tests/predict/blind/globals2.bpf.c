// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct st { int a; long b; };
__attribute__((noinline)) int ga(struct st *s) { return s ? s->a : 0; }
__attribute__((noinline)) int gb(const char *s) { return s ? s[0] : 0; }
__attribute__((noinline)) int gc(void *ctx, int n) { return n + 1; }
__attribute__((noinline)) long gd(long a, long b, long c, long d, long e) { return a + b + c + d + e + bpf_get_prandom_u32(); }
__attribute__((noinline)) int ge(struct pt_regs *r) { return r->di == 1; }
SEC("kprobe/vfs_open") int h1(struct pt_regs *r) { struct st s = { 1, 2 }; return ga(&s); }
SEC("kprobe/vfs_open") int h2(struct pt_regs *r) { char s[8] = "abc"; return gb(s); }
SEC("kprobe/vfs_open") int h3(struct pt_regs *r) { return gc(r, 3); }
SEC("kprobe/vfs_open") int h4(struct pt_regs *r) { return gd(1, 2, 3, 4, 5); }
SEC("kprobe/vfs_open") int h5(struct pt_regs *r) { return ge(r); }
