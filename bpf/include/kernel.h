// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel types the programs use, each with just the fields they read.
 *
 * preserve_access_index makes the loader look every field up by name in the BTF of the
 * kernel at hand, so neither the order nor the offsets here mean anything. A full dump
 * of one kernel's types would hide what a program really depends on.
 */
#ifndef PREFLIGHT_KERNEL_H
#define PREFLIGHT_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
	int pid;
	int tgid;
};

struct path {
	void *dentry;
};

struct file {
	struct path f_path;
};

struct linux_binprm {
	const char *filename;
};

struct sock;

struct seq_file {
	void *private;
};

/* Contexts of iterators, include/linux/bpf.h and kernel/bpf/task_iter.c. */
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

/* What include/net/tcp.h demands of a congestion control algorithm. */
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

#pragma clang attribute pop

#endif
