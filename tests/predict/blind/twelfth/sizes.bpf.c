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
SEC("kprobe/vfs_read") __attribute__((naked)) int z_neg1(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 = -1;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_0(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 = 0;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_32(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 = 32;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_33(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 = 33;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_mod(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 %%= 33;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_div(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 >>= 60;"
	"r2 *= 2;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_sub(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 &= 15;"
	"r3 = 32;"
	"r3 -= r2;"
	"r2 = r3;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_spilled(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"*(u64 *)(r10 - 40) = r2;"
	"if r2 > 32 goto 9f;"
	"r2 = *(u64 *)(r10 - 40);"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_add(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 &= 15;"
	"r2 += 17;"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_min(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"if r2 < 33 goto 1f;"
	"r2 = 32;"
	"1:"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_stack_reg(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"call 5;"
	"r2 = r0;"
	"r2 &= 15;"
	"*(u32 *)(r10 - 40) = r2;"
	"r2 = *(u32 *)(r10 - 40);"
	"r1 = r10;"
	"r1 += -32;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_out_noctx(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"call 5;"
	"r5 = r0;"
	"r5 = 8;"
	"r1 = 0;"
	"r2 = %[pev] ll;"
	"r3 = 0;"
	"r4 = r10;"
	"r4 += -16;"
	"call 25;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [pev]"i"(&pev) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_out(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"call 5;"
	"r5 = r0;"
	"r5 = 16;"
	"r1 = r6;"
	"r2 = %[pev] ll;"
	"r3 = 0;"
	"r4 = r10;"
	"r4 += -16;"
	"call 25;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [pev]"i"(&pev) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_out_17(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"call 5;"
	"r5 = r0;"
	"r5 = 17;"
	"r1 = r6;"
	"r2 = %[pev] ll;"
	"r3 = 0;"
	"r4 = r10;"
	"r4 += -16;"
	"call 25;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [pev]"i"(&pev) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_out_var(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"call 5;"
	"r5 = r0;"
	"r5 &= 15;"
	"r1 = r6;"
	"r2 = %[pev] ll;"
	"r3 = 0;"
	"r4 = r10;"
	"r4 += -16;"
	"call 25;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [pev]"i"(&pev) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_out_zero(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"call 5;"
	"r5 = r0;"
	"r5 = 0;"
	"r1 = r6;"
	"r2 = %[pev] ll;"
	"r3 = 0;"
	"r4 = r10;"
	"r4 += -16;"
	"call 25;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [pev]"i"(&pev) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_out_unb(void *ctx)
{
	asm volatile(
	"r6 = r1;"
	"*(u64 *)(r10 - 8) = 0;"
	"*(u64 *)(r10 - 16) = 0;"
	"call 5;"
	"r5 = r0;"
	"r1 = r6;"
	"r2 = %[pev] ll;"
	"r3 = 0;"
	"r4 = r10;"
	"r4 += -16;"
	"call 25;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [pev]"i"(&pev) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = 48;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = 49;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_off(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r1 += 40;"
	"r2 = 8;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_off_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r1 += 41;"
	"r2 = 8;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_var(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = *(u64 *)(r1 + 0);"
	"r2 &= 31;"
	"r1 += 17;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_var_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = *(u64 *)(r1 + 0);"
	"r2 &= 31;"
	"r1 += 18;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_both(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = *(u64 *)(r1 + 0);"
	"r2 &= 15;"
	"r4 = *(u64 *)(r1 + 8);"
	"r4 &= 31;"
	"r1 += r4;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("kprobe/vfs_read") __attribute__((naked)) int z_val_both_over(void *ctx)
{
	asm volatile(
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = r0;"
	"r2 = *(u64 *)(r1 + 0);"
	"r2 &= 31;"
	"r4 = *(u64 *)(r1 + 8);"
	"r4 &= 31;"
	"r1 += r4;"
	"r3 = 0;"
	"call 113;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}

SEC("tc") __attribute__((naked)) int c_ld8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_ld8_3(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 3);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_ldsx(void *ctx)
{
	asm volatile(
	"r0 = *(s8 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_ldsx32(void *ctx)
{
	asm volatile(
	"r0 = *(s32 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_ld_var(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r2 &= 4;"
	"r1 += r2;"
	"r0 = *(u32 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_add(void *ctx)
{
	asm volatile(
	"r1 += 8;"
	"r0 = *(u32 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_add_back(void *ctx)
{
	asm volatile(
	"r1 += 8;"
	"r1 += -8;"
	"r0 = *(u32 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_neg(void *ctx)
{
	asm volatile(
	"r1 += -8;"
	"r0 = *(u32 *)(r1 + 8);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_helper_mod(void *ctx)
{
	asm volatile(
	"r1 += 8;"
	"r2 = 0;"
	"r3 = 0;"
	"call 44;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_cmp0(void *ctx)
{
	asm volatile(
	"if r1 == 0 goto 9f;"
	"r0 = *(u32 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_hash_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 68) = 0;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_tc_idx_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 44) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_tc_class_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 72) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_napi(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 84);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_family(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 88);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_gso(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 176);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_gso_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 176) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_hwts(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 184);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_tstype(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 180);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_tstype32(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 180);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_wirelen(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 164);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int c_wirelen_s(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 164);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_cbend(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 64) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_cb64(void *ctx)
{
	asm volatile(
	"r2 = 1;"
	"*(u64 *)(r1 + 56) = r2;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("tc") __attribute__((naked)) int c_cb64mis(void *ctx)
{
	asm volatile(
	"r2 = 1;"
	"*(u64 *)(r1 + 52) = r2;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("flow_dissector") __attribute__((naked)) int c_flow(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 76);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/egress") __attribute__((naked)) int c_meta_cg(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 140);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}
