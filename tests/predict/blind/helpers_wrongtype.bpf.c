// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("kprobe/tcp_sendmsg") int w_skb(void *c) { return bpf_skb_load_bytes(c, 0, 0, 0); }
SEC("xdp") int w_sig(struct xdp_md *c) { return bpf_send_signal(9); }
SEC("tc") int w_ovr(struct __sk_buff *c) { return bpf_get_stackid(c, 0, 0); }
SEC("raw_tp/sched_wakeup") int w_sig2(void *c) { return bpf_send_signal(9); }
SEC("tc") int w_pid(struct __sk_buff *c) { return bpf_get_current_pid_tgid() == 1; }
SEC("xdp") int w_pid_x(struct xdp_md *c) { return bpf_get_current_pid_tgid() == 1; }
SEC("xdp") int w_probe(struct xdp_md *c) { long v; return bpf_probe_read_kernel(&v, 8, (void*)100) ? 1 : 2; }
SEC("socket") int w_probe_s(struct __sk_buff *c) { long v; return bpf_probe_read_kernel(&v, 8, (void*)100) ? 1 : 2; }
SEC("socket") int w_comm(struct __sk_buff *c) { char b[16]; return bpf_get_current_comm(b, 16); }
SEC("cgroup/dev") int w_comm_cg(void *c) { char b[16]; return bpf_get_current_comm(b, 16) == 0; }
SEC("lsm/file_open") int BPF_PROG(w_lsm) { return bpf_probe_write_user((void *)8, &(int){0}, 4); }
SEC("sockops") int w_so(struct bpf_sock_ops *s) { return bpf_sock_ops_cb_flags_set(s, 1) ? 0 : 1; }
