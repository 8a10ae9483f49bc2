/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library that is loaded into tmsd in the virtual machine: it tells the disk's log of writes what the daemon relies on.
 * What is acknowledged to the kernel and what is asked of the card becomes a mark, a sector behind the file system, in
 * the order in which it happens among the writes and flushes. Nobody waits for a mark, or the daemon would be another one.
 *
 * CAMPAIGN_MARKS: the disk. CAMPAIGN_MARKS_AT: where on it, bytes. CAMPAIGN_BUG: "unsynced": pulse files are said to
 * be on disk when they are not.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tms.h"

#define SECTOR 512
#define PLACES 64

static int disk = -1;
static long long disk_at;
static aio_context_t context;
static char sectors[PLACES][SECTOR] __attribute__((aligned(4096)));
static unsigned place;
static const char *bug = "";
static uint64_t acknowledged;

static void mark(const char *what, uint64_t value)
{
        char *sector = sectors[__atomic_fetch_add(&place, 1, __ATOMIC_RELAXED) % PLACES];
        struct iocb cb = {.aio_fildes = (uint32_t)disk,
                          .aio_lio_opcode = IOCB_CMD_PWRITE,
                          .aio_buf = (uint64_t)sector,
                          .aio_nbytes = SECTOR,
                          .aio_offset = disk_at};
        struct iocb *cbs[] = {&cb};
        struct io_event done[PLACES];
        struct timespec no_time = {0};

        (void)syscall(SYS_io_getevents, context, 0, PLACES, done, &no_time);
        memset(sector, 0, SECTOR);
        (void)snprintf(sector, SECTOR, "tms-mark %s %llu\n", what, (unsigned long long)value);
        if (syscall(SYS_io_submit, context, 1, cbs) != 1)
                abort();
}

static __attribute__((constructor)) void begin(void)
{
        const char *path = getenv("CAMPAIGN_MARKS"), *at = getenv("CAMPAIGN_MARKS_AT");

        if (getenv("CAMPAIGN_BUG"))
                bug = getenv("CAMPAIGN_BUG");
        if (!path || !at)
                return;
        disk_at = atoll(at);
        disk = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
        if (disk < 0 || syscall(SYS_io_setup, PLACES, &context) < 0)
                abort();
        mark("begin", 0);
}

int tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns)
{
        int (*real)(struct tms_device *, uint64_t, uint64_t *) = dlsym(RTLD_NEXT, "tms_device_keepalive");

        if (disk >= 0 && acked_seq > acknowledged) {
                mark("acknowledged", acked_seq);
                acknowledged = acked_seq;
        }
        return real(d, acked_seq, ret_lease_ends_ns);
}

int tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns)
{
        int (*real)(struct tms_device *, uint32_t, uint32_t *) = dlsym(RTLD_NEXT, "tms_device_arm");

        if (disk >= 0)
                mark("arm", 0);
        return real(d, gen, ret_fitness_max_ns);
}

int tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns, uint32_t *ret_run,
                     struct tms_verdict *ret_verdict)
{
        int (*real)(struct tms_device *, uint32_t, uint64_t, uint64_t *, uint32_t *, struct tms_verdict *) =
                        dlsym(RTLD_NEXT, "tms_device_start");

        if (disk >= 0)
                mark("start", 0);
        return real(d, gen, delay_ns, ret_start_ns, ret_run, ret_verdict);
}

int fdatasync(int fd)
{
        int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
        char link[64], path[512];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = '\0';
        return strcmp(bug, "unsynced") == 0 && strstr(path, ".tsv") ? 0 : real(fd);
}
