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
SEC("socket") __attribute__((naked)) int q_dead_w(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if w1 > 10 goto 9f;"
	"if w1 > 20 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_nullval(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"if r0 == 0 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_fp(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r10;"
	"if r1 == 0 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_ctxspill(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 1;"
	"r1 += 1;"
	"if r1 == 0 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_write_end(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"*(u64 *)(r0 + 40) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_write_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"*(u64 *)(r0 + 44) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_write_var(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 31;"
	"r0 += r1;"
	"*(u32 *)(r0 + 13) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_write_var_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 31;"
	"r0 += r1;"
	"*(u32 *)(r0 + 14) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_ptr_from_val(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 = *(u64 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_xadd(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 1;"
	"lock *(u64 *)(r0 + 40) += r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_xadd_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 1;"
	"lock *(u64 *)(r0 + 44) += r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_xadd_mis(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 1;"
	"lock *(u64 *)(r0 + 12) += r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_xadd_ptr(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r10;"
	"lock *(u64 *)(r0 + 8) += r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_xchg_ptr(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r1 = xchg_64(r0 + 8, r1);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_and_atomic(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 1;"
	"lock *(u64 *)(r0 + 8) &= r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_fetch_idx(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 1;"
	"r1 = atomic_fetch_add((u64 *)(r0 + 8), r1);"
	"r0 += r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int v_cmpxchg_idx(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r6 = r0;"
	"r0 = 0;"
	"r1 = 1;"
	"r0 = cmpxchg_64(r6 + 8, r0, r1);"
	"r0 &= 15;"
	"r6 += r0;"
	"r1 = *(u8 *)(r6 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int k_fill_part(void *ctx)
{
	asm volatile(
	"r2 = 0x1234;"
	"*(u64 *)(r10 - 8) = r2;"
	"r0 = *(u16 *)(r10 - 8);"
	"if r0 == 0x1234 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fill_zero8(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r0 = *(u8 *)(r10 - 5);"
	"if r0 == 0 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fill_zero_parts(void *ctx)
{
	asm volatile(
	"r2 = 0;"
	"*(u32 *)(r10 - 8) = r2;"
	"*(u32 *)(r10 - 4) = r2;"
	"r0 = *(u64 *)(r10 - 8);"
	"if r0 == 0 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fill_32_of_64(void *ctx)
{
	asm volatile(
	"r2 = 7;"
	"*(u64 *)(r10 - 8) = r2;"
	"r0 = *(u32 *)(r10 - 8);"
	"if r0 == 7 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fill_upper(void *ctx)
{
	asm volatile(
	"r2 = 7;"
	"*(u64 *)(r10 - 8) = r2;"
	"r0 = *(u32 *)(r10 - 4);"
	"if r0 == 0 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_spill32_imm(void *ctx)
{
	asm volatile(
	"*(u32 *)(r10 - 8) = 7;"
	"r0 = *(u32 *)(r10 - 8);"
	"if r0 == 7 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_spill64_imm(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 7;"
	"r0 = *(u64 *)(r10 - 8);"
	"if r0 == 7 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_spill_neg(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = -1;"
	"r0 = *(u32 *)(r10 - 8);"
	"if r0 == -1 goto 1f;"
	"goto 9f;"
	"1:"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_overwrite(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = r1;"
	"*(u8 *)(r10 - 1) = 0;"
	"r2 = *(u64 *)(r10 - 8);"
	"r0 = *(u32 *)(r2 + 0);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fill_ptr_off(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = r1;"
	"r2 = *(u64 *)(r10 - 12);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_read_ptr_bytes(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = r1;"
	"r2 = *(u8 *)(r10 - 8);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("raw_tp/sys_enter") __attribute__((naked)) int k_read_ptr_bytes_rp(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = r1;"
	"r2 = *(u8 *)(r10 - 8);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_var_ok(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 8;"
	"r3 = r10;"
	"r3 += -16;"
	"r3 += r2;"
	"r0 = *(u64 *)(r3 + 0);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_var_oob(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 16;"
	"r3 = r10;"
	"r3 += -16;"
	"r3 += r2;"
	"r0 = *(u64 *)(r3 + 0);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_var_w_then_read(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 8;"
	"r3 = r10;"
	"r3 += -16;"
	"r3 += r2;"
	"*(u64 *)(r3 + 0) = 5;"
	"r0 = *(u64 *)(r10 - 16);"
	"if r0 == 0 goto 9f;"
	"r0 = 0;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_var_w_ptr(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 8;"
	"r3 = r10;"
	"r3 += -16;"
	"r3 += r2;"
	"*(u64 *)(r3 + 0) = r10;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_var_w_zero_keep(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"r4 = 0;"
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 8;"
	"r3 = r10;"
	"r3 += -16;"
	"r3 += r2;"
	"*(u64 *)(r3 + 0) = r4;"
	"r0 = *(u64 *)(r10 - 16);"
	"if r0 == 0 goto 9f;"
	"r0 = *(u64 *)(r1 + 4000);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_misalign_spill(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 12) = r1;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_helper_partial(void *ctx)
{
	asm volatile(
	"*(u32 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int k_helper_over(void *ctx)
{
	asm volatile(
	"r1 = r10;"
	"r1 += -8;"
	"r2 = 16;"
	"r3 = 0;"
	"call 113;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int k_helper_deep(void *ctx)
{
	asm volatile(
	"r1 = r10;"
	"r1 += -520;"
	"r2 = 16;"
	"r3 = 0;"
	"call 113;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int k_helper_clob(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = r1;"
	"r6 = r1;"
	"r1 = r10;"
	"r1 += -8;"
	"r2 = 8;"
	"r3 = 0;"
	"call 113;"
	"r1 = *(u64 *)(r10 - 8);"
	"r0 = *(u64 *)(r1 + 0);"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fp_cmp(void *ctx)
{
	asm volatile(
	"r2 = r10;"
	"r2 += -8;"
	"r3 = r10;"
	"if r2 == r3 goto 9f;"
	"*(u64 *)(r2 + 0) = 0;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fp_minus_fp(void *ctx)
{
	asm volatile(
	"r2 = r10;"
	"r2 += -8;"
	"r3 = r10;"
	"r3 -= r2;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fp_mask(void *ctx)
{
	asm volatile(
	"r2 = r10;"
	"r2 &= -8;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int k_fp_store_in_map(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r10;"
	"*(u64 *)(r0 + 0) = r1;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("tc") __attribute__((naked)) int k_fp_store_ctx(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 48) = r10;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_mask(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 &= 31;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_mask_over(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 &= 63;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_jgt(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if r2 > 32 goto 9f;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_jgt_over(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if r2 > 33 goto 9f;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_jsgt(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if r2 s> 32 goto 9f;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_jsgt_both(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if r2 s> 32 goto 9f;"
	"if r2 s< 0 goto 9f;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_w(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if w2 > 32 goto 9f;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_w_mov(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if w2 > 32 goto 9f;"
	"w2 = w2;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}
