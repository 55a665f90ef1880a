// SPDX-License-Identifier: Apache-2.0
/*
 * The loops over a whole BTF: where its records begin, the hashed names of an index, searches.
 *
 * preflight/btf/records.py and preflight/btf/index.py say what they give; this gives the same, or None where
 * anything is out of the ordinary, and then those decide and find the words for it. So nothing is
 * judged here, and every read stays within the buffers that were passed in.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 8
#define KINDS 128
#define UNKNOWN 0xff
#define HEAD_WORDS 3

static uint32_t crc_table[4][256];

static void fill_crc_table(void)
{
	for (uint32_t n = 0; n < 256; n++) {
		uint32_t c = n;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
		crc_table[0][n] = c;
	}
	for (uint32_t n = 0; n < 256; n++) {
		for (int more = 1; more < 4; more++) {
			uint32_t c = crc_table[more - 1][n];

			crc_table[more][n] = c >> 8 ^ crc_table[0][c & 0xff];
		}
	}
}

/* zlib.crc32(), four bytes at a time */
static uint32_t crc32_of(const unsigned char *at, size_t length)
{
	uint32_t c = 0xffffffffu;

	for (; length >= 4; length -= 4, at += 4)
		c = crc_table[3][(c ^ at[0]) & 0xff] ^ crc_table[2][(c >> 8 ^ at[1]) & 0xff] ^
		    crc_table[1][(c >> 16 ^ at[2]) & 0xff] ^ crc_table[0][c >> 24 ^ at[3]];
	while (length--)
		c = crc_table[0][(c ^ *at++) & 0xff] ^ c >> 8;
	return ~c;
}

static uint32_t word(const unsigned char *words, size_t at)
{
	uint32_t found;

	memcpy(&found, words + 4 * at, sizeof(found));
	return found;
}

/* scan(words, trailers, limit): see the table of methods */
static PyObject *scan(PyObject *module, PyObject *args)
{
	Py_buffer words, trailers;
	unsigned int limit;
	PyObject *result = NULL;

	if (!PyArg_ParseTuple(args, "y*y*I", &words, &trailers, &limit))
		return NULL;
	const unsigned char *raw = words.buf, *trailer = trailers.buf;
	uint64_t count = (uint64_t)words.len / 4, at = 0, found = 0;

	if (words.len % 4 || trailers.len != 2 * KINDS || count >= UINT32_MAX) {
		PyErr_SetString(PyExc_ValueError, "words or trailers of an odd length");
		goto out;
	}
	result = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(4 * (count / HEAD_WORDS + 1)));
	if (!result)
		goto out;
	uint32_t *places = (uint32_t *)PyByteArray_AsString(result);

	while (at + HEAD_WORDS <= count && found < limit) {
		uint32_t info = word(raw, at + 1);
		unsigned int kind = (info >> 24) & 0x7f;

		if (trailer[2 * kind] == UNKNOWN)
			break;
		places[found++] = (uint32_t)at + 1;
		at += HEAD_WORDS + trailer[2 * kind] + (uint64_t)trailer[2 * kind + 1] * (info & 0xffffff);
	}
	if (at != count) {
		Py_DECREF(result);
		result = Py_NewRef(Py_None);
	} else if (PyByteArray_Resize(result, (Py_ssize_t)(4 * found))) {
		Py_CLEAR(result);
	}
out:
	PyBuffer_Release(&words);
	PyBuffer_Release(&trailers);
	return result;
}

/* The length of the essential name: names.essential_name(), which tells why. */
static size_t essential(const unsigned char *name, size_t length)
{
	size_t end = length;

	for (;;) {
		size_t cut = end;

		/* the last place where ___ begins and ends before `end` */
		for (;;) {
			if (cut < 3)
				return length;
			if (name[cut - 1] == '_' && name[cut - 2] == '_' && name[cut - 3] == '_')
				break;
			cut--;
		}
		cut -= 3;
		if (!cut)
			return length;
		if (name[cut - 1] != '_' && cut + 3 < length)
			return cut;
		while (cut && name[cut - 1] == '_')
			cut--;
		end = cut;
	}
}

/* Whether ___ is in a name: every third character is looked at first. */
static int has_separator(const unsigned char *name, size_t length)
{
	for (size_t n = 2; n < length; n += 3) {
		size_t from = n, to = n;

		while (name[n] == '_' && from && n - from < 2 && name[from - 1] == '_')
			from--;
		while (name[n] == '_' && to + 1 < length && to - n < 2 && name[to + 1] == '_')
			to++;
		if (to - from >= 2)
			return 1;
	}
	return 0;
}

/* Stable, by the upper halves, eleven bits at a time; `other` is as large as `values`, and holds the result. */
static void sort_by_hash(uint64_t *values, uint64_t *other, size_t count)
{
	static const int shifts[] = {32, 43, 54};

	for (int pass = 0; pass < 3; pass++) {
		size_t starts[2049] = {0};

		for (size_t n = 0; n < count; n++)
			starts[((values[n] >> shifts[pass]) & 0x7ff) + 1]++;
		for (size_t n = 1; n < 2049; n++)
			starts[n] += starts[n - 1];
		for (size_t n = 0; n < count; n++)
			other[starts[(values[n] >> shifts[pass]) & 0x7ff]++] = values[n];
		uint64_t *swap = values;

		values = other;
		other = swap;
	}
}

struct limits {
	uint32_t start;
	unsigned int name;
	unsigned long long names;
};

/* Fill `hashes` and `separated`; -1 where a name is out of the ordinary. */
static int collect(const Py_buffer *words, const Py_buffer *places, const Py_buffer *strings,
		   const unsigned char *nameable, const struct limits *limits, uint64_t *hashes,
		   size_t *hash_count, uint32_t *separated, size_t *separated_count)
{
	const unsigned char *text = strings->buf;
	size_t count = (size_t)places->len / 4, all = (size_t)words->len / 4, size = (size_t)strings->len;
	unsigned long long left = limits->names;

	for (size_t n = 0; n < count; n++) {
		uint32_t place = word(places->buf, n);

		if (!place || place >= all)
			return -1;
		uint32_t offset = word(words->buf, place - 1);

		if (!offset)
			continue;
		if (offset < limits->start || offset - limits->start >= size)
			return -1;
		const unsigned char *name = text + (offset - limits->start);
		const unsigned char *end = memchr(name, 0, size - (offset - limits->start));
		size_t length = end ? (size_t)(end - name) : 0;

		if (!end || length >= limits->name || length > left)
			return -1;
		if (!length)
			continue;
		left -= length;
		if (has_separator(name, length)) {
			if (nameable[(word(words->buf, place) >> 24) & 0x7f])
				separated[(*separated_count)++] = place;
			length = essential(name, length);
		}
		hashes[(*hash_count)++] = (uint64_t)crc32_of(name, length) << 32 | place;
	}
	return 0;
}

/* names(words, places, strings, nameable, start, name limit, limit): see the table of methods */
static PyObject *names(PyObject *module, PyObject *args)
{
	Py_buffer words, places, strings, nameable;
	struct limits limits;
	PyObject *result = NULL, *hashes = NULL, *sorted = NULL, *separated = NULL;

	if (!PyArg_ParseTuple(args, "y*y*y*y*IIK", &words, &places, &strings, &nameable, &limits.start,
			      &limits.name, &limits.names))
		return NULL;
	size_t count = (size_t)places.len / 4, hash_count = 0, separated_count = 0;

	if (words.len % 4 || places.len % 4 || nameable.len != KINDS) {
		PyErr_SetString(PyExc_ValueError, "words, places or kinds of an odd length");
		goto out;
	}
	hashes = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(8 * count));
	sorted = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(8 * count));
	separated = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(4 * count));
	if (!hashes || !sorted || !separated)
		goto out;
	uint64_t *values = (uint64_t *)PyByteArray_AsString(hashes);

	if (collect(&words, &places, &strings, nameable.buf, &limits, values, &hash_count,
		    (uint32_t *)PyByteArray_AsString(separated), &separated_count)) {
		result = Py_NewRef(Py_None);
		goto out;
	}
	sort_by_hash(values, (uint64_t *)PyByteArray_AsString(sorted), hash_count);
	if (!PyByteArray_Resize(sorted, (Py_ssize_t)(8 * hash_count)) &&
	    !PyByteArray_Resize(separated, (Py_ssize_t)(4 * separated_count)))
		result = PyTuple_Pack(2, sorted, separated);
out:
	Py_XDECREF(hashes);
	Py_XDECREF(sorted);
	Py_XDECREF(separated);
	PyBuffer_Release(&words);
	PyBuffer_Release(&places);
	PyBuffer_Release(&strings);
	PyBuffer_Release(&nameable);
	return result;
}

/* The first four bytes of a name, those behind its end as zeros. */
static uint32_t beginning(const unsigned char *name)
{
	uint32_t first = (uint32_t)name[0] | (uint32_t)name[1] << 8 | (uint32_t)name[2] << 16 |
			 (uint32_t)name[3] << 24;
	uint32_t ends = (first - 0x01010101u) & ~first & 0x80808080u;

	return ends ? first & (((ends & -ends) >> 7) - 1) : first;
}

#define BEGINNINGS (1u << 15)

struct wanted {
	unsigned char beginnings[BEGINNINGS / 8]; /* a bit for each hashed beginning of a name that may be one */
	const unsigned char *names;		  /* each with a zero behind it */
	uint32_t *slots;			  /* the number of a name, from 1; 0 is free */
	uint32_t mask;
	uint32_t *at, *length; /* of each name */
};

static void may_begin_so(struct wanted *wanted, const unsigned char *name)
{
	uint32_t bit = beginning(name) * 2654435761u >> 17;

	wanted->beginnings[bit / 8] |= (unsigned char)(1 << bit % 8);
}

static int is_beginning(const struct wanted *wanted, const unsigned char *name)
{
	uint32_t bit = beginning(name) * 2654435761u >> 17;

	return wanted->beginnings[bit / 8] >> bit % 8 & 1;
}

/* The slot of a name, or the free one where it belongs. */
static uint32_t *slot_of(const struct wanted *wanted, const unsigned char *name, size_t length)
{
	uint32_t at = crc32_of(name, length);

	for (;; at++) {
		uint32_t *slot = wanted->slots + (at & wanted->mask);

		if (!*slot || (wanted->length[*slot - 1] == length &&
			       !memcmp(wanted->names + wanted->at[*slot - 1], name, length)))
			return slot;
	}
}

static int prepare(struct wanted *wanted, const unsigned char *names, size_t size)
{
	uint32_t count = 0, slots = 64;

	for (size_t n = 0; n < size; n++)
		count += !names[n];
	while (slots < 4 * count)
		slots *= 2;
	wanted->names = names;
	wanted->mask = slots - 1;
	wanted->slots = calloc(slots + 2 * (size_t)count, sizeof(*wanted->slots));
	if (!wanted->slots)
		return -1;
	wanted->at = wanted->slots + slots;
	wanted->length = wanted->at + count;
	for (uint32_t n = 0, at = 0; n < count; n++) {
		unsigned char first[4] = {0}, flavoured[4] = "____";
		uint32_t length = (uint32_t)strlen((const char *)names + at), *slot;

		memcpy(first, names + at, length < 4 ? length : 4);
		memcpy(flavoured, names + at, length < 4 ? length : 4);
		may_begin_so(wanted, first);
		may_begin_so(wanted, flavoured);
		slot = slot_of(wanted, names + at, length);
		wanted->at[n] = at;
		wanted->length[n] = length;
		if (!*slot)
			*slot = n + 1;
		at += length + 1;
	}
	return 0;
}

/* Whether no name can be as long as 2 * WINDOW bytes: each window has an end of one. */
#define WINDOW 128

static int only_short_names(const unsigned char *text, size_t size)
{
	if (!size || text[size - 1])
		return 0;
	for (size_t at = 0; at + WINDOW <= size; at += WINDOW)
		if (!memchr(text + at, 0, WINDOW))
			return 0;
	return 1;
}

/* look_up(words, places, strings, wanted, start, name limit, limit): see the table of methods */
static PyObject *look_up(PyObject *module, PyObject *args)
{
	Py_buffer words, places, strings, names;
	struct limits limits;
	struct wanted wanted = {0};
	PyObject *result = NULL;
	size_t found = 0, room = 256;
	uint64_t *hits = NULL;

	if (!PyArg_ParseTuple(args, "y*y*y*y*IIK", &words, &places, &strings, &names, &limits.start,
			      &limits.name, &limits.names))
		return NULL;
	const unsigned char *text = strings.buf, *raw_names = names.buf;
	size_t count = (size_t)places.len / 4, all = (size_t)words.len / 4, size = (size_t)strings.len;

	if (words.len % 4 || places.len % 4 || names.len >= INT32_MAX || (names.len && raw_names[names.len - 1])) {
		PyErr_SetString(PyExc_ValueError, "words or places of an odd length, or names without an end");
		goto out;
	}
	if (limits.name < 2 * WINDOW || count > limits.names / (2 * WINDOW) || !only_short_names(text, size)) {
		result = Py_NewRef(Py_None);
		goto out;
	}
	hits = malloc(room * sizeof(*hits));
	if (!hits || prepare(&wanted, raw_names, (size_t)names.len)) {
		PyErr_NoMemory();
		goto out;
	}
	for (size_t n = 0; n < count; n++) {
		uint32_t place = word(places.buf, n);
		uint32_t offset = place && place < all ? word(words.buf, place - 1) : UINT32_MAX;

		if (!offset)
			continue;
		if (offset < limits.start || offset - limits.start >= size) {
			result = Py_NewRef(Py_None);
			goto out;
		}
		const unsigned char *name = text + (offset - limits.start);
		size_t left = size - (offset - limits.start);

		if (left >= 4 && !is_beginning(&wanted, name))
			continue;
		size_t length = strlen((const char *)name); /* the last byte of all is a zero */

		if (length && has_separator(name, length))
			length = essential(name, length);
		uint32_t number = length ? *slot_of(&wanted, name, length) : 0;

		if (!number)
			continue;
		if (found == room) {
			uint64_t *more = realloc(hits, 2 * room * sizeof(*hits));

			if (!more) {
				PyErr_NoMemory();
				goto out;
			}
			hits = more;
			room *= 2;
		}
		hits[found++] = (uint64_t)(number - 1) << 32 | place;
	}
	result = PyByteArray_FromStringAndSize((const char *)hits, (Py_ssize_t)(8 * found));
out:
	free(hits);
	free(wanted.slots);
	PyBuffer_Release(&words);
	PyBuffer_Release(&places);
	PyBuffer_Release(&strings);
	PyBuffer_Release(&names);
	return result;
}

typedef unsigned char places __attribute__((vector_size(16)));

/* What the names of a kernel consist of, the commonest byte first: counted in Debian's 6.12. */
static const unsigned char common[] = "_et\0rasicopnldmufgEbThkvAIRPSOyNwCLDxMFqUBGHV26XKY4zW1038";

/* The two bytes of a word that are met least often in names. */
struct anchors {
	Py_ssize_t one, two;
	places is_one, is_two;
};

static size_t rareness(unsigned char byte)
{
	const unsigned char *at = memchr(common, byte, sizeof(common) - 1);

	return at ? (size_t)(at - common) : sizeof(common);
}

static struct anchors anchors_of(const unsigned char *word, Py_ssize_t length)
{
	struct anchors a = {.one = 0, .two = length - 1};

	for (Py_ssize_t n = 1; n < length; n++) {
		if (rareness(word[n]) > rareness(word[a.one])) {
			a.two = a.one;
			a.one = n;
		} else if (rareness(word[n]) > rareness(word[a.two])) {
			a.two = n;
		}
	}
	memset(&a.is_one, word[a.one], sizeof(a.is_one));
	memset(&a.is_two, word[a.two], sizeof(a.is_two));
	return a;
}

#define STRIDE 64

/* Whether the word may begin at one of the next STRIDE places. */
static int may_begin(const unsigned char *at, const struct anchors *a)
{
	places any = {0}, one, two;
	uint64_t both[2];

	for (int n = 0; n < STRIDE; n += (int)sizeof(places)) {
		memcpy(&one, at + a->one + n, sizeof(one));
		memcpy(&two, at + a->two + n, sizeof(two));
		any |= (places)(one == a->is_one) & (places)(two == a->is_two);
	}
	memcpy(both, &any, sizeof(both));
	return (both[0] | both[1]) != 0;
}

/* find(data, wanted, start): bytes.find(), many places at a time */
static PyObject *find(PyObject *module, PyObject *args)
{
	Py_buffer data, wanted;
	Py_ssize_t start, found = -1;

	if (!PyArg_ParseTuple(args, "y*y*n", &data, &wanted, &start))
		return NULL;
	const unsigned char *at = data.buf, *name = wanted.buf;
	Py_ssize_t length = wanted.len, last = data.len - length;

	if (start < 0 || length < 1) {
		PyErr_SetString(PyExc_ValueError, "nothing wanted, or a start before the data");
		goto out;
	}
	struct anchors anchors = anchors_of(name, length);

	while (start <= last && found < 0) {
		int whole = last - start >= STRIDE - 1;
		Py_ssize_t until = whole ? start + STRIDE - 1 : last;

		if (!whole || may_begin(at + start, &anchors)) {
			for (Py_ssize_t n = start; n <= until; n++) {
				if (at[n + anchors.one] == name[anchors.one] && at[n + anchors.two] == name[anchors.two] &&
				    !memcmp(at + n, name, (size_t)length)) {
					found = n;
					break;
				}
			}
		}
		start = until + 1;
	}
out:
	PyBuffer_Release(&data);
	PyBuffer_Release(&wanted);
	return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(found);
}

/* find_word(words, wanted, start): index of the next word of that value, or -1 */
static PyObject *find_word(PyObject *module, PyObject *args)
{
	Py_buffer words;
	unsigned int wanted;
	Py_ssize_t start, found = -1;

	if (!PyArg_ParseTuple(args, "y*In", &words, &wanted, &start))
		return NULL;
	Py_ssize_t count = words.len / 4;

	for (Py_ssize_t n = start < 0 ? count : start; n < count; n++) {
		if (word(words.buf, (size_t)n) == wanted) {
			found = n;
			break;
		}
	}
	PyBuffer_Release(&words);
	return PyLong_FromSsize_t(found);
}

/* find_member(words, place, strings, start, name, first): see the table of methods */
static PyObject *find_member(PyObject *module, PyObject *args)
{
	Py_buffer words, strings, name;
	unsigned int place, start, first;
	long found = -1;

	if (!PyArg_ParseTuple(args, "y*Iy*Iy*I", &words, &place, &strings, &start, &name, &first))
		return NULL;
	const unsigned char *text = strings.buf;
	uint64_t size = (uint64_t)strings.len, all = (uint64_t)words.len / 4, length = (uint64_t)name.len;
	uint64_t members = place < all ? word(words.buf, place) & 0xffffff : 0;

	if ((uint64_t)place + 2 + 3 * members > all)
		found = -2;
	for (uint64_t n = first; n < members && found == -1; n++) {
		uint32_t offset = word(words.buf, (size_t)(place + 2 + 3 * n));
		uint64_t at = (uint64_t)offset - start;

		if (!offset)
			found = (long)n;
		else if (offset < start || at >= size)
			found = -2;
		else if (!text[at] || (length < size - at && !text[at + length] && !memcmp(text + at, name.buf, length)))
			found = (long)n;
	}
	PyBuffer_Release(&words);
	PyBuffer_Release(&strings);
	PyBuffer_Release(&name);
	return PyLong_FromLong(found);
}

/* The types of one BTF without a base: ids from 1, each with the place of its info word. */
struct types {
	const unsigned char *words, *places, *text;
	uint64_t all, count, size, longest; /* words, types, bytes of text, and of a name */
};

#define KIND(info) ((info) >> 24 & 0x7f)
enum { INT = 1, PTR = 2, ARRAY = 3, STRUCT = 4, UNION = 5, ENUM = 6, FWD = 7, TYPEDEF = 8, VOLATILE = 9,
       CONST = 10, RESTRICT = 11, FLOAT = 16, TYPE_TAG = 18, ENUM64 = 19 };
#define CHAIN 32
#define NEST 16
#define MOST_STEPS 64
#define MOST_WORK (1u << 16)

/* The word index of a type's info word with as many words behind it; 0 where there is none such. */
static uint64_t info_of(const struct types *t, uint32_t id, uint64_t behind)
{
	uint32_t at = id && id <= t->count ? word(t->places, id - 1) : 0;

	return at && at + behind < t->all ? at : 0;
}

/* The id behind typedefs, qualifiers and type tags, and its info word; 0 where Python is to say what is wrong. */
static uint32_t behind(const struct types *t, uint32_t id, uint64_t *at)
{
	for (int n = 0; n <= CHAIN; n++) {
		*at = info_of(t, id, 1);
		if (!*at)
			return 0;
		unsigned int kind = KIND(word(t->words, *at));

		if (!((kind >= TYPEDEF && kind <= RESTRICT) || kind == TYPE_TAG))
			return id;
		id = word(t->words, *at + 1);
	}
	return 0;
}

static const unsigned char *name_of(const struct types *t, uint32_t offset)
{
	return offset < t->size ? t->text + offset : NULL;
}

/* Whether a name is one that `Strings.get` gives. */
static int is_name(const struct types *t, uint32_t offset)
{
	const unsigned char *name = name_of(t, offset);

	return name && memchr(name, 0, t->size - offset < t->longest ? t->size - offset : t->longest);
}

/* Whether decode() takes the record of a type that is neither struct nor union, as all of it is decoded there. */
static int decodes(const struct types *t, uint64_t at)
{
	uint32_t info = word(t->words, at), values = 0, stride = 0, behind = 0;

	switch (KIND(info)) {
	case PTR:
	case FWD:
	case FLOAT:
		break;
	case INT:
		behind = 1;
		break;
	case ARRAY:
		behind = 3;
		break;
	case ENUM:
	case ENUM64:
		values = info & 0xffffff;
		stride = KIND(info) == ENUM ? 2 : 3;
		break;
	default:
		return 0;
	}
	if (at + 2 + behind + (uint64_t)stride * values > t->all || !is_name(t, word(t->words, at - 1)))
		return 0;
	for (uint32_t n = 0; n < values; n++)
		if (!is_name(t, word(t->words, at + 2 + (uint64_t)stride * n)))
			return 0;
	return 1;
}

/* A step of a pattern: an index, or a name with what its field is like; see preflight/core/quick.py. */
struct part {
	uint32_t member, number; /* whether it is a name; the index, or how deep the field is an array of */
	uint32_t like;		 /* the kind whose word stands for it */
	uint32_t name, name_length, of, of_length;
};

struct search {
	struct types types;
	const unsigned char *names;
	uint32_t raw[MOST_STEPS], steps[MOST_STEPS][2];
	int raws, found, odd;
	int64_t bits;
	uint32_t clash, work;
};

/* Whether a field of that type is like the part's: match.nature() and match.compatible(). */
static int is_like(struct search *s, const struct part *part, uint32_t id)
{
	const struct types *t = &s->types;
	uint32_t deep = 0;
	uint64_t at;

	for (;; deep++) {
		if (deep > CHAIN || !behind(t, id, &at)) {
			s->odd = 1;
			return 0;
		}
		unsigned int met = KIND(word(t->words, at));

		if (met != STRUCT && met != UNION && !decodes(t, at)) {
			s->odd = 1;
			return 0;
		}
		if (met != ARRAY)
			break;
		id = word(t->words, at + 2);
	}
	unsigned int kind = KIND(word(t->words, at));

	kind = kind == UNION ? STRUCT : kind == ENUM64 ? ENUM : kind;
	if (deep != part->number || kind != part->like)
		return 0;
	switch (kind) {
	case STRUCT:
	case PTR:
	case FLOAT:
		return 1;
	case INT:
		return !(word(t->words, at + 2) >> 16 & 0xff);
	case ENUM:
	case FWD: {
		const unsigned char *name = name_of(t, word(t->words, at - 1));
		size_t length = strlen((const char *)name);

		if (length && has_separator(name, length))
			length = essential(name, length);
		return !length || !part->of_length ||
		       (length == part->of_length && !memcmp(name, s->names + part->of, length));
	}
	}
	return 0;
}

/* _Search.member() of preflight/core/match.py, with the state it leaves where it finds nothing: the type, or 0 */
static uint32_t member_in(struct search *s, const struct part *part, uint32_t id, int depth)
{
	const struct types *t = &s->types;
	uint64_t at;
	uint32_t holder = behind(t, id, &at);

	if (!holder || depth > NEST) {
		s->odd = 1;
		return 0;
	}
	uint32_t info = word(t->words, at), members = info & 0xffffff;

	if (KIND(info) != STRUCT && KIND(info) != UNION)
		return 0;
	s->work += 1 + members;
	if (at + 2 + 3 * (uint64_t)members > t->all || s->work > MOST_WORK || (members && s->raws == MOST_STEPS)) {
		s->odd = 1;
		return 0;
	}
	for (uint32_t n = 0; n < members && !s->odd; n++) {
		uint64_t place = at + 2 + 3 * (uint64_t)n;
		const unsigned char *name = name_of(t, word(t->words, place));
		uint32_t type = word(t->words, place + 1), offset = word(t->words, place + 2);

		if (!name) {
			s->odd = 1;
			break;
		}
		/* the last byte of all strings is a zero, and no name holds one */
		if (*name && (strncmp((const char *)name, (const char *)s->names + part->name, part->name_length) ||
			      name[part->name_length]))
			continue;
		if (info >> 31)
			offset &= 0xffffff;
		if (s->raws == MOST_STEPS || !type) {
			s->odd = 1;
			break;
		}
		s->bits += offset;
		s->raw[s->raws++] = n;
		if (!*name) {
			uint32_t inner = member_in(s, part, type, depth + 1);

			if (inner)
				return inner;
		} else {
			if (is_like(s, part, type)) {
				s->steps[s->found][0] = holder;
				s->steps[s->found++][1] = n;
				return type;
			}
			if (!s->clash)
				s->clash = type;
			return 0;
		}
		s->bits -= offset;
		s->raws--;
	}
	return 0;
}

/* Bytes of a type that says them itself; -1 for others. */
static int64_t own_size(const struct types *t, uint64_t at)
{
	switch (KIND(word(t->words, at))) {
	case INT:
	case ENUM:
	case ENUM64:
	case FLOAT:
		if (!decodes(t, at))
			return -1;
		/* fallthrough */
	case STRUCT:
	case UNION:
		return word(t->words, at + 1);
	}
	return -1;
}

enum { FOUND = 0, MISSING = 1, OTHER_KIND = 2, OUT_OF_BOUNDS = 3 };

/* match.match_field(): how it ended, and at which part and type where that is no match. */
static int follow(struct search *s, const struct part *parts, uint32_t count, uint32_t root, uint32_t *number,
		  uint32_t *here)
{
	const struct types *t = &s->types;
	uint64_t at;

	*here = root;
	for (*number = 0; *number < count && !s->odd; ++*number) {
		const struct part *part = parts + *number;
		int64_t size;

		*here = behind(t, *here, &at);
		if (!*here)
			break;
		if (part->member) {
			uint32_t found = member_in(s, part, *here, 0);

			if (!found)
				return s->clash ? OTHER_KIND : MISSING;
			*here = found;
			continue;
		}
		if (*number) {
			unsigned int kind = KIND(word(t->words, at));

			s->clash = 0; /* of a member that was found elsewhere after all */
			if (kind != STRUCT && kind != UNION && !decodes(t, at))
				break;
			if (kind != ARRAY)
				return OTHER_KIND;
			uint32_t elements = word(t->words, at + 4);

			if (part->number >= elements) {
				uint64_t held;

				/* is_flexible(): no elements, and the last member of a named step before it */
				if (elements || !parts[*number - 1].member)
					return OUT_OF_BOUNDS;
				held = info_of(t, s->steps[s->found - 1][0], 1);
				if (!held)
					break;
				if (s->steps[s->found - 1][1] + 1 != (word(t->words, held) & 0xffffff))
					return OUT_OF_BOUNDS;
			}
			*here = behind(t, word(t->words, at + 2), &at);
			if (!*here)
				break;
		}
		size = own_size(t, at);
		if (size < 0 || s->raws == MOST_STEPS || s->found == MOST_STEPS)
			break;
		s->steps[s->found][0] = *here;
		s->steps[s->found++][1] = part->number;
		s->raw[s->raws++] = part->number;
		s->bits += size * part->number * 8;
	}
	s->odd |= *number < count;
	return FOUND;
}

static PyObject *numbers(const uint32_t *from, int count, int stride)
{
	PyObject *made = PyTuple_New(count);

	for (int n = 0; made && n < count; n++) {
		PyObject *number = PyLong_FromUnsignedLong(from[n * stride]);

		if (!number || PyTuple_SetItem(made, n, number)) {
			Py_CLEAR(made);
		}
	}
	return made;
}

/* match_field(words, places, strings, name_limit, root, parts, names): see the table of methods */
static PyObject *match_field(PyObject *module, PyObject *args)
{
	Py_buffer words, places, strings, parts, names;
	unsigned int root, longest;
	PyObject *result = NULL;

	if (!PyArg_ParseTuple(args, "y*y*y*IIy*y*", &words, &places, &strings, &longest, &root, &parts, &names))
		return NULL;
	const unsigned char *text = strings.buf, *wanted = names.buf;
	uint32_t count = (uint32_t)((size_t)parts.len / sizeof(struct part)), number, here;
	struct search s = {
		.types = {words.buf, places.buf, text, (uint64_t)words.len / 4, (uint64_t)places.len / 4,
			  (uint64_t)strings.len, longest},
		.names = wanted,
	};

	if (parts.len % sizeof(struct part) || (uintptr_t)parts.buf % sizeof(uint32_t) || (names.len && wanted[names.len - 1])) {
		PyErr_SetString(PyExc_ValueError, "parts of an odd length or place, or names without an end");
		goto out;
	}
	const struct part *part = parts.buf;

	for (uint32_t n = 0; n < count; n++) {
		if (part[n].member && ((uint64_t)part[n].name + part[n].name_length >= (uint64_t)names.len ||
				       (uint64_t)part[n].of + part[n].of_length >= (uint64_t)names.len)) {
			PyErr_SetString(PyExc_ValueError, "a name outside the names");
			goto out;
		}
	}
	int end = count && count <= MOST_STEPS && strings.len && !text[strings.len - 1] && !text[0]
			  ? follow(&s, part, count, root, &number, &here)
			  : (s.odd = 1, FOUND);

	if (s.odd) {
		result = Py_NewRef(Py_None);
	} else if (end != FOUND) {
		result = Py_BuildValue("IiIII", s.work, end, number, here, s.clash);
	} else {
		PyObject *raw = numbers(s.raw, s.raws, 1), *types = numbers(s.steps[0], s.found, 2),
			 *indexes = numbers(s.steps[0] + 1, s.found, 2);

		if (raw && types && indexes)
			result = Py_BuildValue("IOOOL", s.work, raw, types, indexes, (long long)s.bits);
		Py_XDECREF(raw);
		Py_XDECREF(types);
		Py_XDECREF(indexes);
	}
out:
	PyBuffer_Release(&words);
	PyBuffer_Release(&places);
	PyBuffer_Release(&strings);
	PyBuffer_Release(&parts);
	PyBuffer_Release(&names);
	return result;
}

/* keep_freed(bytes): memory up to this much is kept for the next kernel when one is given back */
static PyObject *keep_freed(PyObject *module, PyObject *args)
{
	int bytes;

	if (!PyArg_ParseTuple(args, "i", &bytes))
		return NULL;
#if defined(M_TRIM_THRESHOLD) && defined(M_MMAP_THRESHOLD)
	mallopt(M_TRIM_THRESHOLD, bytes);
	mallopt(M_MMAP_THRESHOLD, bytes);
#endif
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"scan", scan, METH_VARARGS,
	 "scan(words, trailers, limit)\n--\n\nWord index of every info word, u32 each, or None when the records do "
	 "not fill the words exactly, are more than `limit`, or one is of a kind whose two bytes of `trailers` "
	 "(words once, words per element) begin with 255."},
	{"names", names, METH_VARARGS,
	 "names(words, places, strings, nameable, start, name_limit, limit)\n--\n\nThe names of an index (u64 each, "
	 "sorted) and the places of the kinds in `nameable` with ___ in their names (u32 each); None when a name "
	 "lies outside `strings`, is too long, or all are."},
	{"look_up", look_up, METH_VARARGS,
	 "look_up(words, places, strings, wanted, start, name_limit, limit)\n--\n\nThe records whose essential names "
	 "are among `wanted`, each of which ends with a zero: number of the name << 32 | place (u64 each), in order; None "
	 "where `names` gives None, and where that is too long to tell."},
	{"find", find, METH_VARARGS, "find(data, wanted, start)\n--\n\nbytes.find() of a word of one byte or more."},
	{"find_word", find_word, METH_VARARGS,
	 "find_word(words, wanted, start)\n--\n\nIndex of the first word of that value, from `start`; -1 for none."},
	{"find_member", find_member, METH_VARARGS,
	 "find_member(words, place, strings, start, name, first)\n--\n\nIndex of the first member, from `first` on, of the "
	 "record with its info word at `place` that has this name or none; -1 for none such, -2 where a name lies "
	 "outside `strings`."},
	{"match_field", match_field, METH_VARARGS,
	 "match_field(words, places, strings, name_limit, root, parts, names)\n--\n\nA pattern (see preflight.core.quick) in a type of a "
	 "BTF without a base: (members passed, raw indexes, types and indexes of the steps, bit offset), or (members passed, "
	 "1 missing, 2 of another kind, 3 outside an array, part, type, member's type); None where anything is out of the "
	 "ordinary."},
	{"keep_freed", keep_freed, METH_VARARGS,
	 "keep_freed(bytes)\n--\n\nMemory given back is kept up to this size, where the C library can do that."},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "preflight.btf._quick",
	.m_doc = "Loops over every record of a BTF; use preflight.btf.quick.",
	.m_size = -1,
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit__quick(void)
{
	PyObject *module = PyModule_Create(&definition);

	fill_crc_table();
	if (module && PyModule_AddIntConstant(module, "VERSION", VERSION)) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
