/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Links that this libbpf may be too old to make: the attributes of BPF_LINK_CREATE as
 * include/uapi/linux/bpf.h has them since 6.6, laid out here because older headers lack them.
 */
#ifndef PREFLIGHT_LINKS_H
#define PREFLIGHT_LINKS_H

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINKS_TCX_INGRESS = 46, LINKS_TCX_EGRESS = 47, LINKS_UPROBE_MULTI = 48 };
enum { LINKS_UPROBE_MULTI_RETURN = 1 };

struct links_create {
	__u32 prog_fd;
	__u32 target; /* descriptor or interface */
	__u32 attach_type;
	__u32 flags;
	union {
		struct {
			__aligned_u64 path;
			__aligned_u64 offsets;
			__aligned_u64 ref_ctr_offsets;
			__aligned_u64 cookies;
			__u32 count;
			__u32 flags;
			__u32 pid;
		} uprobe_multi;
		struct {
			__u32 relative;
			__u32 pad;
			__aligned_u64 expected_revision;
		} tcx;
		__u8 room[96];
	};
};

static int links_create(const struct links_create *attr)
{
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));
}

static int links_uprobe_multi(int prog_fd, const char *path, unsigned long offset, int on_return)
{
	__u64 offsets[1] = { offset };
	struct links_create attr = { .prog_fd = (__u32)prog_fd, .attach_type = LINKS_UPROBE_MULTI };

	attr.uprobe_multi.path = (__u64)(unsigned long)path;
	attr.uprobe_multi.offsets = (__u64)(unsigned long)offsets;
	attr.uprobe_multi.count = 1;
	attr.uprobe_multi.flags = on_return ? LINKS_UPROBE_MULTI_RETURN : 0;
	return links_create(&attr);
}

static int links_tcx(int prog_fd, unsigned int ifindex, int attach_type)
{
	struct links_create attr = { .prog_fd = (__u32)prog_fd, .target = ifindex,
				     .attach_type = (__u32)attach_type };

	return links_create(&attr);
}

/* Offset in the file of a function of an ELF file's symbol table; -1 when it has none of that name. */
static long links_function_offset(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	long found = -1;
	Elf *elf;

	if (fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return -1;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	while (elf && found < 0 && (section = elf_nextscn(elf, section))) {
		GElf_Shdr table, home;
		Elf_Data *data;
		GElf_Sym symbol;

		if (!gelf_getshdr(section, &table) || table.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			const char *text = elf_strptr(elf, table.sh_link, symbol.st_name);

			if (!text || strcmp(text, name) || !gelf_getshdr(elf_getscn(elf, symbol.st_shndx), &home))
				continue;
			found = (long)(symbol.st_value - home.sh_addr + home.sh_offset);
			break;
		}
	}
	elf_end(elf);
	close(fd);
	return found;
}

#endif
