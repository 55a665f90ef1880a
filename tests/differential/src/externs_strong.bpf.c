// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Strong externs that a kernel may not have, or has with another type. */
#include "core.h"

#define KCONFIG __attribute__((section(".kconfig")))
#define KSYM __attribute__((section(".ksyms")))

extern u8 CONFIG_NR_CPUS KCONFIG;           /* too narrow for a large count */
extern int CONFIG_PREFLIGHT_ABSENT KCONFIG;
extern _Bool CONFIG_HZ KCONFIG;             /* a number, not a yes or no */

extern const int preflight_absent_variable KSYM;
extern const int runqueues KSYM;            /* a struct in the kernel */
extern void preflight_absent_kfunc(void) KSYM;
extern int bpf_rcu_read_lock(int wrong) KSYM;

SEC("tp_btf/task_newtask")
int strong(void *ctx)
{
	use(CONFIG_NR_CPUS);
	use(CONFIG_PREFLIGHT_ABSENT);
	use(CONFIG_HZ);
	use(&preflight_absent_variable);
	use(&runqueues);
	preflight_absent_kfunc();
	return bpf_rcu_read_lock(1);
}
