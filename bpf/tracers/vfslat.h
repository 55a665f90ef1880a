// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long do reads, writes, syncs and opens take in the file systems, below the system
 * calls, and with which error do they end?
 *
 * No name is read; the kind of file system is told by its magic number (linux/magic.h).
 * Sockets and pipes have magic numbers of their own, so waiting for a peer stays apart.
 */
#ifndef PREFLIGHT_VFSLAT_H
#define PREFLIGHT_VFSLAT_H

#include "tracer.h"
#include "latency.h"
#include <bpf/bpf_core_read.h>

#define MAX_ERRNO 4095

/* Look at one errno alone, or at one kind of file system; 0 is all. */
const volatile __u32 target_errno = 0;
const volatile __u64 target_fs_magic = 0;

enum vfs_operation {
	VFS_READ = 0,
	VFS_WRITE = 1,
	VFS_FSYNC = 2,
	VFS_OPEN = 3,
};

struct vfs_key {
	__u64 fs_magic;
	enum vfs_operation operation;
	__u32 error; /* errno, 0 when it succeeded */
};

/* A host has a handful of kinds of file systems. A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 512);
	__type(key, struct vfs_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block___vfs {
	unsigned long s_magic;
};

struct inode___vfs {
	struct super_block___vfs *i_sb;
};

struct dentry___vfs {
	struct super_block___vfs *d_sb;
};

struct path___vfs {
	struct dentry___vfs *dentry;
};

struct file___vfs {
	struct inode___vfs *f_inode;
};

/* include/linux/fdtable.h: the files that a task has open, by descriptor. */
struct fdtable___vfs {
	unsigned int max_fds;
	struct file___vfs **fd;
};

struct files_struct___vfs {
	struct fdtable___vfs *fdt;
};

struct task_struct___vfs {
	struct files_struct___vfs *files;
};

#pragma clang attribute pop

static __always_inline __u64 magic_of_file(const struct file___vfs *file)
{
	return BPF_CORE_READ(file, f_inode, i_sb, s_magic);
}

/* The current task's file of that descriptor; 0 when it has none. */
static __always_inline const struct file___vfs *file_of(unsigned int descriptor)
{
	struct task_struct___vfs *task = (void *)bpf_get_current_task();
	struct fdtable___vfs *table = BPF_CORE_READ(task, files, fdt);
	struct file___vfs **files = BPF_CORE_READ(table, fd), *file = 0;

	if (descriptor < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), &files[descriptor]);
	return file;
}

/* An opened file has no inode yet; the path it is opened by has. */
static __always_inline __u64 magic_of_path(const struct path___vfs *path)
{
	return BPF_CORE_READ(path, dentry, d_sb, s_magic);
}

static __always_inline bool other_fs(__u64 magic)
{
	if (!target_fs_magic || magic == target_fs_magic)
		return false;
	health_count(HEALTH_FILTERED);
	return true;
}

static __always_inline void vfs_done(enum vfs_operation operation, __u64 magic, long result, __u64 took)
{
	struct vfs_key key = { .fs_magic = magic, .operation = operation };
	struct log2_hist *hist;

	if (result < 0 && result >= -MAX_ERRNO)
		key.error = -result;
	if ((target_errno && key.error != target_errno) || outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return;
	}
	hist = bpf_map_lookup_elem(&latencies, &key);
	if (!hist) {
		bpf_map_update_elem(&latencies, &key, &empty_hist, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&latencies, &key);
	}
	if (!hist) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	hist_add(hist, took);
	health_count(HEALTH_EXPORTED);
}

#endif
