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
SEC("cgroup_skb/egress") __attribute__((naked)) int c_prio_cg(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 32) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sock_create") __attribute__((naked)) int c_ifidx(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 0) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sock_create") __attribute__((naked)) int c_prio_sk(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 20) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/post_bind4") __attribute__((naked)) int c_rxq(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 76);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/post_bind4") __attribute__((naked)) int c_dport(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 48);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/post_bind6") __attribute__((naked)) int c_src6(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 28);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/post_bind4") __attribute__((naked)) int c_src6_4(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 28);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/post_bind4") __attribute__((naked)) int c_state(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 72);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind4") __attribute__((naked)) int c_sa_port_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 24) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind4") __attribute__((naked)) int c_sa_port_w16(void *ctx)
{
	asm volatile(
	"*(u16 *)(r1 + 24) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind4") __attribute__((naked)) int c_sa_fam_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 0) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind4") __attribute__((naked)) int c_sa_sk(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 64);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind4") __attribute__((naked)) int c_sa_sk32(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 64);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/bind4") __attribute__((naked)) int c_sa_ip8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 5);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getpeername6") __attribute__((naked)) int c_sa_peer6(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 16);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/connect4") __attribute__((naked)) int c_sa_proto(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 36);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_reply(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 4) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_reply2(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 16) = 1;"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_sk(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 184);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_data(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 192);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_len(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 208);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_flags(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 212);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_u16(void *ctx)
{
	asm volatile(
	"r0 = *(u16 *)(r1 + 0);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("sockops") __attribute__((naked)) int c_so_bytes(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 168);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getsockopt") __attribute__((naked)) int c_sop_sk(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 0);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getsockopt") __attribute__((naked)) int c_sop_len_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 32) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/getsockopt") __attribute__((naked)) int c_sop_ret_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 36) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/setsockopt") __attribute__((naked)) int c_sop_name_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 28) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sysctl") __attribute__((naked)) int c_sys_pos(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 4);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sysctl") __attribute__((naked)) int c_sys_pos8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 4);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/sysctl") __attribute__((naked)) int c_sys_pos_w8(void *ctx)
{
	asm volatile(
	"*(u8 *)(r1 + 4) = 1;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int c_skl_sk(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 0);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int c_skl_ifi(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 64);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int c_skl_fam8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 8);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int c_skl_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 8) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_lookup") __attribute__((naked)) int c_skl_lport8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 60);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_reuseport/migrate") __attribute__((naked)) int c_reu_mig(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 48);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_reuseport") __attribute__((naked)) int c_reu_hash(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 32);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_reuseport") __attribute__((naked)) int c_reu_bind8(void *ctx)
{
	asm volatile(
	"r0 = *(u8 *)(r1 + 28);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_msg") __attribute__((naked)) int c_msg_fam(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 16);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_msg") __attribute__((naked)) int c_msg_sk(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 72);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("sk_msg") __attribute__((naked)) int c_msg_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 68) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int c_nf_state(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 0);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int c_nf_u32(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 0);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int c_nf_off4(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 4);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int c_nf_w(void *ctx)
{
	asm volatile(
	"*(u64 *)(r1 + 0) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int c_nf_skb(void *ctx)
{
	asm volatile(
	"r2 = *(u64 *)(r1 + 8);"
	"r0 = *(u32 *)(r2 + 112);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("netfilter") __attribute__((naked)) int c_nf_end(void *ctx)
{
	asm volatile(
	"r0 = *(u64 *)(r1 + 16);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/dev") __attribute__((naked)) int c_dev_w(void *ctx)
{
	asm volatile(
	"*(u32 *)(r1 + 4) = 0;"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("cgroup/dev") __attribute__((naked)) int c_dev_mid(void *ctx)
{
	asm volatile(
	"r0 = *(u16 *)(r1 + 4);"
	"9:"
	"r0 = 1;"
	"exit;"
	::  : "memory");
}

SEC("xdp") __attribute__((naked)) int c_xdp_meta(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 8);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}

SEC("xdp") __attribute__((naked)) int c_xdp_rxq(void *ctx)
{
	asm volatile(
	"r0 = *(u32 *)(r1 + 16);"
	"9:"
	"r0 = 0;"
	"exit;"
	::  : "memory");
}
