// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Block latency through typed raw tracepoints. */
#include "blocklat_requests.h"

SEC("tp_btf/block_rq_insert")
int blocklat_insert(__u64 *ctx)
{
	return request_inserted(request_of(ctx));
}

SEC("tp_btf/block_rq_issue")
int blocklat_issue(__u64 *ctx)
{
	return request_issued(request_of(ctx));
}

SEC("tp_btf/block_rq_requeue")
int blocklat_requeue(__u64 *ctx)
{
	return request_requeued(request_of(ctx));
}

SEC("tp_btf/block_rq_complete")
int blocklat_end(__u64 *ctx)
{
	return request_completed(ctx);
}
