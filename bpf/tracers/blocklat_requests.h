// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The events of requests as tp_btf and raw tracepoints have them: `args` begins with the request. */
#ifndef PREFLIGHT_BLOCKLAT_REQUESTS_H
#define PREFLIGHT_BLOCKLAT_REQUESTS_H

#include "blocklat.h"

/* Requests on their way. A sampled or merged one leaves nothing, or is pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64); /* address of the request: identity only, never shown */
	__type(value, struct block_start);
} starts SEC(".maps");

static __always_inline struct block_start start_of(struct request___block *request)
{
	struct block_start start = {
		.device = request_device(request),
		.operation = request_operation(request),
	};

	return start;
}

static __always_inline int request_inserted(struct request___block *request)
{
	__u64 key = (unsigned long)request;
	struct block_start start = start_of(request);

	block_inserted(&starts, &key, bpf_map_lookup_elem(&starts, &key), &start);
	return 0;
}

static __always_inline int request_issued(struct request___block *request)
{
	__u64 key = (unsigned long)request;
	struct block_start start = start_of(request);

	block_issued(&starts, &key, bpf_map_lookup_elem(&starts, &key), &start);
	return 0;
}

static __always_inline int request_requeued(struct request___block *request)
{
	__u64 key = (unsigned long)request;

	block_requeued(bpf_map_lookup_elem(&starts, &key));
	return 0;
}

/* Arguments of block_rq_complete: the request, its status, the bytes that are done. */
static __always_inline int request_completed(const __u64 *args)
{
	struct request___block *request = (struct request___block *)args[0];
	__u64 key = args[0];
	struct block_start *found = bpf_map_lookup_elem(&starts, &key), start;

	/* Not counted as unmatched: most of them were left alone by the filter or begun before. */
	if (!found)
		return 0;
	/* A part is done, the rest will be told of again. */
	if ((__u32)args[2] < BPF_CORE_READ(request, __data_len))
		return 0;
	start = *found;
	bpf_map_delete_elem(&starts, &key);
	block_completed(&start, block_errno(args[1]));
	return 0;
}

#endif
