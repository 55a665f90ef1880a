// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
static __attribute__((noinline)) int c3(void *c) { char b[100]; bpf_get_current_comm(b, 100); return b[5]; }
static __attribute__((noinline)) int c2(void *c) { char b[100]; bpf_get_current_comm(b, 100); return c3(c) + b[5]; }
static __attribute__((noinline)) int c1(void *c) { char b[150]; bpf_get_current_comm(b, 150); return c2(c) + b[5]; }
SEC("kprobe/vfs_open") int st_ok(void *c) { return c1(c); }
SEC("kprobe/vfs_open") int st_over(void *c) { char b[200]; bpf_get_current_comm(b, 200); return c1(c) + b[3]; }
SEC("xdp") int st_x(void *c) { char b[250]; __builtin_memset(b, 1, 250); bpf_trace_printk(b, 200); return 2; }
