// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Block latency through classic tracepoints. They have no request, so one is known by its
 * device, operation and first sector; flushes of one device share a record.
 */
#include "blocklat.h"

struct sector_key {
	__u64 sector;
	__u32 device;
	enum block_operation operation;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sector_key);
	__type(value, struct block_start);
} starts SEC(".maps");

static __always_inline struct sector_key key_of(struct trace_event_raw_block_rq *ctx)
{
	struct sector_key key = {
		.sector = ctx->sector,
		.device = ctx->dev,
		.operation = operation_of_letters(ctx->rwbs[0], ctx->rwbs[1]),
	};

	return key;
}

static __always_inline struct block_start start_of(struct trace_event_raw_block_rq *ctx)
{
	struct block_start start = {
		.device = ctx->dev,
		.operation = operation_of_letters(ctx->rwbs[0], ctx->rwbs[1]),
		.sectors = ctx->nr_sector,
	};

	return start;
}

SEC("tracepoint/block/block_rq_insert")
int blocklat_insert(struct trace_event_raw_block_rq *ctx)
{
	struct sector_key key = key_of(ctx);
	struct block_start start = start_of(ctx);

	block_inserted(&starts, &key, bpf_map_lookup_elem(&starts, &key), &start);
	return 0;
}

SEC("tracepoint/block/block_rq_issue")
int blocklat_issue(struct trace_event_raw_block_rq *ctx)
{
	struct sector_key key = key_of(ctx);
	struct block_start start = start_of(ctx);

	block_issued(&starts, &key, bpf_map_lookup_elem(&starts, &key), &start);
	return 0;
}

static __always_inline int sectors_done(struct sector_key *key, __u32 sectors, int error)
{
	struct block_start *found = bpf_map_lookup_elem(&starts, key), start;

	if (!found)
		return 0;
	start = *found;
	bpf_map_delete_elem(&starts, key);
	if (sectors >= start.sectors) {
		block_completed(&start, block_errno(error));
		return 0;
	}
	/* A part is done; the rest will be told of under the sector where it begins. */
	start.sectors -= sectors;
	key->sector += sectors;
	if (bpf_map_update_elem(&starts, key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

SEC("tracepoint/block/block_rq_requeue")
int blocklat_requeue(struct trace_event_raw_block_rq_requeue *ctx)
{
	struct sector_key key = {
		.sector = ctx->sector,
		.device = ctx->dev,
		.operation = operation_of_letters(ctx->rwbs[0], ctx->rwbs[1]),
	};

	block_requeued(bpf_map_lookup_elem(&starts, &key));
	return 0;
}

/* What both types of the event of completion have. */
struct completion {
	__u64 sector;
	__u32 device;
	__u32 sectors;
	int error;
	char rwbs[2];
};

/*
 * Copied by the kernel: from plain loads the compiler makes one load at either of two
 * offsets, and the verifier takes only constant ones.
 */
#define COPY_COMPLETION(to, event)                                                       \
	({                                                                               \
		bpf_core_read(&(to)->sector, sizeof((to)->sector), &(event)->sector);    \
		bpf_core_read(&(to)->device, sizeof((to)->device), &(event)->dev);       \
		bpf_core_read(&(to)->sectors, sizeof((to)->sectors), &(event)->nr_sector); \
		bpf_core_read(&(to)->error, sizeof((to)->error), &(event)->error);       \
		bpf_core_read(&(to)->rwbs, sizeof((to)->rwbs), &(event)->rwbs);          \
	})

SEC("tracepoint/block/block_rq_complete")
int blocklat_end(void *ctx)
{
	struct trace_event_raw_block_rq_completion *event = ctx;
	struct trace_event_raw_block_rq_complete *older = ctx;
	struct completion done = {};
	struct sector_key key = {};

	if (bpf_core_type_exists(struct trace_event_raw_block_rq_completion))
		COPY_COMPLETION(&done, event);
	else
		COPY_COMPLETION(&done, older);
	key.sector = done.sector;
	key.device = done.device;
	key.operation = operation_of_letters(done.rwbs[0], done.rwbs[1]);
	return sectors_done(&key, done.sectors, done.error);
}
