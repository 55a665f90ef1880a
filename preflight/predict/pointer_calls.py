# SPDX-License-Identifier: Apache-2.0
"""Calls that verifiers refuse for how their arguments came to be, in a walk that follows pointers. Pure.

Locks that are not the one taken, dynptrs that nothing set, places that were moved
before they are given back. Rules: process_spin_lock(), check_func_arg_reg_off(), process_dynptr_func(),
process_kptr_func(), check_helper_call() of kernel/bpf/verifier.c. Measured on 5.10, 6.1, 6.12 and 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from preflight.bytecode.helpers import helper_name
from preflight.bytecode.reach_helpers import Access
from preflight.bytecode.state import ANYTHING, CTX, NUMBER, OPAQUE, SCALAR, STACK
from preflight.predict.helper_arguments import register_of
from preflight.predict.kfunc_types import arguments as taken
from preflight.predict.kfunc_types import flags
from preflight.predict.pointer_sections import doing, overwrite_flags
from preflight.predict.pointer_values import KPTR, MEMORY, OBJECT, PACKET, PACKET_END, PERCPU, Pointer

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.bytecode.insn import Insn
    from preflight.bytecode.state import State, Value
    from preflight.predict.pointer_values import Held
    from preflight.predict.pointer_walk import Walker
    from preflight.predict.signatures import Signature

#: Kernel functions that give memory -> the argument that says how much: the kernel names it rdwr_buf_size
#: (check_kfunc_args()).
SIZED: Final = {"hid_bpf_get_data": 3, "bpf_io_uring_get_region": 3}
#: What gives the variables that each CPU has one of.
OF_CPUS: Final = frozenset({"bpf_this_cpu_ptr()", "bpf_per_cpu_ptr()"})
#: Helpers that take memory and are not in reach_helpers, which also says what the others leave alone.
BUFFERS: Final[dict[str, tuple[Access, ...]]] = {
    "skb_get_tunnel_key": (Access(2, 3, True),),
    "skb_set_tunnel_key": (Access(2, 3, False),),
    "skb_get_tunnel_opt": (Access(2, 3, True),),
    "skb_set_tunnel_opt": (Access(2, 3, False),),
    "sysctl_get_name": (Access(2, 3, True),),
    "sysctl_get_current_value": (Access(2, 3, True),),
    "getsockopt": (Access(4, 5, True),),
    "setsockopt": (Access(4, 5, False),),
    "fib_lookup": (Access(2, 3, True),),
    "sk_lookup_tcp": (Access(2, 3, False),),
    "tcp_raw_gen_syncookie_ipv4": (Access(1, -20, False), Access(2, 3, False)),
    "tcp_raw_gen_syncookie_ipv6": (Access(1, -40, False), Access(2, 3, False)),
    "tcp_raw_check_syncookie_ipv4": (Access(1, -20, False), Access(2, -20, False)),
    "tcp_raw_check_syncookie_ipv6": (Access(1, -40, False), Access(2, -20, False)),
    "sk_lookup_udp": (Access(2, 3, False),),
    "skc_lookup_tcp": (Access(2, 3, False),),
    "perf_prog_read_value": (Access(2, 3, True),),
    "perf_event_read_value": (Access(3, 4, True),),
    "get_branch_snapshot": (Access(1, 2, True),),
    "read_branch_records": (Access(2, 3, True),),
    "sysctl_get_new_value": (Access(2, 3, True),),
    "sysctl_set_new_value": (Access(2, 3, False),),
    "strtol": (Access(1, 2, False), Access(4, -8, True)),
    "strtoul": (Access(1, 2, False), Access(4, -8, True)),
    "tcp_check_syncookie": (Access(2, 3, False), Access(4, 5, False)),
    "tcp_gen_syncookie": (Access(2, 3, False), Access(4, 5, False)),
    "bind": (Access(2, 3, False),),
    "lwt_push_encap": (Access(3, 4, False),),
    "lwt_seg6_store_bytes": (Access(3, 4, False),),
    "lwt_seg6_action": (Access(3, 4, False),),
    "load_hdr_opt": (Access(2, 3, True),),
    "store_hdr_opt": (Access(2, 3, False),),
    "ima_inode_hash": (Access(2, 3, True),),
    "ima_file_hash": (Access(2, 3, True),),
    "xdp_load_bytes": (Access(3, 4, True),),
    "xdp_store_bytes": (Access(3, 4, False),),
    "dynptr_from_mem": (Access(1, 2, True),),
    "dynptr_read": (Access(1, 2, True),),
    "dynptr_write": (Access(3, 4, False),),
    "seq_printf_btf": (Access(2, 3, False),),
    "check_mtu": (Access(3, -4, True),),
    "sys_bpf": (Access(2, 3, False),),
    "redirect_neigh": (Access(2, 3, False),),
    "skb_get_xfrm_state": (Access(3, 4, True),),
    "btf_find_by_name_kind": (Access(1, 2, False),),
    "kallsyms_lookup_name": (Access(1, 2, False), Access(4, -8, True)),
}
#: Helpers whose argument 3 is a key of the map in argument 2.
KEY_OF_SECOND: Final = frozenset({
    "sock_map_update", "sock_hash_update", "msg_redirect_hash", "sk_redirect_hash", "sk_select_reuseport",
})  # fmt: skip
#: Helpers whose callback is handed pointers that are followed.
HANDS_OVER: Final = frozenset({"for_each_map_elem", "timer_set_callback", "user_ringbuf_drain", "find_vma"})
#: Helpers whose result a verifier bounds by the machine it runs on (do_refine_retval_range()).
BY_MACHINE: Final = frozenset({8, 42})
#: Helpers whose result is an error or at most the size they are given (do_refine_retval_range(), too).
BOUNDED: Final = frozenset({
    "get_stack", "get_task_stack", "probe_read_str", "probe_read_user_str", "probe_read_kernel_str",
})  # fmt: skip
#: Helper or kernel function -> the argument that is a dynptr it sets; one that has to be set.
_SETS: Final = {
    "ringbuf_reserve_dynptr": 4, "dynptr_from_mem": 4, "bpf_dynptr_from_skb": 3, "bpf_dynptr_from_xdp": 3,
    "bpf_dynptr_from_skb_meta": 3, "bpf_dynptr_clone": 2,
}  # fmt: skip
_USES: Final = {
    "dynptr_read": 3, "dynptr_write": 1, "dynptr_data": 1,
    "ringbuf_submit_dynptr": 1, "ringbuf_discard_dynptr": 1,
    "bpf_dynptr_slice": 1, "bpf_dynptr_slice_rdwr": 1, "bpf_dynptr_adjust": 1, "bpf_dynptr_is_null": 1,
    "bpf_dynptr_is_rdonly": 1, "bpf_dynptr_size": 1, "bpf_dynptr_clone": 1,
}  # fmt: skip
#: What allocates memory for each CPU.
_ALLOCATED: Final = "bpf_percpu_obj_new"
#: What gives pointers into records behind dynptrs; into packets behind them.
_DATA: Final = frozenset({"bpf_dynptr_data()"})
SLICES: Final = frozenset({"bpf_dynptr_slice()", "bpf_dynptr_slice_rdwr()"})
_WORD: Final = 8
#: What tells the place of an iterator that was written over from all others.
_LOST: Final = 1 << 22
#: struct bpf_dynptr
_STRUCT: Final = "bpf_dynptr"
_DYNPTR: Final = 16
#: Locks of values that a callback was handed are told by numbers from here on.
HANDED: Final = 1 << 30
#: Types that may not write to packets (may_access_direct_pkt_data()).
READ_ONLY_PACKETS: Final = frozenset({
    "cgroup_skb", "sk_reuseport", "flow_dissector", "lwt_in", "lwt_out", "lwt_seg6local", "sock_ops",
})  # fmt: skip
_OF_PACKET: Final = "bpf_dynptr_from_skb"
#: What tells a place on the stack from a slot of the program.
PLACE: Final = 1 << 20
_ENDS: Final = frozenset({"ringbuf_submit_dynptr", "ringbuf_discard_dynptr"})
_GIVE_BACK: Final = frozenset({"ringbuf_submit", "ringbuf_discard"})
_INTERRUPTS: Final = ("bpf_local_irq_save", "bpf_local_irq_restore")
#: What tells where interrupts are kept from all other places, by depth; how deep sections may be nested.
_SAVED: Final = 1 << 23
_NESTED: Final = 8
#: Kernel functions that begin and end a section, told by a number no place on the stack has.
_BEGIN: Final = {"bpf_rcu_read_lock": -(1 << 30), "bpf_preempt_disable": -(1 << 30) - 1}
_END: Final = {"bpf_rcu_read_unlock": -(1 << 30), "bpf_preempt_enable": -(1 << 30) - 1}


def check_call(walker: Walker, slot: int, name: str, arguments: list[Value], lock: int) -> None:
    """What a helper is given. `lock`: what `locked_by` said of the lock that is held, -1 without one."""
    first, second = arguments[1], arguments[2]
    known = first.data
    if first.kind == CTX and first.off and register_of(name, "context") == 1:
        walker.note("argument", slot, f"bpf_{name}() gets the context moved by {first.off} bytes")
    if name == "get_local_storage" and second.kind == SCALAR and second.number.is_const:
        if second.number.value:
            walker.note("argument", slot, "bpf_get_local_storage() gets flags, and takes none")
    elif name in _GIVE_BACK and isinstance(known, Pointer) and known.held and (known.low or known.high):
        walker.note("moved", slot, f"bpf_{name}() gets the record moved by {known.low} bytes")
    elif name == "spin_unlock" and lock >= HANDED:
        walker.note("lock-lost", slot, "the spin lock of a value that a callback was handed is released")
    elif name == "spin_unlock" and lock >= 0 and isinstance(known, Pointer) and known.ident != lock:
        walker.note("lock", slot, "another spin lock is released than the one that is held")
    elif name == "kptr_xchg":
        borrowed = isinstance(second.data, Pointer) and not second.data.held and second.data.nullable == "no"
        if borrowed or (second.kind == OPAQUE and walker.is_given(second)):
            walker.note("reference", slot, "bpf_kptr_xchg() gets something that holds no reference")
    elif name in ("per_cpu_ptr", "this_cpu_ptr") and isinstance(known, Pointer) and known.held:
        if is_percpu(known):  # percpu_btf_ptr_types
            walker.note("argument", slot, f"bpf_{name}() gets memory that no map keeps yet")
    elif name == "dynptr_from_mem" and first.kind in (STACK, SCALAR, CTX):
        walker.note("argument", slot, "bpf_dynptr_from_mem() gets something else than a value of a map")


def locked_by(slot: int, value: Value, *, in_callback: bool) -> int:
    """What tells a lock from others: the lookup that gave it, or the call that took it.

    That of a value which a callback was handed has no number of its own, so that verifiers before 6.2 lose it
    (process_spin_lock()).
    """
    known = value.data
    if not isinstance(known, Pointer):
        return HANDED + slot if in_callback else slot
    return HANDED + known.ident if known.handed else known.ident


def kind_of_lock(lock: int) -> str:
    """Which rule a lock that is held breaks."""
    return "lock-handed" if lock >= HANDED else "lock"


def make_stale(state: State, *, by_tail_call: bool = False) -> None:
    """Someone else may have moved the packet, which verifiers look at since 6.13. Behind a tail call of the
    function's own they did until they knew that it does not come back (6.19, and some of before)."""
    word = "maybe" if by_tail_call else "yes"
    for frame, place, on_stack, value in list(state.values()):
        known = value.data
        if isinstance(known, Pointer) and known.kind in (PACKET, PACKET_END) and known.stale != "yes":
            new = value._replace(data=known._replace(stale=word))
            if on_stack:
                frame.stack[place] = frame.stack[place]._replace(value=new)
            else:
                frame.regs[place] = new


def movers(image: ProgramImage, insns: Sequence[Insn | None], moves: frozenset[str]) -> frozenset[int]:
    """The global functions that may move the packet, or that call one which does; a tail call may, too."""
    moving = moves | {"tail_call"}
    return doing(
        image, insns, lambda i: i.is_helper_call and helper_name(i.imm).removeprefix("bpf_") in moving
    )


def follow_dynptr(walker: Walker, state: State, slot: int, name: str, arguments: list[Value]) -> None:
    """A dynptr on the stack has to be set before it is used, and is not after it was given back."""
    used, made = _USES.get(name, 0), _SETS.get(name, 0)
    held = walker.held(state)
    if not (used or made):
        for number, one in enumerate(taken(name)[:5], 1):
            place = arguments[number]
            there = one.word == _STRUCT and one.ends != "uninit" and place.kind == STACK and not place.frame
            if held is not None and there and place.off is not None and place.off not in held.dynptrs:
                walker.note("argument", slot, f"{name}() gets a dynptr that nothing set")
        return
    place = arguments[used or made]
    if held is not None and used and not made and _is_unset_below(state, held, place):
        walker.note("argument", slot, f"{_called(name)}() gets a dynptr that nothing set")
    if held is None or len(state.frames) > 1:
        state.doubt = state.doubt or made > 0
        return
    if used and place.kind == STACK and place.off is not None:
        if place.off not in held.dynptrs:
            walker.note("argument", slot, f"{_called(name)}() gets a dynptr that nothing set")
        elif name in _ENDS:
            root = dict(held.clones).get(place.off, place.off)
            gone = {root, place.off, *(one for one, of in held.clones if of == root)}
            rest = tuple(one for one in held.dynptrs if one not in gone)
            walker.hold(state, held._replace(dynptrs=rest))
            # which of several dynptrs a pointer came of is not told
            forget(state, _DATA, ANYTHING if rest else NUMBER)
        elif name == "dynptr_write" and place.off in held.of_packet:
            # the packet may have been pulled: what leads into it is gone
            forget(state, SLICES, NUMBER)
            walker.replace(state, -1, NUMBER, (PACKET, PACKET_END))
    if made:
        source, place = place, arguments[made]
        if place.kind != STACK or place.off is None:
            state.doubt = True
            return
        if place.off + _DYNPTR > 0:
            what = f"{_called(name)}() gets {-place.off} bytes of stack for a dynptr of {_DYNPTR}"
            walker.note("bounds", slot, what)
        of_packet = name == _OF_PACKET or (bool(used) and source.off in held.of_packet)
        rest = tuple(one for one in held.of_packet if one != place.off)
        dynptrs = held.dynptrs if place.off in held.dynptrs else (*held.dynptrs, place.off)
        packets = (*rest, place.off) if of_packet else rest
        # a clone ends with what it was made of (invalidate_dynptr())
        clones = tuple(one for one in held.clones if place.off not in one)
        if used and source.kind == STACK and source.off is not None:
            of = dict(clones).get(source.off, source.off)
            clones = (*clones, (place.off, of), (of, of))
        walker.hold(state, held._replace(dynptrs=dynptrs, of_packet=packets, clones=clones))


def _is_unset_below(state: State, held: Held, place: Value) -> bool:
    """Whether a function that was called gets a place of the main frame where no dynptr is."""
    below = len(state.frames) > 1 and place.kind == STACK and not place.frame
    return below and place.off is not None and place.off not in held.dynptrs


def forget(state: State, sources: frozenset[str], by: Value) -> None:
    """All pointers that these functions gave become another value."""
    for frame, place, on_stack, value in list(state.values()):
        if isinstance(value.data, Pointer) and value.data.source in sources:
            if on_stack:
                frame.stack[place] = frame.stack[place]._replace(value=by)
            else:
                frame.regs[place] = by


def overwrite_dynptr(walker: Walker, state: State, slot: int, off: int, size: int) -> None:
    """A store to the main frame: a dynptr there is none any more, which one that holds a record may not come
    to (destroy_if_dynptr_stack_slot(); before 6.3 it was refused where it is used or at the end)."""
    held = walker.held(state)
    hit = (
        [one for one in held.dynptrs if one < off + size and off < one + _DYNPTR] if held is not None else []
    )
    if held is not None and held.references:
        _overwrite_iterator(walker, state, held, off, size)
        overwrite_flags(walker, state, held, off, size)
    if held is None or not hit:
        return
    holding = [one - PLACE for one in hit]
    if any(ident in holding for ident, _ in held.references):
        walker.note("reference", slot, "a store to a dynptr that holds a record")
    rest = tuple(one for one in held.dynptrs if one not in hit)
    walker.hold(state, held._replace(dynptrs=rest))


def check_over_dynptr(walker: Walker, slot: int, name: str, off: int, size: int) -> None:
    """A helper writes to the bytes of a dynptr: verifiers refuse it, destroy the dynptr, or do not look."""
    if _meets_dynptr(walker.held(walker.now), off, size):
        walker.note("argument", slot, f"bpf_{name}() would write over a dynptr", sure=False)


def _meets_dynptr(held: Held | None, off: int, size: int) -> bool:
    """Whether bytes of the main frame are a dynptr's."""
    return held is not None and any(one < off + size and off < one + _DYNPTR for one in held.dynptrs)


def _overwrite_iterator(walker: Walker, state: State, held: Held, off: int, size: int) -> None:
    """An iterator that is written over is none to whoever ends it, and is still held."""
    for ident, source in held.references:
        begins = ident + PLACE
        if source.endswith("_new()") and begins < off + size and off < begins + _WORD:
            walker.drop(state, ident)
            walker.acquire(state, ident - _LOST, source)


def slice_of(walker: Walker, slot: int, name: str, arguments: list[Value]) -> Pointer | None:
    """What bpf_dynptr_slice() and bpf_dynptr_slice_rdwr() give: memory, or null. Their buffer has to have the
    bytes that are asked for, whose number is a constant, and packets have to be written to where it is."""
    if name not in ("bpf_dynptr_slice", "bpf_dynptr_slice_rdwr"):
        return None
    length, room = arguments[4], arguments[3]
    size = length.number.value if length.kind == SCALAR and length.number.is_const else None
    if size is None and length.kind <= OPAQUE:
        sure = not walker.bounds_numbers
        walker.note("size", slot, f"{name}() gets a length that is not a constant", sure=sure)
    held, place = walker.held(walker.now), arguments[1]
    if size is not None and room.kind == STACK and room.off is not None:
        if room.off + size > 0:
            walker.note("bounds", slot, f"{name}() gets {-room.off} bytes of stack and takes {size}")
        elif not room.frame and _meets_dynptr(held, room.off, size):
            walker.note("bounds", slot, f"{name}() gets {size} bytes of stack with a dynptr among them")
    of_packet = held is not None and place.kind == STACK and place.off in held.of_packet
    if of_packet and name == "bpf_dynptr_slice_rdwr" and walker.program_type in READ_ONLY_PACKETS:
        walker.note(
            "packet", slot, "a slice to write to of the packet, which programs of this type only read"
        )
    return Pointer(MEMORY, slot, f"{name}()", size, "yes", readonly=name == "bpf_dynptr_slice")


def given_by(slot: int, name: str, signature: Signature | None, arguments: list[Value]) -> Pointer | None:
    """What a kernel function gives that may be null (KF_RET_NULL) and is no reference: an object, or memory
    of as many bytes as an argument says."""
    if signature is None or "ret_null" not in flags(name):
        return None
    length = arguments[SIZED[name]] if name in SIZED else None
    if length is not None:
        size = length.number.value if length.kind == SCALAR and length.number.is_const else None
        return Pointer(MEMORY, slot, f"{name}()", size, "yes")
    if not signature.gives:
        return None
    return Pointer(OBJECT, slot, f"{name}()", nullable="yes", struct=signature.gives)


def _called(name: str) -> str:
    return name if name.startswith("bpf_") else f"bpf_{name}"


def is_percpu(known: Pointer) -> bool:
    """Whether each CPU has one of what is behind a pointer, so that two helpers alone lead to it."""
    return known.kind == PERCPU or known.source.startswith(_ALLOCATED)


def of_this_cpu(slot: int, name: str, value: Value) -> Pointer:
    """What bpf_per_cpu_ptr() and bpf_this_cpu_ptr() give: an object, or memory of the variable's size that is
    only read (RET_PTR_TO_MEM_OR_BTF_ID). The former gives null for a CPU that is not there. What the program
    allocated it may write to."""
    known = value.data if isinstance(value.data, Pointer) else None
    source, nullable = f"bpf_{name}()", "yes" if name == "per_cpu_ptr" else "no"
    if known is None or not is_percpu(known):
        return Pointer(OBJECT, slot, source, nullable=nullable, readonly=True)
    if known.kind != PERCPU:
        return known._replace(ident=slot, source=source, nullable=nullable, held=False)
    if known.source.startswith(f"a {KPTR} in"):
        return Pointer(OBJECT, slot, source, nullable=nullable)
    kind = OBJECT if known.struct else MEMORY
    return Pointer(kind, slot, source, known.size, nullable, readonly=True, struct=known.struct)
