// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("kprobe/udp_sendmsg") int na1(void *c) { return 0; }
SEC("fentry/udp_queue_rcv_one_skb") int BPF_PROG(na2) { return 0; }
SEC("fentry/blk_mq_start_request") int BPF_PROG(na3) { return 0; }
SEC("fentry/filemap_add_folio") int BPF_PROG(na4) { return 0; }
SEC("fentry/add_to_page_cache_lru") int BPF_PROG(na5) { return 0; }
SEC("kprobe/blk_account_io_start") int na6(void *c) { return 0; }
SEC("kprobe/__blk_account_io_start") int na7(void *c) { return 0; }
SEC("fentry/nf_nat_setup_info") int BPF_PROG(na8) { return 0; }
SEC("fentry/ext4_file_open") int BPF_PROG(na9) { return 0; }
SEC("kprobe/ext4_file_open") int na10(void *c) { return 0; }
SEC("fexit/__x64_sys_execve") int BPF_PROG(na11, struct pt_regs *r, long ret) { return ret == 1; }
SEC("fentry/security_bprm_check") int BPF_PROG(na12) { return 0; }
SEC("fentry/tcp_v4_syn_recv_sock") int BPF_PROG(na13) { return 0; }
SEC("fentry/tcp_v4_do_rcv") int BPF_PROG(na14) { return 0; }
SEC("kprobe/tcp_v4_do_rcv.part.0") int na15(void *c) { return 0; }
SEC("fentry/vfs_open") int BPF_PROG(na16) { return 0; }
SEC("fentry/alloc_pid") int BPF_PROG(na17) { return 0; }
SEC("fentry/exit_mm") int BPF_PROG(na18) { return 0; }
SEC("fentry/do_idle") int BPF_PROG(na19) { return 0; }
SEC("fentry/asm_exc_page_fault") int BPF_PROG(na20) { return 0; }
