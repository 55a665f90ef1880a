// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records of any length by dynptrs: rings, packets, local memory. */
#include "kit.h"
typedef struct bpf_dynptr dynptr;
struct msg { __u32 kind, len; char body[56]; };
RING(out, 1 << 16);
MAP(bufs, ARRAY, __u32, char[256], 4);
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, dynptr *d) __ksym __weak;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, dynptr *d) __ksym __weak;
extern void *bpf_dynptr_slice(const dynptr *d, __u32 off, void *buf, __u32 n) __ksym __weak;
extern void *bpf_dynptr_slice_rdwr(const dynptr *d, __u32 off, void *buf, __u32 n) __ksym __weak;
extern int bpf_dynptr_adjust(const dynptr *d, __u32 a, __u32 b) __ksym __weak;
extern int bpf_dynptr_clone(const dynptr *d, dynptr *c) __ksym __weak;
extern __u32 bpf_dynptr_size(const dynptr *d) __ksym __weak;
extern bool bpf_dynptr_is_null(const dynptr *d) __ksym __weak;
__u64 seen;
enum { R_OK, R_NO_DISCARD, R_TWICE, R_USED_AFTER, R_DATA_NULL, R_DATA_AFTER, R_DATA_OVER, R_WRITE, R_WRITE_OVER, R_VAR, R_TRAMPLE, R_SUB, R_READ_UNINIT, R_SIZE_WRONG, R_ADJUST, R_CLONE, R_CLONE_AFTER, R_MAPFAIL };
SUB int put(dynptr *d, __u32 at, __u64 v) { return bpf_dynptr_write(d, at, &v, sizeof(v), 0); }
INLINE int record(struct tp_write *ctx, const int way) {
	dynptr d, e;
	struct msg m = { 1, 2, "write" }, *p;
	__u32 n = sizeof(m);
	if (way == R_VAR) n = 8 + (ctx->count & 255);
	if (bpf_ringbuf_reserve_dynptr(&out, n, 0, &d)) { if (way != R_NO_DISCARD) bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
	if (way == R_DATA_NULL || way == R_DATA_AFTER || way == R_DATA_OVER || way == R_OK) {
		p = bpf_dynptr_data(&d, 0, way == R_DATA_OVER ? 8 : sizeof(m));
		if (way != R_DATA_NULL && !p) { bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
		p->kind = 3; p->len = 4; 
		bpf_get_current_comm(p->body, 16);
		bpf_ringbuf_submit_dynptr(&d, 0);
		if (way == R_DATA_AFTER) p->kind = 5;
		return 0;
	}
	if (way == R_WRITE || way == R_VAR) bpf_dynptr_write(&d, 0, &m, sizeof(m), 0);
	if (way == R_WRITE_OVER) bpf_dynptr_write(&d, 0, &m, sizeof(m) + 8, 0);
	if (way == R_TRAMPLE) *(volatile __u64 *)&d = 0;
	if (way == R_SUB) { put(&d, 0, 1); put(&d, 8, ctx->count); }
	if (way == R_READ_UNINIT) { __u64 v; bpf_dynptr_read(&v, sizeof(v), &e, 0, 0); }
	if (way == R_SIZE_WRONG) { bpf_dynptr_read(&m, 4096, &d, 0, 0); }
	if (way == R_ADJUST) { if (bpf_dynptr_adjust) bpf_dynptr_adjust(&d, 8, 16); }
	if (way == R_CLONE || way == R_CLONE_AFTER) {
		if (bpf_dynptr_clone) { bpf_dynptr_clone(&d, &e); bpf_ringbuf_submit_dynptr(&d, 0); if (way == R_CLONE_AFTER) put(&e, 0, 1); }
		else bpf_ringbuf_submit_dynptr(&d, 0);
		return 0;
	}
	bpf_ringbuf_submit_dynptr(&d, 0);
	if (way == R_TWICE) bpf_ringbuf_submit_dynptr(&d, 0);
	if (way == R_USED_AFTER) bpf_dynptr_write(&d, 0, &m, 8, 0);
	return 0;
}
#define R(name, n) WAY("tp/syscalls/sys_enter_write", name, struct tp_write, record, n)
R(r_ok, R_OK) R(r_no_discard, R_NO_DISCARD) R(r_twice, R_TWICE) R(r_used_after, R_USED_AFTER) R(r_data_null, R_DATA_NULL) R(r_data_after, R_DATA_AFTER) R(r_data_over, R_DATA_OVER) R(r_write, R_WRITE)
R(r_write_over, R_WRITE_OVER) R(r_var, R_VAR) R(r_trample, R_TRAMPLE) R(r_sub, R_SUB) R(r_read_uninit, R_READ_UNINIT) R(r_size_wrong, R_SIZE_WRONG) R(r_adjust, R_ADJUST) R(r_clone, R_CLONE) R(r_clone_after, R_CLONE_AFTER)

enum { L_OK, L_STACK, L_VAR, L_VAR_OK, L_OVER, L_DATA, L_DATA_WRITE, L_UPDATE, L_FLAGS };
INLINE int local(struct tp_write *ctx, const int way) {
	dynptr d;
	__u32 z = 1;
	char *b = bpf_map_lookup_elem(&bufs, &z), tmp[16] = {}, *p;
	__u64 v = 0;
	if (!b) return 0;
	if (way == L_STACK) { if (bpf_dynptr_from_mem(tmp, sizeof(tmp), 0, &d)) return 0; }
	else if (way == L_VAR || way == L_VAR_OK) { __u32 n = ctx->count; if (way == L_VAR_OK) n &= 127; if (bpf_dynptr_from_mem(b, n + 1, 0, &d)) return 0; }
	else if (bpf_dynptr_from_mem(b, way == L_OVER ? 257 : 256, way == L_FLAGS ? 1 : 0, &d)) return 0;
	if (way == L_DATA || way == L_DATA_WRITE) { p = bpf_dynptr_data(&d, 8, 8); if (!p) return 0; p[way == L_DATA ? 7 : 8] = 1; return 0; }
	bpf_dynptr_read(&v, sizeof(v), &d, ctx->fd, 0);
	if (way == L_UPDATE) { v++; bpf_dynptr_write(&d, ctx->fd, &v, sizeof(v), 0); }
	seen += v;
	return 0;
}
#define L(name, n) WAY("tp/syscalls/sys_enter_write", name, struct tp_write, local, n)
L(l_ok, L_OK) L(l_stack, L_STACK) L(l_var, L_VAR) L(l_var_ok, L_VAR_OK) L(l_over, L_OVER) L(l_data, L_DATA) L(l_data_write, L_DATA_WRITE) L(l_update, L_UPDATE) L(l_flags, L_FLAGS)

enum { B_OK, B_NULL, B_NOBUF, B_OVER, B_BUF_SHORT, B_RDWR, B_RDONLY_WRITE, B_AFTER, B_LOOP, B_SIZE, B_VAR, B_STORE };
INLINE int packets(struct __sk_buff *skb, const int way) {
	dynptr d;
	struct iphdr tmp, *ip;
	__u8 small[8];
	if (!bpf_dynptr_from_skb || !bpf_dynptr_slice || !bpf_dynptr_slice_rdwr) return 0;
	if (bpf_dynptr_from_skb(skb, 0, &d)) return 2;
	if (way == B_RDWR) ip = bpf_dynptr_slice_rdwr(&d, 14, &tmp, sizeof(tmp));
	else if (way == B_NOBUF) ip = bpf_dynptr_slice(&d, 14, 0, sizeof(tmp));
	else if (way == B_BUF_SHORT) ip = bpf_dynptr_slice(&d, 14, small, sizeof(tmp));
	else if (way == B_OVER) ip = bpf_dynptr_slice(&d, 14, &tmp, 16);
	else if (way == B_VAR) ip = bpf_dynptr_slice(&d, 14, &tmp, skb->len);
	else ip = bpf_dynptr_slice(&d, 14, &tmp, sizeof(tmp));
	if (way != B_NULL && !ip) return 2;
	if (way == B_RDWR) { ip->ttl = 64; if (ip == &tmp) bpf_dynptr_write(&d, 14, ip, sizeof(*ip), 0); return 0; }
	if (way == B_RDONLY_WRITE) { ip->ttl = 64; return 0; }
	if (way == B_AFTER) { bpf_skb_pull_data(skb, 0); return ip->ttl == 1; }
	if (way == B_SIZE && bpf_dynptr_size) seen += bpf_dynptr_size(&d);
	if (way == B_LOOP) { __u32 off = 34; for (int i = 0; i < 5; i++) { __u16 tl[1]; __u16 *t = bpf_dynptr_slice(&d, off, tl, 2); if (!t) break; off += (*t & 0xff) + 2; } seen += off; }
	if (way == B_STORE) { ip->saddr = 0; return bpf_dynptr_write(&d, 14, ip, 20, 0); }
	return ip->daddr == 0x0100007f ? 2 : 0;
}
#define B(name, n) WAY("tc", name, struct __sk_buff, packets, n)
B(b_ok, B_OK) B(b_null, B_NULL) B(b_nobuf, B_NOBUF) B(b_over, B_OVER) B(b_buf_short, B_BUF_SHORT) B(b_rdwr, B_RDWR) B(b_rdonly_write, B_RDONLY_WRITE) B(b_after, B_AFTER) B(b_loop, B_LOOP) B(b_size, B_SIZE) B(b_var, B_VAR)
WAY("cgroup_skb/ingress", b_cg, struct __sk_buff, packets, B_SIZE)
SEC("xdp") int b_xdp(struct xdp_md *x) { dynptr d; __u8 t[14], *e; if (!bpf_dynptr_from_xdp || !bpf_dynptr_slice_rdwr) return 2; bpf_dynptr_from_xdp(x, 0, &d); e = bpf_dynptr_slice_rdwr(&d, 0, t, 14); if (!e) return 1; e[0] = 1; return 2; }
SEC("xdp") int b_xdp_skb(struct xdp_md *x) { dynptr d; if (!bpf_dynptr_from_skb) return 2; return bpf_dynptr_from_skb((void *)x, 0, &d) ? 1 : 2; }
SEC("tc") int b_flags(struct __sk_buff *s) { dynptr d; if (!bpf_dynptr_from_skb) return 0; return bpf_dynptr_from_skb(s, 0, (void *)&d + 8); }

