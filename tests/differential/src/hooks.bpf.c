// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attach targets of every BTF-based kind: present, missing, in modules, with a module's name. */
#include "core.h"

#define PROGRAM(section, name)                                                                     \
	SEC(section) int name(void *ctx)                                                           \
	{                                                                                          \
		return 0;                                                                          \
	}

PROGRAM("fentry/do_exit", fentry_there)
PROGRAM("fentry.s/vfs_read", fentry_sleepable)
PROGRAM("fexit/do_unlinkat", fexit_one)
PROGRAM("fexit/vfs_fsync_range", fexit_two)
PROGRAM("fentry/preflight_absent_function", fentry_missing)
PROGRAM("fentry/account_page_dirtied", fentry_old)
PROGRAM("fmod_ret/security_file_open", fmod_ret_there)
PROGRAM("fmod_ret/preflight_absent_function", fmod_ret_missing)
PROGRAM("tp_btf/sched_switch", tp_there)
PROGRAM("tp_btf/block_rq_issue", tp_block)
PROGRAM("tp_btf/preflight_absent_event", tp_missing)
PROGRAM("lsm/file_open", lsm_there)
PROGRAM("lsm.s/bprm_committed_creds", lsm_sleepable)
PROGRAM("lsm/preflight_absent_hook", lsm_missing)
PROGRAM("lsm_cgroup/socket_create", lsm_cgroup)
PROGRAM("iter/task", iter_there)
PROGRAM("iter/bpf_map", iter_map)
PROGRAM("iter.s/task_vma", iter_sleepable)
PROGRAM("iter/preflight_absent_iterator", iter_missing)
PROGRAM("fentry/vmlinux:do_exit", with_vmlinux)
PROGRAM("fentry/vm:vfs_read", with_vmlinux_prefix)
PROGRAM("fentry/btrfs:btrfs_file_open", with_module)
PROGRAM("fentry/btrfs_file_open", in_module)
PROGRAM("fentry/btr:btrfs_file_open", with_module_prefix)
PROGRAM("fentry/ext4:do_exit", wrong_module)
PROGRAM("fentry/preflight_absent_module:do_exit", absent_module)
PROGRAM("fentry/task_struct", a_struct_is_no_function)
PROGRAM("fentry", no_target)
PROGRAM("fentry/", empty_target)
PROGRAM("freplace/do_exit", replaces)
PROGRAM("kprobe/do_exit", kprobe)
