/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of the kernel's types these programs name. */
#define __TARGET_ARCH_x86 1
#define __VMLINUX_H__ 1 /* registers have the kernel's own names */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef unsigned int gfp_t;

#define KERNELS __attribute__((preserve_access_index))
struct bpf_iter_css { __u64 opaque[3]; } __attribute__((aligned(8)));
struct bpf_iter_task { __u64 opaque[3]; } __attribute__((aligned(8)));
struct bpf_iter_css_task { __u64 opaque[1]; } __attribute__((aligned(8)));
struct bpf_iter_num { __u64 opaque[1]; } __attribute__((aligned(8)));
struct cgroup_subsys_state { struct cgroup *cgroup; } KERNELS;
struct cgroup { struct cgroup_subsys_state self; } KERNELS;
struct task_struct { int pid; struct task_struct *real_parent; } KERNELS;
struct inode;
struct path;
struct file { struct inode *f_inode; } KERNELS;
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } KERNELS;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } KERNELS;
struct bpf_iter__cgroup { struct bpf_iter_meta *meta; struct cgroup *cgroup; } KERNELS;
struct hrtimer_sleeper { struct task_struct *task; } KERNELS;
struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di; };
