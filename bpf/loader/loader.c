// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loads BPF objects for real and says what happened, one JSON object per line.
 *
 * For each object: (a) the whole object as it is, (b) each program alone with the others'
 * autoload off, so that one refusal does not hide the rest, (c) attach, then detach at once.
 * Each object is handled in a child process: a crash or a hang there becomes a record
 * ("crash", "timeout") and the next object goes on.
 *
 * A first load asks for statistics only (log level 4), because a full log that does not fit its
 * buffer makes the kernel refuse a valid program (ENOSPC). Only a program that failed is loaded
 * again at the wanted level, with a buffer that grows until the log fits.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attach.h"
#include "json.h"
#include "links.h"
#include "options.h"
#include "sha256.h"

enum { STATS_LEVEL = 4, STATS_BUFFER = 16 << 10, MESSAGES = 64 << 10 };
/* Bytes of all logs of one object, and of each that comes later (preflight.lab.wire: FRAME_LIMIT). */
enum { LOGS = 40 << 20, LOG_END = 64 << 10 };

/* libbpf's own warnings of the current step; the tail is kept when they do not fit. */
static char messages[MESSAGES];
static size_t messages_used;

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[4096];
	int length;

	if (level > LIBBPF_WARN)
		return 0;
	length = vsnprintf(line, sizeof(line), format, args);
	if (length < 0)
		return 0;
	if ((size_t)length >= sizeof(line))
		length = sizeof(line) - 1;
	if (messages_used + (size_t)length > sizeof(messages)) {
		size_t half = messages_used / 2;

		memmove(messages, messages + half, messages_used - half);
		messages_used -= half;
	}
	if (messages_used + (size_t)length <= sizeof(messages)) {
		memcpy(messages + messages_used, line, (size_t)length);
		messages_used += (size_t)length;
	}
	return 0;
}

static long long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* One load: an opened object, the log of the program that is watched, and how it ended. */
struct attempt {
	struct bpf_object *object;
	char *log;
	size_t log_size;
	int error; /* 0 or a positive errno */
	bool newer_section; /* the type was set here: libbpf does not know the section's name */
	long long usec;
};

static void finish(struct attempt *attempt)
{
	if (attempt->object)
		bpf_object__close(attempt->object);
	free(attempt->log);
	memset(attempt, 0, sizeof(*attempt));
}

/*
 * Section names that this libbpf does not know, although the kernel may know the program: what a
 * newer libbpf would set. A program alone is loaded so; the object as it is, never.
 */
static const struct {
	const char *prefix;
	int type;
	int attach_type;
	bool attaches; /* here, see attach.h */
} newer_sections[] = {
	{ "uprobe.multi", BPF_PROG_TYPE_KPROBE, LINKS_UPROBE_MULTI, true },
	{ "uretprobe.multi", BPF_PROG_TYPE_KPROBE, LINKS_UPROBE_MULTI, true },
	{ "tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, LINKS_TCX_INGRESS, true },
	{ "tcx/egress", BPF_PROG_TYPE_SCHED_CLS, LINKS_TCX_EGRESS, true },
	/* the numbers are those of include/uapi/linux/bpf.h */
	{ "sk_skb/verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT, false },
	{ "netfilter", 32, 45, false },
	{ "cgroup/connect_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 49, false },
	{ "cgroup/sendmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 50, false },
	{ "cgroup/recvmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 51, false },
	{ "cgroup/getpeername_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 52, false },
	{ "cgroup/getsockname_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 53, false },
	{ "netkit/primary", BPF_PROG_TYPE_SCHED_CLS, 54, false },
	{ "netkit/peer", BPF_PROG_TYPE_SCHED_CLS, 55, false },
	{ "kprobe.session", BPF_PROG_TYPE_KPROBE, 56, false },
	{ "uprobe.session", BPF_PROG_TYPE_KPROBE, 57, false },
};

static bool attaches_elsewhere(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	for (size_t i = 0; i < sizeof(newer_sections) / sizeof(newer_sections[0]); i++)
		if (!newer_sections[i].attaches &&
		    !strncmp(section, newer_sections[i].prefix, strlen(newer_sections[i].prefix)))
			return true;
	return false;
}

static bool set_newer_type(struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	if (bpf_program__type(program) != BPF_PROG_TYPE_UNSPEC)
		return false;
	for (size_t i = 0; i < sizeof(newer_sections) / sizeof(newer_sections[0]); i++)
		if (!strncmp(section, newer_sections[i].prefix, strlen(newer_sections[i].prefix))) {
			bpf_program__set_type(program, (enum bpf_prog_type)newer_sections[i].type);
			bpf_program__set_expected_attach_type(program,
							      (enum bpf_attach_type)newer_sections[i].attach_type);
			return true;
		}
	return false;
}

/*
 * Open and load. `only`: the one program to load, NULL for the object as it is. `watched`: the
 * program whose log is wanted at `level`, NULL for all (then statistics only).
 */
static void load(struct attempt *attempt, const char *path, const char *only, const char *watched,
		 unsigned int level, size_t log_size)
{
	struct bpf_program *program;
	size_t count = 0;
	long long before;

	memset(attempt, 0, sizeof(*attempt));
	messages_used = 0;
	attempt->object = bpf_object__open_file(path, NULL);
	if (!attempt->object) {
		attempt->error = errno ? errno : EINVAL;
		return;
	}
	bpf_object__for_each_program(program, attempt->object)
		count++;
	attempt->log_size = watched ? log_size : STATS_BUFFER * (count ? count : 1);
	attempt->log = calloc(1, attempt->log_size);
	if (!attempt->log) {
		attempt->error = ENOMEM;
		return;
	}
	count = 0;
	bpf_object__for_each_program(program, attempt->object) {
		const char *name = bpf_program__name(program);

		if (only)
			bpf_program__set_autoload(program, strcmp(name, only) == 0);
		if (only && strcmp(name, only) == 0)
			attempt->newer_section = set_newer_type(program);
		if (!watched) {
			bpf_program__set_log_level(program, level);
			bpf_program__set_log_buf(program, attempt->log + STATS_BUFFER * count, STATS_BUFFER);
		} else if (strcmp(name, watched) == 0) {
			bpf_program__set_log_level(program, level);
			bpf_program__set_log_buf(program, attempt->log, log_size);
		}
		count++;
	}
	before = microseconds();
	attempt->error = -bpf_object__load(attempt->object);
	attempt->usec = microseconds() - before;
}

/* The program libbpf names in "prog 'NAME': BPF program load failed"; NULL when it names none. */
static const char *failed_program(char *name, size_t size)
{
	static const char end[] = "': BPF program load failed";
	static const char start[] = "prog '";
	char *text = strndup(messages, messages_used), *stop, *from = NULL, *at;

	stop = text ? strstr(text, end) : NULL;
	if (stop) {
		*stop = 0;
		for (at = text; (at = strstr(at, start)); at++)
			from = at + sizeof(start) - 1;
	}
	if (from)
		snprintf(name, size, "%s", from);
	free(text);
	return from ? name : NULL;
}

static void put_messages(void)
{
	json_key("messages");
	json_text(messages, messages_used);
}

/*
 * Load again for the full log: twice the buffer until the kernel no longer says ENOSPC. What one object's
 * programs say all together is bounded by what leaves the guest: of later logs the ends are kept.
 */
static void put_log(const char *path, const char *only, const char *watched)
{
	static size_t room = LOGS;
	struct attempt attempt;
	size_t size = 1 << 20, length, kept;

	for (;;) {
		load(&attempt, path, only, watched, options.level | STATS_LEVEL, size);
		if (attempt.error != ENOSPC || size >= options.log_limit)
			break;
		finish(&attempt);
		size *= 4;
		if (size > options.log_limit)
			size = options.log_limit;
	}
	json_number("log_level", options.level | STATS_LEVEL);
	length = attempt.log ? strlen(attempt.log) : 0;
	kept = length < room ? length : room > LOG_END ? room : LOG_END;
	kept = kept < length ? kept : length;
	room -= kept < room ? kept : room;
	json_number("log_truncated", attempt.error == ENOSPC || kept < length);
	json_number("log_errno", attempt.error);
	json_string("log", attempt.log ? attempt.log + length - kept : "");
	finish(&attempt);
}

static long long number_after(const char *log, const char *words)
{
	const char *at = log ? strstr(log, words) : NULL;

	return at ? atoll(at + strlen(words)) : -1;
}

/* Statistics as the kernel wrote them; -1 where this kernel does not say. */
static void put_statistics(const char *log)
{
	const char *stack = log ? strstr(log, "stack depth ") : NULL;

	json_number("insns_processed", number_after(log, "processed "));
	json_number("states_total", number_after(log, "total_states "));
	json_number("states_peak", number_after(log, "peak_states "));
	json_number("verification_usec", number_after(log, "verification time "));
	json_key("stack");
	if (stack)
		json_text(stack + 12, strcspn(stack + 12, "\n"));
	else
		fputs("null", stdout);
}

static void put_loaded(struct bpf_program *program)
{
	const struct bpf_insn *insns = bpf_program__insns(program);
	size_t count = bpf_program__insn_cnt(program);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char hex[65];

	json_number("insns", (long long)count);
	if (insns && count) {
		sha256_hex(insns, count * sizeof(*insns), hex);
		json_string("insns_sha256", hex);
	}
	if (bpf_program__fd(program) >= 0 && !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size)) {
		json_number("xlated_bytes", info.xlated_prog_len);
		json_number("jited_bytes", info.jited_prog_len);
	}
}

static void report_attach(const char *path, struct bpf_program *program)
{
	struct attached done;

	messages_used = 0;
	errno = 0;
	if (attaches_elsewhere(program))
		done = not_tried("the loader's libbpf does not know its section");
	else
		done = attach(program);
	if (!done.not_tried && done.error == EOPNOTSUPP && done.how && !strcmp(done.how, "auto") &&
	    memmem(messages, messages_used, "doesn't support auto-attach", 27))
		done.not_tried = "the section names no target";
	json_open("attach");
	json_string("object", base_name(path));
	json_string("program", bpf_program__name(program));
	json_string("how", done.how);
	json_string("not_tried", done.not_tried);
	json_number("errno", done.not_tried ? 0 : done.error);
	put_messages();
	json_close();
	if (done.link)
		bpf_link__destroy(done.link);
	if (done.fd >= 0)
		close(done.fd);
}

/* Maps that are attached themselves: an interface of the kernel implemented in BPF. */
static void report_maps(const char *path, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		struct bpf_link *link;

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		messages_used = 0;
		errno = 0;
		link = bpf_map__attach_struct_ops(map);
		json_open("attach_map");
		json_string("object", base_name(path));
		json_string("map", bpf_map__name(map));
		json_number("errno", link ? 0 : errno);
		put_messages();
		json_close();
		if (link)
			bpf_link__destroy(link);
	}
}

static void report_whole(const char *path)
{
	struct attempt attempt;
	char failed[256];
	const char *program = NULL;
	int error;

	load(&attempt, path, NULL, NULL, STATS_LEVEL, 0);
	error = attempt.error;
	if (error && attempt.object)
		program = failed_program(failed, sizeof(failed));
	json_open("whole");
	json_string("object", base_name(path));
	json_number("errno", error);
	json_number("opened", attempt.object != NULL);
	json_number("usec", attempt.usec);
	json_string("failed_program", program);
	put_messages();
	if (program)
		put_log(path, NULL, program);
	json_close();
	if (!error && options.attach)
		report_maps(path, attempt.object);
	finish(&attempt);
}

static void report_program(const char *path, const char *name)
{
	struct attempt attempt;
	struct bpf_program *program;
	char failed[256];
	bool refused;

	load(&attempt, path, name, NULL, STATS_LEVEL, 0);
	program = attempt.object ? bpf_object__find_program_by_name(attempt.object, name) : NULL;
	if (!program) {
		finish(&attempt);
		return;
	}
	refused = attempt.error && failed_program(failed, sizeof(failed));
	json_open("program");
	json_string("object", base_name(path));
	json_string("program", name);
	json_string("section", bpf_program__section_name(program));
	json_number("type", bpf_program__type(program));
	json_number("expected_attach_type", bpf_program__expected_attach_type(program));
	json_number("newer_section", attempt.newer_section);
	json_number("errno", attempt.error);
	json_number("usec", attempt.usec);
	put_messages();
	if (!attempt.error) {
		size_t at = 0;
		struct bpf_program *other;

		bpf_object__for_each_program(other, attempt.object) {
			if (other == program)
				break;
			at++;
		}
		put_loaded(program);
		put_statistics(attempt.log + STATS_BUFFER * at);
	}
	if (refused)
		put_log(path, name, name);
	json_close();
	if (!attempt.error && options.attach)
		report_attach(path, program);
	finish(&attempt);
}

static void report_object(const char *path)
{
	struct bpf_object *object;
	struct bpf_program *program;
	char **names = NULL;
	size_t count = 0;

	messages_used = 0;
	object = bpf_object__open_file(path, NULL);
	json_open("object");
	json_string("object", base_name(path));
	json_number("errno", object ? 0 : errno);
	put_messages();
	if (object) {
		bpf_object__for_each_program(program, object) {
			char **more = realloc(names, (count + 1) * sizeof(*names));

			if (!more)
				break;
			names = more;
			names[count++] = strdup(bpf_program__name(program));
		}
		bpf_object__close(object);
	}
	json_number("programs", (long long)count);
	json_close();
	if (!object)
		return;
	report_whole(path);
	for (size_t i = 0; options.each && i < count; i++)
		report_program(path, names[i]);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static void in_child(const char *path)
{
	int status = 0;
	pid_t child = fork();

	if (child < 0) {
		json_open("crash");
		json_string("object", base_name(path));
		json_string("why", "fork failed");
		json_close();
		return;
	}
	if (!child) {
		alarm(options.timeout);
		report_object(path);
		exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		putchar('\n');
		json_open(WTERMSIG(status) == SIGALRM ? "timeout" : "crash");
		json_string("object", base_name(path));
		json_number("signal", WTERMSIG(status));
		json_close();
	}
}

static int usage(void)
{
	fputs("usage: loader [--level N] [--log-limit BYTES] [--timeout SECONDS] [--cgroup DIR]\n"
	      "              [--ifname NAME] [--binary FILE --function NAME --usdt PROVIDER:NAME]\n"
	      "              [--no-attach] [--whole-only] OBJECT...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	int at = 1;

	for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
		const char *name = argv[at] + 2;
		const char *value = at + 1 < argc ? argv[at + 1] : NULL;

		if (!strcmp(name, "no-attach")) {
			options.attach = false;
			continue;
		}
		if (!strcmp(name, "whole-only")) {
			options.each = false;
			continue;
		}
		if (!value)
			return usage();
		if (!strcmp(name, "level"))
			options.level = (unsigned int)atoi(value);
		else if (!strcmp(name, "log-limit"))
			options.log_limit = (size_t)atoll(value);
		else if (!strcmp(name, "timeout"))
			options.timeout = (unsigned int)atoi(value);
		else if (!strcmp(name, "cgroup"))
			options.cgroup = value;
		else if (!strcmp(name, "ifname"))
			options.ifname = value;
		else if (!strcmp(name, "binary"))
			options.binary = value;
		else if (!strcmp(name, "function"))
			options.function = value;
		else if (!strcmp(name, "usdt"))
			options.usdt = value;
		else
			return usage();
		at++;
	}
	if (at >= argc)
		return usage();
	if (options.log_limit < 1 << 20)
		options.log_limit = 1 << 20;
#ifdef __GLIBC__
	/* libbpf reads the kernel's BTF for every load; kept memory spares the faults of fetching it anew. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
	libbpf_set_print(keep_message);
	for (; at < argc; at++)
		in_child(argv[at]);
	return 0;
}
