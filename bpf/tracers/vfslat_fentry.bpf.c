// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * VFS latency by fentry and fexit. Both see the arguments, so the file tells a nested
 * operation (overlayfs opens and syncs the file below) from the outer one.
 *
 * fsync(2) ends in vfs_fsync_range(), but some kernels (7.3) have it inlined in the system
 * call: both are traced, and a call from one to the other counts once.
 */
#include "vfslat.h"
#include "tracepoints.h"
#include <bpf/bpf_tracing.h>

struct vfs_start_key {
	__u64 pid_tgid;
	__u64 file; /* address of the struct file: identity only, never shown; 0 in fsync(2) */
	__u32 operation;
	__u32 unused;
};

struct vfs_start {
	__u64 ns;
	__u64 file; /* in fsync(2): of which file */
	__u64 fs_magic;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vfs_start_key);
	__type(value, struct vfs_start);
} starts SEC(".maps");

static __always_inline int vfs_enter(__u32 operation, const struct file___vfs *file, __u64 magic)
{
	struct vfs_start_key key = {
		.pid_tgid = bpf_get_current_pid_tgid(),
		.file = (unsigned long)file,
		.operation = operation,
	};
	struct vfs_start start = { .fs_magic = magic };

	if (other_fs(magic) || sampled_out())
		return 0;
	if (bpf_map_lookup_elem(&starts, &key))
		health_count(HEALTH_EXPIRED);
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int vfs_exit(__u32 operation, const struct file___vfs *file, __u64 magic, long result)
{
	__u64 now = bpf_ktime_get_ns(), took;
	struct vfs_start_key key = {
		.pid_tgid = bpf_get_current_pid_tgid(),
		.file = (unsigned long)file,
		.operation = operation,
	};
	struct vfs_start *start = bpf_map_lookup_elem(&starts, &key);

	if (!start) {
		if (!target_fs_magic)
			count_unmatched();
		return 0;
	}
	took = now - start->ns;
	bpf_map_delete_elem(&starts, &key);
	vfs_done(operation, magic, result, took);
	return 0;
}

SEC("fentry/vfs_read")
int BPF_PROG(vfslat_read, struct file___vfs *file)
{
	return early_filter() ? 0 : vfs_enter(VFS_READ, file, magic_of_file(file));
}

SEC("fexit/vfs_read")
int BPF_PROG(vfslat_read_end, struct file___vfs *file, void *buf, __u64 count, void *pos, long result)
{
	return vfs_exit(VFS_READ, file, magic_of_file(file), result);
}

SEC("fentry/vfs_write")
int BPF_PROG(vfslat_write, struct file___vfs *file)
{
	return early_filter() ? 0 : vfs_enter(VFS_WRITE, file, magic_of_file(file));
}

SEC("fexit/vfs_write")
int BPF_PROG(vfslat_write_end, struct file___vfs *file, void *buf, __u64 count, void *pos, long result)
{
	return vfs_exit(VFS_WRITE, file, magic_of_file(file), result);
}

static __always_inline struct vfs_start_key call_key(void)
{
	return (struct vfs_start_key){ .pid_tgid = bpf_get_current_pid_tgid(), .operation = VFS_FSYNC };
}

/* Whether this thread is in fsync(2) or fdatasync(2) of this file. */
static __always_inline bool in_call(const struct file___vfs *file)
{
	struct vfs_start_key key = call_key();
	struct vfs_start *start = bpf_map_lookup_elem(&starts, &key);

	return start && start->file == (unsigned long)file;
}

static __always_inline int sync_called(unsigned int descriptor)
{
	struct vfs_start_key key = call_key();
	const struct file___vfs *file;
	struct vfs_start start = {};

	if (early_filter())
		return 0;
	file = file_of(descriptor);
	start.file = (unsigned long)file;
	start.fs_magic = magic_of_file(file);
	if (other_fs(start.fs_magic) || sampled_out())
		return 0;
	if (bpf_map_lookup_elem(&starts, &key))
		health_count(HEALTH_EXPIRED);
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int sync_returned(long result)
{
	struct vfs_start_key key = call_key();
	struct vfs_start *found = bpf_map_lookup_elem(&starts, &key), start;

	if (!found) {
		if (!target_fs_magic)
			count_unmatched();
		return 0;
	}
	start = *found;
	bpf_map_delete_elem(&starts, &key);
	vfs_done(VFS_FSYNC, start.fs_magic, result, bpf_ktime_get_ns() - start.ns);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_fsync")
int vfslat_call_fsync(struct syscall_trace_enter *ctx)
{
	return sync_called(ctx->args[0]);
}

SEC("tracepoint/syscalls/sys_exit_fsync")
int vfslat_call_fsync_end(struct syscall_trace_exit *ctx)
{
	return sync_returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_enter_fdatasync")
int vfslat_call_data(struct syscall_trace_enter *ctx)
{
	return sync_called(ctx->args[0]);
}

SEC("tracepoint/syscalls/sys_exit_fdatasync")
int vfslat_call_data_end(struct syscall_trace_exit *ctx)
{
	return sync_returned(ctx->ret);
}

SEC("fentry/vfs_fsync_range")
int BPF_PROG(vfslat_fsync, struct file___vfs *file)
{
	if (in_call(file) || early_filter())
		return 0;
	return vfs_enter(VFS_FSYNC, file, magic_of_file(file));
}

SEC("fexit/vfs_fsync_range")
int BPF_PROG(vfslat_fsync_end, struct file___vfs *file, __u64 start, __u64 end, int datasync, int result)
{
	return in_call(file) ? 0 : vfs_exit(VFS_FSYNC, file, magic_of_file(file), result);
}

SEC("fentry/vfs_open")
int BPF_PROG(vfslat_open, struct path___vfs *path, struct file___vfs *file)
{
	return early_filter() ? 0 : vfs_enter(VFS_OPEN, file, magic_of_path(path));
}

SEC("fexit/vfs_open")
int BPF_PROG(vfslat_open_end, struct path___vfs *path, struct file___vfs *file, int result)
{
	return vfs_exit(VFS_OPEN, file, magic_of_path(path), result);
}
