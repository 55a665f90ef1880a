// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the small objects of this folder share: just the types that they read. */
#pragma once
#define __VMLINUX_H__ 1
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#define __TARGET_ARCH_x86 1
struct pt_regs { unsigned long r15,r14,r13,r12,bp,bx,r11,r10,r9,r8,ax,cx,dx,si,di,orig_ax,ip,cs,flags,sp,ss; } __attribute__((preserve_access_index));
#include <bpf/bpf_tracing.h>
#define CORE __attribute__((preserve_access_index))
struct task_struct { int pid; int tgid; struct task_struct *real_parent; char comm[16]; } CORE;
struct sock_common { unsigned short skc_family; unsigned short skc_dport; } CORE;
struct sock { struct sock_common __sk_common; } CORE;
struct path { void *mnt; void *dentry; } CORE;
struct file { struct path f_path; unsigned f_flags; } CORE;
#ifndef LIC
#define LIC "GPL"
#endif
char LICENSE[] SEC("license") = LIC;
#define MAP(n, t, k, v, m) struct { __uint(type, t); __type(key, k); __type(value, v); __uint(max_entries, m); } n SEC(".maps")
