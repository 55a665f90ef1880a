// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
/* tcp_connect(struct sock *): read as if it were a task */
SEC("fentry/tcp_connect") int BPF_PROG(wrong_task, struct task_struct *t) { return t->tgid == 7; }
SEC("fentry/tcp_connect") int BPF_PROG(right_sock, struct sock *sk) { return sk->__sk_common.skc_family == 7; }
/* vfs_fsync(struct file *, int): wrong type, offset inside file */
SEC("fentry/vfs_fsync") int BPF_PROG(wrong_sock, struct sock *sk) { return sk->__sk_common.skc_dport == 7; }
SEC("fexit/vfs_fsync") int BPF_PROG(fsync_x, struct file *f, int d, int ret) { return f->f_flags == ret; }
