// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
struct request { unsigned int cmd_flags; } CORE; struct request_queue { unsigned long queue_flags; } CORE; struct msghdr { int msg_namelen; } CORE; struct dentry { unsigned d_flags; } CORE; struct inode { unsigned long i_ino; } CORE; struct cred { int usage; } CORE;
SEC("tp_btf/block_rq_issue") int BPF_PROG(rq_old, struct request_queue *q, struct request *rq) { return rq->cmd_flags == 1; }
SEC("tp_btf/block_rq_issue") int BPF_PROG(rq_new, struct request *rq) { return rq->cmd_flags == 1; }
SEC("fentry/vfs_unlink") int BPF_PROG(unlink_old, struct inode *dir, struct dentry *d) { if (d->d_flags) bpf_printk("x"); return 0; }
SEC("fentry/vfs_unlink") int BPF_PROG(unlink_new, void *idmap, struct inode *dir, struct dentry *d) { if (d->d_flags) bpf_printk("x"); return 0; }
SEC("fentry/vfs_create") int BPF_PROG(create_old, struct inode *dir, struct dentry *d) { if (dir->i_ino == 3) bpf_printk("x"); return 0; }
SEC("kprobe/vfs_unlink") int BPF_KPROBE(k_unlink_old, struct inode *dir, struct dentry *d) { return BPF_CORE_READ(d, d_flags) == 1; }
SEC("fentry/tcp_recvmsg") int BPF_PROG(rcv_old, struct sock *sk, struct msghdr *m, unsigned long l, int nb, int fl, int *al) { if (al) bpf_printk("x"); return 0; }
SEC("fexit/inet_csk_accept") int BPF_PROG(acc_old, struct sock *sk, int flags, int *err, bool kern, struct sock *ret) { if (ret && ret->__sk_common.skc_family) bpf_printk("x"); return 0; }
SEC("fexit/inet_csk_accept") int BPF_PROG(acc_new, struct sock *sk, void *arg, struct sock *ret) { if (ret && ret->__sk_common.skc_family) bpf_printk("x"); return 0; }
