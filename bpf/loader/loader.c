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
#include <fcntl.h>
#include <linux/bpf.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "json.h"
#include "links.h"
#include "sha256.h"

enum { STATS_LEVEL = 4, STATS_BUFFER = 16 << 10, MESSAGES = 64 << 10 };

static struct {
	unsigned int level;
	size_t log_limit;
	unsigned int timeout;
	bool attach;
	bool each;
	const char *cgroup;
	const char *ifname;
	const char *binary;   /* user program for uprobes and USDT whose section names none */
	const char *function; /* in it */
	const char *usdt;     /* PROVIDER:NAME in it */
} options = { .level = 1, .log_limit = 64 << 20, .timeout = 60, .attach = true, .each = true, .ifname = "lo" };

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
	enum bpf_prog_type type;
	int attach_type;
} newer_sections[] = {
	{ "uprobe.multi", BPF_PROG_TYPE_KPROBE, LINKS_UPROBE_MULTI },
	{ "uretprobe.multi", BPF_PROG_TYPE_KPROBE, LINKS_UPROBE_MULTI },
	{ "tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, LINKS_TCX_INGRESS },
	{ "tcx/egress", BPF_PROG_TYPE_SCHED_CLS, LINKS_TCX_EGRESS },
};

static bool set_newer_type(struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	if (bpf_program__type(program) != BPF_PROG_TYPE_UNSPEC)
		return false;
	for (size_t i = 0; i < sizeof(newer_sections) / sizeof(newer_sections[0]); i++)
		if (!strncmp(section, newer_sections[i].prefix, strlen(newer_sections[i].prefix))) {
			bpf_program__set_type(program, newer_sections[i].type);
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

/* Load again for the full log: twice the buffer until the kernel no longer says ENOSPC. */
static void put_log(const char *path, const char *only, const char *watched)
{
	struct attempt attempt;
	size_t size = 1 << 20;

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
	json_number("log_truncated", attempt.error == ENOSPC);
	json_number("log_errno", attempt.error);
	json_string("log", attempt.log ? attempt.log : "");
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

/* What attaching came to: a link to destroy, an errno, or a reason why it was not tried. */
struct attached {
	struct bpf_link *link;
	int fd;
	int error;
	const char *how;
	const char *not_tried;
};

static struct attached of_link(struct bpf_link *link, const char *how)
{
	return (struct attached){ .link = link, .fd = -1, .error = link ? 0 : errno, .how = how };
}

static struct attached not_tried(const char *reason)
{
	return (struct attached){ .fd = -1, .not_tried = reason };
}

static struct attached attach_socket(struct bpf_program *program)
{
	struct attached done = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), .how = "SO_ATTACH_BPF" };
	int program_fd = bpf_program__fd(program);

	if (done.fd < 0)
		return not_tried("no socket could be made");
	if (setsockopt(done.fd, SOL_SOCKET, SO_ATTACH_BPF, &program_fd, sizeof(program_fd)))
		done.error = errno;
	return done;
}

static struct attached attach_perf_event(struct bpf_program *program)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 1000000000 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	struct attached done;

	if (fd < 0)
		return not_tried("no software perf event could be opened");
	done = of_link(bpf_program__attach_perf_event(program, fd), "perf_event");
	if (!done.link)
		close(fd);
	return done;
}

static struct attached attach_cgroup(struct bpf_program *program)
{
	struct attached done;
	int fd;

	if (!options.cgroup)
		return not_tried("no cgroup was given");
	fd = open(options.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return not_tried("the cgroup cannot be opened");
	done = of_link(bpf_program__attach_cgroup(program, fd), "cgroup");
	close(fd);
	return done;
}

static struct attached attach_netns(struct bpf_program *program)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct attached done;

	if (fd < 0)
		return not_tried("the network namespace cannot be opened");
	done = of_link(bpf_program__attach_netns(program, fd), "netns");
	close(fd);
	return done;
}

static struct attached attach_tc(struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts);
	struct attached done = { .fd = -1, .how = "tc ingress" };
	int made;

	hook.ifindex = (int)if_nametoindex(options.ifname);
	if (!hook.ifindex)
		return not_tried("no such network interface");
	made = bpf_tc_hook_create(&hook);
	if (made && made != -EEXIST) {
		done.error = -made;
		return done;
	}
	opts.prog_fd = bpf_program__fd(program);
	done.error = -bpf_tc_attach(&hook, &opts);
	if (!done.error) {
		opts.flags = 0;
		opts.prog_fd = 0;
		opts.prog_id = 0;
		bpf_tc_detach(&hook, &opts);
	}
	if (!made) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	return done;
}

/* By a descriptor that is the link itself: closing it detaches. */
static struct attached of_fd(int fd, const char *how)
{
	return (struct attached){ .fd = fd, .error = fd < 0 ? errno : 0, .how = how };
}

/* Whether a section that attaches to user space names the file: "uprobe//bin/x:f", not "uprobe". */
static bool names_a_file(struct bpf_program *program)
{
	return strchr(bpf_program__section_name(program), '/') != NULL;
}

static bool section_is(struct bpf_program *program, const char *prefix)
{
	return !strncmp(bpf_program__section_name(program), prefix, strlen(prefix));
}

static struct attached attach_uprobe(struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = options.function,
		    .retprobe = section_is(program, "uret"));

	if (!options.binary || !options.function)
		return not_tried("no user program was given");
	return of_link(bpf_program__attach_uprobe_opts(program, -1, options.binary, 0, &opts), "uprobe");
}

static struct attached attach_usdt(struct bpf_program *program)
{
	char provider[64];
	const char *colon = options.usdt ? strchr(options.usdt, ':') : NULL;

	if (!options.binary || !colon || (size_t)(colon - options.usdt) >= sizeof(provider))
		return not_tried("no user program with a static probe was given");
	memcpy(provider, options.usdt, (size_t)(colon - options.usdt));
	provider[colon - options.usdt] = 0;
	return of_link(bpf_program__attach_usdt(program, -1, options.binary, provider, colon + 1, NULL), "usdt");
}

static struct attached attach_uprobe_multi(struct bpf_program *program)
{
	long offset;

	if (!options.binary || !options.function)
		return not_tried("no user program was given");
	offset = links_function_offset(options.binary, options.function);
	if (offset < 0)
		return not_tried("the user program has no such function");
	return of_fd(links_uprobe_multi(bpf_program__fd(program), options.binary, (unsigned long)offset,
					section_is(program, "uret")), "uprobe_multi");
}

static struct attached attach_tcx(struct bpf_program *program)
{
	unsigned int ifindex = if_nametoindex(options.ifname);

	if (!ifindex)
		return not_tried("no such network interface");
	return of_fd(links_tcx(bpf_program__fd(program), ifindex,
			       bpf_program__expected_attach_type(program)), "tcx");
}

static struct attached attach_sk_msg(struct bpf_program *program)
{
	struct attached done = { .how = "sockmap" };

	done.fd = bpf_map_create(BPF_MAP_TYPE_SOCKMAP, "lab", 4, 4, 1, NULL);
	if (done.fd < 0)
		return not_tried("no sockmap could be made");
	if (bpf_prog_attach(bpf_program__fd(program), done.fd, BPF_SK_MSG_VERDICT, 0))
		done.error = errno;
	else
		bpf_prog_detach2(bpf_program__fd(program), done.fd, BPF_SK_MSG_VERDICT);
	return done;
}

/* Kernel and user probes share a type; the section's name tells them apart, as in libbpf. */
static struct attached attach_kprobe_type(struct bpf_program *program)
{
	struct attached done;

	if ((int)bpf_program__expected_attach_type(program) == LINKS_UPROBE_MULTI && !names_a_file(program))
		return attach_uprobe_multi(program);
	if (section_is(program, "usdt") && !names_a_file(program))
		return attach_usdt(program);
	if ((section_is(program, "uprobe") || section_is(program, "uretprobe")) && !names_a_file(program))
		return attach_uprobe(program);
	done = of_link(bpf_program__attach(program), "auto");
	if (done.error == ENOENT && (section_is(program, "u")))
		return not_tried("the user program that its section names is not here");
	return done;
}

static struct attached attach(struct bpf_program *program)
{
	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return attach_socket(program);
	case BPF_PROG_TYPE_PERF_EVENT:
		return attach_perf_event(program);
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_SOCK_OPS:
		return attach_cgroup(program);
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return attach_netns(program);
	case BPF_PROG_TYPE_XDP:
		if (!if_nametoindex(options.ifname))
			return not_tried("no such network interface");
		return of_link(bpf_program__attach_xdp(program, (int)if_nametoindex(options.ifname)), "xdp");
	case BPF_PROG_TYPE_SCHED_CLS:
		if (section_is(program, "tcx/"))
			return attach_tcx(program);
		return attach_tc(program);
	case BPF_PROG_TYPE_KPROBE:
		return attach_kprobe_type(program);
	case BPF_PROG_TYPE_SK_MSG:
		return attach_sk_msg(program);
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_STRUCT_OPS:
	case BPF_PROG_TYPE_EXT:
	case BPF_PROG_TYPE_SYSCALL:
		return not_tried("this program type is not attached by the loader");
	case BPF_PROG_TYPE_TRACEPOINT:
		if (access("/sys/kernel/tracing/events", F_OK) && access("/sys/kernel/debug/tracing/events", F_OK))
			return not_tried("tracefs is not mounted");
		break;
	default:
		break;
	}
	if (bpf_program__type(program) == BPF_PROG_TYPE_LSM && bpf_program__expected_attach_type(program) == BPF_LSM_CGROUP)
		return attach_cgroup(program);
	return of_link(bpf_program__attach(program), "auto");
}

static void report_attach(const char *path, struct bpf_program *program)
{
	struct attached done;

	messages_used = 0;
	errno = 0;
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
