// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Fields that sit in anonymous members on one side, or one struct deeper. */
#include "core.h"

struct sk_buff {
	union {
		struct {
			struct sk_buff *next;
			struct sk_buff *prev;
		};
	};
	u32 mark;
	union {
		u32 napi_id;
	};
	u16 protocol;
} CORE;
struct sock_common {
	struct {
		u32 skc_daddr;
		u32 skc_rcv_saddr;
	};
	u16 skc_family;
	struct {
		u16 skc_dport;
	};
} CORE;
struct sock {
	struct sock_common __sk_common;
} CORE;
struct page {
	unsigned long flags;
	void *mapping;
	unsigned long index;
	struct {
		struct {
			struct {
				int _refcount;
			};
		};
	};
} CORE;
struct inode {
	u32 i_ino_wrong;
	struct {
		struct {
			u64 i_size;
		};
	};
	struct timespec64_like {
		long tv_sec;
	} i_ctime;
} CORE;

SEC("kprobe/a")
int moved(struct sk_buff *skb)
{
	struct sock *sk = (void *)skb;
	struct page *page = (void *)skb;
	struct inode *inode = (void *)skb;

	use(skb->next);
	use(skb->prev);
	use(skb->mark);
	use(skb->napi_id);
	use(skb->protocol);
	use(sk->__sk_common.skc_daddr);
	use(sk->__sk_common.skc_dport);
	use(sk->__sk_common.skc_family);
	use(exists(page->mapping));
	use(page->index);
	use(exists(page->_refcount));
	use(byte_off(page->flags));
	use(inode->i_size);
	use(exists(inode->i_ctime));
	use(exists(inode->i_ctime.tv_sec));
	use(exists(inode->i_ino_wrong));
	return 0;
}
