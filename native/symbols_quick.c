// SPDX-License-Identifier: Apache-2.0
/*
 * Names looked up in a kernel's list of symbols: lines of a letter, a space and a name each.
 *
 * preflight/kernels/symbols.py says what a plain list is and what is found in it; this finds the same, or None
 * in any other text. Every read stays within the buffers that were passed in.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 2
/* a sketch of the names that are wanted has 2^14 bits: one whose bit is not set is none of them */
#define SKETCH_BITS 14

typedef const unsigned char bytes_t;

static uint64_t mixed(uint64_t value)
{
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93u;
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93u;
	return value ^ value >> 32;
}

/* `seed` keeps the author of a list from knowing which names meet in a table. */
static uint64_t hash_of(bytes_t *name, size_t length, uint64_t seed)
{
	uint64_t hash = seed ^ length, part;

	for (; length >= 8; name += 8, length -= 8) {
		memcpy(&part, name, 8);
		hash = mixed(hash ^ part);
	}
	part = 0;
	memcpy(&part, name, length);
	return mixed(hash ^ part);
}

/*
 * Lines of a text of printable characters with as many spaces as lines; 0 for any other. Each line then has
 * exactly one space when every second character is one.
 */
static size_t lines_of(bytes_t *text, size_t length)
{
	size_t at, part, lines = 1, spaces = 0, other = 0;

	for (at = 0; at < length; at += part) {
		unsigned char ends = 0, gaps = 0, odd = 0;

		/* so few that the counts fit into a byte, which lets the compiler take many at a time */
		part = length - at < 128 ? length - at : 128;
		for (size_t one = 0; one < part; one++) {
			unsigned char c = text[at + one];

			ends += c == '\n';
			gaps += c == ' ';
			odd |= (unsigned char)(c - 0x20) > 0x5e && c != '\n';
		}
		lines += ends;
		spaces += gaps;
		other |= odd;
	}
	return length && !other && spaces == lines ? lines : 0;
}

/* The end of the line that begins at `at`; NULL when it is no letter, space and name. */
static bytes_t *line_end(bytes_t *at, bytes_t *end)
{
	bytes_t *stop = memchr(at, '\n', end - at);

	stop = stop ? stop : end;
	return stop - at < 3 || at[1] != ' ' ? NULL : stop;
}

static size_t without_last_end(bytes_t *text, size_t length)
{
	return length && text[length - 1] == '\n' ? length - 1 : length;
}

static size_t slots_for(size_t names)
{
	size_t slots = 64;

	while (slots < 2 * names)
		slots *= 2;
	return slots;
}

struct wanted {
	bytes_t *name;
	size_t length;
	uint64_t hash;
	uint32_t first, last; /* hits, counted from 1 */
};

struct hit {
	uint32_t next;
	unsigned char letter;
};

struct search {
	uint64_t sketch[(1 << SKETCH_BITS) / 64];
	struct wanted *wanted;
	uint32_t *table; /* names, counted from 1 */
	struct hit *hits;
	size_t names, slots, found, room;
};

/* The bit of a name, by its ends alone: most names are told apart from those wanted by it. */
static uint32_t bit_of(bytes_t *name, size_t length, uint64_t seed)
{
	uint32_t head = 0, tail = 0;

	if (length >= 4) {
		memcpy(&head, name, 4);
		memcpy(&tail, name + length - 4, 4);
	} else {
		memcpy(&head, name, length);
	}
	head = (head + (uint32_t)length) * ((uint32_t)seed | 1);
	tail = (tail ^ head >> 16) * ((uint32_t)(seed >> 32) | 1);
	return (head + tail) >> (32 - SKETCH_BITS);
}

static uint32_t name_at(const struct search *s, bytes_t *name, size_t length, uint64_t hash, size_t *slot)
{
	for (*slot = hash & (s->slots - 1); s->table[*slot]; *slot = (*slot + 1) & (s->slots - 1)) {
		const struct wanted *one = &s->wanted[s->table[*slot] - 1];

		if (one->hash == hash && one->length == length && !memcmp(one->name, name, length))
			break;
	}
	return s->table[*slot];
}

static int note(struct search *s, struct wanted *one, unsigned char letter)
{
	if (s->found == s->room) {
		size_t room = 2 * s->room + 256;
		struct hit *more = realloc(s->hits, room * sizeof(*more));

		if (!more)
			return 0;
		s->hits = more;
		s->room = room;
	}
	s->hits[s->found].letter = letter;
	s->hits[s->found].next = 0;
	s->found++;
	if (one->first)
		s->hits[one->last - 1].next = s->found;
	else
		one->first = s->found;
	one->last = s->found;
	return 1;
}

/* 1; 0 for a text that is no plain list; -1 without memory. */
static int search(struct search *s, bytes_t *text, bytes_t *end, uint64_t seed)
{
	while (text < end) {
		bytes_t *stop = line_end(text, end);
		size_t length, slot;
		uint32_t number, bit;

		if (!stop)
			return 0;
		length = stop - text - 2;
		bit = bit_of(text + 2, length, seed);
		if (s->sketch[bit / 64] >> bit % 64 & 1) {
			number = name_at(s, text + 2, length, hash_of(text + 2, length, seed), &slot);
			if (number && !note(s, &s->wanted[number - 1], text[0]))
				return -1;
		}
		text = stop + 1;
	}
	return 1;
}

/* For each name its letters and a line's end. */
static PyObject *answer(const struct search *s)
{
	PyObject *made = PyBytes_FromStringAndSize(NULL, s->found + s->names);
	char *to = made ? PyBytes_AsString(made) : NULL;

	if (!to)
		return made;
	for (size_t number = 0; number < s->names; number++) {
		for (uint32_t at = s->wanted[number].first; at; at = s->hits[at - 1].next)
			*to++ = s->hits[at - 1].letter;
		*to++ = '\n';
	}
	return made;
}

static PyObject *look_up(PyObject *module, PyObject *args)
{
	const char *text, *names;
	Py_ssize_t text_size, names_size;
	struct search s = {0};
	unsigned long long seed;
	uint32_t bit;
	PyObject *made = NULL;
	bytes_t *at, *end;
	size_t length, slot;
	int fine;

	if (!PyArg_ParseTuple(args, "y#y#K", &text, &text_size, &names, &names_size, &seed))
		return NULL;
	length = without_last_end((bytes_t *)text, text_size);
	if ((uint64_t)text_size >= UINT32_MAX || !lines_of((bytes_t *)text, length))
		Py_RETURN_NONE;
	for (Py_ssize_t one = 0; one < names_size; one++)
		s.names += names[one] == '\n';
	s.slots = slots_for(s.names);
	s.wanted = calloc(s.names + 1, sizeof(*s.wanted));
	s.table = calloc(s.slots, sizeof(*s.table));
	if (!s.wanted || !s.table)
		goto memory;
	at = (bytes_t *)names;
	for (size_t number = 0; number < s.names; number++) {
		struct wanted *one = &s.wanted[number];

		end = memchr(at, '\n', (bytes_t *)names + names_size - at);
		one->name = at;
		one->length = end - at;
		one->hash = hash_of(at, one->length, seed);
		if (!name_at(&s, at, one->length, one->hash, &slot))
			s.table[slot] = number + 1;
		bit = bit_of(at, one->length, seed);
		s.sketch[bit / 64] |= (uint64_t)1 << bit % 64;
		at = end + 1;
	}
	fine = search(&s, (bytes_t *)text, (bytes_t *)text + length, seed);
	if (fine < 0)
		goto memory;
	made = fine ? answer(&s) : Py_NewRef(Py_None);
	goto out;
memory:
	PyErr_NoMemory();
out:
	free(s.hits);
	free(s.table);
	free(s.wanted);
	return made;
}

static PyObject *lines_with(PyObject *module, PyObject *args)
{
	const char *text;
	Py_ssize_t size;
	int wanted;
	PyObject *made;
	bytes_t *at, *end, *from, *stop;
	char *lines, *to;

	if (!PyArg_ParseTuple(args, "y#i", &text, &size, &wanted))
		return NULL;
	lines = to = malloc(size + 1);
	if (!lines)
		return PyErr_NoMemory();
	at = (bytes_t *)text;
	end = at + size;
	while (at < end && (stop = memchr(at, wanted, end - at))) {
		/* lines before `at` have had their turn */
		for (from = stop; from > at && from[-1] != '\n'; from--)
			;
		stop = memchr(stop, '\n', end - stop);
		stop = stop ? stop : end;
		memcpy(to, from, stop - from);
		to += stop - from;
		*to++ = '\n';
		at = stop + 1;
	}
	made = PyBytes_FromStringAndSize(lines, to - lines);
	free(lines);
	return made;
}

static PyMethodDef methods[] = {
	{"look_up", look_up, METH_VARARGS,
	 "look_up(text, names, seed)\n--\n\nFor each of the names, which end with a line's end each, the type letters of its "
	 "lines, and a line's end; a name given twice is found the first time. None for a text that is no plain list."},
	{"lines_with", lines_with, METH_VARARGS,
	 "lines_with(text, character)\n--\n\nThe lines in which a character is that ends none, each with a line's end."},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "preflight.kernels._symbols",
	.m_doc = "Searches in a kernel's symbols; use preflight.kernels.symbols.",
	.m_size = -1,
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit__symbols(void)
{
	PyObject *module = PyModule_Create(&definition);

	if (module && PyModule_AddIntConstant(module, "VERSION", VERSION)) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
