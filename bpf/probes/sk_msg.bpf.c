// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Surface: messages sent on sockets of a sockmap. Passes everything. */
#include <linux/bpf.h>
#include "license.h"

SEC("sk_msg")
int probe_sk_msg(struct sk_msg_md *msg)
{
	return SK_PASS;
}
