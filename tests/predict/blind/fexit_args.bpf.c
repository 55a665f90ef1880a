// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("fexit/vfs_read") int BPF_PROG(x1, struct file *f, char *b, unsigned long n, long long *p, long ret) { if (ret < 0) bpf_printk("x"); return 0; }
SEC("fexit/vfs_read") int BPF_PROG(x2, struct file *f, char *b, unsigned long n, long long *p) { if (b[0]) bpf_printk("x"); return 0; }
SEC("fentry/vfs_read") int BPF_PROG(x3, struct file *f, char *b) { char c = 0; bpf_probe_read_user(&c, 1, b); if (c) bpf_printk("x"); return 0; }
SEC("fentry/vfs_read") int BPF_PROG(x4, struct file *f) { f->f_flags = 3; return 0; }
SEC("fexit/filp_close") int BPF_PROG(x5, struct file *f, void *id, int ret) { if (ret) bpf_printk("x"); return 0; }
SEC("fexit/get_task_pid") int BPF_PROG(x6, struct task_struct *t, int ty, void *ret) { if (!ret) bpf_printk("x"); return 0; }
SEC("fentry/wake_up_new_task") int BPF_PROG(x7, struct task_struct *t) { if (t->real_parent->pid == 3) bpf_printk("%s", t->comm); return 0; }
SEC("fentry/wake_up_new_task") int BPF_PROG(x8, unsigned int t) { if (t == 3) bpf_printk("x"); return 0; }
