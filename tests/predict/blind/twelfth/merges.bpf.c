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
SEC("socket") __attribute__((naked)) int q_merge(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r6 = 4;"
	"if r1 == 7 goto 1f;"
	"r6 = 44;"
	"1:"
	"r0 += r6;"
	"r1 = *(u32 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_merge_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r6 = 4;"
	"if r1 == 7 goto 1f;"
	"r6 = 45;"
	"1:"
	"r0 += r6;"
	"r1 = *(u32 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_merge_late(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r6 = 4;"
	"if r1 == 7 goto 1f;"
	"r6 = 60;"
	"1:"
	"r2 = *(u64 *)(r0 + 8);"
	"if r2 == 3 goto 9f;"
	"r0 += r6;"
	"r1 = *(u32 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_merge_stack(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"*(u64 *)(r10 - 16) = 4;"
	"if r1 == 7 goto 1f;"
	"*(u64 *)(r10 - 16) = 60;"
	"1:"
	"r6 = *(u64 *)(r10 - 16);"
	"r0 += r6;"
	"r1 = *(u32 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_merge_stack_reg(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = 4;"
	"*(u64 *)(r10 - 16) = r2;"
	"if r1 == 7 goto 1f;"
	"r2 = 60;"
	"*(u64 *)(r10 - 16) = r2;"
	"1:"
	"r6 = *(u64 *)(r10 - 16);"
	"r0 += r6;"
	"r1 = *(u32 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_merge_ptr(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r6 = r0;"
	"if r1 == 7 goto 1f;"
	"r6 = 0;"
	"1:"
	"r1 = *(u32 *)(r6 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_merge_ptr_check(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r6 = r0;"
	"if r1 == 7 goto 1f;"
	"r6 = 0;"
	"1:"
	"if r6 == 0 goto 9f;"
	"r1 = *(u32 *)(r6 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_uninit_branch(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 == 7 goto 1f;"
	"r7 = 1;"
	"1:"
	"r1 = r7;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_uninit_stack(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 == 7 goto 1f;"
	"*(u64 *)(r10 - 32) = 1;"
	"1:"
	"r1 = *(u64 *)(r10 - 32);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("raw_tp/sys_enter") __attribute__((naked)) int q_uninit_stack_rp(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 == 7 goto 1f;"
	"*(u64 *)(r10 - 32) = 1;"
	"1:"
	"r1 = *(u64 *)(r10 - 32);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_neg_idx(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 s> 10 goto 9f;"
	"if r1 s< -10 goto 9f;"
	"r0 += 16;"
	"r0 += r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_neg_idx_un(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 s> 10 goto 9f;"
	"if r1 s< -20 goto 9f;"
	"r0 += 16;"
	"r0 += r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_neg_idx_off(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 s> 10 goto 9f;"
	"if r1 s< -10 goto 9f;"
	"r0 += r1;"
	"r1 = *(u8 *)(r0 + 12);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_sub_var(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 15;"
	"r0 += 20;"
	"r0 -= r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_sub_var_un(void *ctx)
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
	"r0 += 20;"
	"r0 -= r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_sub_self(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 15;"
	"r2 = r0;"
	"r2 += r1;"
	"r2 -= r1;"
	"r1 = *(u8 *)(r2 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_sub_self16(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 15;"
	"r2 = r0;"
	"r2 += 16;"
	"r2 += r1;"
	"r2 -= r1;"
	"r1 = *(u8 *)(r2 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_num_minus_ptr(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = 64;"
	"r1 -= r0;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_ptr_plus_ptr(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r1 += r0;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_add(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u32 *)(r0 + 0);"
	"r2 = r1;"
	"r2 += 8;"
	"if r1 > 30 goto 9f;"
	"r0 += r2;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_add_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u32 *)(r0 + 0);"
	"r2 = r1;"
	"r2 += 8;"
	"if r1 > 33 goto 9f;"
	"r0 += r2;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_sub(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u32 *)(r0 + 0);"
	"r2 = r1;"
	"r2 += -8;"
	"if r2 > 30 goto 9f;"
	"r0 += r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_w(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"w1 = *(u32 *)(r0 + 0);"
	"w2 = w1;"
	"w2 += 8;"
	"if w1 > 30 goto 9f;"
	"r0 += r2;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_mul(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u32 *)(r0 + 0);"
	"r2 = r1;"
	"r2 *= 2;"
	"if r1 > 10 goto 9f;"
	"r0 += r2;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_stack(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"*(u64 *)(r10 - 16) = r1;"
	"r2 = *(u64 *)(r10 - 16);"
	"if r2 > 30 goto 9f;"
	"r3 = *(u64 *)(r10 - 16);"
	"r0 += r3;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_link_stack32(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u32 *)(r0 + 0);"
	"*(u32 *)(r10 - 16) = r1;"
	"if r1 > 30 goto 9f;"
	"r3 = *(u32 *)(r10 - 16);"
	"r0 += r3;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_eq_regs(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = *(u64 *)(r0 + 8);"
	"if r1 > 40 goto 9f;"
	"if r2 != r1 goto 9f;"
	"r0 += r2;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_ne_end(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 > 41 goto 9f;"
	"if r1 == 41 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_ne_start(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 7;"
	"if r1 == 0 goto 9f;"
	"r1 += -1;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_and_neg(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= -8;"
	"if r1 > 40 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_min_max(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = *(u64 *)(r0 + 8);"
	"if r1 > r2 goto 9f;"
	"if r2 > 40 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_min_max_rev(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = *(u64 *)(r0 + 8);"
	"if r2 > 40 goto 9f;"
	"if r1 > r2 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_shift_pair(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 <<= 32;"
	"r1 >>= 32;"
	"if r1 > 40 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_shift_pair_s(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 <<= 32;"
	"r1 s>>= 32;"
	"if r1 s> 40 goto 9f;"
	"if r1 s< 0 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_check_shift(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = r1;"
	"r2 <<= 32;"
	"r2 >>= 32;"
	"if r2 > 40 goto 9f;"
	"r0 += r2;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_check_wrong(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = r1;"
	"r2 <<= 32;"
	"r2 >>= 32;"
	"if r2 > 40 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_mul_neg(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 3;"
	"r1 *= -4;"
	"r0 += 16;"
	"r0 += r1;"
	"r1 = *(u8 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_or_const(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 3;"
	"r1 |= 32;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_xor_self(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 ^= r1;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_sub_selfreg(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 -= r1;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_and_zero(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 0;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_mul_zero(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 *= 0;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_neg_twice(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 15;"
	"r1 = -r1;"
	"r1 = -r1;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_jset_in(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 & -16 goto 9f;"
	"r0 += r1;"
	"r1 = *(u64 *)(r0 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_jset_taken(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r1 &= 15;"
	"if r1 & 16 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_cmp_reg(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u8 *)(r0 + 0);"
	"r2 = *(u8 *)(r0 + 1);"
	"r2 += 256;"
	"if r1 < r2 goto 9f;"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_cmp_self(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 == r1 goto 9f;"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_eq_range(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u8 *)(r0 + 0);"
	"if r1 == 300 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_ne_range(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u8 *)(r0 + 0);"
	"if r1 != 300 goto 9f;"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_after(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 > 10 goto 9f;"
	"if r1 > 20 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_s_after(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"if r1 s> 10 goto 9f;"
	"if r1 s> 20 goto 1f;"
	"goto 9f;"
	"1:"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int q_dead_copy(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 0);"
	"r2 = r1;"
	"if r1 != 5 goto 9f;"
	"if r2 == 5 goto 9f;"
	"r1 = *(u64 *)(r0 + 400);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}
