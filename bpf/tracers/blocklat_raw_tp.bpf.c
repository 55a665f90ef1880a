// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Block latency through raw tracepoints. */
#include "blocklat_requests.h"

SEC("raw_tp/block_rq_insert")
int blocklat_insert(struct bpf_raw_tracepoint_args *ctx)
{
	return request_inserted(request_of(ctx->args));
}

SEC("raw_tp/block_rq_issue")
int blocklat_issue(struct bpf_raw_tracepoint_args *ctx)
{
	return request_issued(request_of(ctx->args));
}

SEC("raw_tp/block_rq_requeue")
int blocklat_requeue(struct bpf_raw_tracepoint_args *ctx)
{
	return request_requeued(request_of(ctx->args));
}

SEC("raw_tp/block_rq_complete")
int blocklat_end(struct bpf_raw_tracepoint_args *ctx)
{
	return request_completed(ctx->args);
}
