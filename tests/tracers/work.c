// SPDX-License-Identifier: Apache-2.0
/*
 * Does a known amount of something when told to. Writes "ready", and for each line of
 * standard input does the work it names and writes "done".
 *
 *	futex THREADS MS	each thread waits for a mutex and then sleeps MS milliseconds with it
 *	write THREADS MB	each thread writes to the same file in memory
 *	locks TIMES		takes a free mutex, one after the other
 *	timedlock TIMES		waits 1 ms for a mutex that it holds itself
 *	recurse TIMES DEPTH	calls work_recurse TIMES times; it calls itself until DEPTH
 *	escape TIMES		work_escape leaves by longjmp, then one work_escape returns
 *	fire TIMES		static probe work:fire with the arguments 7 and i % 2
 *	sleep TIMES MS		sleeps
 *	spin MS			uses the CPU, in work_spin
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void rest(long milliseconds)
{
	struct timespec wanted = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&wanted, NULL);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t threads[64];
static pid_t thread_ids[64];
static long held_ms, megabytes;
static int file;

static void *hold(void *mine)
{
	__atomic_store_n((pid_t *)mine, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	pthread_mutex_lock(&mutex);
	rest(held_ms);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

/* Whether a thread of this process sleeps: after the id is known it does so in the mutex alone. */
static int sleeps(pid_t thread)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	stat = fopen(path, "r");
	if (!stat || fscanf(stat, "%*d %*s %c", &state) != 1)
		exit(3);
	fclose(stat);
	return state == 'S';
}

/* The main thread holds the mutex first, for the same time, from when all others wait for it. */
static void contend(long count, long milliseconds)
{
	held_ms = milliseconds;
	pthread_mutex_lock(&mutex);
	memset(thread_ids, 0, sizeof(thread_ids));
	for (long i = 0; i < count && i < 64; i++)
		pthread_create(&threads[i], NULL, hold, &thread_ids[i]);
	for (long i = 0; i < count && i < 64; i++)
		while (!__atomic_load_n(&thread_ids[i], __ATOMIC_ACQUIRE) || !sleeps(thread_ids[i]))
			sched_yield();
	rest(milliseconds);
	pthread_mutex_unlock(&mutex);
	for (long i = 0; i < count && i < 64; i++)
		pthread_join(threads[i], NULL);
}

/* The kernel holds a lock of the file while it writes to it. */
static void *write_all(void *unused)
{
	char *data = calloc(1, (size_t)megabytes << 20);

	(void)unused;
	if (!data || pwrite(file, data, (size_t)megabytes << 20, 0) != megabytes << 20)
		exit(3);
	free(data);
	return NULL;
}

static void write_together(long count, long size)
{
	megabytes = size;
	file = memfd_create("work", MFD_CLOEXEC);
	for (long i = 0; i < count && i < 64; i++)
		pthread_create(&threads[i], NULL, write_all, NULL);
	for (long i = 0; i < count && i < 64; i++)
		pthread_join(threads[i], NULL);
	close(file);
}

static void timed(long times)
{
	pthread_mutex_lock(&mutex);
	for (long i = 0; i < times; i++) {
		struct timespec end;

		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_nsec += 1000000;
		if (end.tv_nsec >= 1000000000) {
			end.tv_nsec -= 1000000000;
			end.tv_sec++;
		}
		pthread_mutex_timedlock(&mutex, &end);
	}
	pthread_mutex_unlock(&mutex);
}

__attribute__((noinline, noclone, used)) long work_recurse(long depth)
{
	long below = depth > 1 ? work_recurse(depth - 1) : 0;

	__asm__ volatile("" : "+r"(below));
	return below + 1;
}

static jmp_buf out;

__attribute__((noinline, noclone, used)) long work_escape(long leaves)
{
	__asm__ volatile("" : "+r"(leaves));
	if (leaves)
		longjmp(out, 1);
	return 1;
}

static void escape(long times)
{
	static long i;

	for (i = 0; i < times; i++)
		if (!setjmp(out))
			work_escape(1);
	work_escape(0);
}

/* A probe's note as in bpf/loader/target.c, by hand: no header is needed. */
static void fire(long first, long second)
{
	__asm__ volatile(
		"990: nop\n"
		".pushsection .note.stapsdt,\"?\",\"note\"\n"
		".balign 4\n"
		".4byte 992f-991f, 994f-993f, 3\n"
		"991: .asciz \"stapsdt\"\n"
		"992: .balign 4\n"
		"993: .8byte 990b\n"
		".8byte _.stapsdt.base\n"
		".8byte 0\n"
		".asciz \"work\"\n"
		".asciz \"fire\"\n"
		".asciz \"-8@%0 -8@%1\"\n"
		"994: .balign 4\n"
		".popsection\n"
		".ifndef _.stapsdt.base\n"
		".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
		".weak _.stapsdt.base\n"
		".hidden _.stapsdt.base\n"
		"_.stapsdt.base: .space 1\n"
		".size _.stapsdt.base, 1\n"
		".popsection\n"
		".endif\n"
		:: "r"(first), "r"(second));
}

__attribute__((noinline, noclone, used)) void work_spin(long milliseconds)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += milliseconds / 1000;
	end.tv_nsec += milliseconds % 1000 * 1000000;
	do {
		for (volatile int i = 0; i < 100000; i++)
			;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - end.tv_sec) * 1000000000L + now.tv_nsec - end.tv_nsec < 0);
}

static void work(const char *name, long first, long second)
{
	if (!strcmp(name, "futex"))
		contend(first, second);
	else if (!strcmp(name, "write"))
		write_together(first, second);
	else if (!strcmp(name, "timedlock"))
		timed(first);
	else if (!strcmp(name, "spin"))
		work_spin(first);
	else if (!strcmp(name, "escape"))
		escape(first);
	else
		for (long i = 0; i < first; i++)
			if (!strcmp(name, "locks")) {
				pthread_mutex_lock(&mutex);
				pthread_mutex_unlock(&mutex);
			} else if (!strcmp(name, "recurse")) {
				work_recurse(second);
			} else if (!strcmp(name, "fire")) {
				fire(7, i % 2);
			} else if (!strcmp(name, "sleep")) {
				rest(second);
			} else {
				exit(2);
			}
}

int main(void)
{
	char line[128], name[32];
	long first, second;

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		first = second = 0;
		if (sscanf(line, "%31s %ld %ld", name, &first, &second) < 1)
			return 2;
		work(name, first, second);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
