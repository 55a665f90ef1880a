// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct inode { long i_ino; struct { long tv_sec; } i_ctime; } CORE;
struct kernfs_node { struct kernfs_node *parent; const char *name; } CORE;
struct request { void *rq_disk; unsigned __data_len; } CORE;
struct mm_struct { struct { long x; } rss_stat; } CORE;
struct module { struct { void *base; } core_layout; char name[56]; } CORE;
enum c4_bpf_func { BPF_FUNC_loop_c4 = 1 };
enum tcp_ca_state___c4 { TCP_CA_Nonsense = 9, TCP_CA_Open = 0 };
SEC("kprobe/vfs_unlink") int cv_ctime(struct pt_regs *r) { struct inode *i = (void *)PT_REGS_PARM2(r); return BPF_CORE_READ(i, i_ctime.tv_sec) == 1; }
SEC("kprobe/vfs_unlink") int cv_ino(struct pt_regs *r) { struct inode *i = (void *)PT_REGS_PARM2(r); return BPF_CORE_READ(i, i_ino) == 1; }
SEC("kprobe/vfs_unlink") int cv_kn(struct pt_regs *r) { struct kernfs_node *i = (void *)PT_REGS_PARM2(r); return BPF_CORE_READ(i, parent) == 0; }
SEC("kprobe/vfs_unlink") int cv_rq(struct pt_regs *r) { struct request *i = (void *)PT_REGS_PARM2(r); return BPF_CORE_READ(i, rq_disk) == 0; }
SEC("kprobe/vfs_unlink") int cv_mm(struct pt_regs *r) { struct mm_struct *i = (void *)PT_REGS_PARM2(r); return bpf_core_field_size(i->rss_stat) == 8; }
SEC("kprobe/vfs_unlink") int cv_mod(struct pt_regs *r) { struct module *i = (void *)PT_REGS_PARM2(r); return BPF_CORE_READ(i, core_layout.base) == 0; }
SEC("kprobe/vfs_unlink") int cv_enum(struct pt_regs *r) { return bpf_core_enum_value(enum tcp_ca_state___c4, TCP_CA_Nonsense); }
SEC("kprobe/vfs_unlink") int cv_enum_ok(struct pt_regs *r) { return bpf_core_enum_value(enum tcp_ca_state___c4, TCP_CA_Open); }
SEC("kprobe/vfs_unlink") int cv_enum_guard(struct pt_regs *r) { if (!bpf_core_enum_value_exists(enum tcp_ca_state___c4, TCP_CA_Nonsense)) return 0; return bpf_core_enum_value(enum tcp_ca_state___c4, TCP_CA_Nonsense); }
