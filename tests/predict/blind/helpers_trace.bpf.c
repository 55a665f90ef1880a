// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
const char fmt[] = "%d";
SEC("kprobe/tcp_sendmsg") int h_snprintf(void *c) { char b[16]; __u64 a[1] = {1}; return bpf_snprintf(b, sizeof b, fmt, a, 8); }
SEC("kprobe/tcp_sendmsg") int h_vprintk(void *c) { __u64 a[1] = {1}; return bpf_trace_vprintk(fmt, sizeof fmt, a, 8); }
SEC("kprobe/tcp_sendmsg") int h_branch(void *c) { char b[64]; return bpf_get_branch_snapshot(b, sizeof b, 0); }
SEC("kprobe/tcp_sendmsg") int h_strncmp(void *c) { char b[8] = "abc"; return bpf_strncmp(b, sizeof b, fmt); }
SEC("kprobe/tcp_sendmsg") int h_tai(void *c) { return bpf_ktime_get_tai_ns() == 1; }
SEC("kprobe/tcp_sendmsg") int h_curr(void *c) { return bpf_get_current_task_btf()->pid == 1; }
SEC("kprobe/tcp_sendmsg") int h_ovr(struct pt_regs *c) { bpf_override_return(c, 1); return 0; }
SEC("kprobe/__x64_sys_getpid") int h_ovr_ok(struct pt_regs *c) { bpf_override_return(c, 1); return 0; }
SEC("kprobe/tcp_sendmsg") int h_cgid(void *c) { return bpf_get_current_ancestor_cgroup_id(1) == 1; }
SEC("kprobe/tcp_sendmsg") int h_undercg(void *c) { return bpf_get_numa_node_id() == 1; }
SEC("tp/sched/sched_switch") int h_tpbranch(void *c) { return bpf_get_ns_current_pid_tgid(1, 1, 0, 0) == 1; }
