// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("uprobe//bin/busybox:main") int u1(struct pt_regs *c) { return 0; }
SEC("uprobe") int u2(struct pt_regs *c) { return PT_REGS_PARM1(c) == 1; }
SEC("uretprobe//no/such/file:main") int u3(struct pt_regs *c) { return 0; }
SEC("uprobe.s") int u4(struct pt_regs *c) { char b[4]; return bpf_copy_from_user(b, 4, 0); }
SEC("usdt//bin/busybox:c4:x") int u5(struct pt_regs *c) { return 0; }
