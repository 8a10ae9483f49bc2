/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a daemon may be killed by name; see points.h. For programs that are linked with --wrap of what is wrapped here. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake-device.h"
#include "points.h"
#include "sync-fail.h"

struct points *points;
/* The fixture's syncs: here none fails or waits. */
atomic_int *fail_sync, *hold_sync, *made_syncs;
static bool is_daemon;

const char *const point_names[POINTS] = {
                [POINT_NONE] = "a random instant",
                [POINT_OPEN_LOG] = "a segment is opened or made",
                [POINT_WRITE_LOG] = "a record is written",
                [POINT_SYNC_LOG] = "records are synced",
                [POINT_OPEN_PULSES] = "a pulse file is opened or made",
                [POINT_WRITE_PULSES] = "pulses are written",
                [POINT_SYNC_PULSES] = "pulses are synced",
                [POINT_WRITE_KEY] = "a key is written, or written over",
                [POINT_SYNC_KEY] = "a key is synced",
                [POINT_RENAME_KEY] = "a key is given its name",
                [POINT_REMOVE_KEY] = "a key is removed",
                [POINT_WRITE_CHECKPOINT] = "a checkpoint is written",
                [POINT_RENAME_CHECKPOINT] = "a checkpoint is given its name",
                [POINT_WRITE_PROTOCOL] = "a protocol is written",
                [POINT_RENAME_PROTOCOL] = "a protocol is given its name",
                [POINT_SYNC_FOLDER] = "a folder is synced",
                [POINT_ALLOCATE] = "room is allocated",
                [POINT_READ_RECORDS] = "the kernel's records are read",
                [POINT_LOAD] = "a timeline is loaded",
                [POINT_ARM] = "the card is armed",
                [POINT_START] = "a run is started",
                [POINT_ACKNOWLEDGE] = "records are acknowledged",
                [POINT_STOP] = "the card is stopped",
};

static __attribute__((constructor)) void share(void)
{
        char *shared = mmap(NULL, sizeof(*points) + 3 * sizeof(atomic_int), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (shared == MAP_FAILED)
                abort();
        points = (struct points *)shared;
        fail_sync = (atomic_int *)(shared + sizeof(*points));
        hold_sync = fail_sync + 1;
        made_syncs = fail_sync + 2;
}

void sync_fail_reset(void)
{
}

void points_are_daemon(void)
{
        is_daemon = true;
}

void points_set(enum point at, enum when when, unsigned nth)
{
        for (size_t i = 0; i < POINTS; i++)
                atomic_store(&points->seen[i], 0);
        atomic_store(&points->at, (int)at);
        atomic_store(&points->when, (int)when);
        atomic_store(&points->nth, nth);
}

/* True: the daemon is to be killed at this call. */
static bool comes_by(enum point p)
{
        if (!is_daemon || p == POINT_NONE)
                return false;
        return atomic_fetch_add(&points->seen[p], 1) + 1 == atomic_load(&points->nth) &&
               atomic_load(&points->at) == (int)p;
}

static void die(enum point p)
{
        (void)atomic_fetch_add(&points->kills[p], 1);
        (void)kill(getpid(), SIGKILL);
        for (;;)
                (void)pause();
}

static bool is_before(void)
{
        return atomic_load(&points->when) == BEFORE;
}

#define WRAPPED(place, call)                    \
        ({                                      \
                const enum point p_ = place;    \
                const bool die_ = comes_by(p_); \
                                                \
                if (die_ && is_before())        \
                        die(p_);                \
                typeof(call) r_ = call;         \
                if (die_)                       \
                        die(p_);                \
                r_;                             \
        })

/* --- Files ------------------------------------------------------------------------------- */

static void path_of(int fd, char ret[static 512])
{
        char link[64];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, ret, 511);
        ret[n > 0 ? n : 0] = '\0';
}

/* One of four, for a file of that kind. */
static enum point of_path(const char *path, enum point log, enum point pulses, enum point key, enum point checkpoint,
                          enum point protocol)
{
        return strstr(path, ".jsonl")         ? log
               : strstr(path, ".tsv")         ? pulses
               : strstr(path, ".pem")         ? key
               : strstr(path, "/checkpoints") ? checkpoint
               : strstr(path, "/protocols")   ? protocol
                                              : POINT_NONE;
}

static void path_at(int dir_fd, const char *name, char ret[static 1024])
{
        char dir[512];

        path_of(dir_fd, dir);
        (void)snprintf(ret, 1024, "%s/%s", dir, name);
}

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __real_renameat(int a, const char *b, int c, const char *d);
int __wrap_renameat(int a, const char *b, int c, const char *d);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_unlinkat(int dir_fd, const char *name, int flags);
int __wrap_unlinkat(int dir_fd, const char *name, int flags);

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
        char path[1024] = "";
        va_list ap;
        mode_t mode;

        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
        if (is_daemon && (flags & O_ACCMODE) != O_RDONLY)
                path_at(dir_fd, name, path);
        return WRAPPED(of_path(path, POINT_OPEN_LOG, POINT_OPEN_PULSES, POINT_NONE, POINT_NONE, POINT_NONE),
                       __real_openat(dir_fd, name, flags, mode));
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
        enum point p = POINT_NONE;
        char path[512];

        if (is_daemon) {
                path_of(fd, path);
                p = of_path(path, POINT_WRITE_LOG, POINT_WRITE_PULSES, POINT_WRITE_KEY, POINT_WRITE_CHECKPOINT,
                            POINT_WRITE_PROTOCOL);
        }
        if (!comes_by(p))
                return __real_write(fd, data, size);
        (void)!__real_write(fd, data, is_before() ? size / 2 : size);
        die(p);
        return -1;
}

/* What a process has written stays when the process ends: no case has to wait for the disk. */
static int synced(int fd)
{
        enum point p = POINT_NONE;
        char path[512];

        if (is_daemon) {
                path_of(fd, path);
                p = of_path(path, POINT_SYNC_LOG, POINT_SYNC_PULSES, POINT_SYNC_KEY, POINT_SYNC_FOLDER,
                            POINT_SYNC_FOLDER);
        }
        return WRAPPED(p, 0);
}

int __wrap_fsync(int fd)
{
        return synced(fd);
}

int __wrap_fdatasync(int fd)
{
        return synced(fd);
}

int __wrap_renameat(int a, const char *b, int c, const char *d)
{
        char path[1024] = "";

        if (is_daemon)
                path_at(c, d, path);
        return WRAPPED(of_path(path, POINT_OPEN_LOG, POINT_NONE, POINT_RENAME_KEY, POINT_RENAME_CHECKPOINT,
                               POINT_RENAME_PROTOCOL),
                       __real_renameat(a, b, c, d));
}

/* The real one is not asked: not every file system that tests run on has it. */
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
        return WRAPPED(POINT_ALLOCATE, 0);
}

int __wrap_unlinkat(int dir_fd, const char *name, int flags)
{
        char path[1024] = "";

        if (is_daemon)
                path_at(dir_fd, name, path);
        return WRAPPED(of_path(path, POINT_NONE, POINT_NONE, POINT_REMOVE_KEY, POINT_NONE, POINT_NONE),
                       __real_unlinkat(dir_fd, name, flags));
}

/* --- The card ---------------------------------------------------------------------------- */

int __real_tms_device_load_rest(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                                uint32_t lateness_ns, uint32_t first_pulse, uint32_t first_train, uint32_t *ret_gen,
                                struct tms_verdict *ret_verdict);
int __wrap_tms_device_load_rest(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                                uint32_t lateness_ns, uint32_t first_pulse, uint32_t first_train, uint32_t *ret_gen,
                                struct tms_verdict *ret_verdict);
int __real_tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns);
int __wrap_tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns);
int __real_tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns,
                            uint32_t *ret_run, struct tms_verdict *ret_verdict);
int __wrap_tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns,
                            uint32_t *ret_run, struct tms_verdict *ret_verdict);
int __real_tms_device_stop(struct tms_device *d);
int __wrap_tms_device_stop(struct tms_device *d);
int __real_tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns);
int __wrap_tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns);
int __real_tms_device_read_events(struct tms_device *d, struct tms_event *events, size_t max);
int __wrap_tms_device_read_events(struct tms_device *d, struct tms_event *events, size_t max);

int __wrap_tms_device_load_rest(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                                uint32_t lateness_ns, uint32_t first_pulse, uint32_t first_train, uint32_t *ret_gen,
                                struct tms_verdict *ret_verdict)
{
        return WRAPPED(POINT_LOAD, __real_tms_device_load_rest(d, pulses, count, waveform, lateness_ns, first_pulse,
                                                               first_train, ret_gen, ret_verdict));
}

int __wrap_tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns)
{
        return WRAPPED(POINT_ARM, __real_tms_device_arm(d, gen, ret_fitness_max_ns));
}

int __wrap_tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns,
                            uint32_t *ret_run, struct tms_verdict *ret_verdict)
{
        return WRAPPED(POINT_START, __real_tms_device_start(d, gen, delay_ns, ret_start_ns, ret_run, ret_verdict));
}

int __wrap_tms_device_stop(struct tms_device *d)
{
        return WRAPPED(POINT_STOP, __real_tms_device_stop(d));
}

/* Only those count that acknowledge something. */
int __wrap_tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns)
{
        if (is_daemon && atomic_load(&points->bug) == BUG_ACKNOWLEDGES_EARLY)
                fake->acked = fake->status.event_head;
        return WRAPPED(acked_seq > fake->acked ? POINT_ACKNOWLEDGE : POINT_NONE,
                       __real_tms_device_keepalive(d, acked_seq, ret_lease_ends_ns));
}

static int read_events(struct tms_device *d, struct tms_event *events, size_t max)
{
        int n = __real_tms_device_read_events(d, events, max);

        for (int i = 0; i < n && atomic_load(&points->bug) == BUG_INVENTS; i++) {
                if (events[i].type == TMS_EVENT_PULSE_DUE && events[i].pulse.outcome == TMS_PULSE_OUTCOME_LATE) {
                        events[i].type = TMS_EVENT_PULSE_ANSWER;
                        events[i].pulse.outcome = TMS_PULSE_OUTCOME_DELIVERED;
                }
        }
        return n;
}

int __wrap_tms_device_read_events(struct tms_device *d, struct tms_event *events, size_t max)
{
        return WRAPPED(POINT_READ_RECORDS, read_events(d, events, max));
}
