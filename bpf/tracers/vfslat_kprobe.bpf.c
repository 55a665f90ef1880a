// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * VFS latency by kprobe and kretprobe. A return does not see the arguments, so each thread
 * has a small stack of opens and syncs: overlayfs opens and syncs the file below while it
 * opens and syncs its own. A read or write has none of its kind inside.
 *
 * fsync(2) ends in vfs_fsync_range(), but some kernels (7.3) have it inlined in the system
 * call: both are traced, and a call from one to the other counts once.
 *
 * The kernel misses returns while more threads are inside a function than it has room for;
 * before 6.x that can be as few as there are CPUs. Each one missed is counted as expired.
 */
#include "regs.h"
#include "vfslat.h"
#include "tracepoints.h"

#define MAX_DEPTH 4
/* A nested operation begins at once. An outer one of this age has lost its return. */
#define STALE_NS 10000000000ULL

struct vfs_start {
	__u64 ns;
	__u64 fs_magic;
	__u64 file; /* address of the struct file: identity only, never shown */
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

/* `part` is a function that another traced one calls with the same file. */
static __always_inline int vfs_enter(__u32 operation, __u64 file, __u64 magic, bool part)
{
	struct start_key key = { .pid_tgid = bpf_get_current_pid_tgid(), .operation = operation };
	struct vfs_nesting *outer = bpf_map_lookup_elem(&nesting, &key), now = {};
	struct vfs_start start = { .fs_magic = magic, .file = file }, *whole;
	bool seen = false;

	now.ns = start.ns = bpf_ktime_get_ns();
	now.depth = 1;
	if (outer && (!nests(operation) || outer->depth >= MAX_DEPTH || start.ns - outer->ns > STALE_NS))
		health_count(HEALTH_EXPIRED);
	else if (outer)
		now.depth = outer->depth + 1;
	if (part && now.depth > 1) {
		key.depth = now.depth - 1;
		whole = bpf_map_lookup_elem(&starts, &key);
		seen = whole && whole->file == file;
		key.depth = 0;
	}
	/* A wanted and an unwanted operation count alike, or the depth at the return would be another. */
	if (bpf_map_update_elem(&nesting, &key, &now, BPF_ANY)) {
		health_count(HEALTH_UPDATE_FAILED);
		return 0;
	}
	if (seen || other_fs(magic) || sampled_out())
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

static __always_inline int of_file(struct pt_regs *ctx, __u32 operation, bool part)
{
	__u64 file = PT_REGS_PARM1(ctx);

	return early_filter() ? 0 : vfs_enter(operation, file, magic_of_file((void *)file), part);
}

SEC("kprobe/vfs_read")
int vfslat_read(struct pt_regs *ctx)
{
	return of_file(ctx, VFS_READ, false);
}

SEC("kretprobe/vfs_read")
int vfslat_read_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_READ, PT_REGS_RC(ctx));
}

SEC("kprobe/vfs_write")
int vfslat_write(struct pt_regs *ctx)
{
	return of_file(ctx, VFS_WRITE, false);
}

SEC("kretprobe/vfs_write")
int vfslat_write_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_WRITE, PT_REGS_RC(ctx));
}

static __always_inline int sync_called(unsigned int descriptor)
{
	const struct file___vfs *file;

	if (early_filter())
		return 0;
	file = file_of(descriptor);
	return vfs_enter(VFS_FSYNC, (unsigned long)file, magic_of_file(file), false);
}

SEC("tracepoint/syscalls/sys_enter_fsync")
int vfslat_call_fsync(struct syscall_trace_enter *ctx)
{
	return sync_called(ctx->args[0]);
}

SEC("tracepoint/syscalls/sys_exit_fsync")
int vfslat_call_fsync_end(struct syscall_trace_exit *ctx)
{
	return vfs_exit(VFS_FSYNC, ctx->ret);
}

SEC("tracepoint/syscalls/sys_enter_fdatasync")
int vfslat_call_data(struct syscall_trace_enter *ctx)
{
	return sync_called(ctx->args[0]);
}

SEC("tracepoint/syscalls/sys_exit_fdatasync")
int vfslat_call_data_end(struct syscall_trace_exit *ctx)
{
	return vfs_exit(VFS_FSYNC, ctx->ret);
}

SEC("kprobe/vfs_fsync_range")
int vfslat_fsync(struct pt_regs *ctx)
{
	return of_file(ctx, VFS_FSYNC, true);
}

SEC("kretprobe/vfs_fsync_range")
int vfslat_fsync_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_FSYNC, (int)PT_REGS_RC(ctx));
}

SEC("kprobe/vfs_open")
int vfslat_open(struct pt_regs *ctx)
{
	if (early_filter())
		return 0;
	return vfs_enter(VFS_OPEN, PT_REGS_PARM2(ctx), magic_of_path((void *)PT_REGS_PARM1(ctx)), false);
}

SEC("kretprobe/vfs_open")
int vfslat_open_end(struct pt_regs *ctx)
{
	return vfs_exit(VFS_OPEN, (int)PT_REGS_RC(ctx));
}
