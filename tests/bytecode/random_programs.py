# SPDX-License-Identifier: Apache-2.0
"""Random BPF programs the verifier mostly takes: numbers, stack, branches, calls, loops, constant data.

They are made to be hard on constant folding, not to do anything: every value is a number
or a pointer to the stack, every jump goes forward except that of counted loops.
"""

from __future__ import annotations

import random

from preflight.host.bpf import asm

WIDTHS = (1, 2, 4, 8)
ALU_OPS = ("add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "mod", "xor", "arsh")
PRANDOM, PROBE_READ_KERNEL = 7, 113

CONDITIONS = ("eq", "ne", "gt", "ge", "lt", "le", "set", "sgt", "sge", "slt", "sle")
IMMEDIATES = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 64, 255, 256, 4096, -1, -2, -5, 0x7FFFFFFF, -0x80000000)


class Writer:
    """Writes one program; numbers live in r0 and r6..r9, r1..r5 are scratch."""

    def __init__(self, seed: int, data_fd: int, data: bytes) -> None:
        self.rng = random.Random(seed)
        self.data_fd = data_fd
        self.data = data
        self.code: list[bytes] = []
        self.slots = 0
        self.patches: list[tuple[int, int]] = []
        self.data_loads: dict[int, int] = {}

    def put(self, raw: bytes) -> None:
        self.code.append(raw)
        self.slots += len(raw) // 8

    def register(self) -> int:
        return self.rng.choice((0, 6, 7, 8, 9))

    def number(self) -> None:
        """A new value for some register."""
        r, rng = self.register(), self.rng
        kind = rng.randrange(8)
        if kind < 3:
            self.put(asm.mov(r, rng.choice(IMMEDIATES)))
        elif kind == 3:
            self.put(asm.ldimm64(r, rng.choice((1 << 32, (1 << 63) - 1, 1 << 63, 0xFFFFFFFF00000000, 12345))))
        elif kind == 4:
            self.put(asm.call(PRANDOM))
            if rng.random() < 0.7:
                self.put(asm.alu("and", 0, rng.choice((1, 3, 15, 255, 0x100))))
            self.put(asm.mov_reg(r, 0))
            for scratch in (1, 2, 3):
                self.put(asm.mov(scratch, rng.choice(IMMEDIATES)))
        elif kind == 5:
            self.put(asm.mov_reg(r, self.register()))
        elif kind == 6:
            self.put(asm.alu("mov", r, src=self.register(), wide=False))
        else:
            size = rng.choice(WIDTHS)
            offset = rng.randrange(0, len(self.data) - 8, 8) + rng.randrange(0, 8, size)
            self.data_loads[self.slots] = 0
            self.put(asm.map_value(1, self.data_fd, 0))
            self.put(asm.load(size, r, 1, offset))
            self.put(asm.mov(1, 0))

    def arithmetic(self) -> None:
        rng = self.rng
        wide = rng.random() < 0.6
        op = rng.choice(ALU_OPS)
        if rng.random() < 0.08:
            self.put(asm.insn(0x87 if wide else 0x84, self.register()))  # negation
        elif rng.random() < 0.05:
            self.put(asm.insn(rng.choice((0xD4, 0xDC, 0xD7)), self.register(), imm=rng.choice((16, 32, 64))))
        elif op in ("lsh", "rsh", "arsh"):
            self.put(asm.alu(op, self.register(), rng.randrange(0, 64 if wide else 32), wide=wide))
        elif rng.random() < 0.5:
            imm = rng.choice(IMMEDIATES)
            self.put(asm.alu(op, self.register(), imm if imm or op not in ("div", "mod") else 1, wide=wide))
        else:
            self.put(asm.alu(op, self.register(), src=self.register(), wide=wide))

    def stack(self) -> None:
        rng = self.rng
        size = rng.choice(WIDTHS)
        offset = -8 * rng.randrange(1, 5) + rng.randrange(0, 8, size)
        kind = rng.randrange(8)
        if kind < 3:
            self.put(asm.store(size, 10, offset, self.register()))
        elif kind == 3:
            self.put(asm.store_imm(size, 10, offset, rng.choice(IMMEDIATES)))
        elif kind < 6:
            self.put(asm.load(size, self.register(), 10, offset))
        elif kind == 6:
            self.put(asm.mov_reg(1, 10))
            self.put(asm.alu("add", 1, -8 * rng.randrange(1, 5)))
            self.put(asm.store(size, 1, 0, self.register()))
            self.put(asm.mov(1, 0))
        else:
            self.put(asm.mov_reg(1, 10))
            self.put(asm.alu("add", 1, -8 * rng.randrange(1, 5)))
            self.put(asm.mov(2, size))
            self.put(asm.mov(3, 0))
            self.put(asm.call(PROBE_READ_KERNEL))

    def atomic(self) -> None:
        """An atomic operation on the stack: add, fetch-and-add, exchange or compare-and-exchange."""
        size = self.rng.choice((4, 8))
        offset = -8 * self.rng.randrange(1, 5)
        source = self.rng.choice((6, 7, 8, 9))
        self.put(asm.atomic(size, 10, offset, source, self.rng.choice((0x00, 0x01, 0x50, 0xE1, 0xF1))))

    def condition(self, off: int) -> bytes:
        rng = self.rng
        op, wide = rng.choice(CONDITIONS), rng.random() < 0.6
        if rng.random() < 0.75:
            return asm.jump(op, self.register(), rng.choice(IMMEDIATES), off, wide=wide)
        return asm.jump_reg(op, self.register(), self.register(), off, wide=wide)

    def block(self, depth: int, length: int) -> None:
        for _ in range(length):
            kind = self.rng.randrange(12)
            if kind < 3:
                self.number()
            elif kind < 6:
                self.arithmetic()
            elif kind < 8:
                if self.rng.random() < 0.1:
                    self.atomic()
                else:
                    self.stack()
            elif depth < 4:
                self.branch(depth)
            elif kind == 11:
                self.number()

    def branch(self, depth: int) -> None:
        rng = self.rng
        shape = rng.randrange(10)
        if shape == 0 and depth < 2:
            if rng.random() < 0.3:
                self.open_loop(depth)
            else:
                self.loop(depth)
            return
        at = len(self.code)
        start = self.slots + 1
        self.put(self.condition(0))
        self.block(depth + 1, rng.randrange(1, 5))
        if shape < 5:
            self.fix(at, start)
            return
        over, over_start = len(self.code), self.slots + 1
        self.put(asm.goto(0))
        self.fix(at, start)
        self.block(depth + 1, rng.randrange(1, 5))
        self.fix(over, over_start)

    def fix(self, at: int, start: int) -> None:
        """Lets the jump at index `at` of the code go to the present end."""
        raw = bytearray(self.code[at])
        raw[2:4] = (self.slots - start).to_bytes(2, "little", signed=True)
        self.code[at] = bytes(raw)

    def loop(self, depth: int) -> None:
        """A counted loop; the counter lies on the stack where nothing else is."""
        rounds = self.rng.randrange(2, 6)
        self.put(asm.store_imm(8, 10, -48, 0) if self.rng.random() < 0.3 else asm.mov(1, 0))
        if self.code[-1] == asm.mov(1, 0):
            self.put(asm.store(8, 10, -48, 1))
        top = self.slots
        self.block(depth + 2, self.rng.randrange(1, 4))
        self.put(asm.load(8, 1, 10, -48))
        self.put(asm.alu("add", 1, 1))
        self.put(asm.store(8, 10, -48, 1))
        self.put(asm.jump("lt", 1, rounds, top - self.slots - 1))
        self.put(asm.mov(1, 0))

    def open_loop(self, depth: int) -> None:
        """A may_goto loop: the verifier does not count its rounds but forgets what changes in them."""
        top = self.slots
        at = len(self.code)
        self.put(asm.may_goto(0))
        self.block(depth + 2, self.rng.randrange(1, 4))
        self.put(asm.goto(top - self.slots - 1))
        self.fix(at, top + 1)

    def prologue(self) -> None:
        for register in (6, 7, 8, 9):
            self.put(asm.mov(register, self.rng.choice(IMMEDIATES)))
        self.put(asm.mov(0, self.rng.choice(IMMEDIATES)))
        for offset in (-8, -16, -24, -32):
            self.put(asm.store(8, 10, offset, self.rng.choice((0, 6, 7, 8, 9))))

    def call(self) -> None:
        """A call whose target is filled in at the end: two numbers and a pointer to the caller's stack."""
        self.put(asm.mov_reg(1, self.register()))
        self.put(asm.mov_reg(2, self.register()))
        self.put(asm.mov_reg(3, 10))
        self.put(asm.alu("add", 3, -8 * self.rng.randrange(1, 5)))
        self.patches.append((len(self.code), self.slots))
        self.put(asm.call_local(0))

    def function(self, *, main: bool) -> None:
        if not main:
            self.put(asm.mov_reg(6, 1))
            self.put(asm.mov_reg(7, 2))
            for register in (0, 8, 9):
                self.put(asm.mov(register, self.rng.choice(IMMEDIATES)))
            if self.rng.random() < 0.6:
                self.put(asm.load(self.rng.choice(WIDTHS), self.rng.choice((8, 9)), 3, 0))
            if self.rng.random() < 0.6:
                self.put(asm.store(self.rng.choice(WIDTHS), 3, 0, self.rng.choice((6, 8, 9))))
            for offset in (-8, -16, -24, -32):
                self.put(asm.store(8, 10, offset, self.rng.choice((6, 7, 8))))
        else:
            self.prologue()
        for _ in range(self.rng.randrange(2, 5)):
            self.block(0, self.rng.randrange(2, 7))
            if main and self.rng.random() < 0.4:
                self.call()
        self.put(asm.exit_())


def write(seed: int, data_fd: int, data: bytes) -> tuple[bytes, tuple[int, ...], dict[int, int]]:
    """A program: its code, its functions' entry slots, and {slot: offset} of its constant data loads."""
    writer = Writer(seed, data_fd, data)
    writer.function(main=True)
    entries = [0]
    if writer.patches:
        entries.append(writer.slots)
        writer.function(main=False)
        for index, slot in writer.patches:
            writer.code[index] = asm.call_local(entries[1] - slot - 1)
    return b"".join(writer.code), tuple(entries), writer.data_loads
