// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// build: per-arch
/*
 * Which programs look names up through the C library, how long does that take, and how
 * does it fail?
 *
 * Seen are getaddrinfo() and gethostbyname(), gethostbyname2(), gethostbyname_r() of the
 * library that user space attaches to: answers from files and caches too, but no program
 * with a resolver of its own, and no container with another library. Names are hashed,
 * see names.h.
 */
#include "regs.h"
#include "tracer.h"
#include "latency.h"
#include "names.h"

/* A lookup inside another begins at once; a start of this age has lost its return. */
#define STALE_NS 120000000000ULL

enum lookup_operation {
	LOOKUP_GETADDRINFO = 0,
	LOOKUP_GETHOSTBYNAME = 1,
	LOOKUP_GETHOSTBYNAME2 = 2,
	LOOKUP_GETHOSTBYNAME_R = 3,
};

struct lookup_start {
	__u64 ns;
	__u64 name; /* address in the task */
	__u64 result_at; /* gethostbyname_r: where it puts its answer */
	enum lookup_operation operation;
	__u32 unused;
};

/* One per thread: the functions call one another, and the outermost is the lookup. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct lookup_start);
} starts SEC(".maps");

struct lookup_latency_key {
	enum lookup_operation operation;
	__s32 code; /* getaddrinfo's result, EAI_... of netdb.h; 0 for the others */
	__u8 failed;
	__u8 unused[3];
};

/* Four functions and a dozen results. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 128);
	__type(key, struct lookup_latency_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct lookup_key {
	__u64 name_hash; /* 0 = not asked for, or unreadable */
	__u32 tgid;
	enum lookup_operation operation;
	__s32 code;
	__u8 failed;
	__u8 unused[3];
	char comm[TASK_COMM_LEN];
	char suffix[SUFFIX_BYTES];
};

struct lookup_count {
	__u64 count;
	__u64 total_ns;
};

/* Names are without number: the least recent are pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct lookup_key);
	__type(value, struct lookup_count);
} counts SEC(".maps");

static const struct name_work empty_name;

/* In use while one program runs, and deleted at its end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct name_work);
} names SEC(".maps");

static __always_inline int lookup_begin(enum lookup_operation operation, __u64 name, __u64 result_at)
{
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct lookup_start *outer = bpf_map_lookup_elem(&starts, &thread), start = {};

	if (outer && outer->operation != operation && now - outer->ns < STALE_NS)
		return 0;
	if (early_filter() || sampled_out())
		return 0;
	if (outer)
		health_count(HEALTH_EXPIRED);
	start.ns = now;
	start.name = name;
	start.result_at = result_at;
	start.operation = operation;
	if (bpf_map_update_elem(&starts, &thread, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
	return 0;
}

static __always_inline void add_latency(const struct lookup_key *lookup, __u64 took)
{
	struct lookup_latency_key key = {
		.operation = lookup->operation,
		.code = lookup->code,
		.failed = lookup->failed,
	};
	struct log2_hist *hist = bpf_map_lookup_elem(&latencies, &key);

	if (!hist) {
		bpf_map_update_elem(&latencies, &key, &empty_hist, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&latencies, &key);
	}
	if (hist)
		hist_add(hist, took);
	else
		health_count(HEALTH_UPDATE_FAILED);
}

/* The name is read at the end: by then the function has read it itself, so it is in memory. */
static __always_inline void add_name(struct lookup_key *key, __u64 name)
{
	__u64 ticket = name_ticket();
	struct name_work *work;

	if (bpf_map_update_elem(&names, &ticket, &empty_name, BPF_NOEXIST)) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	work = bpf_map_lookup_elem(&names, &ticket);
	if (work && bpf_probe_read_user_str(work->raw, sizeof(work->raw), (const void *)name) > 0) {
		name_from_text(work);
		key->name_hash = name_hash(work);
		name_suffix(work, key->suffix);
	} else {
		health_count(HEALTH_READ_FAILED);
	}
	bpf_map_delete_elem(&names, &ticket);
}

static __always_inline void count_lookup(const struct lookup_key *key, __u64 took)
{
	struct lookup_count *count = bpf_map_lookup_elem(&counts, key), first = { .count = 1, .total_ns = took };

	if (!count) {
		if (!bpf_map_update_elem(&counts, key, &first, BPF_NOEXIST)) {
			health_count(HEALTH_EXPORTED);
			return;
		}
		count = bpf_map_lookup_elem(&counts, key);
	}
	if (!count) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	__sync_fetch_and_add(&count->count, 1);
	__sync_fetch_and_add(&count->total_ns, took);
	health_count(HEALTH_EXPORTED);
}

/* `answer` is what the function returns. */
static __always_inline int lookup_end(enum lookup_operation operation, __u64 answer)
{
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns(), took, found = 0;
	struct lookup_start *record = bpf_map_lookup_elem(&starts, &thread), start;
	struct lookup_key key = {};

	if (!record) {
		count_unmatched();
		return 0;
	}
	if (record->operation != operation)
		return 0;
	start = *record;
	bpf_map_delete_elem(&starts, &thread);
	took = now - start.ns;
	if (outside_bounds(took)) {
		health_count(HEALTH_FILTERED);
		return 0;
	}
	key.tgid = thread >> 32;
	key.operation = operation;
	if (operation == LOOKUP_GETADDRINFO) {
		key.code = answer;
		key.failed = key.code != 0;
	} else if (operation == LOOKUP_GETHOSTBYNAME_R) {
		if (bpf_probe_read_user(&found, sizeof(found), (const void *)start.result_at))
			health_count(HEALTH_READ_FAILED);
		key.failed = found == 0;
	} else {
		key.failed = answer == 0;
	}
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	/* getaddrinfo without a name asks for the addresses to listen on. */
	if (names_wanted() && start.name)
		add_name(&key, start.name);
	add_latency(&key, took);
	count_lookup(&key, took);
	return 0;
}

SEC("uprobe")
int dnslookups_getaddrinfo(struct pt_regs *ctx)
{
	return lookup_begin(LOOKUP_GETADDRINFO, PT_REGS_PARM1(ctx), 0);
}

SEC("uretprobe")
int dnslookups_getaddrinfo_end(struct pt_regs *ctx)
{
	return lookup_end(LOOKUP_GETADDRINFO, PT_REGS_RC(ctx));
}

SEC("uprobe")
int dnslookups_gethostbyname(struct pt_regs *ctx)
{
	return lookup_begin(LOOKUP_GETHOSTBYNAME, PT_REGS_PARM1(ctx), 0);
}

SEC("uretprobe")
int dnslookups_gethostbyname_end(struct pt_regs *ctx)
{
	return lookup_end(LOOKUP_GETHOSTBYNAME, PT_REGS_RC(ctx));
}

SEC("uprobe")
int dnslookups_gethostbyname2(struct pt_regs *ctx)
{
	return lookup_begin(LOOKUP_GETHOSTBYNAME2, PT_REGS_PARM1(ctx), 0);
}

SEC("uretprobe")
int dnslookups_gethostbyname2_end(struct pt_regs *ctx)
{
	return lookup_end(LOOKUP_GETHOSTBYNAME2, PT_REGS_RC(ctx));
}

/* (name, entry, buffer, size, answer, error): the fifth argument points to a null pointer when nothing was found. */
SEC("uprobe")
int dnslookups_gethostbyname_r(struct pt_regs *ctx)
{
	return lookup_begin(LOOKUP_GETHOSTBYNAME_R, PT_REGS_PARM1(ctx), PT_REGS_PARM5(ctx));
}

SEC("uretprobe")
int dnslookups_gethostbyname_r_end(struct pt_regs *ctx)
{
	return lookup_end(LOOKUP_GETHOSTBYNAME_R, PT_REGS_RC(ctx));
}
