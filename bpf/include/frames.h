// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The frame of a call from the registers of its entry and of its return: the stack pointer
 * as the caller left it. On x86 the call puts its return address there, and returning
 * takes it off again.
 */
#ifndef PREFLIGHT_FRAMES_H
#define PREFLIGHT_FRAMES_H

#include "regs.h"

#if defined(__TARGET_ARCH_powerpc)
#define FRAME_AT_ENTRY(ctx) ((ctx)->gpr[1]) /* what bpf_tracing.h names is user space's */
#else
#define FRAME_AT_ENTRY(ctx) PT_REGS_SP(ctx)
#endif

#if defined(__TARGET_ARCH_x86)
#define FRAME_AT_RETURN(ctx) (FRAME_AT_ENTRY(ctx) - sizeof(long))
#else
#define FRAME_AT_RETURN(ctx) FRAME_AT_ENTRY(ctx)
#endif

#endif
