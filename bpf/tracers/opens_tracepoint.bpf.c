// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * Attempts to open files through the tracepoints of the system calls. open(2) and
 * creat(2) do not exist on newer machines. On x86 and arm64 the syscalls: events leave
 * out calls of 32-bit programs.
 *
 * Paths are not captured. With name_hash_key set, failed attempts can be told apart by a
 * keyed hash of the file's name; capture_path, off by default, streams their paths.
 */
#include "opens.h"
#include "keyed_hash.h"
#include "tracepoints.h"

#define MAX_ERRNO 4095
#define PATH_LEN 256
#define CREAT_FLAGS (01 | OPENS_CREATE | 01000) /* O_WRONLY | O_CREAT | O_TRUNC */

/* Look at one errno alone; 0 is all attempts. */
const volatile __u32 target_errno = 0;
/* Stream failed attempts as events. */
const volatile bool stream_failures = false;
/* With stream_failures: their paths as the caller gave them. */
const volatile bool capture_path = false;
/* Key of the hash of file names; 0 = names are not read at all. */
const volatile __u64 name_hash_key = 0;

struct opens_event {
	__u64 at_ns; /* CLOCK_MONOTONIC, at the return */
	__u64 took_ns;
	__u64 cgroup;
	__u64 name_hash; /* of the last part of the path; 0 = not asked for, or unreadable */
	__u32 tgid;
	__u32 tid;
	__u32 uid;
	__u32 error;
	__u32 flags;
	char comm[TASK_COMM_LEN];
	__u32 path_size; /* bytes of path in use, with the NUL */
	char path[PATH_LEN];
};

struct opens_event *unused_event __attribute__((unused));

struct open_start {
	__u64 ns;
	__u64 path; /* address in the task */
	__u32 flags;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct open_start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} events SEC(".maps");

/* Room for one path: too large for the stack. */
struct open_name {
	char path[PATH_LEN];
	__u64 base[PATH_LEN / 8];
	/* Here and not in registers, where the verifier would tell all their values apart. */
	__u32 size; /* of path, with the NUL */
	__u32 begin; /* of base in path */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct open_name);
} names SEC(".maps");

/* Keyed hash of what follows the last slash. */
static __always_inline __u64 hash_of_base(struct open_name *name)
{
	__u32 begin, size, length;

	name->begin = 0;
	for (__u32 i = 0; i < PATH_LEN; i++) {
		if (i + 1 >= name->size)
			break;
		if (name->path[i] == '/')
			name->begin = i + 1;
		/* Keeps the compiler from carrying the value in a register. */
		barrier();
	}
	begin = name->begin;
	size = name->size;
	if (size <= begin + 1)
		return 0;
	length = size - 1 - begin;
	__builtin_memset(name->base, 0, sizeof(name->base));
	/* Copied by the kernel: a loop would cost the verifier more. */
	if (bpf_probe_read_kernel_str(name->base, sizeof(name->base), &name->path[begin & (PATH_LEN - 1)]) < 0)
		return 0;
	return keyed_hash(name->base, length, PATH_LEN / 8, name_hash_key);
}

static __always_inline void stream_failure(const struct open_start *start, __u32 error, __u64 now)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid(), hash = 0;
	struct opens_event *event;
	struct open_name *name;
	__u32 zero = 0;
	long size = 0;

	if (name_hash_key) {
		name = bpf_map_lookup_elem(&names, &zero);
		if (!name)
			return;
		/* At the return the kernel has read the path itself, so it is in memory. */
		size = bpf_probe_read_user_str(name->path, sizeof(name->path), (const void *)start->path);
		if (size > 0) {
			name->size = size;
			barrier();
			hash = hash_of_base(name);
		} else {
			health_count(HEALTH_READ_FAILED);
		}
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		health_count(HEALTH_RING_DROPPED);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = now;
	event->took_ns = now - start->ns;
	event->cgroup = bpf_get_current_cgroup_id();
	event->name_hash = hash;
	event->tgid = pid_tgid >> 32;
	event->tid = pid_tgid;
	event->uid = bpf_get_current_uid_gid();
	event->error = error;
	event->flags = start->flags;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (capture_path) {
		size = bpf_probe_read_user_str(event->path, sizeof(event->path), (const void *)start->path);
		if (size > 0)
			event->path_size = size;
		else
			health_count(HEALTH_READ_FAILED);
	}
	bpf_ringbuf_submit(event, 0);
}

/* openat2 has its flags in the first word of `how`, a struct open_how (include/uapi/linux/openat2.h) of the task. */
static __always_inline int open_called(unsigned long path, __u64 flags, const void *how)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct open_start start = { .path = path };

	if (early_filter() || sampled_out())
		return 0;
	if (how && bpf_probe_read_user(&flags, sizeof(flags), how))
		health_count(HEALTH_READ_FAILED);
	start.flags = flags;
	if (bpf_map_lookup_elem(&starts, &thread))
		health_count(HEALTH_EXPIRED);
	start.ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&starts, &thread, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline int open_returned(long result)
{
	__u64 now = bpf_ktime_get_ns(), thread = bpf_get_current_pid_tgid();
	struct open_start *found = bpf_map_lookup_elem(&starts, &thread), start;
	__u32 error = result < 0 && result >= -MAX_ERRNO ? -result : 0;

	if (!found) {
		count_unmatched();
		return 0;
	}
	start = *found;
	bpf_map_delete_elem(&starts, &thread);
	if (target_errno && error != target_errno) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	count_open(error, start.flags, now - start.ns);
	if (stream_failures && error)
		stream_failure(&start, error, now);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int opens_openat(struct syscall_trace_enter *ctx)
{
	return open_called(ctx->args[1], ctx->args[2], 0);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int opens_openat_end(struct syscall_trace_exit *ctx)
{
	return open_returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_enter_openat2")
int opens_openat2(struct syscall_trace_enter *ctx)
{
	return open_called(ctx->args[1], 0, (const void *)ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int opens_openat2_end(struct syscall_trace_exit *ctx)
{
	return open_returned(ctx->ret);
}

#if defined(__TARGET_ARCH_x86) || defined(__TARGET_ARCH_powerpc) || defined(__TARGET_ARCH_s390)
SEC("tracepoint/syscalls/sys_enter_open")
int opens_open(struct syscall_trace_enter *ctx)
{
	return open_called(ctx->args[0], ctx->args[1], 0);
}

SEC("tracepoint/syscalls/sys_exit_open")
int opens_open_end(struct syscall_trace_exit *ctx)
{
	return open_returned(ctx->ret);
}

SEC("tracepoint/syscalls/sys_enter_creat")
int opens_creat(struct syscall_trace_enter *ctx)
{
	return open_called(ctx->args[0], CREAT_FLAGS, 0);
}

SEC("tracepoint/syscalls/sys_exit_creat")
int opens_creat_end(struct syscall_trace_exit *ctx)
{
	return open_returned(ctx->ret);
}
#endif
