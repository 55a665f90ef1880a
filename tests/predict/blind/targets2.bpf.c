// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("fentry/tcp_v6_connect") int BPF_PROG(f1) { return 0; }
SEC("fentry/__netif_receive_skb_core") int BPF_PROG(f2) { return 0; }
SEC("fentry/tcp_rcv_established") int BPF_PROG(f3) { return 0; }
SEC("fentry/skb_copy_datagram_iter") int BPF_PROG(f4) { return 0; }
SEC("kprobe/tcp_v4_connect") int f5(void *c) { return 0; }
SEC("kprobe/__tcp_transmit_skb") int f6(void *c) { return 0; }
SEC("kretprobe/do_sys_openat2") int f7(void *c) { return 0; }
SEC("kprobe/try_to_wake_up") int f8(void *c) { return 0; }
SEC("fentry/try_to_wake_up") int BPF_PROG(f9) { return 0; }
SEC("kprobe/irq_enter_rcu") int f10(void *c) { return 0; }
SEC("kprobe/__switch_to") int f11(void *c) { return 0; }
SEC("kprobe/memcpy") int f12(void *c) { return 0; }
SEC("kprobe/_raw_spin_lock") int f13(void *c) { return 0; }
SEC("kprobe/native_write_msr") int f14(void *c) { return 0; }
SEC("kprobe/vfs_statx") int f15(void *c) { return 0; }
SEC("fentry/folio_mark_accessed") int BPF_PROG(f16) { return 0; }
SEC("fentry/submit_bio_noacct") int BPF_PROG(f17) { return 0; }
SEC("fentry/__submit_bio") int BPF_PROG(f18) { return 0; }
SEC("kprobe/bio_endio") int f19(void *c) { return 0; }
SEC("fentry/security_file_permission") int BPF_PROG(f20) { return 0; }
SEC("fexit/kernel_clone") int BPF_PROG(f21, void *a, int ret) { return 0; }
SEC("ksyscall/openat") int f22(void *c) { return 0; }
SEC("ksyscall/nope") int f23(void *c) { return 0; }
SEC("kretsyscall/read") int f24(void *c) { return 0; }
SEC("kprobe.multi/vfs_open") int f25(void *c) { return 0; }
SEC("kprobe.multi/vfs_nothing_at_all") int f26(void *c) { return 0; }
SEC("fmod_ret/__x64_sys_nanosleep") int BPF_PROG(f27) { return 0; }
SEC("fmod_ret/security_inode_unlink") int BPF_PROG(f28) { return 0; }
