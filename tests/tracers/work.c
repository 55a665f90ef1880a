// SPDX-License-Identifier: Apache-2.0
/*
 * Does a known amount of something when told to. Writes "ready", and for each line of
 * standard input does the work it names and writes "done".
 *
 *	futex THREADS MS	each thread waits for a mutex and then sleeps MS milliseconds with it
 *	write THREADS MB	each thread writes to the same file in memory
 *	held THREADS MS		each thread holds a mutex of the kernel for MS milliseconds, the others wait
 *	heldsem THREADS MS	the same with a semaphore of the kernel
 *	locks TIMES		takes a free mutex, one after the other
 *	rwlocks TIMES		takes a free read-write lock, to read and to write
 *	timedlock TIMES		waits 1 ms for a mutex that it holds itself
 *	recurse TIMES DEPTH	calls work_recurse TIMES times; it calls itself until DEPTH
 *	escape TIMES		work_escape leaves by longjmp, then one work_escape returns
 *	fire TIMES		static probe work:fire with the arguments 7 and i % 2
 *	sleep TIMES MS		sleeps
 *	forks TIMES		starts that many processes, which end at once
 *	spin MS			uses the CPU, in work_spin
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* Whether a thread of this process sleeps: after the id is known it does so in the lock alone. */
static int sleeps(pid_t thread)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	stat = fopen(path, "r");
	if (!stat || fscanf(stat, "%*d %*s %c", &state) != 1)
		exit(3);
	fclose(stat);
	return state == 'S' || state == 'D';
}

/* Until all of them have begun and sleep. */
static void all_sleep(long count)
{
	for (long i = 0; i < count && i < 64; i++)
		while (!__atomic_load_n(&thread_ids[i], __ATOMIC_ACQUIRE) || !sleeps(thread_ids[i]))
			sched_yield();
}

/* The main thread holds the mutex first, for the same time, from when all others wait for it. */
static void contend(long count, long milliseconds)
{
	held_ms = milliseconds;
	pthread_mutex_lock(&mutex);
	memset(thread_ids, 0, sizeof(thread_ids));
	for (long i = 0; i < count && i < 64; i++)
		pthread_create(&threads[i], NULL, hold, &thread_ids[i]);
	all_sleep(count);
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

static char *pages;
static long page;

/*
 * write(2) holds a lock until all is written, and what this one writes is not there before
 * the main thread brings it. The lock is that of the file's position (a mutex); a file that
 * was not opened by its name has none, and the one of its contents is waited for (a semaphore).
 */
static void *write_page(void *mine)
{
	long number = (pid_t *)mine - thread_ids;

	__atomic_store_n((pid_t *)mine, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	if (write(file, pages + number * page, page) != page)
		exit(3);
	return NULL;
}

/* The first thread waits for its page, the others for the lock; each page comes after so long. */
static void hold_in_kernel(int descriptor, long count, long milliseconds)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC);

	file = descriptor;
	page = sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, count * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (unsigned long)pages;
	range.range.len = count * page;
	if (file < 0 || faults < 0 || pages == MAP_FAILED || ioctl(faults, UFFDIO_API, &api) ||
	    ioctl(faults, UFFDIO_REGISTER, &range))
		exit(4);
	memset(thread_ids, 0, sizeof(thread_ids));
	for (long i = 0; i < count && i < 64; i++)
		pthread_create(&threads[i], NULL, write_page, &thread_ids[i]);
	all_sleep(count);
	for (long i = 0; i < count && i < 64; i++) {
		struct uffdio_zeropage zero = { .range.len = page };
		struct uffd_msg fault;

		if (read(faults, &fault, sizeof(fault)) != sizeof(fault) || fault.event != UFFD_EVENT_PAGEFAULT)
			exit(4);
		rest(milliseconds);
		zero.range.start = fault.arg.pagefault.address & -page;
		if (ioctl(faults, UFFDIO_ZEROPAGE, &zero))
			exit(4);
	}
	for (long i = 0; i < count && i < 64; i++)
		pthread_join(threads[i], NULL);
	close(faults);
	munmap(pages, count * page);
	close(file);
}

static int named_file(void)
{
	char name[] = "/tmp/work-XXXXXX";
	int descriptor = mkstemp(name);

	unlink(name);
	return descriptor;
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void read_and_write_locks(long times)
{
	for (long i = 0; i < times; i++) {
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
		pthread_rwlock_wrlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
	}
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

static void forks(long times)
{
	for (long i = 0; i < times; i++) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			exit(3);
	}
}

static void work(const char *name, long first, long second)
{
	if (!strcmp(name, "futex"))
		contend(first, second);
	else if (!strcmp(name, "write"))
		write_together(first, second);
	else if (!strcmp(name, "held"))
		hold_in_kernel(named_file(), first, second);
	else if (!strcmp(name, "heldsem"))
		hold_in_kernel(memfd_create("work", MFD_CLOEXEC), first, second);
	else if (!strcmp(name, "rwlocks"))
		read_and_write_locks(first);
	else if (!strcmp(name, "forks"))
		forks(first);
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
