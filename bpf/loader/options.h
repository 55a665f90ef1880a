/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the command line asked for. */
#ifndef PREFLIGHT_OPTIONS_H
#define PREFLIGHT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

static struct {
	unsigned int level;
	size_t log_limit;
	unsigned int timeout;
	bool attach;
	bool each;
	const char *cgroup;
	const char *ifname;
	const char *binary;   /* user program for uprobes and USDT whose section names none */
	const char *function; /* in it */
	const char *usdt;     /* PROVIDER:NAME in it */
} options = { .level = 1, .log_limit = 64 << 20, .timeout = 60, .attach = true, .each = true, .ifname = "lo" };

#endif
