// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v4
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
struct v48 { char b[48]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, struct v48); } arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u64); __type(value, struct v48); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u64); __type(value, __u64); } hash2 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } jmp SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } pev SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
char glob[16] = {1}; const volatile unsigned long long ro = 77;
SEC("socket") __attribute__((naked)) int m_ptr_spill(void *ctx)
{
	asm volatile(
	"r1 = %[hash] ll;"
	"*(u64 *)(r10 - 16) = r1;"
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = *(u64 *)(r10 - 16);"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ptr_store(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = %[hash] ll;"
	"*(u64 *)(r0 + 0) = r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_delete(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 3;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_upd(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r3 = r0;"
	"r2 = r10;"
	"r2 += -8;"
	"r4 = 0;"
	"r1 = %[hash] ll;"
	"call 2;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_upd_short(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r3 = r0;"
	"r3 += 8;"
	"r2 = r10;"
	"r2 += -8;"
	"r4 = 0;"
	"r1 = %[hash] ll;"
	"call 2;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_upd_nullval(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r3 = 0;"
	"r4 = 0;"
	"r1 = %[hash] ll;"
	"call 2;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_upd_maybe(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r3 = r0;"
	"r2 = r10;"
	"r2 += -8;"
	"r4 = 0;"
	"r1 = %[hash] ll;"
	"call 2;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_key_maybe(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r2 = r0;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_two_checks(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r6 = r0;"
	"r7 = r0;"
	"if r6 == 0 goto 9f;"
	"r1 = *(u8 *)(r7 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_two_lookups(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r6 = r0;"
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u8 *)(r6 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_null_arith_after(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r0 += 4;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u8 *)(r0 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_null_stack(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"*(u64 *)(r10 - 16) = r0;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r10 - 16);"
	"r1 = *(u8 *)(r1 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_null_other(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"*(u64 *)(r10 - 16) = r0;"
	"r1 = *(u64 *)(r10 - 16);"
	"if r1 == 0 goto 9f;"
	"r1 = *(u8 *)(r0 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_cmp_vals(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r6 = r0;"
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r6 == 0 goto 9f;"
	"if r0 != r6 goto 9f;"
	"r1 = *(u8 *)(r0 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_cmp_fp(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r6 = r10;"
	"if r0 != r6 goto 9f;"
	"r1 = *(u8 *)(r0 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_glob_hi(void *ctx)
{
	asm volatile(
	"r1 = %[glob] ll;"
	"r0 = *(u64 *)(r1 + 8);"
	"r0 = 0;"
	"exit;"
	:: [glob]"i"(&glob) : "memory");
}

SEC("socket") __attribute__((naked)) int m_glob_over(void *ctx)
{
	asm volatile(
	"r1 = %[glob] ll;"
	"r0 = *(u64 *)(r1 + 16);"
	"r0 = 0;"
	"exit;"
	:: [glob]"i"(&glob) : "memory");
}

SEC("socket") __attribute__((naked)) int m_glob_var(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 15;"
	"r1 = %[glob] ll;"
	"r1 += r2;"
	"r0 = *(u8 *)(r1 + 0);"
	"r0 = 0;"
	"exit;"
	:: [glob]"i"(&glob) : "memory");
}

SEC("socket") __attribute__((naked)) int m_glob_var_over(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 31;"
	"r1 = %[glob] ll;"
	"r1 += r2;"
	"r0 = *(u8 *)(r1 + 0);"
	"r0 = 0;"
	"exit;"
	:: [glob]"i"(&glob) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ro_write(void *ctx)
{
	asm volatile(
	"r1 = %[ro] ll;"
	"*(u32 *)(r1 + 0) = 1;"
	"r0 = 0;"
	"exit;"
	:: [ro]"i"(&ro) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ro_read(void *ctx)
{
	asm volatile(
	"r1 = %[ro] ll;"
	"r0 = *(u32 *)(r1 + 0);"
	"if r0 == 77 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [ro]"i"(&ro) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ro_key(void *ctx)
{
	asm volatile(
	"r2 = %[ro] ll;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash), [ro]"i"(&ro) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int m_ro_dst(void *ctx)
{
	asm volatile(
	"r1 = %[ro] ll;"
	"r2 = 8;"
	"r3 = 0;"
	"call 113;"
	"r0 = 0;"
	"exit;"
	:: [ro]"i"(&ro) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_q(void *ctx)
{
	asm volatile(
	"r1 = %[rb] ll;"
	"r2 = 0;"
	"call 134;"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_lookup(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[rb] ll;"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_big(void *ctx)
{
	asm volatile(
	"r1 = %[rb] ll;"
	"r2 = 8192;"
	"r3 = 0;"
	"call 131;"
	"if r0 == 0 goto 9f;"
	"*(u64 *)(r0 + 8184) = 0;"
	"r1 = r0;"
	"r2 = 0;"
	"call 133;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_flag(void *ctx)
{
	asm volatile(
	"r1 = %[rb] ll;"
	"r2 = 8;"
	"r3 = 5;"
	"call 131;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = 0;"
	"call 133;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_submitfp(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r1 = r10;"
	"r1 += -8;"
	"r2 = 0;"
	"call 132;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_spill(void *ctx)
{
	asm volatile(
	"r1 = %[rb] ll;"
	"r2 = 8;"
	"r3 = 0;"
	"call 131;"
	"*(u64 *)(r10 - 8) = r0;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r10 - 8);"
	"r2 = 0;"
	"call 133;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_lost(void *ctx)
{
	asm volatile(
	"r1 = %[rb] ll;"
	"r2 = 8;"
	"r3 = 0;"
	"call 131;"
	"if r0 == 0 goto 9f;"
	"*(u64 *)(r10 - 8) = r0;"
	"r0 = 0;"
	"*(u64 *)(r10 - 8) = 0;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_out(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r1 = %[rb] ll;"
	"r2 = r10;"
	"r2 += -8;"
	"r3 = 8;"
	"r4 = 0;"
	"call 130;"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ringbuf_out_un(void *ctx)
{
	asm volatile(
	"*(u32 *)(r10 - 8) = 0;"
	"r1 = %[rb] ll;"
	"r2 = r10;"
	"r2 += -8;"
	"r3 = 8;"
	"r4 = 0;"
	"call 130;"
	"r0 = 0;"
	"exit;"
	:: [rb]"i"(&rb) : "memory");
}

SEC("socket") __attribute__((naked)) int l_const(void *ctx)
{
	asm volatile(
	"r0 = 0;"
	"r1 = 0;"
	"1:"
	"r1 += 1;"
	"r0 += r1;"
	"if r1 < 100 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_slt(void *ctx)
{
	asm volatile(
	"r1 = -50;"
	"1:"
	"r1 += 1;"
	"if r1 s< 50 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_ne_jump(void *ctx)
{
	asm volatile(
	"r1 = 1;"
	"1:"
	"r1 <<= 1;"
	"if r1 != 0 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_shift(void *ctx)
{
	asm volatile(
	"r1 = *(u32 *)(r1 + 0);"
	"1:"
	"r1 >>= 1;"
	"if r1 != 0 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_bound_var(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 31;"
	"r3 = 0;"
	"1:"
	"r3 += 1;"
	"if r3 < r2 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_unb_var(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r3 = 0;"
	"1:"
	"r3 += 1;"
	"if r3 < r2 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_nested(void *ctx)
{
	asm volatile(
	"r1 = 0;"
	"2:"
	"r2 = 0;"
	"1:"
	"r2 += 1;"
	"if r2 < 20 goto 1b;"
	"r1 += 1;"
	"if r1 < 20 goto 2b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_break(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"r7 = 0;"
	"1:"
	"r0 = *(u32 *)(r6 + 0);"
	"if r0 == 3 goto 9f;"
	"r7 += 1;"
	"if r7 < 50 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_idx(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"r2 = r0;"
	"r2 += r1;"
	"*(u8 *)(r2 + 0) = 1;"
	"r1 += 1;"
	"if r1 < 48 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_idx_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"r2 = r0;"
	"r2 += r1;"
	"*(u8 *)(r2 + 0) = 1;"
	"r1 += 1;"
	"if r1 < 49 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_idx_stack(void *ctx)
{
	asm volatile(
	"r1 = 0;"
	"1:"
	"r2 = r10;"
	"r2 -= r1;"
	"*(u8 *)(r2 - 1) = 1;"
	"r1 += 1;"
	"if r1 < 64 goto 1b;"
	"r0 = *(u8 *)(r10 - 64);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_idx_stack_over(void *ctx)
{
	asm volatile(
	"r1 = 0;"
	"1:"
	"r2 = r10;"
	"r2 -= r1;"
	"*(u8 *)(r2 - 1) = 1;"
	"r1 += 1;"
	"if r1 < 513 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_ptr_walk(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"*(u8 *)(r0 + 0) = 1;"
	"r0 += 1;"
	"r1 += 1;"
	"if r1 < 48 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_ptr_walk_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"*(u8 *)(r0 + 0) = 1;"
	"r0 += 1;"
	"r1 += 1;"
	"if r1 < 49 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_call(void *ctx)
{
	asm volatile(
	"r6 = 0;"
	"1:"
	"call 7;"
	"r6 += 1;"
	"if r6 < 10 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_call_clob(void *ctx)
{
	asm volatile(
	"r1 = 0;"
	"1:"
	"call 7;"
	"r1 += 1;"
	"if r1 < 10 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_maygoto_idx(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"may_goto 9f;"
	"r2 = r0;"
	"r2 += r1;"
	"*(u8 *)(r2 + 0) = 1;"
	"r1 += 1;"
	"if r1 < 48 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_maygoto_un(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"may_goto 9f;"
	"r2 = r0;"
	"r2 += r1;"
	"*(u8 *)(r2 + 0) = 1;"
	"r1 += 1;"
	"goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_maygoto_mask(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 0;"
	"1:"
	"may_goto 9f;"
	"r2 = r0;"
	"r3 = r1;"
	"r3 &= 31;"
	"r2 += r3;"
	"*(u8 *)(r2 + 0) = 1;"
	"r1 += 1;"
	"goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int l_dec_ne(void *ctx)
{
	asm volatile(
	"r1 = 64;"
	"1:"
	"r1 += -1;"
	"if r1 != 0 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}
