// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* User space: uprobes, syscalls, sleepable programs, programs run by hand, memory that may be written. */
#include "kit.h"
struct args { __u64 a; __u32 key, result; char name[16]; };
struct req { char host[64]; __u16 len, port; __u32 pid; };
MAP(open_conns, LRU_HASH, __u64, struct req, 512);
MAP(tls, HASH, __u64, __u64, 512);
MAP(bufs, PERCPU_ARRAY, __u32, char[4096], 1);
RING(r, 65536);
PERF(p);

SEC("uprobe") int BPF_KPROBE(ssl_write, void *ssl, const void *buf, int num) { __u64 id = bpf_get_current_pid_tgid(), b = (__u64)buf; bpf_map_update_elem(&tls, &id, &b, 0); return 0; }
SEC("uretprobe") int BPF_KRETPROBE(ssl_read_exit, int n) {
	__u64 id = bpf_get_current_pid_tgid(), *b = bpf_map_lookup_elem(&tls, &id);
	__u32 z = 0;
	char *out;
	if (!b || n <= 0) return 0;
	out = bpf_map_lookup_elem(&bufs, &z);
	if (!out) return 0;
	if (n > 4096) n = 4096;
	if (bpf_probe_read_user(out, n, (void *)*b)) return 0;
	bpf_perf_event_output(ctx, &p, BPF_F_CURRENT_CPU, out, n);
	return 0;
}
/* The clamp comes after the read. */
SEC("uretprobe") int BPF_KRETPROBE(ssl_read_late, int n) {
	__u64 id = bpf_get_current_pid_tgid(), *b = bpf_map_lookup_elem(&tls, &id);
	__u32 z = 0;
	char *out;
	if (!b || n <= 0) return 0;
	out = bpf_map_lookup_elem(&bufs, &z);
	if (!out) return 0;
	if (bpf_probe_read_user(out, n, (void *)*b)) return 0;
	if (n > 4096) n = 4096;
	bpf_perf_event_output(ctx, &p, BPF_F_CURRENT_CPU, out, n);
	return 0;
}
SEC("uretprobe") int BPF_KRETPROBE(ssl_read_chunks, int n) {
	__u64 id = bpf_get_current_pid_tgid(), *b = bpf_map_lookup_elem(&tls, &id);
	__u32 z = 0;
	char *out;
	if (!b) return 0;
	out = bpf_map_lookup_elem(&bufs, &z);
	if (!out) return 0;
	for (int i = 0; i < 8; i++) {
		int at = i * 512;
		if (at >= n) break;
		bpf_probe_read_user(out + at, 512, (void *)(*b + at));
	}
	return 0;
}
SEC("uretprobe") int BPF_KRETPROBE(ssl_read_chunks_over, int n) {
	__u64 id = bpf_get_current_pid_tgid(), *b = bpf_map_lookup_elem(&tls, &id);
	__u32 z = 0;
	char *out;
	if (!b) return 0;
	out = bpf_map_lookup_elem(&bufs, &z);
	if (!out) return 0;
	for (int i = 0; i < 9; i++) {
		int at = i * 512;
		if (at >= n) break;
		bpf_probe_read_user(out + at, 512, (void *)(*b + at));
	}
	return 0;
}
SEC("uprobe") int BPF_KPROBE(getaddr, const char *host) {
	struct req q = {};
	__u64 id = bpf_get_current_pid_tgid();
	q.pid = id >> 32;
	q.len = bpf_probe_read_user_str(q.host, sizeof(q.host), host);
	return bpf_map_update_elem(&open_conns, &id, &q, 0);
}
SEC("uprobe") int BPF_KPROBE(getaddr_compare, const char *host) {
	char name[16] = {}, want[] = "localhost";
	bpf_probe_read_user_str(name, sizeof(name), host);
	for (int i = 0; i < (int)sizeof(want); i++) if (name[i] != want[i]) return 0;
	bpf_printk("pid %d: %s", (int)bpf_get_current_pid_tgid(), name);
	return 0;
}
SEC("uprobe") int BPF_KPROBE(getaddr_lower, const char *host) {
	char name[32];
	long n = bpf_probe_read_user_str(name, sizeof(name), host);
	for (int i = 0; i < 32; i++) { if (i >= n) break; if (name[i] >= 'A' && name[i] <= 'Z') name[i] += 32; }
	return name[0] == 'x';
}
/* The last written is looked at by its length. */
SEC("uprobe") int BPF_KPROBE(getaddr_last, const char *host) {
	char name[32];
	long n = bpf_probe_read_user_str(name, sizeof(name), host);
	if (n < 1) return 0;
	return name[n - 1] == 0;
}
SEC("uprobe") int BPF_KPROBE(getaddr_behind, const char *host) {
	char name[32];
	long n = bpf_probe_read_user_str(name, sizeof(name), host);
	if (n < 0) return 0;
	name[n] = 0;
	return name[0] == 'x';
}
SEC("uprobe.s") int BPF_KPROBE(sleepy, const char *host) { char b[16]; return bpf_copy_from_user(b, 16, host) ? 0 : b[0]; }
SEC("uprobe") int BPF_KPROBE(awake, const char *host) { char b[16]; return bpf_copy_from_user(b, 16, host) ? 0 : b[0]; }
SEC("uprobe") int BPF_KPROBE(write_user, char *host) { char b[4] = "abc"; return bpf_probe_write_user(host, b, 4); }
SEC("uprobe") int BPF_KPROBE(cookie) { return bpf_get_attach_cookie(ctx) == 7; }
SEC("uprobe") int BPF_KPROBE(ip) { return bpf_get_func_ip(ctx) == 7; }
SEC("kprobe") int BPF_KPROBE(override) { return bpf_override_return(ctx, -1); }
SEC("syscall") int run(struct args *a) { a->result = a->a + a->key; return 0; }
SEC("syscall") int run_all(struct args *a) {
	union bpf_attr attr = {};
	char n[16];
	__builtin_memcpy(n, a->name, 16);
	attr.map_type = BPF_MAP_TYPE_ARRAY; attr.key_size = 4; attr.value_size = 8; attr.max_entries = 1;
	int fd = bpf_sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd > 0) bpf_sys_close(fd);
	return fd < 0 ? fd : n[0];
}
SEC("syscall") int run_user(struct args *a) { char b[8]; return bpf_copy_from_user(b, 8, (void *)a->a); }
/* The context of such programs has an end. */
SEC("syscall") int run_far(struct args *a) { return *(__u32 *)((void *)a + 70000); }
SEC("syscall") int run_variable(struct args *a) { return a->name[a->key & 15]; }
SEC("syscall") int run_sleeps_map(struct args *a) { __u64 k = a->key, *v = bpf_map_lookup_elem(&tls, &k); return v ? *v & 1 : 0; }
SEC("syscall") int run_helper(struct args *a) { return bpf_get_socket_cookie(a); }
SEC("syscall") int run_by_name(struct args *a) { __u64 v; static const char n[] = "jiffies"; return bpf_kallsyms_lookup_name(n, sizeof(n), 0, &v); }
SEC("syscall") int run_snprintf(struct args *a) { static const char f[] = "%d-%s"; __u64 d[] = { a->key, (__u64)a->name }; char out[32]; return bpf_snprintf(out, sizeof(out), f, d, sizeof(d)); }
SEC("syscall") int run_snprintf_stack(struct args *a) { char f[] = "%d"; __u64 d[] = { a->key }; char out[32]; return bpf_snprintf(out, sizeof(out), f, d, sizeof(d)); }
SEC("syscall") int run_strncmp(struct args *a) { static const char w[] = "lo"; char n[16]; __builtin_memcpy(n, a->name, 16); return bpf_strncmp(n, 16, w); }
SEC("syscall") int run_strncmp_stack(struct args *a) { char w[] = "lo"; char n[16]; __builtin_memcpy(n, a->name, 16); return bpf_strncmp(n, 16, w); }
SEC("ksyscall/openat") int BPF_KSYSCALL(sys_open, int dfd, const char *name, int flags) { char b[32]; return bpf_probe_read_user_str(b, sizeof(b), name) > 3; }
SEC("kprobe.multi/vfs_*") int many(struct pt_regs *ctx) { return bpf_get_func_ip(ctx) == 3; }
SEC("kprobe.multi/vfs_*") int many_cookie(struct pt_regs *ctx) { return bpf_get_attach_cookie(ctx) == 3; }
SEC("tracepoint/syscalls/sys_enter_write") int writes(struct tp_write *ctx) {
	__u32 z = 0;
	char *b = bpf_map_lookup_elem(&bufs, &z);
	unsigned long n = ctx->count;
	if (!b) return 0;
	if (n > 4095) n = 4095;
	bpf_probe_read_user(b, n, ctx->buf);
	b[n] = 0;
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_write") int writes_over(struct tp_write *ctx) {
	__u32 z = 0;
	char *b = bpf_map_lookup_elem(&bufs, &z);
	unsigned long n = ctx->count;
	if (!b) return 0;
	if (n > 4096) n = 4096;
	bpf_probe_read_user(b, n, ctx->buf);
	b[n] = 0;
	return 0;
}
/* Min by a signed comparison. */
SEC("tracepoint/syscalls/sys_enter_write") int writes_signed(struct tp_write *ctx) {
	__u32 z = 0;
	char *b = bpf_map_lookup_elem(&bufs, &z);
	long n = ctx->count;
	if (!b) return 0;
	if (n > 4096) n = 4096;
	bpf_probe_read_user(b, n, ctx->buf);
	return 0;
}
SEC("tracepoint/syscalls/sys_exit_read") int reads_done(struct tp_sys_exit *ctx) {
	__u32 z = 0;
	char *b = bpf_map_lookup_elem(&bufs, &z);
	__u64 id = 1, *from = bpf_map_lookup_elem(&tls, &id);
	long n = ctx->ret;
	if (!b || !from || n < 1 || n >= 4096) return 0;
	bpf_probe_read_user(b, n, (void *)*from);
	return bpf_ringbuf_output(&r, b, n, 0);
}
SEC("tracepoint/syscalls/sys_exit_read") int reads_clamped32(struct tp_sys_exit *ctx) {
	__u32 z = 0, n = ctx->ret;
	char *b = bpf_map_lookup_elem(&bufs, &z);
	if (!b) return 0;
	if (n > 4096) return 0;
	return bpf_ringbuf_output(&r, b, n, 0);
}
