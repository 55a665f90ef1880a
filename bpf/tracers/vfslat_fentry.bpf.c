// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * VFS latency by fentry and fexit. Both see the arguments, so the file tells a nested
 * operation (overlayfs opens and syncs the file below) from the outer one.
 */
#include "vfslat.h"
#include <bpf/bpf_tracing.h>

struct vfs_start_key {
	__u64 pid_tgid;
	__u64 file; /* address of the struct file: identity only, never shown */
	__u32 operation;
	__u32 unused;
};

struct vfs_start {
	__u64 ns;
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
	struct vfs_start start = {};

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

SEC("fentry/vfs_fsync_range")
int BPF_PROG(vfslat_fsync, struct file___vfs *file)
{
	return early_filter() ? 0 : vfs_enter(VFS_FSYNC, file, magic_of_file(file));
}

SEC("fexit/vfs_fsync_range")
int BPF_PROG(vfslat_fsync_end, struct file___vfs *file, __u64 start, __u64 end, int datasync, int result)
{
	return vfs_exit(VFS_FSYNC, file, magic_of_file(file), result);
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
