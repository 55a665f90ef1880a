// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * VFS latency by kprobe and kretprobe. A return does not see the arguments, so each thread
 * has a small stack of opens and syncs: overlayfs opens and syncs the file below while it
 * opens and syncs its own. A read or write has none of its kind inside.
 *
 * The kernel misses returns while more threads are inside a function than it has room for;
 * before 6.x that can be as few as there are CPUs. Each one missed is counted as expired.
 */
#include "regs.h"
#include "vfslat.h"

#define MAX_DEPTH 4
/* A nested operation begins at once. An outer one of this age has lost its return. */
#define STALE_NS 10000000000ULL

struct vfs_start {
	__u64 ns;
	__u64 fs_magic;
};

/* How many operations of a kind a thread has open; the key's depth is 0. */
struct vfs_nesting {
	__u64 ns; /* when the innermost began */
	__u32 depth;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct start_key);
	__type(value, struct vfs_nesting);
} nesting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct start_key);
	__type(value, struct vfs_start);
} starts SEC(".maps");

static __always_inline bool nests(__u32 operation)
{
	return operation == VFS_FSYNC || operation == VFS_OPEN;
}

static __always_inline int vfs_enter(__u32 operation, __u64 magic)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = operation };
	struct vfs_nesting *outer = bpf_map_lookup_elem(&nesting, &key), now = {};
	struct vfs_start start = { .fs_magic = magic };

	now.ns = start.ns = bpf_ktime_get_ns();
	now.depth = 1;
	if (outer && (!nests(operation) || outer->depth >= MAX_DEPTH || start.ns - outer->ns > STALE_NS))
		health_count(HEALTH_EXPIRED);
	else if (outer)
		now.depth = outer->depth + 1;
	/* A wanted and an unwanted operation count alike, or the depth at the return would be another. */
	if (bpf_map_update_elem(&nesting, &key, &now, BPF_ANY)) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	if (other_fs(magic) || sampled_out())
		return 0;
	key.depth = now.depth;
	if (bpf_map_update_elem(&starts, &key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int vfs_exit(__u32 operation, long result)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = operation };
	__u64 now = bpf_ktime_get_ns(), took, magic;
	struct vfs_nesting *open = bpf_map_lookup_elem(&nesting, &key);
	struct start_key of_start = key;
	struct vfs_start *start;

	if (!open) {
		count_unmatched();
		return 0;
	}
	of_start.depth = open->depth;
	if (open->depth <= 1)
		bpf_map_delete_elem(&nesting, &key);
	else
		open->depth--;
	start = bpf_map_lookup_elem(&starts, &of_start);
	if (!start)
		return 0;
	took = now - start->ns;
	magic = start->fs_magic;
	bpf_map_delete_elem(&starts, &of_start);
	vfs_done(operation, magic, result, took);
	return 0;
}

SEC("kprobe/vfs_read")
int vfslat_read(struct pt_regs *ctx)
{
	return early_filter() ? 0 : vfs_enter(VFS_READ, magic_of_file((void *)PT_REGS_PARM1(ctx)));
}

SEC("kretprobe/vfs_read")
int vfslat_read_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_READ, PT_REGS_RC(ctx));
}

SEC("kprobe/vfs_write")
int vfslat_write(struct pt_regs *ctx)
{
	return early_filter() ? 0 : vfs_enter(VFS_WRITE, magic_of_file((void *)PT_REGS_PARM1(ctx)));
}

SEC("kretprobe/vfs_write")
int vfslat_write_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_WRITE, PT_REGS_RC(ctx));
}

SEC("kprobe/vfs_fsync_range")
int vfslat_fsync(struct pt_regs *ctx)
{
	return early_filter() ? 0 : vfs_enter(VFS_FSYNC, magic_of_file((void *)PT_REGS_PARM1(ctx)));
}

SEC("kretprobe/vfs_fsync_range")
int vfslat_fsync_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_FSYNC, (int)PT_REGS_RC(ctx));
}

SEC("kprobe/vfs_open")
int vfslat_open(struct pt_regs *ctx)
{
	return early_filter() ? 0 : vfs_enter(VFS_OPEN, magic_of_path((void *)PT_REGS_PARM1(ctx)));
}

SEC("kretprobe/vfs_open")
int vfslat_open_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_OPEN, (int)PT_REGS_RC(ctx));
}
