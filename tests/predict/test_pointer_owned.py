# SPDX-License-Identifier: Apache-2.0
"""What programs own: allocated memory, lists and trees, pointers in maps, locks and sections."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import KfuncRef, MapRef, Ref, SubprogRef
from preflight.bytecode.reach import Environment
from preflight.predict.owned_types import Lead, OwnType
from preflight.predict.pointer_values import Asked, MapOf
from preflight.predict.pointer_walk import misuses
from preflight.predict.signatures import NUMBER, OBJECT, Parameter, Signature
from tests.bytecode.test_reach import image
from tests.elfwriter import Ins, exit_, mov

#: struct node { list node at 8; tree node at 32; u64 key at 64 }, and another with a count of its references.
NODE = OwnType(7, "node", 72, ((8, 24, "bpf_list_node"), (32, 32, "bpf_rb_node")))
OTHER = OwnType(9, "other", 32, ((0, 24, "bpf_list_node"), (24, 4, "bpf_refcount")))
#: A map with a lock, a list and a tree, one with kernel pointers, and one with a lock that may fail.
HEADS = MapOf(
    "heads", "array", 40, 4, 0,
    ((0, 4, "bpf_spin_lock"), (8, 16, "bpf_list_head"), (24, 16, "bpf_rb_root")),
    (Lead(8, "bpf_list_head", "node", 7, 8), Lead(24, "bpf_rb_root", "node", 7, 32)),
)  # fmt: skip
KEPT = MapOf(
    "kept", "hash", 24, 4, 0, ((0, 8, "kptr"), (8, 8, "kptr")),
    (Lead(0, "kptr", "task_struct"), Lead(8, "kptr", "task_struct", kept=False)),
)  # fmt: skip
#: What each CPU has one of, allocated by the program.
OF_EACH = MapOf("of_each", "array", 8, 4, 0, ((0, 8, "kptr"),), (Lead(0, "kptr", "node", 7, percpu=True),))
LOCKED = MapOf("locked", "array", 16, 4, 0, ((8, 4, "bpf_res_spin_lock"),))
TASK, GROUP = Parameter(OBJECT, 0, "task_struct"), Parameter(OBJECT, 0, "cgroup")
FUNCTIONS = (
    ("bpf_task_from_pid", Signature((Parameter(NUMBER),), False, "task_struct")),
    ("bpf_task_release", Signature((TASK,), True)),
    ("bpf_cgroup_release", Signature((GROUP,), True)),
    ("bpf_iter_task_next", Signature((), False, "task_struct")),
)
LOOKUP, XCHG, LOCK, UNLOCK, TIME, THIS_CPU = 1, 194, 93, 94, 5, 154
Step = Ins | str | MapOf


def walked(
    *steps: Step,
    less: tuple[Ins, ...] = (),
    sleepable: bool = False,
    sure: bool = True,
    is_global: bool = False,
) -> list[str]:
    """What is noted of a program: a name calls that kernel function, `less` puts the address of the function
    behind the program into r3, a map is looked up and left at if it is not there: r6 is its value. Unless
    `sure`, what is doubtful, too. `is_global`: the function behind the program is."""
    code: list[Ins] = []
    refs: dict[int, Ref] = {}

    def slot() -> int:
        return sum(one.slots for one in code)

    for step in steps:
        if isinstance(step, MapOf):
            code += [Ins(0x62, 10, off=-4), Ins(0xBF, 2, 10), Ins(0x07, 2, imm=-4)]
            refs[slot()] = MapRef(step.name)
            code += [Ins(0x18, 1, 1), call(LOOKUP), *unless_null(6)]
        elif step == "less":
            refs[slot()] = SubprogRef(-1)
            code.append(Ins(0x18, 3, 4))
        elif isinstance(step, str):
            refs[slot()] = KfuncRef(step, weak=False)
            code.append(Ins(0x85, src=2))
        else:
            code.append(step)
    code += [mov(0, 0), exit_()]
    start = slot()
    told = {at: SubprogRef(start) if isinstance(ref, SubprogRef) else ref for at, ref in refs.items()}
    linked = image(
        *(one.encode("little") for one in (*code, *less)),
        refs=told,
        subprogs=(0, start) if less else (0,),
        global_subprogs=frozenset({start}) if is_global else frozenset(),
    )
    asked = Asked(
        (HEADS, KEPT, LOCKED, OF_EACH),
        "sched_cls",
        functions=FUNCTIONS,
        own=(NODE, OTHER),
        sleepable=sleepable,
    )
    found = misuses(linked, Environment(), asked)
    return sorted({one.kind for one in found if one.sure or not sure})


def call(helper: int) -> Ins:
    """Call a helper."""
    return Ins(0x85, imm=helper)


def unless_null(into: int) -> tuple[Ins, ...]:
    """Leave with 0 where r0 is null; else put it into a register."""
    return Ins(0x55, 0, off=2), mov(0, 0), exit_(), Ins(0xBF, into, 0)


def new(type_: OwnType = NODE, *, into: int = 7) -> tuple[Step, ...]:
    """Allocate, and compare with null."""
    return mov(1, type_.id), mov(2, 0), "bpf_obj_new_impl", *unless_null(into)


def given(register: int, *, moved: int = 0) -> tuple[Step, ...]:
    """r1 = a register + some bytes; r2 = 0."""
    return Ins(0xBF, 1, register), Ins(0x07, 1, imm=moved), mov(2, 0)


DROP: tuple[Step, ...] = (*given(7), "bpf_obj_drop_impl")
TAKE: tuple[Step, ...] = (*given(6), call(LOCK))
LEAVE: tuple[Step, ...] = (*given(6), call(UNLOCK))


def put(function: str, head: int, node: int) -> tuple[Step, ...]:
    """Put the node of r7 into the list or tree of r6."""
    return Ins(0xBF, 1, 6), Ins(0x07, 1, imm=head), Ins(0xBF, 2, 7), Ins(0x07, 2, imm=node), function


PUSH, ADD = put("bpf_list_push_back_impl", 8, 8), put("bpf_rbtree_add_impl", 24, 32)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*new(), *DROP), []),
        (new(), ["reference"]),
        ((*new(), *DROP, *DROP), ["reference"]),
        ((mov(1, 7), mov(2, 0), "bpf_obj_new_impl", *given(0), "bpf_obj_drop_impl"), ["null", "reference"]),
        ((*new(), *given(7, moved=8), "bpf_obj_drop_impl"), ["argument"]),
        ((*new(), Ins(0x79, 0, 7, 64), *DROP), []),
        ((*new(), Ins(0x79, 0, 7, 72), *DROP), ["bounds"]),
        ((*new(), Ins(0x79, 0, 7, 8), *DROP), ["field"]),
        ((*new(), *DROP, Ins(0x79, 0, 7, 64)), ["pointer"]),
    ],
)
def test_allocated_memory(steps: tuple[Step, ...], expected: list[str]) -> None:
    assert walked(*steps) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((HEADS, *new(), *TAKE, *PUSH, *LEAVE), []),
        # memory that is lent is written to until the lock is released, and not given back
        ((HEADS, *new(), *TAKE, *PUSH, Ins(0x7A, 7, off=64), *LEAVE), []),
        ((HEADS, *new(), *TAKE, *PUSH, *LEAVE, Ins(0x7A, 7, off=64)), ["pointer"]),
        ((HEADS, *new(), *TAKE, *PUSH, *LEAVE, *DROP), ["reference"]),
        ((HEADS, *new(), *PUSH), ["lock"]),
        ((HEADS, *new(), *TAKE, *put("bpf_list_push_back_impl", 24, 8), *LEAVE), ["argument"]),
        ((HEADS, *new(), *TAKE, *put("bpf_list_push_back_impl", 8, 32), *LEAVE), ["argument"]),
        ((HEADS, *new(OTHER), *TAKE, *put("bpf_list_push_back_impl", 8, 0), *LEAVE), ["argument"]),
        ((HEADS, *TAKE, *new(), *PUSH, *LEAVE), ["lock"]),
    ],
)
def test_nodes_of_lists(steps: tuple[Step, ...], expected: list[str]) -> None:
    assert [one for one in walked(*steps) if one in expected or not expected] == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*given(6, moved=8), "bpf_list_pop_front", Ins(0xBF, 7, 0), *LEAVE), ["reference"]),
        ((*given(6, moved=8), "bpf_list_pop_front", Ins(0xBF, 7, 0), *LEAVE, Ins(0x79, 0, 7, 56)), ["null"]),
        # what the tree has first is lent, and looked at before the lock is released
        (
            (*given(6, moved=24), "bpf_rbtree_first", Ins(0xBF, 7, 0), *LEAVE, Ins(0x79, 0, 7, 32)),
            ["pointer"],
        ),
        ((*given(6, moved=24), "bpf_rbtree_first", Ins(0xBF, 7, 0), *LEAVE), []),
    ],
)
def test_nodes_that_are_taken_out(steps: tuple[Step, ...], expected: list[str]) -> None:
    found = walked(HEADS, *TAKE, *steps)
    assert [one for one in found if one in expected or not expected] == expected


@pytest.mark.parametrize(("at", "expected"), [(32, []), (40, ["bounds"])])
def test_what_orders_a_tree_is_handed_two_nodes(at: int, expected: list[str]) -> None:
    first = (HEADS, *new(), *TAKE, "less")
    less = (Ins(0x79, 0, 1, at), mov(0, 0), exit_())
    assert walked(*first, *ADD, *LEAVE, less=less) == expected


@pytest.mark.parametrize(("type_", "expected"), [(OTHER, []), (NODE, ["argument"])])
def test_a_second_reference_needs_a_count(type_: OwnType, expected: list[str]) -> None:
    again = (*given(7), "bpf_refcount_acquire_impl", *given(0), "bpf_obj_drop_impl")
    assert walked(*new(type_), *again, *DROP) == expected


TASK_OF = (mov(1, 1), "bpf_task_from_pid", *unless_null(7))


@pytest.mark.parametrize(
    ("at", "after", "expected"),
    [
        (0, (), []),
        (8, (), ["kptr"]),
        (4, (), ["argument"]),
        (0, (Ins(0x79, 0, 7, 0),), ["pointer"]),
    ],
)
def test_a_pointer_that_a_map_keeps(at: int, after: tuple[Step, ...], expected: list[str]) -> None:
    swap = (Ins(0xBF, 1, 6), Ins(0x07, 1, imm=at), Ins(0xBF, 2, 7), call(XCHG), Ins(0xBF, 8, 0))
    back = (Ins(0x55, 8, off=2), mov(0, 0), exit_(), *given(8), "bpf_task_release")
    assert walked(KEPT, *TASK_OF, *swap, *after, *back) == expected


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (Ins(0x79, 0, 6, 0), []),
        (Ins(0x61, 0, 6, 0), ["kptr"]),
        (Ins(0x79, 0, 6, 4), ["kptr"]),
        (Ins(0x79, 0, 6, 16), []),
    ],
)
def test_a_kernel_pointer_is_read_whole(access: Ins, expected: list[str]) -> None:
    assert walked(KEPT, access) == expected


def test_an_object_is_given_back_as_what_it_is() -> None:
    assert walked(*TASK_OF, *given(7), "bpf_task_release") == []
    assert walked(*TASK_OF, *given(7), "bpf_cgroup_release") == ["argument"]


def test_what_kernel_functions_give_is_only_read() -> None:
    back = (*given(7), "bpf_task_release")
    assert walked(*TASK_OF, Ins(0x79, 0, 7, 8), *back) == []
    assert walked(*TASK_OF, Ins(0x7A, 7, off=8), *back) == ["readonly"]


RESIST = (*given(6, moved=8), "bpf_res_spin_lock")
CHECKED = (*RESIST, Ins(0x15, 0, off=2), mov(0, 0), exit_())
YIELD = (*given(6, moved=8), "bpf_res_spin_unlock")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*CHECKED, *YIELD), []),
        ((*RESIST, *YIELD), ["lock"]),
        (CHECKED, ["lock"]),
        ((*CHECKED, call(TIME), *YIELD), ["lock"]),
        ((*given(6), "bpf_res_spin_lock"), ["argument", "lock"]),
    ],
)
def test_a_lock_that_may_not_be_had(steps: tuple[Step, ...], expected: list[str]) -> None:
    assert walked(LOCKED, *steps) == expected


def place(off: int, function: str) -> tuple[Step, ...]:
    """Call a function with a place on the stack."""
    return Ins(0xBF, 1, 10), Ins(0x07, 1, imm=off), function


def test_an_iterator_is_ended_as_what_it_is() -> None:
    begun = (*place(-8, "bpf_iter_num_new"),)
    assert walked(*begun, *place(-8, "bpf_iter_num_destroy")) == []
    assert walked(*begun, *place(-8, "bpf_iter_bits_destroy")) == ["reference"]


def test_what_an_iterator_gives_may_be_null() -> None:
    begun, ended = place(-24, "bpf_iter_task_new"), place(-24, "bpf_iter_task_destroy")
    following = place(-24, "bpf_iter_task_next")
    read = (Ins(0x15, 0, off=1), Ins(0x79, 0, 0, 8))
    assert walked(*begun, *following, *read, *ended) == []
    assert walked(*begun, *following, Ins(0x79, 0, 0, 8), *ended) == ["null"]


@pytest.mark.parametrize(("size", "expected"), [(16, []), (17, ["bounds"])])
def test_memory_with_its_size(size: int, expected: list[str]) -> None:
    buffer = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, size), mov(3, 0), mov(4, 0))
    assert walked(*buffer, "bpf_copy_from_user_str") == expected


def test_what_each_cpu_has_one_of_is_reached_by_helpers_alone() -> None:
    kept: tuple[Step, ...] = (OF_EACH, Ins(0x79, 7, 6), Ins(0x55, 7, off=2), mov(0, 0), exit_())
    this: tuple[Step, ...] = (Ins(0xBF, 1, 7), call(THIS_CPU))
    # to kernels that do not know the tag it is a number
    assert walked(*kept, Ins(0x79, 0, 7)) == ["pointer", "unkept"]
    assert walked(*kept, *this, Ins(0x79, 1, 0), Ins(0x7A, 0)) == []
    new: tuple[Step, ...] = (mov(1, NODE.id), mov(2, 0), "bpf_percpu_obj_new_impl", *unless_null(7))
    drop: tuple[Step, ...] = (*given(7), "bpf_percpu_obj_drop_impl")
    assert walked(*new, Ins(0x79, 0, 7, 64), *drop) == ["pointer"]
    # before a map keeps it, no helper takes it
    assert walked(*new, *this, *drop) == ["argument"]


def test_a_kernel_pointer_is_trusted_within_a_section_of_rcu() -> None:
    read: tuple[Step, ...] = (Ins(0x79, 7, 6), Ins(0x55, 7, off=2), mov(0, 0), exit_())
    use: tuple[Step, ...] = (Ins(0xBF, 1, 7), "bpf_task_under_cgroup")
    leave, enter = "bpf_rcu_read_unlock", "bpf_rcu_read_lock"
    assert walked(KEPT, *read, *use) == []
    assert walked(KEPT, *read, *use, sleepable=True) == ["reference"]
    within = (Ins(0x79, 7, 6), Ins(0x15, 7, off=2), *use)
    assert walked(KEPT, enter, *within, leave, sleepable=True) == []
