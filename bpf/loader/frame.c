// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * frame NAME FILE: hands a file out of the guest as preflight.lab.wire reads it:
 *
 *     \n#frame NAME SIZE SHA256\n<SIZE bytes, gzip>
 *
 * It goes into the memory that the machine shares with its host (QEMU's ivshmem-plain, a PCI device that
 * needs no driver), and where there is none, or no room in it, to standard output, which is a serial port.
 * Eight bytes at the beginning of the shared memory say how many follow; they are written last.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "sha256.h"

/* A pseudo file does not tell its size, so it is read until it ends. */
static unsigned char *whole(const char *path, size_t *length)
{
	size_t room = 1 << 20, used = 0, got;
	unsigned char *data = malloc(room);
	FILE *file = fopen(path, "rb");

	while (data && file && (got = fread(data + used, 1, room - used, file)) > 0) {
		used += got;
		if (used == room) {
			unsigned char *more = realloc(data, room *= 2);

			if (!more)
				free(data);
			data = more;
		}
	}
	if (!data || !file || ferror(file)) {
		fprintf(stderr, "frame: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	fclose(file);
	*length = used;
	return data;
}

/* Level 0 only wraps: memory costs less than packing. */
static unsigned char *packed(unsigned char *data, size_t length, int level, size_t *size)
{
	/* 15 + 16: the largest window, in gzip's wrapping. */
	z_stream stream = { 0 };
	unsigned char *out;
	size_t room;

	if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		exit(1);
	room = deflateBound(&stream, length);
	out = malloc(room);
	stream.next_in = data;
	stream.avail_in = (uInt)length;
	stream.next_out = out;
	stream.avail_out = (uInt)room;
	if (!out || length > 1u << 31 || deflate(&stream, Z_FINISH) != Z_STREAM_END) {
		fputs("frame: cannot be packed\n", stderr);
		exit(1);
	}
	*size = stream.total_out;
	deflateEnd(&stream);
	return out;
}

static bool says(const char *folder, const char *name, const char *wanted)
{
	char path[300], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (file) {
		if (!fgets(text, sizeof(text), file))
			text[0] = 0;
		fclose(file);
	}
	return !strncmp(text, wanted, strlen(wanted));
}

/* Firmware does it where there is one; a kernel that was started directly leaves a device without driver off. */
static void enable(const char *folder)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/enable", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		fprintf(stderr, "frame: %s: %s\n", path, strerror(errno));
	close(fd);
}

/* The memory of ivshmem-plain (docs/specs/ivshmem-spec.rst in QEMU: vendor 1af4, device 1110, BAR 2). */
static unsigned char *shared(size_t *size)
{
	unsigned char *memory = NULL;
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		return NULL;
	for (size_t i = 0; i < found.gl_pathc && !memory; i++) {
		char path[300];
		struct stat status;
		int fd;

		if (!says(found.gl_pathv[i], "vendor", "0x1af4") || !says(found.gl_pathv[i], "device", "0x1110"))
			continue;
		enable(found.gl_pathv[i]);
		snprintf(path, sizeof(path), "%s/resource2", found.gl_pathv[i]);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &status) || status.st_size < 4096)
			continue;
		*size = (size_t)status.st_size;
		memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (memory == MAP_FAILED)
			memory = NULL;
		close(fd);
	}
	globfree(&found);
	return memory;
}

/* Whether header and content fitted behind what is there already. */
static bool append(unsigned char *memory, size_t room, const char *header, const unsigned char *data, size_t size)
{
	uint64_t *used = (uint64_t *)memory;
	size_t head = strlen(header), at = sizeof(*used) + *used;

	if (at > room || room - at < head || room - at - head < size)
		return false;
	memcpy(memory + at, header, head);
	memcpy(memory + at + head, data, size);
	__sync_synchronize();
	*used += head + size;
	return true;
}

int main(int argc, char **argv)
{
	unsigned char *data, *out, *memory;
	size_t length, size, room = 0;
	char hex[65], header[256];

	if (argc != 3) {
		fputs("usage: frame NAME FILE\n", stderr);
		return 2;
	}
	memory = shared(&room);
	data = whole(argv[2], &length);
	out = packed(data, length, memory ? 0 : 1, &size);
	sha256_hex(out, size, hex);
	snprintf(header, sizeof(header), "\n#frame %s %zu %s\n", argv[1], size, hex);
	if (memory && append(memory, room, header, out, size))
		return 0;
	fputs(header, stdout);
	fwrite(out, 1, size, stdout);
	return fflush(stdout) ? 1 : 0;
}
