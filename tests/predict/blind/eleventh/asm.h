/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pieces of programs in assembler: maps, a lookup, and one program a line. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

char LICENSE[] SEC("license") = "GPL";

struct val { struct bpf_spin_lock l; u32 pad; u64 n; };
struct tval { struct bpf_timer t; u64 n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, struct val); } locked SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, struct tval); } timed SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u64); __uint(value_size, 48); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } jmp SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } arr SEC(".maps");

#define P(sec, name, body) SEC(sec) __attribute__((naked)) int name(void) { asm volatile(body :: [hash]"i"(&hash), [arr]"i"(&arr), [jmp]"i"(&jmp), [locked]"i"(&locked), [timed]"i"(&timed) : "memory"); }
#define LOOK "r1 = 0; *(u64 *)(r10 - 8) = r1; r2 = r10; r2 += -8; r1 = %[hash] ll; call 1; if r0 != 0 goto +2; r0 = 0; exit;"
#define LOOKL "r1 = 0; *(u64 *)(r10 - 8) = r1; r2 = r10; r2 += -8; r1 = %[locked] ll; call 1; if r0 != 0 goto +2; r0 = 0; exit; r6 = r0;"
#define RND "call 7;"
#define PKT "r6 = r1; r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80); r7 = r2; r8 = r3;"
