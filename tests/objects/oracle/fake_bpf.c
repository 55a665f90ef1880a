// SPDX-License-Identifier: Apache-2.0
/* LD_PRELOAD shim: every bpf(2) call appears to succeed, so that libbpf goes through the whole of
 * loading an object without a kernel that would take part. Descriptors are memfds, large enough for
 * libbpf to map them as global data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static long descriptor(void)
{
	int fd = memfd_create("bpf", 0);

	if (fd >= 0 && ftruncate(fd, 1 << 24))
		return -1;
	return fd;
}

long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!real)
		real = dlsym(RTLD_NEXT, "syscall");
	if (number != __NR_bpf)
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	switch (a[0]) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
	case BPF_OBJ_GET:
	case BPF_LINK_CREATE:
	case BPF_RAW_TRACEPOINT_OPEN:
		return descriptor();
	case BPF_PROG_GET_NEXT_ID:
	case BPF_MAP_GET_NEXT_ID:
	case BPF_BTF_GET_NEXT_ID:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_BTF_GET_FD_BY_ID:
		errno = ENOENT;
		return -1;
	default:
		return 0;
	}
}
