// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* What tasks are asked by their probes, and programs that user space runs itself. */
#include "kit.h"
struct args { __u64 in[4]; __u32 n; __u32 out; };
struct call { __u64 ts, len; __u32 fd, ret; };
MAP(calls, HASH, __u64, struct call, 1024);
MAP(kinds, ARRAY, __u32, __u64, 8);
RING(rb, 1 << 16);
union attr_ { struct { __u32 map_type, key_size, value_size, max_entries; }; __u8 all[160]; };
static __u64 sums[8];
extern int bpf_kfunc_of_nobody(int a) __ksym __weak;
SEC("tp_btf/sched_switch") int BPF_PROG(tb_stack, bool preempt, struct task_struct *prev) { __u64 s[8]; return bpf_get_task_stack(prev, s, sizeof(s), 0) > 1 && s[0] == 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_stack_wrong, bool preempt, struct task_struct *prev) { __u64 s[8]; return bpf_get_task_stack((void *)prev->mm, s, sizeof(s), 0) > 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_regs, bool preempt, struct task_struct *prev) { struct pt_regs *r = (void *)bpf_task_pt_regs(prev); return r->ip == 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_regs_past, bool preempt, struct task_struct *prev) { struct pt_regs *r = (void *)bpf_task_pt_regs(prev); return ((__u64 *)r)[40] == 1; }
SEC("tp_btf/sched_switch") int tb_absent(__u64 *c) { return bpf_kfunc_of_nobody ? bpf_kfunc_of_nobody(1) : 0; }
SEC("tp_btf/sched_switch") int tb_absent_called(__u64 *c) { return bpf_kfunc_of_nobody(1); }
SEC("syscall") int sc_ok(struct args *a) { a->out = a->in[0] + a->n; return 0; }
SEC("syscall") int sc_index(struct args *a) { return a->in[a->n & 3]; }
SEC("syscall") int sc_index_open(struct args *a) { return a->in[a->n]; }
SEC("syscall") int sc_far(struct args *a) { return *(__u32 *)((char *)a + 4000); }
SEC("syscall") int sc_too_far(struct args *a) { return *(__u32 *)((char *)a + 70000); }
SEC("syscall") int sc_map(struct args *a) { union attr_ u = {}; u.map_type = 2; u.key_size = 4; u.value_size = 8; u.max_entries = 1; return bpf_sys_bpf(0, &u, sizeof(u)); }
SEC("syscall") int sc_map_over(struct args *a) { union attr_ u = {}; return bpf_sys_bpf(0, &u, sizeof(u) + 8); }
SEC("syscall") int sc_close(struct args *a) { return bpf_sys_close(a->n); }
SEC("syscall") int sc_name(struct args *a) { static const char n[] = "vfs_read"; __u64 at; return bpf_kallsyms_lookup_name(n, sizeof(n), 0, &at) ? 0 : at; }
SEC("syscall") int sc_copy(struct args *a) { __u64 v; bpf_copy_from_user(&v, 8, (void *)a->in[0]); return v; }
SEC("syscall") int sc_attr_ctx(struct args *a) { return bpf_sys_bpf(1, a, 32); }
SEC("tc") int sc_not(struct __sk_buff *s) { return bpf_sys_close(3); }
