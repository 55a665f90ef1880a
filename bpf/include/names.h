// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Domain names that are counted without being shown: a keyed hash, and if asked for the
 * last labels. Names are compared without case and without a final dot, so a name given
 * to the resolver and the same one on the wire have one hash.
 *
 * The work is done in a map's memory and not on the stack, also the counters: to the
 * verifier they are then unknown numbers, and 255 turns of a loop look alike.
 */
#ifndef PREFLIGHT_NAMES_H
#define PREFLIGHT_NAMES_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "keyed_hash.h"

/* RFC 1035, 2.3.4: a name has at most 255 bytes on the wire, a label 63. */
#define NAME_BYTES 256
#define NAME_TURNS 255
#define LABEL_BYTES 63
#define LABELS_KEPT 8
#define SUFFIX_BYTES 48

/* Key of the hash, drawn for each run; 0 = names are not hashed. */
const volatile __u64 dns_hash_key = 0;
/* How many labels from the end are shown, at most LABELS_KEPT - 1; 0 = none. The first label never is. */
const volatile __u32 dns_suffix_labels = 0;

struct name_work {
	__u8 raw[NAME_BYTES];
	__u64 text[NAME_BYTES / 8]; /* small letters, dots between labels, zero after it */
	__u32 label_at[LABELS_KEPT]; /* where the last labels begin in text */
	__u32 labels;
	__u32 length; /* of text */
	__u32 left; /* wire: bytes of the current label still to come; text: 1 = a label begins */
	__u32 available; /* wire: bytes that raw holds */
	__u32 size; /* wire: bytes of raw the name takes */
};

static __always_inline bool names_wanted(void)
{
	return dns_hash_key || dns_suffix_labels;
}

/*
 * Key of a record that is in use only while one program runs. Programs can be interrupted
 * by others, so a record per CPU would not do; no two begin in the same nanosecond on one.
 */
static __always_inline __u64 name_ticket(void)
{
	return (bpf_ktime_get_ns() << 12) | (bpf_get_smp_processor_id() & 0xfff);
}

/* The text is never longer than the form it is made from, so the mask only speaks to the verifier. */
static __always_inline void name_put(struct name_work *work, __u8 byte)
{
	__u8 *text = (__u8 *)work->text;
	__u32 at = work->length & (NAME_BYTES - 1);
	/* 1 for 'A' to 'Z', without a branch. */
	__u32 capital = ((__u32)(__u8)(byte - 'A') - 26) >> 31;

	text[at] = byte | capital << 5;
	work->length = at + 1;
}

/* Where a label begins, after a dot unless it is the first. */
static __always_inline void name_begin_label(struct name_work *work)
{
	__u8 *text = (__u8 *)work->text;
	__u32 at = work->length & (NAME_BYTES - 1);
	/* 1 when there is something before, without a branch. */
	__u32 more = (0 - at) >> 31;

	text[at] = '.';
	at += more;
	work->length = at;
	work->label_at[work->labels & (LABELS_KEPT - 1)] = at;
	work->labels++;
}

/* From the form of RFC 1035, 3.1, of which `available` bytes are in raw. False when it is no name. */
static __always_inline bool name_from_wire(struct name_work *work)
{
	for (__u32 i = 0; i < NAME_TURNS; i++) {
		__u8 byte = work->raw[i];

		if (i >= work->available)
			return false;
		if (work->left) {
			name_put(work, byte);
			work->left--;
			continue;
		}
		if (!byte) {
			work->size = i + 1;
			return true;
		}
		/* A question is the first name of a message: it has nothing to point back to. */
		if (byte > LABEL_BYTES)
			return false;
		work->left = byte;
		name_begin_label(work);
	}
	return false;
}

/* From a string in raw. */
static __always_inline void name_from_text(struct name_work *work)
{
	work->left = 1;
	for (__u32 i = 0; i < NAME_TURNS; i++) {
		__u8 byte = work->raw[i];

		if (!byte)
			break;
		if (byte == '.') {
			work->left = 1;
			continue;
		}
		if (work->left)
			name_begin_label(work);
		work->left = 0;
		name_put(work, byte);
	}
}

static __always_inline __u64 name_hash(const struct name_work *work)
{
	if (!dns_hash_key || !work->length)
		return 0;
	return keyed_hash(work->text, work->length, NAME_BYTES / 8, dns_hash_key);
}

/* The last labels, as far as they fit; a name of one label shows nothing. */
static __always_inline void name_suffix(const struct name_work *work, char *suffix)
{
	const __u8 *text = (const __u8 *)work->text;
	__u32 kept = dns_suffix_labels, labels = work->labels, at;

	if (!dns_suffix_labels || labels < 2)
		return;
	if (kept >= LABELS_KEPT)
		kept = LABELS_KEPT - 1;
	if (kept >= labels)
		kept = labels - 1;
	at = work->label_at[(labels - kept) & (LABELS_KEPT - 1)];
	for (__u32 i = 0; i < SUFFIX_BYTES - 1; i++)
		suffix[i] = text[(at + i) & (NAME_BYTES - 1)];
}

#endif
