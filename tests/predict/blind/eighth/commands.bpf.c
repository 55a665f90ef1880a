// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands that user space writes into a ring; a callback sees each as a dynptr. */
#include "kit.h"
typedef struct bpf_dynptr dynptr;
struct cmd { __u32 op, key; __u64 arg; };
RING(out, 1 << 16);
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 1 << 16); } in SEC(".maps");
MAP(opts, HASH, __u32, __u64, 64);
static long (*user_drain)(void *map, void *cb, void *ctx, __u64 flags) = (void *)209;
__u64 seen, hist[8];

/* Commands: a callback for each message. */
static long obey(dynptr *d, __u32 *total) { struct cmd c; __u64 v; if (bpf_dynptr_read(&c, sizeof(c), d, 0, 0)) return 0; v = c.arg; (*total)++; bpf_map_update_elem(&opts, &c.key, &v, 0); return c.op == 9; }
static long obey_data(dynptr *d, __u32 *total) { struct cmd *c = bpf_dynptr_data(d, 0, sizeof(*c)); if (!c) return 0; hist[c->op & 7] += c->arg; return 0; }
static long obey_data_null(dynptr *d, __u32 *total) { struct cmd *c = bpf_dynptr_data(d, 0, sizeof(*c)); hist[c->op & 7] += c->arg; return 0; }
static long obey_index(dynptr *d, __u32 *total) { struct cmd *c = bpf_dynptr_data(d, 0, sizeof(*c)); if (!c) return 0; hist[c->op] += c->arg; return 0; }
static long obey_write(dynptr *d, __u32 *total) { struct cmd *c = bpf_dynptr_data(d, 0, sizeof(*c)); if (!c) return 0; c->op = 0; return 0; }
static long obey_two(dynptr *d, __u32 *total) { return 2; }
static long obey_submit(dynptr *d, __u32 *total) { bpf_ringbuf_submit_dynptr(d, 0); return 0; }
static long obey_over(dynptr *d, __u32 *total) { total[1] = 1; return 0; }
static long obey_none(dynptr *d, void *none) { struct cmd c = {}; bpf_dynptr_read(&c, sizeof(c), d, 0, 0); seen += c.arg; return 0; }
static long obey_direct(dynptr *d, void *none) { seen += *(volatile __u64 *)d; return 0; }
static long obey_nested(dynptr *d, void *none) { user_drain(&in, obey_none, 0, 0); return 0; }
#define CMD(name, cb, arg) SEC("tp/syscalls/sys_enter_write") int name(void *ctx) { __u32 n = 0; user_drain(&in, cb, arg, 0); seen += n; return 0; }
CMD(u_obey, obey, &n) CMD(u_data, obey_data, &n) CMD(u_data_null, obey_data_null, &n) CMD(u_index, obey_index, &n) CMD(u_write, obey_write, &n) CMD(u_two, obey_two, &n) CMD(u_submit, obey_submit, &n) CMD(u_over, obey_over, &n)
CMD(u_none, obey_none, 0) CMD(u_direct, obey_direct, 0) CMD(u_nested, obey_nested, 0) CMD(u_obey_null, obey, 0)
SEC("tp/syscalls/sys_enter_write") int u_ring(void *ctx) { return user_drain(&out, obey_none, 0, 0) & 1; }
SEC("tp/syscalls/sys_enter_write") int u_reserve(void *ctx) { __u64 *p = bpf_ringbuf_reserve(&in, 8, 0); if (p) bpf_ringbuf_discard(p, 0); return 0; }
SEC("tp/syscalls/sys_enter_write") int u_lookup(void *ctx) { __u32 k = 0; return bpf_map_lookup_elem(&in, &k) != 0; }
SEC("tp/syscalls/sys_enter_write") int u_query(void *ctx) { return bpf_ringbuf_query(&out, BPF_RB_AVAIL_DATA) > 100; }
SEC("tp/syscalls/sys_enter_write") int u_query_user(void *ctx) { return bpf_ringbuf_query(&in, BPF_RB_AVAIL_DATA) > 100; }
SEC("xdp") int u_xdp(struct xdp_md *x) { user_drain(&in, obey_none, 0, 0); return 2; }
