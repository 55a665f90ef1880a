// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define LIC "MIT"
#include "common.h"
SEC("kprobe/tcp_sendmsg") int li_probe(void *c) { long v; return bpf_probe_read_kernel(&v, 8, (void *)8); }
SEC("kprobe/tcp_sendmsg") int li_time(void *c) { return bpf_ktime_get_ns() == 1; }
SEC("fentry/tcp_sendmsg") int BPF_PROG(li_fe) { return 0; }
SEC("lsm/file_open") int BPF_PROG(li_lsm) { return 0; }
SEC("xdp") int li_xdp(struct xdp_md *c) { return 2; }
SEC("kprobe/tcp_sendmsg") int li_printk(void *c) { char f[] = "x"; return bpf_trace_printk(f, 2); }
SEC("kprobe/tcp_sendmsg") int li_ring(void *c) { return bpf_get_smp_processor_id(); }
SEC("fentry/tcp_sendmsg") int BPF_PROG(li_curr) { return bpf_get_current_task() == 1; }
