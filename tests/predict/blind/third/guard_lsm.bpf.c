// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A guard of files. */
#include "net.h"
struct linux_binprm { struct file *file; const char *filename; } CORE;
struct cred;
MAP(denied, BPF_MAP_TYPE_HASH, __u32, __u8, 64);
SEC("lsm/file_open") int BPF_PROG(open, struct file *f) {
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	return bpf_map_lookup_elem(&denied, &pid) ? -1 : 0;
}
SEC("lsm/file_open") int BPF_PROG(open_flags, struct file *f) { return f->f_flags & 2 ? 1 : 0; }
SEC("lsm/bprm_check_security") int BPF_PROG(exec_user, struct linux_binprm *b) {
	char buf[16];
	return bpf_copy_from_user(buf, sizeof(buf), (void *)0x1000) ? -1 : 0;
}
SEC("lsm.s/bprm_check_security") int BPF_PROG(exec, struct linux_binprm *b) {
	char name[32] = {};
	bpf_probe_read_kernel_str(name, sizeof(name), b->filename);
	return name[0] == 'x' ? -1 : 0;
}
SEC("lsm.s/file_open") int BPF_PROG(open_path, struct file *f) {
	char path[64] = {};
	long n = bpf_d_path(&f->f_path, path, sizeof(path));
	return n > 0 && path[0] != '/' ? -13 : 0;
}
SEC("lsm/file_open") int BPF_PROG(open_write, struct file *f) { f->f_flags = 0; return 0; }
