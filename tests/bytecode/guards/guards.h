// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the guard programs share: types of this project's own that name fields no kernel has.
#ifndef PREFLIGHT_TEST_GUARDS_H
#define PREFLIGHT_TEST_GUARDS_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define CORE __attribute__((preserve_access_index))
#define NOINLINE static __attribute__((noinline))

// pid is in every kernel; the others are in none.
struct task_struct___guard {
	int pid;
	int tgid;
	int preflight_absent;
	int preflight_other;
	unsigned long preflight_wide;
} CORE;

struct preflight_absent_type {
	int member;
} CORE;

enum pid_type___guard {
	PIDTYPE_PID___guard = 0,
	PIDTYPE_PREFLIGHT_ABSENT___guard = 77,
};

enum preflight_absent_enum {
	PREFLIGHT_ABSENT_VALUE = 3,
};

#define TASK() ((struct task_struct___guard *)bpf_get_current_task())

// Reads that become a poisoned instruction on every kernel.
#define MISS(task) BPF_CORE_READ(task, preflight_absent)
#define OTHER_MISS(task) BPF_CORE_READ(task, preflight_other)

// Hides a number from the compiler but not from the verifier.
#define HIDE(var) asm volatile("" : "+r"(var))

char _license[] SEC("license") = "GPL";

#endif
