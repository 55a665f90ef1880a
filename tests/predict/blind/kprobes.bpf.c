// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("kprobe/tcp_sendmsg") int k_parm5(struct pt_regs *r) { return PT_REGS_PARM5(r) == 1; }
SEC("kprobe/tcp_set_state") int BPF_KPROBE(k_over, void *sk, int st, long more) { return more == 1; }
SEC("kretprobe/tcp_set_state") int BPF_KRETPROBE(k_ret, int ret) { return ret == 1; }
SEC("kprobe/nosuch_function_at_all") int k_nope(struct pt_regs *r) { return 0; }
SEC("kprobe/tcp_sendmsg+0x4") int k_off(struct pt_regs *r) { return 0; }
SEC("kprobe/finish_task_switch") int k_isra(struct pt_regs *r) { return 0; }
SEC("kprobe/get_page_from_freelist") int k_gpff(struct pt_regs *r) { return 0; }
SEC("kprobe/kprobe_dispatcher") int k_black(struct pt_regs *r) { return 0; }
SEC("ksyscall/nanosleep") int BPF_KSYSCALL(k_sys, void *req) { return req == 0; }
SEC("kprobe/jiffies") int k_data(struct pt_regs *r) { return 0; }
