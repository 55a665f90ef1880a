// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions of the kernel, by their types. */
#include "net.h"
struct inode { unsigned long i_ino; unsigned short i_mode; } CORE;
struct dentry { struct inode *d_inode; struct dentry *d_parent; } CORE;
struct mnt_path { void *mnt; struct dentry *dentry; };
struct sk_buff { unsigned int len; struct sock *sk; unsigned char *data; } CORE;
MAP(inodes, BPF_MAP_TYPE_HASH, __u64, __u64, 128);
SEC("fentry/vfs_unlink") int BPF_PROG(unlink_old, void *ns, struct inode *dir) { return 0; }
SEC("fentry/vfs_read") int BPF_PROG(reads, struct file *f, char *buf, unsigned long n) {
	struct dentry *d = f->f_path.dentry;
	__u64 ino = d->d_inode->i_ino;
	bpf_map_update_elem(&inodes, &ino, &n, 0);
	return 0;
}
SEC("fentry/vfs_read") int BPF_PROG(reads_user, struct file *f, char *buf) { return buf[0] & 0; }
SEC("fentry/vfs_read") int BPF_PROG(reads_write, struct file *f) { f->f_flags = 0; return 0; }
SEC("fentry/vfs_read") int BPF_PROG(reads_returns, struct file *f) { return f->f_flags; }
SEC("fexit/vfs_read") int BPF_PROG(done, struct file *f, char *buf, unsigned long n, void *pos, long got) {
	__u64 k = got; bpf_map_update_elem(&inodes, &k, &n, 0); return 0;
}
SEC("fentry/vfs_read") int BPF_PROG(reads_size, struct file *f, char *buf, unsigned long n) { char c[8]; bpf_probe_read_user(c, n, buf); return 0; }
SEC("fentry/tcp_v4_rcv") int BPF_PROG(packet, struct sk_buff *skb) { unsigned char *d = skb->data; char c = 0; bpf_probe_read_kernel(&c, 1, d); return c & 0; }
SEC("fentry/tcp_v4_rcv") int BPF_PROG(packet_direct, struct sk_buff *skb) { __u64 k = skb->data[0]; bpf_map_delete_elem(&inodes, &k); return 0; }
SEC("fentry/tcp_v4_rcv") int BPF_PROG(packet_lookup, struct sk_buff *skb) { __u64 *v = bpf_map_lookup_elem(&inodes, skb); return v ? 0 : 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(switches, bool preempt, struct task_struct *prev, struct task_struct *next) { __u64 k = prev->pid, v = next->real_parent->tgid; bpf_map_update_elem(&inodes, &k, &v, 0); return 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(switches_cast, bool preempt, struct task_struct *prev) { __u64 k = ((struct inode *)(long)prev->pid)->i_ino; bpf_map_delete_elem(&inodes, &k); return 0; }
