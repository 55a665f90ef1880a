# SPDX-License-Identifier: Apache-2.0
"""What helper calls do to memory the program passes, and whom they call back.

Source: the helper prototypes of the kernel (`struct bpf_func_proto` with ARG_PTR_TO_MEM,
ARG_PTR_TO_UNINIT_MEM, ARG_PTR_TO_MAP_KEY and ARG_PTR_TO_MAP_VALUE; kernel/bpf/helpers.c,
kernel/trace/bpf_trace.c, net/core/filter.c) and, for callbacks, the set_*_callback_state()
functions of kernel/bpf/verifier.c. A helper that is not listed may write anything behind
every pointer it gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from preflight.bytecode import scalars
from preflight.bytecode.helpers import HELPER_NAMES
from preflight.bytecode.state import NUMBER, OPAQUE, PRESENT, UNKNOWN, Value, scalar


class Access(NamedTuple):
    """One range of memory a helper touches.

    `pointer` is the argument register; `size` the register with the length in bytes, or a
    fixed number of bytes as a negative number, or the map in r1 says it ("key", "value").
    """

    pointer: int
    size: int | Literal["key", "value"]
    writes: bool


def _reads(pointer: int, size: int | Literal["key", "value"]) -> Access:
    return Access(pointer, size, False)


def _writes(pointer: int, size: int | Literal["key", "value"]) -> Access:
    return Access(pointer, size, True)


_BY_NAME: Final[dict[str, tuple[Access, ...]]] = {
    "map_lookup_elem": (_reads(2, "key"),),
    "map_lookup_percpu_elem": (_reads(2, "key"),),
    "map_update_elem": (_reads(2, "key"), _reads(3, "value")),
    "map_delete_elem": (_reads(2, "key"),),
    "map_push_elem": (_reads(2, "value"),),
    "map_pop_elem": (_writes(2, "value"),),
    "map_peek_elem": (_writes(2, "value"),),
    "probe_read": (_writes(1, 2),),
    "probe_read_str": (_writes(1, 2),),
    "probe_read_user": (_writes(1, 2),),
    "probe_read_kernel": (_writes(1, 2),),
    "probe_read_user_str": (_writes(1, 2),),
    "probe_read_kernel_str": (_writes(1, 2),),
    "probe_write_user": (_reads(2, 3),),
    "copy_from_user": (_writes(1, 2),),
    "copy_from_user_task": (_writes(1, 2),),
    "get_current_comm": (_writes(1, 2),),
    "get_stack": (_writes(2, 3),),
    "get_task_stack": (_writes(2, 3),),
    "get_func_arg": (_writes(3, -8),),
    "get_func_ret": (_writes(2, -8),),
    "get_ns_current_pid_tgid": (_writes(3, 4),),
    "d_path": (_writes(2, 3),),
    "trace_printk": (_reads(1, 2),),
    "trace_vprintk": (_reads(1, 2), _reads(3, 4)),
    "seq_printf": (_reads(2, 3), _reads(4, 5)),
    "seq_write": (_reads(2, 3),),
    "snprintf": (_writes(1, 2), _reads(4, 5)),
    "snprintf_btf": (_writes(1, 2), _reads(3, 4)),
    "strncmp": (_reads(1, 2),),
    "perf_event_output": (_reads(4, 5),),
    "skb_output": (_reads(4, 5),),
    "xdp_output": (_reads(4, 5),),
    "ringbuf_output": (_reads(2, 3),),
    "skb_load_bytes": (_writes(3, 4),),
    "skb_load_bytes_relative": (_writes(3, 4),),
    "skb_store_bytes": (_reads(3, 4),),
    "csum_diff": (_reads(1, 2), _reads(3, 4)),
    "sk_storage_get": (_reads(3, "value"),),
    "inode_storage_get": (_reads(3, "value"),),
    "task_storage_get": (_reads(3, "value"),),
    "cgrp_storage_get": (_reads(3, "value"),),
}


class Callback(NamedTuple):
    """A helper that calls a function of the program: the register with its address, and which of the
    callback's argument registers receives which of the helper's (the others hold values of the kernel's)."""

    function: int
    context: tuple[int, int] | None


_CALLBACKS_BY_NAME: Final = {
    "loop": Callback(2, (2, 3)),
    "for_each_map_elem": Callback(2, (4, 3)),
    "find_vma": Callback(3, (3, 4)),
    "user_ringbuf_drain": Callback(2, (2, 3)),
    "timer_set_callback": Callback(2, None),
}

_NUMBERS: Final = {name: number for number, name in HELPER_NAMES.items()}

#: Helper number -> the memory it touches. Not listed: unknown.
MEMORY: Final = {_NUMBERS[f"bpf_{name}"]: accesses for name, accesses in _BY_NAME.items()}

#: Helper number -> its callback.
CALLBACKS: Final = {_NUMBERS[f"bpf_{name}"]: callback for name, callback in _CALLBACKS_BY_NAME.items()}

#: The number of bpf_loop, which calls nothing back when asked for zero rounds.
LOOP: Final = _NUMBERS["bpf_loop"]

#: The helper that calls its callback once.
FIND_VMA: Final = _NUMBERS["bpf_find_vma"]

#: The number of bpf_map_lookup_elem.
LOOKUP: Final = _NUMBERS["bpf_map_lookup_elem"]


def _numbers(names: str) -> frozenset[int]:
    return frozenset(_NUMBERS[f"bpf_{name}"] for name in names.split())


#: Helpers that return a pointer or null (RET_PTR_TO_*_OR_NULL) and, above them, those whose pointer leads
#: to memory where numbers are, as in a map's values.
_MEMORY_OR_NULL: Final = _numbers(
    "map_lookup_elem map_lookup_percpu_elem ringbuf_reserve sk_storage_get inode_storage_get "
    "task_storage_get cgrp_storage_get dynptr_data"
)
_OR_NULL: Final = _MEMORY_OR_NULL | _numbers(
    "sk_lookup_tcp sk_lookup_udp skc_lookup_tcp sk_fullsock tcp_sock get_listener_sock skc_to_tcp6_sock "
    "skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock "
    "skc_to_mptcp_sock sock_from_file per_cpu_ptr kptr_xchg"
)
#: Helpers that return a pointer that is not null.
_NEVER_NULL: Final = _numbers("get_local_storage get_current_task_btf this_cpu_ptr task_pt_regs")

#: Helper number -> the register with the size that bounds its result (do_refine_retval_range() in
#: kernel/bpf/verifier.c): an error, or at most as many bytes.
_SIZED: Final = {
    _NUMBERS[f"bpf_{name}"]: size
    for name, size in {
        "get_stack": 3,
        "get_task_stack": 3,
        "probe_read_str": 2,
        "probe_read_user_str": 2,
        "probe_read_kernel_str": 2,
    }.items()
}
_PROCESSOR: Final = _NUMBERS["bpf_get_smp_processor_id"]
_MAX_ERRNO: Final = 4095


def leads_to_numbers(helper: int) -> bool:
    """Whether the result is null or leads to memory of numbers."""
    return helper in _MEMORY_OR_NULL


def helper_result(helper: int, arguments: Sequence[Value]) -> Value:
    """What the verifier that knows most knows of a helper's result; `arguments` are r0 to r5 before."""
    if helper in _OR_NULL:
        return UNKNOWN
    if helper in _NEVER_NULL or helper not in HELPER_NAMES:
        return PRESENT
    if helper == _PROCESSOR:
        return scalar(scalars.ZERO)  # all that a machine with one processor can give
    size = _SIZED.get(helper)
    if size is None:
        return NUMBER
    number = arguments[size].number
    most = min(number.umax, scalars.S32_MAX) if arguments[size].kind <= OPAQUE else 0
    made = scalars.Scalar(smin=-_MAX_ERRNO, smax=most, xmin=-_MAX_ERRNO, xmax=most)
    return scalar(scalars.settle(made) or scalars.ZERO)


#: Kernel functions that never return to the program.
NO_RETURN: Final = frozenset({"bpf_throw"})


def is_iterator_next(kfunc: str | None) -> bool:
    """Whether a kernel function may be the step of an open-coded iterator, by the name the kernel requires
    (check_kfunc_is_iter: `bpf_iter_<type>_next`); True when the name is not known."""
    return kfunc is None or kfunc.endswith("_next")
