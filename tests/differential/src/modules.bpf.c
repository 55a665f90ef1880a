// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Types that live in modules; and one that vmlinux has, whose missing field no module helps. */
#include "core.h"

struct btrfs_inode {
	u64 disk_i_size;
	u64 preflight_absent_field;
} CORE;
struct ext4_inode_info {
	u32 i_flags;
	u64 i_disksize;
} CORE;
struct xfs_inode {
	u64 i_ino;
} CORE;
struct kvm {
	int preflight_absent_field;
} CORE;
struct nf_conn {
	unsigned long status;
} CORE;
struct veth_priv {
	void *peer;
} CORE;
struct virtnet_info {
	void *vdev;
} CORE;

SEC("kprobe/a")
int in_modules(void *ctx)
{
	use(((struct btrfs_inode *)ctx)->disk_i_size);
	use(exists(((struct btrfs_inode *)ctx)->preflight_absent_field));
	use(((struct ext4_inode_info *)ctx)->i_disksize);
	use(((struct xfs_inode *)ctx)->i_ino);
	use(exists(((struct kvm *)ctx)->preflight_absent_field));
	use(((struct nf_conn *)ctx)->status);
	use(((struct veth_priv *)ctx)->peer);
	use(exists(((struct virtnet_info *)ctx)->vdev));
	use(type_exists(struct btrfs_inode));
	return 0;
}

SEC("kprobe/b")
int sizes_in_modules(void *ctx)
{
	use(type_size(struct btrfs_inode));
	use(target_id(struct ext4_inode_info));
	return 0;
}
