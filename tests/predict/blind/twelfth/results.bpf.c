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
SEC("xdp") __attribute__((naked)) int c_xdp_u8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 12);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("perf_event") __attribute__((naked)) int c_pe_addr(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 176);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("perf_event") __attribute__((naked)) int c_pe_w(void *ctx)
{
	asm volatile(
	"*(u64 *)(r1 + 0) = 0;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("perf_event") __attribute__((naked)) int c_pe_addr32(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 176);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("raw_tp.w/sys_enter") __attribute__((naked)) int c_rw_w(void *ctx)
{
	asm volatile(
	"*(u64 *)(r1 + 0) = 0;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("syscall") __attribute__((naked)) int c_sysc(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("syscall") __attribute__((naked)) int c_sysc_w(void *ctx)
{
	asm volatile(
	"*(u64 *)(r1 + 8) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("syscall") __attribute__((naked)) int c_sysc_neg(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 - 8);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("syscall") __attribute__((naked)) int c_sysc_big(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 4096);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("lirc_mode2") __attribute__((naked)) int c_lirc(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("lirc_mode2") __attribute__((naked)) int c_lirc64(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("lwt_in") __attribute__((naked)) int r_lwt_in(void *ctx)
{
	asm volatile(
	"r0 = 99;"
	"exit;"
	::  : "memory");
}

SEC("sk_skb/stream_parser") __attribute__((naked)) int r_skb_str(void *ctx)
{
	asm volatile(
	"r0 = -1;"
	"exit;"
	::  : "memory");
}

SEC("sk_msg") __attribute__((naked)) int r_msg(void *ctx)
{
	asm volatile(
	"r0 = 7;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/dev") __attribute__((naked)) int r_dev(void *ctx)
{
	asm volatile(
	"r0 = -1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sysctl") __attribute__((naked)) int r_sysctl(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getsockopt") __attribute__((naked)) int r_gso(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/setsockopt") __attribute__((naked)) int r_sso(void *ctx)
{
	asm volatile(
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/connect4") __attribute__((naked)) int r_conn(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getpeername4") __attribute__((naked)) int r_getpeer(void *ctx)
{
	asm volatile(
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getpeername4") __attribute__((naked)) int r_getpeer1(void *ctx)
{
	asm volatile(
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind6") __attribute__((naked)) int r_bind6_4(void *ctx)
{
	asm volatile(
	"r0 = 4;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int r_sockops(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sock_create") __attribute__((naked)) int r_sockc(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sock_release") __attribute__((naked)) int r_sockr(void *ctx)
{
	asm volatile(
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/post_bind4") __attribute__((naked)) int r_post(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("raw_tp/sys_enter") __attribute__((naked)) int r_raw_tp(void *ctx)
{
	asm volatile(
	"r0 = 77;"
	"exit;"
	::  : "memory");
}

SEC("perf_event") __attribute__((naked)) int r_perf(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("perf_event") __attribute__((naked)) int r_perf1(void *ctx)
{
	asm volatile(
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int r_nf0(void *ctx)
{
	asm volatile(
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int r_nf1(void *ctx)
{
	asm volatile(
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int r_nf2(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int r_skl(void *ctx)
{
	asm volatile(
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int r_skl2(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("sk_reuseport") __attribute__((naked)) int r_reu(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("flow_dissector") __attribute__((naked)) int r_flow(void *ctx)
{
	asm volatile(
	"r0 = 5;"
	"exit;"
	::  : "memory");
}

SEC("xdp") __attribute__((naked)) int r_xdp(void *ctx)
{
	asm volatile(
	"r0 = -1;"
	"exit;"
	::  : "memory");
}

SEC("tcx/ingress") __attribute__((naked)) int r_tcx(void *ctx)
{
	asm volatile(
	"r0 = 99;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/egress") __attribute__((naked)) int r_eg2(void *ctx)
{
	asm volatile(
	"r0 = 2;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_ing(void *ctx)
{
	asm volatile(
	"r0 = -1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_cg_pair(void *ctx)
{
	asm volatile(
	"call 7;"
	"if r0 > 1 goto 1f;"
	"exit;"
	"1:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_cg_w(void *ctx)
{
	asm volatile(
	"call 7;"
	"if w0 > 1 goto 1f;"
	"exit;"
	"1:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_cg_rsh(void *ctx)
{
	asm volatile(
	"call 7;"
	"r0 >>= 63;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_cg_neg(void *ctx)
{
	asm volatile(
	"call 7;"
	"r0 s>>= 63;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_cg_ptr(void *ctx)
{
	asm volatile(
	"r0 = r1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup_skb/ingress") __attribute__((naked)) int r_cg_sub(void *ctx)
{
	asm volatile(
	"call 7;"
	"r0 &= 3;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int r_nf_mask(void *ctx)
{
	asm volatile(
	"call 7;"
	"r0 &= 1;"
	"exit;"
	::  : "memory");
}

SEC("socket") __attribute__((naked)) int m_mix(void *ctx)
{
	asm volatile(
	"r6 = *(u32 *)(r1 + 0);"
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"if r6 == 0 goto 1f;"
	"r1 = %[hash2] ll;"
	"1:"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash), [hash2]"i"(&hash2) : "memory");
}

SEC("socket") __attribute__((naked)) int m_mix_types(void *ctx)
{
	asm volatile(
	"r6 = *(u32 *)(r1 + 0);"
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"if r6 == 0 goto 1f;"
	"r1 = %[arr] ll;"
	"1:"
	"call 1;"
	"r0 = 0;"
	"exit;"
	:: [arr]"i"(&arr), [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_mix_val(void *ctx)
{
	asm volatile(
	"r6 = *(u32 *)(r1 + 0);"
	"*(u64 *)(r10 - 8) = 0;"
	"r2 = r10;"
	"r2 += -8;"
	"r1 = %[hash] ll;"
	"if r6 == 0 goto 1f;"
	"r1 = %[hash2] ll;"
	"1:"
	"call 1;"
	"if r0 == 0 goto 9f;"
	"r1 = *(u64 *)(r0 + 40);"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash), [hash2]"i"(&hash2) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ptr_cmp(void *ctx)
{
	asm volatile(
	"r1 = %[hash] ll;"
	"r2 = %[arr] ll;"
	"if r1 == r2 goto 9f;"
	"9:"
	"r0 = 0;"
	"exit;"
	:: [arr]"i"(&arr), [hash]"i"(&hash) : "memory");
}

SEC("socket") __attribute__((naked)) int m_ptr_null(void *ctx)
{
	asm volatile(
	"r1 = %[hash] ll;"
	"if r1 == 0 goto 1f;"
	"r0 = 0;"
	"exit;"
	"1:"
	"r0 = *(u64 *)(r1 + 400);"
	"r0 = 0;"
	"exit;"
	:: [hash]"i"(&hash) : "memory");
}
