// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* A profiler: run queues, off-CPU time, samples, histograms in slots of two. */
#include "kit.h"
enum { SLOTS = 27, DEPTH = 32 };
struct hist { __u32 slots[SLOTS]; char comm[16]; };
struct key { __u32 pid, tgid; int kstack, ustack; char comm[16]; };
struct sample { __u32 pid, n; __u64 ip[DEPTH]; };
struct bpf_perf_ctx { struct bpf_perf_event_data d; };
MAP(began, HASH, __u32, __u64, 8192);
MAP(hists, HASH, __u32, struct hist, 256);
MAP(counts, HASH, struct key, __u64, 4096);
MAP(scratch, PERCPU_ARRAY, __u32, struct sample, 1);
STORE(of_task, TASK_STORAGE, __u64);
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 8 * DEPTH); __uint(max_entries, 1024); } stacks SEC(".maps");
RING(out, 1 << 16);
static struct hist initial;
static __u64 table[64];
volatile const __u32 wanted_tgid;
volatile const __u8 by_ms;

INLINE __u64 log2_32(__u32 v) {
	__u32 s, r;
	r = (v > 0xffff) << 4; v >>= r;
	s = (v > 0xff) << 3; v >>= s; r |= s;
	s = (v > 0xf) << 2; v >>= s; r |= s;
	s = (v > 3) << 1; v >>= s; r |= s;
	return r | (v >> 1);
}
INLINE __u64 log2_64(__u64 v) { __u32 hi = v >> 32; return hi ? log2_32(hi) + 32 : log2_32(v); }
SUB __u64 log2_loop(__u64 v) { __u64 r = 0; for (int i = 0; i < 63; i++) { if (v <= 1) break; v >>= 1; r++; } return r; }

enum { S_OK, S_NOCLAMP, S_CLAMP_BIG, S_CLAMP_SIGNED, S_LOOP, S_LOOP_CLAMP, S_INIT_NULL, S_HIST_NULL, S_DIV, S_CORE, S_NOCORE, S_MASK, S_MASK64, S_TERN, S_TYPED_OVER, S_TYPED_COMM, S_TYPED_WRITE, S_STORE, S_STORE_NULL, S_STORE_VALUE, S_STORE_HASH, S_COPY_COMM };
INLINE int woke(__u64 *ctx, const int way) {
	struct task_struct *p = (void *)ctx[0];
	__u32 pid, tgid;
	__u64 ts = bpf_ktime_get_ns();
	if (way == S_NOCORE) { struct task_struct *q = (void *)bpf_get_current_task(); pid = q->pid; }
	else pid = way == S_CORE ? BPF_CORE_READ(p, group_leader, pid) : p->pid;
	tgid = p->tgid;
	if (wanted_tgid && wanted_tgid != tgid) return 0;
	if (way == S_TYPED_OVER) { pid += *((char *)p + 65536); }
	if (way == S_TYPED_COMM) { pid += p->comm[3]; }
	if (way == S_TYPED_WRITE) p->prio = 120;
	if (way == S_STORE || way == S_STORE_NULL) {
		__u64 *v = bpf_task_storage_get(&of_task, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (way == S_STORE && !v) return 0;
		*v = ts;
		return 0;
	}
	if (way == S_STORE_VALUE) { __u64 *v = bpf_task_storage_get(&of_task, (void *)&pid, 0, 0); return v ? *v == 1 : 0; }
	if (way == S_STORE_HASH) { __u64 *v = bpf_task_storage_get(&began, p, 0, 0); return v ? *v == 1 : 0; }
	if (way == S_COPY_COMM) { struct hist h = {}; __builtin_memcpy(h.comm, p->comm, 16); bpf_map_update_elem(&hists, &pid, &h, 0); return 0; }
	bpf_map_update_elem(&began, &pid, &ts, BPF_ANY);
	return 0;
}
INLINE int ran(__u64 *ctx, const int way) {
	struct task_struct *next = (void *)ctx[2];
	__u32 pid = next->pid, tgid = next->tgid;
	__u64 *then = bpf_map_lookup_elem(&began, &pid), slot;
	struct hist *h;
	__s64 delta;
	if (!then) return 0;
	delta = bpf_ktime_get_ns() - *then;
	if (delta < 0) goto end;
	h = bpf_map_lookup_elem(&hists, &tgid);
	if (!h) {
		bpf_map_update_elem(&hists, &tgid, &initial, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&hists, &tgid);
		if (way != S_INIT_NULL && !h) goto end;
		if (way != S_COPY_COMM) bpf_probe_read_kernel_str(&h->comm, sizeof(h->comm), next->comm);
		else bpf_probe_read_kernel_str(&h->comm, sizeof(h->comm) + 1, next->comm);
	}
	if (way == S_DIV) { __u64 d = *then; delta = (__u64)delta / (d & 0xff); }
	else if (by_ms) delta = (__u64)delta / 1000000; else delta = (__u64)delta / 1000;
	slot = way == S_LOOP || way == S_LOOP_CLAMP ? log2_loop(delta) : log2_64(delta);
	if (way == S_NOCLAMP || way == S_LOOP) ;
	else if (way == S_CLAMP_BIG) { if (slot > SLOTS) slot = SLOTS - 1; }
	else if (way == S_CLAMP_SIGNED) { int s = slot - 3; if (s >= SLOTS) s = SLOTS - 1; slot = s; }
	else if (way == S_MASK) slot &= 15;
	else if (way == S_MASK64) slot &= 31;
	else if (way == S_TERN) slot = slot < SLOTS ? slot : SLOTS - 1;
	else { if (slot >= SLOTS) slot = SLOTS - 1; }
	__sync_fetch_and_add(&h->slots[slot], 1);
end:
	bpf_map_delete_elem(&began, &pid);
	return 0;
}
WAY("tp_btf/sched_wakeup", w_ok, __u64, woke, S_OK)
WAY("tp_btf/sched_wakeup", w_nocore, __u64, woke, S_NOCORE)
WAY("tp_btf/sched_wakeup", w_core, __u64, woke, S_CORE)
WAY("tp_btf/sched_wakeup", w_typed_over, __u64, woke, S_TYPED_OVER)
WAY("tp_btf/sched_wakeup", w_typed_comm, __u64, woke, S_TYPED_COMM)
WAY("tp_btf/sched_wakeup", w_typed_write, __u64, woke, S_TYPED_WRITE)
WAY("tp_btf/sched_wakeup", w_store, __u64, woke, S_STORE)
WAY("tp_btf/sched_wakeup", w_store_null, __u64, woke, S_STORE_NULL)
WAY("tp_btf/sched_wakeup", w_store_value, __u64, woke, S_STORE_VALUE)
WAY("tp_btf/sched_wakeup", w_store_hash, __u64, woke, S_STORE_HASH)
WAY("tp_btf/sched_wakeup", w_copy_comm, __u64, woke, S_COPY_COMM)
WAY("raw_tp/sched_wakeup", raw_typed, __u64, woke, S_OK)
WAY("tp_btf/sched_switch", r_ok, __u64, ran, S_OK)
WAY("tp_btf/sched_switch", r_noclamp, __u64, ran, S_NOCLAMP)
WAY("tp_btf/sched_switch", r_clamp_big, __u64, ran, S_CLAMP_BIG)
WAY("tp_btf/sched_switch", r_clamp_signed, __u64, ran, S_CLAMP_SIGNED)
WAY("tp_btf/sched_switch", r_loop, __u64, ran, S_LOOP)
WAY("tp_btf/sched_switch", r_loop_clamp, __u64, ran, S_LOOP_CLAMP)
WAY("tp_btf/sched_switch", r_init_null, __u64, ran, S_INIT_NULL)
WAY("tp_btf/sched_switch", r_div, __u64, ran, S_DIV)
WAY("tp_btf/sched_switch", r_mask, __u64, ran, S_MASK)
WAY("tp_btf/sched_switch", r_mask64, __u64, ran, S_MASK64)
WAY("tp_btf/sched_switch", r_tern, __u64, ran, S_TERN)
WAY("tp_btf/sched_switch", r_copy_comm, __u64, ran, S_COPY_COMM)

enum { P_OK, P_STACK_SIZE, P_IDX, P_IDX_OK, P_IDX_SIGNED, P_RING, P_RING_SMALL, P_REGS, P_REGS_PAST, P_READ, P_READ_SHORT, P_BRANCH, P_BRANCH_ODD, P_WIDTH, P_WRITE, P_LEAF };
INLINE int sampled(struct bpf_perf_event_data *ctx, const int way) {
	struct key k = {};
	struct sample *s;
	__u64 one = 1, *n, id = bpf_get_current_pid_tgid();
	__u32 z = 0;
	long got;
	k.pid = id; k.tgid = id >> 32;
	bpf_get_current_comm(k.comm, sizeof(k.comm));
	if (way == P_REGS) { if (ctx->regs.ip < 0xffff000000000000) return 0; }
	if (way == P_REGS_PAST) { if (*(__u64 *)((void *)ctx + sizeof(*ctx))) return 0; }
	if (way == P_WIDTH) { if (*(__u32 *)&ctx->regs.ip == 1) return 0; if (*(__u16 *)&ctx->sample_period == 1) return 0; }
	if (way == P_WRITE) ctx->sample_period = 1;
	if (way == P_READ || way == P_READ_SHORT) { struct bpf_perf_event_value v; if (bpf_perf_prog_read_value(ctx, &v, way == P_READ ? sizeof(v) : 32)) return 0; if (v.enabled) one = v.counter; }
	if (way == P_BRANCH || way == P_BRANCH_ODD) { struct { __u64 from, to, flags; } b[4]; got = bpf_read_branch_records(ctx, b, way == P_BRANCH ? sizeof(b) : 0, 0); if (got < 24) return 0; if (b[0].from == 1) return 0; }
	s = bpf_map_lookup_elem(&scratch, &z);
	if (!s) return 0;
	s->pid = k.pid;
	got = bpf_get_stack(ctx, s->ip, way == P_STACK_SIZE ? sizeof(s->ip) + 8 : sizeof(s->ip), BPF_F_USER_STACK);
	if (way == P_IDX_SIGNED) { s->n = s->ip[(got >> 3) - 1]; return 0; }
	if (got < 0) return 0;
	if (way == P_IDX) { s->n = s->ip[got >> 3] & 0xffff; return 0; }
	if (way == P_IDX_OK) { __u32 last = got >> 3; if (last > 0 && last <= DEPTH) s->n = s->ip[last - 1]; return 0; }
	if (way == P_LEAF) { if (got >= 8) table[(s->ip[0] >> 4) % 64]++; return 0; }
	if (way == P_RING || way == P_RING_SMALL) { bpf_ringbuf_output(&out, s, 8 + (way == P_RING ? got : got + 1), 0); return 0; }
	k.kstack = bpf_get_stackid(ctx, &stacks, 0);
	k.ustack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP);
	n = bpf_map_lookup_elem(&counts, &k);
	if (n) __sync_fetch_and_add(n, one); else bpf_map_update_elem(&counts, &k, &one, BPF_NOEXIST);
	return 0;
}
WAY("perf_event", p_ok, struct bpf_perf_event_data, sampled, P_OK)
WAY("perf_event", p_stack_size, struct bpf_perf_event_data, sampled, P_STACK_SIZE)
WAY("perf_event", p_idx, struct bpf_perf_event_data, sampled, P_IDX)
WAY("perf_event", p_idx_ok, struct bpf_perf_event_data, sampled, P_IDX_OK)
WAY("perf_event", p_idx_signed, struct bpf_perf_event_data, sampled, P_IDX_SIGNED)
WAY("perf_event", p_ring, struct bpf_perf_event_data, sampled, P_RING)
WAY("perf_event", p_ring_small, struct bpf_perf_event_data, sampled, P_RING_SMALL)
WAY("perf_event", p_regs, struct bpf_perf_event_data, sampled, P_REGS)
WAY("perf_event", p_regs_past, struct bpf_perf_event_data, sampled, P_REGS_PAST)
WAY("perf_event", p_read, struct bpf_perf_event_data, sampled, P_READ)
WAY("perf_event", p_read_short, struct bpf_perf_event_data, sampled, P_READ_SHORT)
WAY("perf_event", p_branch, struct bpf_perf_event_data, sampled, P_BRANCH)
WAY("perf_event", p_branch_odd, struct bpf_perf_event_data, sampled, P_BRANCH_ODD)
WAY("perf_event", p_width, struct bpf_perf_event_data, sampled, P_WIDTH)
WAY("perf_event", p_write, struct bpf_perf_event_data, sampled, P_WRITE)
WAY("perf_event", p_leaf, struct bpf_perf_event_data, sampled, P_LEAF)
