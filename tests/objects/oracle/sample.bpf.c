// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What linking has to get right: nested static and global subprograms in several orders, a weak one,
 * callbacks, maps, constants that user space may set, and a configuration value.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, long);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, long);
} totals SEC(".maps");

const volatile int limit = 7;
const volatile long table[4] = { 1, 2, 3, 4 };
long seen, other = 5;

static __noinline long leaf(long n)
{
	seen += n;
	return n + limit;
}

__noinline int global_leaf(int n)
{
	int key = n;
	long *value = bpf_map_lookup_elem(&counts, &key);

	return value ? *value : table[n & 3];
}

static __noinline long middle(long n)
{
	return leaf(n) * 3 + global_leaf(n);
}

static long each(__u32 index, void *ctx)
{
	other += leaf(index);
	return 0;
}

static long each_other(__u32 index, void *ctx)
{
	other -= middle(index);
	return 0;
}

__weak __noinline int replaceable(int n)
{
	return middle(n) + 1;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return middle(ctx->data) + leaf(ctx->data_end);
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return leaf(ctx->data) + replaceable(3);
}

SEC("tc")
int loops(struct __sk_buff *skb)
{
	int key = 0;

	bpf_loop(4, each_other, 0, 0);
	bpf_loop(4, each, 0, 0);
	bpf_printk("%d", skb->len);
	if (LINUX_KERNEL_VERSION > 5)
		return global_leaf(skb->len);
	return bpf_map_update_elem(&totals, &key, &seen, 0);
}

SEC("?kprobe/not_loaded")
int off(void *ctx)
{
	return middle(1);
}

char LICENSE[] SEC("license") = "GPL";
