// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common.h"
SEC("fmod_ret/security_file_open") int BPF_PROG(m_sec, struct file *f, int ret) { return ret; }
SEC("fmod_ret/__x64_sys_getppid") int BPF_PROG(m_sys) { return 0; }
SEC("fmod_ret/tcp_sendmsg") int BPF_PROG(m_no) { return 0; }
SEC("fmod_ret/should_failslab") int BPF_PROG(m_slab) { return 0; }
SEC("fmod_ret/security_task_free") int BPF_PROG(m_void) { return 0; }
