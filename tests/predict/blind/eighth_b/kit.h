// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the programs of this folder share: packet headers, the kernel types they read, kernel functions they call. */
#pragma once
#define __VMLINUX_H__ 1
#include <linux/bpf.h>
#include <linux/types.h>
#include <linux/bpf_common.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#define __TARGET_ARCH_x86 1
#define CORE __attribute__((preserve_access_index))
struct pt_regs { unsigned long r15,r14,r13,r12,bp,bx,r11,r10,r9,r8,ax,cx,dx,si,di,orig_ax,ip,cs,flags,sp,ss; } CORE;
#include <bpf/bpf_tracing.h>

#define INLINE static __attribute__((always_inline)) inline
#define SUB static __attribute__((noinline))
#define GLOBAL __attribute__((noinline))
#define MAP(n, t, k, v, m) struct { __uint(type, BPF_MAP_TYPE_##t); __type(key, k); __type(value, v); __uint(max_entries, m); } n SEC(".maps")
#define STORE(n, t, v) struct { __uint(type, BPF_MAP_TYPE_##t); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, v); } n SEC(".maps")
#define RING(n, m) struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, m); } n SEC(".maps")
#define PERF(n) struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } n SEC(".maps")
#define TAILS(n, m) struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, m); } n SEC(".maps")
char LICENSE[] SEC("license") = "GPL";
#undef bpf_printk
#define bpf_printk(fmt, args...) ({ static const char ___f[] = fmt; bpf_trace_printk(___f, sizeof(___f), ##args); })

enum { EPERM = 1, ENOENT = 2, AF_INET = 2, AF_INET6 = 10, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP = 1 };
#define ETH_IP bpf_htons(0x0800)
#define ETH_IP6 bpf_htons(0x86dd)
#define ETH_VLAN bpf_htons(0x8100)
struct ethhdr { __u8 h_dest[6], h_source[6]; __u16 h_proto; } __attribute__((packed));
struct vlan_hdr { __u16 tci, proto; };
struct iphdr { __u8 ihl:4, version:4; __u8 tos; __u16 tot_len, id, frag_off; __u8 ttl, protocol; __u16 check; __u32 saddr, daddr; };
struct ipv6hdr { __u32 flow; __u16 payload_len; __u8 nexthdr, hop_limit; __u32 saddr[4], daddr[4]; };
struct tcphdr { __u16 source, dest; __u32 seq, ack_seq; __u16 res1:4, doff:4, fin:1, syn:1, rst:1, psh:1, ack:1, urg:1, ece:1, cwr:1; __u16 window, check, urg_ptr; };
struct udphdr { __u16 source, dest, len, check; };
struct dnshdr { __u16 id, flags, qd, an, ns, ar; };

typedef struct { int counter; } atomic_t;
typedef struct { __u32 val; } kuid_t;
struct qstr { union { struct { __u32 hash, len; }; __u64 hash_len; }; const unsigned char *name; } CORE;
struct super_block { unsigned s_dev; unsigned long s_magic; } CORE;
struct inode { unsigned short i_mode; kuid_t i_uid; unsigned long i_ino; long long i_size; struct super_block *i_sb; } CORE;
struct dentry { struct dentry *d_parent; struct qstr d_name; struct inode *d_inode; } CORE;
struct vfsmount { struct dentry *mnt_root; } CORE;
struct path { struct vfsmount *mnt; struct dentry *dentry; } CORE;
struct file { struct path f_path; struct inode *f_inode; unsigned f_flags; long long f_pos; } CORE;
struct cred { kuid_t uid, euid; } CORE;
struct kernfs_node { __u64 id; } CORE;
struct cgroup { struct kernfs_node *kn; int level; } CORE;
struct css_set { struct cgroup *dfl_cgrp; } CORE;
struct mm_struct { int map_count; unsigned long start_stack, arg_start, arg_end; struct file *exe_file; } CORE;
struct pid_namespace { unsigned level; } CORE;
struct nsproxy { struct pid_namespace *pid_ns_for_children; } CORE;
struct task_struct { unsigned flags; int pid, tgid, prio; struct task_struct *real_parent, *parent, *group_leader; char comm[16]; const struct cred *cred, *real_cred; struct mm_struct *mm; struct css_set *cgroups; struct nsproxy *nsproxy; __u64 start_time; int exit_code; } CORE;
struct linux_binprm { struct file *file; int argc; const char *filename; struct cred *cred; } CORE;
struct sock_common { unsigned short skc_family; unsigned short skc_dport, skc_num; __u32 skc_daddr, skc_rcv_saddr; volatile unsigned char skc_state; } CORE;
struct sock { struct sock_common __sk_common; int sk_rcvbuf, sk_sndbuf; unsigned short sk_protocol; unsigned sk_mark; struct socket *sk_socket; } CORE;
struct socket { short type; struct sock *sk; struct file *file; } CORE;
struct tcp_sock { __u32 snd_cwnd, snd_ssthresh, srtt_us, snd_cwnd_cnt, snd_cwnd_clamp, total_retrans, snd_nxt, snd_una; } CORE;
struct sk_buff { unsigned len, data_len, mark; struct sock *sk; unsigned char *head, *data; __u16 network_header, transport_header, protocol; } CORE;
struct net_device { char name[16]; int ifindex; unsigned mtu; } CORE;
struct bpf_iter_meta { struct seq_file *seq; __u64 session_id, seq_num; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
struct bpf_iter__task_file { struct bpf_iter_meta *meta; struct task_struct *task; __u32 fd; struct file *file; } CORE;
struct bpf_map { __u32 id, max_entries; char name[16]; } CORE;
struct bpf_iter__bpf_map { struct bpf_iter_meta *meta; struct bpf_map *map; } CORE;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; void *key; void *value; } CORE;
struct bpf_iter__tcp { struct bpf_iter_meta *meta; struct sock_common *sk_common; unsigned uid; } CORE;
struct bpf_iter__bpf_sk_storage_map { struct bpf_iter_meta *meta; struct bpf_map *map; struct sock *sk; void *value; } CORE;
struct vm_area_struct { unsigned long vm_start, vm_end, vm_flags; struct file *vm_file; } CORE;
struct bpf_iter__task_vma { struct bpf_iter_meta *meta; struct task_struct *task; struct vm_area_struct *vma; } CORE;
struct cpumask { unsigned long bits[128]; } CORE;

/* Context records of tracepoints. */
struct tp_openat { __u64 common; long nr; long dfd; const char *filename; long flags; long mode; };
struct tp_sys_exit { __u64 common; long nr; long ret; };
struct tp_write { __u64 common; long nr; unsigned long fd; const char *buf; unsigned long count; };
struct tp_switch { __u64 common; char prev_comm[16]; int prev_pid, prev_prio; long prev_state; char next_comm[16]; int next_pid, next_prio; };
struct tp_fork { __u64 common; char parent_comm[16]; int parent_pid; char child_comm[16]; int child_pid; };
struct bpf_perf_event_data { struct pt_regs regs; __u64 sample_period, addr; };
#ifndef bpf_ksym_exists
#define bpf_ksym_exists(sym) (!!(sym))
#endif

/* One body, several programs: the number tells which way is taken through it. */
#define WAY(sec, name, type, body, n) SEC(sec) int name(type *ctx) { return body(ctx, n); }
#define tag(t) __attribute__((btf_decl_tag(t)))
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
