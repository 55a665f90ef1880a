// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kernel configuration, typed and typeless kernel symbols, kernel functions; none makes libbpf refuse. */
#include "core.h"

#define KCONFIG __attribute__((section(".kconfig")))
#define KSYM __attribute__((section(".ksyms")))
#define WEAK __attribute__((weak))

enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

extern int LINUX_KERNEL_VERSION KCONFIG;
extern _Bool CONFIG_BPF KCONFIG;
extern _Bool CONFIG_PREFLIGHT_ABSENT KCONFIG WEAK;
extern enum libbpf_tristate CONFIG_IPV6 KCONFIG WEAK;
extern enum libbpf_tristate CONFIG_EXT4_FS KCONFIG WEAK;
extern enum libbpf_tristate CONFIG_BTRFS_FS KCONFIG WEAK;
extern char CONFIG_MODULES KCONFIG WEAK;
extern u32 CONFIG_HZ KCONFIG WEAK;
extern u64 CONFIG_NR_CPUS KCONFIG WEAK;
extern u16 CONFIG_LOG_BUF_SHIFT KCONFIG WEAK;
extern char CONFIG_DEFAULT_HOSTNAME[32] KCONFIG WEAK;
extern char CONFIG_CC_VERSION_TEXT[8] KCONFIG WEAK;

struct rq {
	int cpu;
};
struct task_struct;
struct bpf_map_ops;

extern const struct rq runqueues KSYM WEAK;
extern const int preflight_absent_variable KSYM WEAK;
extern const void init_task KSYM WEAK;
extern const int bpf_prog_active KSYM WEAK;

struct cgroup;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) KSYM WEAK;
extern void bpf_task_release(struct task_struct *p) KSYM WEAK;
extern void bpf_rcu_read_lock(void) KSYM WEAK;
extern void bpf_rcu_read_unlock___mine(void) KSYM WEAK;
extern int bpf_cgroup_release(int wrong, int arguments) KSYM WEAK;
extern void preflight_absent_kfunc(void) KSYM WEAK;

SEC("tp_btf/task_newtask")
int externs(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0], *other;

	use(LINUX_KERNEL_VERSION);
	use(CONFIG_BPF);
	use(CONFIG_PREFLIGHT_ABSENT);
	use(CONFIG_IPV6);
	use(CONFIG_EXT4_FS);
	use(CONFIG_BTRFS_FS);
	use(CONFIG_MODULES);
	use(CONFIG_HZ);
	use(CONFIG_NR_CPUS);
	use(CONFIG_LOG_BUF_SHIFT);
	use(CONFIG_DEFAULT_HOSTNAME[1]);
	use(CONFIG_CC_VERSION_TEXT[1]);
	use(&runqueues);
	use(&preflight_absent_variable);
	use(&init_task);
	use(&bpf_prog_active);
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock___mine();
	bpf_cgroup_release(1, 2);
	preflight_absent_kfunc();
	other = bpf_task_acquire(task);
	if (other)
		bpf_task_release(other);
	return 0;
}
