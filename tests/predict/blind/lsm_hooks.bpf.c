// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("lsm/inode_unlink") int BPF_PROG(l1) { return 0; }
SEC("lsm/uring_cmd") int BPF_PROG(l2) { return 0; }
SEC("lsm/bdev_setintegrity") int BPF_PROG(l3) { return 0; }
SEC("lsm/path_chroot") int BPF_PROG(l4) { return 0; }
SEC("lsm/userns_create") int BPF_PROG(l5) { return 0; }
SEC("lsm/nothing_here") int BPF_PROG(l6) { return 0; }
SEC("lsm_cgroup/socket_bind") int BPF_PROG(l7) { return 1; }
SEC("lsm/inode_getsecurity") int BPF_PROG(l8) { return 0; }
SEC("lsm/ismaclabel") int BPF_PROG(l9) { return 0; }
SEC("lsm/file_open") int BPF_PROG(l10) { return 1; }
SEC("lsm/vm_enough_memory") int BPF_PROG(l11) { return 0; }
SEC("lsm/bpf") int BPF_PROG(l12, int cmd, void *attr, unsigned size, bool kernel) { return kernel ? -1 : 0; }
