// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A keyed hash for names that must not be shown: SipHash-2-4 (Aumasson and Bernstein,
 * 2012) over 8-byte words. With a key drawn for each run equal names can be counted, and
 * nobody without the key can try a dictionary on the result.
 */
#ifndef PREFLIGHT_KEYED_HASH_H
#define PREFLIGHT_KEYED_HASH_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define HASH_ROTATE(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))

struct siphash {
	__u64 v0, v1, v2, v3;
};

static __always_inline void siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v1 = HASH_ROTATE(s->v1, 13) ^ s->v0;
	s->v0 = HASH_ROTATE(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = HASH_ROTATE(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = HASH_ROTATE(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = HASH_ROTATE(s->v1, 17) ^ s->v2;
	s->v2 = HASH_ROTATE(s->v2, 32);
}

static __always_inline void siphash_word(struct siphash *s, __u64 word)
{
	s->v3 ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= word;
}

/*
 * Hash of `length` bytes in `words`, which hold `max_words` (a constant) and are zero after
 * the bytes. The 128-bit key of SipHash is made of the one 64-bit `key`. Never 0: that
 * value means "no name". Words are taken in the machine's byte order.
 */
static __always_inline __u64 keyed_hash(const __u64 *words, __u32 length, __u32 max_words, __u64 key)
{
	__u64 other = HASH_ROTATE(key, 32) ^ 0x9e3779b97f4a7c15ULL;
	struct siphash s = {
		.v0 = 0x736f6d6570736575ULL ^ key,
		.v1 = 0x646f72616e646f6dULL ^ other,
		.v2 = 0x6c7967656e657261ULL ^ key,
		.v3 = 0x7465646279746573ULL ^ other,
	};
	__u64 hash;

	for (__u32 i = 0; i < max_words; i++) {
		if (i * 8 >= length)
			break;
		siphash_word(&s, words[i]);
	}
	siphash_word(&s, (__u64)length << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(&s);
	hash = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return hash ? hash : 1;
}

#endif
