// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("fentry/vfs_read") int BPF_PROG(dp_no, struct file *f) { char b[32]; bpf_d_path(&f->f_path, b, sizeof b); return 0; }
SEC("fentry/filp_close") int BPF_PROG(dp_yes, struct file *f) { char b[32]; bpf_d_path(&f->f_path, b, sizeof b); return 0; }
SEC("fentry/dentry_open") int BPF_PROG(dp_path, struct path *p) { char b[32]; bpf_d_path(p, b, sizeof b); return 0; }
SEC("lsm/file_open") int BPF_PROG(dp_lsm, struct file *f) { char b[32]; bpf_d_path(&f->f_path, b, sizeof b); return 0; }
SEC("lsm/task_free") int BPF_PROG(dp_lsm_ns) { return 0; }
SEC("kprobe/vfs_read") int dp_kp(struct pt_regs *r) { char b[32]; bpf_d_path((void *)PT_REGS_PARM1(r), b, sizeof b); return 0; }
