/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes one JSON object per line. Strings may hold any bytes: what is not printable ASCII
 * leaves as \u00NN, so that a reader gets the bytes back as latin-1 and no line is ever broken.
 */
#ifndef PREFLIGHT_JSON_H
#define PREFLIGHT_JSON_H

#include <stdio.h>
#include <string.h>

static int json_fields;

static void json_text(const char *text, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void json_open(const char *event)
{
	json_fields = 0;
	fputs("{\"event\":", stdout);
	json_text(event, strlen(event));
}

static void json_key(const char *key)
{
	putchar(',');
	json_text(key, strlen(key));
	putchar(':');
}

static void json_string(const char *key, const char *value)
{
	json_key(key);
	if (value)
		json_text(value, strlen(value));
	else
		fputs("null", stdout);
}

static void json_number(const char *key, long long value)
{
	json_key(key);
	printf("%lld", value);
}

/* The object is complete on the reader's side only when its line ends: flush at once, so that a
 * crash of the next step loses nothing that was already measured. */
static void json_close(void)
{
	fputs("}\n", stdout);
	fflush(stdout);
}

#endif
