// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether the current system call came through the 32-bit table of a 64-bit kernel.
 * Numbers mean other calls there. Known for x86 and arm64; elsewhere the answer is no.
 */
#ifndef PREFLIGHT_COMPAT_H
#define PREFLIGHT_COMPAT_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* arch/x86/include/asm/thread_info.h has status; arch/arm64/include/asm/thread_info.h only flags. */
struct thread_info___compat {
	unsigned long flags;
	__u32 status;
};

struct task_struct___compat {
	struct thread_info___compat thread_info;
};

/* arch/arm64/include/asm/processor.h: no other machine has this field. */
struct thread_struct___arm64 {
	struct {
		unsigned long tp_value;
	} uw;
};

#pragma clang attribute pop

/* TS_COMPAT and TIF_32BIT of the two thread_info.h. */
#define X86_STATUS_COMPAT 0x0002
#define ARM64_FLAG_32BIT 22

static __always_inline __u8 is_compat(void)
{
	struct task_struct___compat *task = (void *)bpf_get_current_task();

	if (bpf_core_field_exists(task->thread_info.status))
		return (BPF_CORE_READ(task, thread_info.status) & X86_STATUS_COMPAT) != 0;
	if (bpf_core_field_exists(struct thread_struct___arm64, uw))
		return BPF_CORE_READ(task, thread_info.flags) >> ARM64_FLAG_32BIT & 1;
	return 0;
}

#endif
