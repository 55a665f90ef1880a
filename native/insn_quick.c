// SPDX-License-Identifier: Apache-2.0
/*
 * BPF code decoded into instructions.
 *
 * preflight/bytecode/insn.py says what an instruction is; this makes the same of the same bytes, or gives None
 * for code that is no whole instructions. Every read stays within the buffer that was passed in.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdint.h>

#define VERSION 1

#define SLOT 8
#define LDIMM64 0x18

typedef const unsigned char bytes_t;

static uint32_t word_at(bytes_t *at, int little)
{
	if (little)
		return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
	return at[3] | at[2] << 8 | at[1] << 16 | (uint32_t)at[0] << 24;
}

static int16_t half_at(bytes_t *at, int little)
{
	return (int16_t)(little ? at[0] | at[1] << 8 : at[1] | at[0] << 8);
}

/* Slots of the instruction at `at`, of which `left` are left; 0 when it is cut short. */
static Py_ssize_t slots_of(bytes_t *at, Py_ssize_t left)
{
	if (at[0] != LDIMM64)
		return 1;
	return left > 1 ? 2 : 0;
}

/* Instructions in so many slots; -1 when the last one is cut short. */
static Py_ssize_t count(bytes_t *code, Py_ssize_t slots)
{
	Py_ssize_t found = 0;

	for (Py_ssize_t slot = 0; slot < slots; found++) {
		Py_ssize_t taken = slots_of(code + slot * SLOT, slots - slot);

		if (!taken)
			return -1;
		slot += taken;
	}
	return found;
}

/* The fields in the order of preflight.bytecode.insn.Insn, which is a tuple of them. */
static PyObject *insn_at(PyTypeObject *type, bytes_t *at, Py_ssize_t slot, int little)
{
	PyObject *insn = PyType_GenericAlloc(type, 7);
	uint32_t imm = word_at(at + 4, little);
	int low = at[1] & 0x0f, high = at[1] >> 4;
	PyObject *fields[7];

	if (!insn)
		return NULL;
	fields[0] = PyLong_FromSsize_t(slot);
	fields[1] = PyLong_FromLong(at[0]);
	fields[2] = PyLong_FromLong(little ? low : high);
	fields[3] = PyLong_FromLong(little ? high : low);
	fields[4] = PyLong_FromLong(half_at(at + 2, little));
	fields[5] = PyLong_FromLong((int32_t)imm);
	if (at[0] == LDIMM64)
		fields[6] = PyLong_FromUnsignedLongLong(imm | (uint64_t)word_at(at + SLOT + 4, little) << 32);
	else
		fields[6] = Py_NewRef(Py_None);
	for (int number = 0; number < 7; number++) {
		/* the tuple owns what was made, and lets go of it when a field is missing */
		if (!fields[number] || PyTuple_SetItem(insn, number, fields[number])) {
			for (int rest = number + 1; rest < 7; rest++)
				Py_XDECREF(fields[rest]);
			Py_DECREF(insn);
			return NULL;
		}
	}
	return insn;
}

static PyObject *decode(PyObject *module, PyObject *args)
{
	PyObject *type, *made;
	const char *given;
	Py_ssize_t size, slots, insns, slot = 0;
	bytes_t *code;
	int little;

	if (!PyArg_ParseTuple(args, "y#pO!", &given, &size, &little, &PyType_Type, &type))
		return NULL;
	if (!PyType_IsSubtype((PyTypeObject *)type, &PyTuple_Type)) {
		PyErr_SetString(PyExc_TypeError, "instructions are tuples");
		return NULL;
	}
	code = (bytes_t *)given;
	slots = size / SLOT;
	insns = size % SLOT ? -1 : count(code, slots);
	if (insns < 0)
		Py_RETURN_NONE;
	made = PyList_New(insns);
	if (!made)
		return NULL;
	for (Py_ssize_t number = 0; number < insns; number++) {
		PyObject *insn = insn_at((PyTypeObject *)type, code + slot * SLOT, slot, little);

		if (!insn || PyList_SetItem(made, number, insn)) {
			Py_DECREF(made);
			return NULL;
		}
		slot += slots_of(code + slot * SLOT, slots - slot);
	}
	return made;
}

static PyMethodDef methods[] = {
	{"decode", decode, METH_VARARGS,
	 "decode(code, little, type)\n--\n\nThe instructions as a list of `type`, a tuple of seven fields. None for code that is "
	 "no whole instructions."},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "preflight.bytecode._insn",
	.m_doc = "Decodes BPF code; use preflight.bytecode.insn.",
	.m_size = -1,
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit__insn(void)
{
	PyObject *module = PyModule_Create(&definition);

	if (module && PyModule_AddIntConstant(module, "VERSION", VERSION)) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
