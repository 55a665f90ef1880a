// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Opening, reading and deleting files: arguments kept from entry to exit, names, sizes. */
#include "kit.h"
struct qstr { union { struct { __u32 hash, len; }; __u64 hash_len; }; const unsigned char *name; } CORE;
struct dentry { struct dentry *d_parent; struct qstr d_name; unsigned char d_iname[32]; } CORE;
struct file___f { struct path f_path; } CORE;
struct trace_enter { __u64 ent; long nr; unsigned long args[6]; };
struct trace_exit { __u64 ent; long nr, ret; };
struct args { const char *name; int flags; };
struct event { __u64 ts; __u32 pid, uid; int ret, flags; char comm[16]; char name[255]; };
struct fkey { __u32 pid; char name[32]; };
struct io { __u64 reads, writes, bytes; };
MAP(start, BPF_MAP_TYPE_HASH, __u32, struct args, 10240);
MAP(ios, BPF_MAP_TYPE_HASH, struct fkey, struct io, 10240);
MAP(heap, BPF_MAP_TYPE_PERCPU_ARRAY, int, struct event, 1);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, sizeof(__u32)); __uint(value_size, sizeof(__u32)); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } ring SEC(".maps");
const volatile unsigned uid_target = ~0u; const volatile bool failed_only = false;
static struct io none;
SEC("tracepoint/syscalls/sys_enter_openat") int enter_openat(struct trace_enter *c) { __u32 tid = bpf_get_current_pid_tgid(); struct args a = {}; if (uid_target != ~0u && (__u32)bpf_get_current_uid_gid() != uid_target) return 0; a.name = (const char *)c->args[1]; a.flags = c->args[2]; bpf_map_update_elem(&start, &tid, &a, 0); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_openat(struct trace_exit *c) {
	__u32 tid = bpf_get_current_pid_tgid(); struct args *a = bpf_map_lookup_elem(&start, &tid); struct event e = {};
	if (!a) return 0;
	if (failed_only && c->ret >= 0) goto clean;
	e.pid = bpf_get_current_pid_tgid() >> 32; e.ret = c->ret; e.flags = a->flags;
	bpf_get_current_comm(&e.comm, sizeof(e.comm));
	bpf_probe_read_user_str(&e.name, sizeof(e.name), a->name);
	bpf_perf_event_output(c, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
clean:
	bpf_map_delete_elem(&start, &tid);
	return 0;
}
SEC("tracepoint/syscalls/sys_exit_openat") int exit_unset(struct trace_exit *c) { struct event e; e.pid = 1; e.ret = c->ret; bpf_get_current_comm(&e.comm, sizeof(e.comm)); bpf_perf_event_output(c, &events, BPF_F_CURRENT_CPU, &e, sizeof(e)); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_past(struct trace_enter *c) { return c->args[3] & 1; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_heap(struct trace_exit *c) { int z = 0; struct event *e = bpf_map_lookup_elem(&heap, &z); long n; if (!e) return 0; n = bpf_probe_read_user_str(e->name, sizeof(e->name), (void *)c->ret); if (n <= 0) return 0; if (n > sizeof(e->name)) return 0; bpf_perf_event_output(c, &events, BPF_F_CURRENT_CPU, e, __builtin_offsetof(struct event, name) + n); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_heap_hasty(struct trace_exit *c) { int z = 0; struct event *e = bpf_map_lookup_elem(&heap, &z); e->ret = c->ret; return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring(struct trace_exit *c) { struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0); if (!e) return 0; e->ret = c->ret; if (c->ret < 0) bpf_ringbuf_discard(e, 0); else bpf_ringbuf_submit(e, 0); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring_lost(struct trace_exit *c) { struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0); if (!e) return 0; if (c->ret >= 0) bpf_ringbuf_submit(e, 0); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring_size(struct trace_exit *c) { __u32 n = c->ret & 1023; void *e = bpf_ringbuf_reserve(&ring, n, 0); if (e) bpf_ringbuf_discard(e, 0); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring_out(struct trace_exit *c) { struct args a = { 0, 1 }; return bpf_ringbuf_output(&ring, &a, sizeof(a), 0); }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring_query(struct trace_exit *c) { return bpf_ringbuf_query(&ring, 0) > 4096; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring_over(struct trace_exit *c) { char *e = bpf_ringbuf_reserve(&ring, 64, 0); if (!e) return 0; bpf_probe_read_user_str(e, 65, (void *)c->ret); bpf_ringbuf_submit(e, 0); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_ring_inner(struct trace_exit *c) { struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0); if (!e) return 0; bpf_ringbuf_submit(&e->pid, 0); return 0; }
SEC("tracepoint/syscalls/sys_exit_openat") int exit_event_ring(struct trace_exit *c) { __u64 v = 1; return bpf_perf_event_output(c, &ring, BPF_F_CURRENT_CPU, &v, 8); }
SEC("kprobe/vfs_unlink") int BPF_KPROBE(unlink, void *a, void *b, struct dentry *d) { struct fkey k = {}; const unsigned char *n = BPF_CORE_READ(d, d_name.name); bpf_probe_read_kernel_str(k.name, sizeof(k.name), n); bpf_map_delete_elem(&ios, &k); return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read, struct file___f *f, char *b, unsigned long n) {
	struct fkey k = {}; struct io *v; struct dentry *d = (void *)BPF_CORE_READ(f, f_path.dentry);
	k.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_probe_read_kernel_str(k.name, sizeof(k.name), BPF_CORE_READ(d, d_name.name));
	v = bpf_map_lookup_elem(&ios, &k);
	if (!v) { bpf_map_update_elem(&ios, &k, &none, BPF_ANY); v = bpf_map_lookup_elem(&ios, &k); if (!v) return 0; }
	v->reads++; v->bytes += n;
	return 0;
}
SEC("kprobe/vfs_read") int BPF_KPROBE(read_again, struct file___f *f) { struct fkey k = {}; struct io *v = bpf_map_lookup_elem(&ios, &k); if (!v) { bpf_map_update_elem(&ios, &k, &none, BPF_ANY); v = bpf_map_lookup_elem(&ios, &k); } v->reads++; return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_gap, struct file___f *f) { struct fkey k; k.pid = 1; bpf_get_current_comm(k.name, 16); return bpf_map_lookup_elem(&ios, &k) != 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_iname, struct file___f *f) { struct dentry *d = (void *)BPF_CORE_READ(f, f_path.dentry); char n[32]; bpf_core_read(n, sizeof(n), &d->d_iname); return n[0]; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_path, struct file___f *f) { char n[32]; return bpf_d_path(&f->f_path, n, sizeof(n)); }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_variable, struct file___f *f, char *b, unsigned long n) { char x[64]; if (n > 64) n = 64; bpf_probe_read_user(x, n, b); return x[0]; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_masked, struct file___f *f, char *b, unsigned long n) { char x[64] = {}; bpf_probe_read_user(x, n & 63, b); return x[0]; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_unmasked, struct file___f *f, char *b, unsigned long n) { char x[64] = {}; bpf_probe_read_user(x, n, b); return x[0]; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_int, struct file___f *f, char *b, int n) { char x[64] = {}; if (n > 64) return 0; bpf_probe_read_user(x, n, b); return x[0]; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_ctx_write) { *(volatile unsigned long *)&((unsigned long *)ctx)[10] = 1; return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(read_ctx_past) { return ((unsigned long *)ctx)[21] & 1; }
SEC("fentry/vfs_read") int BPF_PROG(f_path, struct file *f) { char n[32]; return bpf_d_path(&f->f_path, n, sizeof(n)) > 0; }
SEC("fentry/vfs_truncate") int BPF_PROG(t_path, struct path *p) { char n[32]; return bpf_d_path(p, n, sizeof(n)) > 0 && n[0] == '/'; }
SEC("fentry.s/vfs_truncate") int BPF_PROG(t_sleep, struct path *p) { char x[4] = {}; return bpf_copy_from_user(x, 4, (void *)1); }
SEC("fentry.s/__x64_sys_openat") int BPF_PROG(s_sleep, struct pt_regs *r) { char x[8] = {}; return bpf_copy_from_user(x, 8, (void *)r->si) ? 0 : x[0]; }
SEC("fentry/__x64_sys_openat") int BPF_PROG(s_regs, struct pt_regs *r) { char x[8] = {}; bpf_probe_read_user_str(x, sizeof(x), (void *)r->si); return x[0]; }
SEC("fmod_ret/security_file_open") int BPF_PROG(m_open, struct file *f, int ret) { return ret ? ret : 0; }
SEC("fmod_ret/security_file_open") int BPF_PROG(m_open_errno, struct file *f, int ret) { return f->f_flags ? -EPERM : 0; }
SEC("fmod_ret/vfs_read") int BPF_PROG(m_read, struct file *f) { return 0; }
SEC("raw_tp/sys_enter") int BPF_PROG(r_enter, struct pt_regs *r, long id) { char x[8] = {}; if (id != 257) return 0; bpf_probe_read_user_str(x, sizeof(x), (void *)PT_REGS_PARM2_CORE(r)); return x[0]; }
SEC("raw_tp/sys_enter") int BPF_PROG(r_enter_direct, struct pt_regs *r, long id) { return r->si & 1; }
SEC("tp_btf/sys_enter") int BPF_PROG(b_enter_direct, struct pt_regs *r, long id) { return r->si & 1; }
