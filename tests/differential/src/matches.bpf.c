// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* type_matches, which compilers before clang 15 cannot ask. */
#include "core.h"

struct list_head {
	struct list_head *next, *prev;
};
struct list_head___part {
	struct list_head *next;
};
struct list_head___other {
	struct list_head *next;
	int prev;
};
struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *head);
};
struct callback_head___args {
	struct callback_head *next;
	void (*func)(struct callback_head *head, int more);
};
struct task_struct;
struct task_struct___few {
	int pid;
	struct mm_struct *mm;
	char comm[16];
};
struct task_struct___wrong {
	long pid;
};
struct task_struct___array {
	char comm[32];
};
struct mm_struct___fwd;
union sigval {
	int sival_int;
	void *sival_ptr;
};
struct sigval___struct {
	int sival_int;
};
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_restart___more { HRTIMER_NORESTART___a, HRTIMER_RESTART___a, PREFLIGHT_THIRD };
typedef int pid_t;
typedef long pid_t___long;
typedef void (*rcu_callback_t)(struct callback_head *head);
typedef int (*rcu_callback_t___int)(struct callback_head *head);
struct preflight_absent {
	int a;
};
struct sk_buff___deep {
	struct sk_buff *next;
	struct sock *sk;
	unsigned int len;
};

SEC("kprobe/a")
int structs(void *ctx)
{
	use(type_matches(struct list_head));
	use(type_matches(struct list_head___part));
	use(type_matches(struct list_head___other));
	use(type_matches(struct callback_head));
	use(type_matches(struct callback_head___args));
	use(type_matches(struct task_struct___few));
	use(type_matches(struct task_struct___wrong));
	use(type_matches(struct task_struct___array));
	use(type_matches(struct sk_buff___deep));
	use(type_matches(struct preflight_absent));
	use(type_matches(union sigval));
	use(type_matches(struct sigval___struct));
	return 0;
}

SEC("kprobe/b")
int others(void *ctx)
{
	use(type_matches(enum hrtimer_restart));
	use(type_matches(enum hrtimer_restart___more));
	use(type_matches(pid_t));
	use(type_matches(pid_t___long));
	use(type_matches(rcu_callback_t));
	use(type_matches(rcu_callback_t___int));
	use(type_exists(rcu_callback_t));
	use(type_exists(rcu_callback_t___int));
	return 0;
}
