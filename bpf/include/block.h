// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Requests of the block layer, and the contexts of its classic tracepoints. */
#ifndef PREFLIGHT_BLOCK_H
#define PREFLIGHT_BLOCK_H

#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define SECTOR_SHIFT 9
#define RWBS_LEN 8 /* more in newer kernels; the operation stands at the front */
#define DEVICE_MINOR_BITS 20

/* include/linux/blk_types.h, enum req_op: those whose numbers never changed. */
#define REQ_OP_MASK 0xff
#define REQ_OP_READ 0
#define REQ_OP_WRITE 1
#define REQ_OP_FLUSH 2
#define REQ_OP_DISCARD 3
#define REQ_OP_SECURE_ERASE 5

enum block_operation {
	BLOCK_READ = 0,
	BLOCK_WRITE = 1,
	BLOCK_FLUSH = 2,
	BLOCK_DISCARD = 3,
	BLOCK_OTHER = 4, /* zones, zeroes, commands of the device's own */
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct gendisk___block {
	int major;
	int first_minor;
};

struct request_queue___block {
	struct gendisk___block *disk; /* since 5.15 */
};

struct request___block {
	struct request_queue___block *q;
	struct gendisk___block *rq_disk; /* until 5.16 */
	unsigned int cmd_flags;
	unsigned int __data_len;
};

/* include/trace/events/block.h */
struct trace_event_raw_block_rq {
	__u32 dev;
	__u64 sector;
	unsigned int nr_sector;
	char rwbs[RWBS_LEN];
};

struct trace_event_raw_block_rq_requeue {
	__u32 dev;
	__u64 sector;
	char rwbs[RWBS_LEN];
};

/* The event of completion had a type of its own until block_rq_error joined it in 5.18. */
struct trace_event_raw_block_rq_complete {
	__u32 dev;
	__u64 sector;
	unsigned int nr_sector;
	int error;
	char rwbs[RWBS_LEN];
};

struct trace_event_raw_block_rq_completion {
	__u32 dev;
	__u64 sector;
	unsigned int nr_sector;
	int error;
	char rwbs[RWBS_LEN];
};

#pragma clang attribute pop

/*
 * Until 5.11 the queue came before the request. Stable kernels took the change over, so no
 * version tells; the event's type in the kernel's BTF does.
 */
typedef void (*btf_trace_block_rq_issue___with_queue)(void *, struct request_queue___block *,
						      struct request___block *);

/* The request of block_rq_insert, block_rq_issue and block_rq_requeue; `args`: tp_btf or raw. */
static __always_inline struct request___block *request_of(const __u64 *args)
{
	if (bpf_core_type_exists(btf_trace_block_rq_issue___with_queue))
		return (struct request___block *)args[1];
	return (struct request___block *)args[0];
}

/* As the kernel numbers devices inside: major << 20 | minor. 0 when the request has no disk. */
static __always_inline __u32 request_device(struct request___block *request)
{
	struct gendisk___block *disk;

	if (bpf_core_field_exists(request->rq_disk))
		disk = BPF_CORE_READ(request, rq_disk);
	else
		disk = BPF_CORE_READ(request, q, disk);
	if (!disk)
		return 0;
	return (__u32)BPF_CORE_READ(disk, major) << DEVICE_MINOR_BITS | BPF_CORE_READ(disk, first_minor);
}

static __always_inline enum block_operation request_operation(struct request___block *request)
{
	switch (BPF_CORE_READ(request, cmd_flags) & REQ_OP_MASK) {
	case REQ_OP_READ:
		return BLOCK_READ;
	case REQ_OP_WRITE:
		return BLOCK_WRITE;
	case REQ_OP_FLUSH:
		return BLOCK_FLUSH;
	case REQ_OP_DISCARD:
	case REQ_OP_SECURE_ERASE:
		return BLOCK_DISCARD;
	default:
		return BLOCK_OTHER;
	}
}

/* From the letters of blk_fill_rwbs (kernel/trace/blktrace.c): an F in front may only mean "flush first". */
static __always_inline enum block_operation operation_of_letters(char first, char second)
{
	if (first == 'F' && (second == 'W' || second == 'R' || second == 'D'))
		first = second;
	switch (first) {
	case 'R':
		return BLOCK_READ;
	case 'W':
		return BLOCK_WRITE;
	case 'F':
		return BLOCK_FLUSH;
	case 'D':
		return BLOCK_DISCARD;
	default:
		return BLOCK_OTHER;
	}
}

/*
 * errno of a request that ended. Older kernels pass a negative errno, newer ones a
 * blk_status_t: block/blk-core.c, blk_errors. The numbers above 13 have moved between
 * versions and count as EIO.
 */
static __always_inline __u32 block_errno(int status)
{
	if (status <= 0)
		return -status;
	switch (status) {
	case 1:
		return 95; /* NOTSUPP: EOPNOTSUPP */
	case 2:
		return 110; /* TIMEOUT: ETIMEDOUT */
	case 3:
		return 28; /* NOSPC: ENOSPC */
	case 4:
		return 67; /* TRANSPORT: ENOLINK */
	case 5:
		return 121; /* TARGET: EREMOTEIO */
	case 6:
		return 52; /* NEXUS, RESV_CONFLICT: EBADE */
	case 7:
		return 61; /* MEDIUM: ENODATA */
	case 8:
		return 84; /* PROTECTION: EILSEQ */
	case 9:
		return 12; /* RESOURCE: ENOMEM */
	case 12:
		return 11; /* AGAIN: EAGAIN */
	case 13:
		return 16; /* DEV_RESOURCE: EBUSY */
	default:
		return 5; /* EIO */
	}
}

#endif
