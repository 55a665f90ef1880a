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
SEC("socket") __attribute__((naked)) int l_dec_sgt(void *ctx)
{
	asm volatile(
	"r1 = 64;"
	"1:"
	"r1 += -1;"
	"if r1 s> 0 goto 1b;"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int l_two_exits(void *ctx)
{
	asm volatile(
	"r6 = *(u32 *)(r1 + 0);"
	"r1 = 0;"
	"1:"
	"r1 += 1;"
	"if r1 > 30 goto 9f;"
	"if r1 < r6 goto 1b;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("xdp") __attribute__((naked)) int l_pkt(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r3 = *(u32 *)(r1 + 4);"
	"r4 = 0;"
	"1:"
	"r5 = r2;"
	"r5 += 1;"
	"if r5 > r3 goto 9f;"
	"r0 = *(u8 *)(r2 + 0);"
	"r2 += 1;"
	"r4 += 1;"
	"if r4 < 20 goto 1b;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("xdp") __attribute__((naked)) int l_pkt_unb(void *ctx)
{
	asm volatile(
	"r2 = *(u32 *)(r1 + 0);"
	"r3 = *(u32 *)(r1 + 4);"
	"1:"
	"r5 = r2;"
	"r5 += 1;"
	"if r5 > r3 goto 9f;"
	"r0 = *(u8 *)(r2 + 0);"
	"r2 += 1;"
	"goto 1b;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}
