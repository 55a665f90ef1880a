/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaching one loaded program: by its section where that names a target, else to what the options name.
 * Whoever calls attach() destroys the link or closes the descriptor, which detaches.
 */
#ifndef PREFLIGHT_ATTACH_H
#define PREFLIGHT_ATTACH_H

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "links.h"
#include "options.h"

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

#endif
