// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
__attribute__((noinline)) int gl(int a, __u32 b) { return a + b; }
__attribute__((noinline)) int glp(int *a) { return a ? *a : 0; }
__attribute__((noinline)) int gln(int *a) { return *a; }
__attribute__((noinline)) int glx(struct xdp_md *a) { return a->ingress_ifindex; }
SEC("xdp") int g1(struct xdp_md *c) { return gl(1, c->ingress_ifindex); }
SEC("xdp") int g2(struct xdp_md *c) { int v = c->ingress_ifindex; return glp(&v); }
SEC("xdp") int g3(struct xdp_md *c) { int v = c->ingress_ifindex; return gln(&v); }
SEC("xdp") int g4(struct xdp_md *c) { return glx(c); }
