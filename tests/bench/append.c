// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a record takes until it is on disk, by the daemon's own writer, against a bare write() and fdatasync() of the
 * same bytes into a file beside it, in turns.
 *
 *   append DIR [RECORDS]    makes DIR, with a log of format 2 in it
 *
 * Prints the median of each as one line of KEY=VALUE.
 */
#include "auditlog.h"
#include "auditlog-internal.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

static const char sum[] = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

static json_t *pulses(unsigned i)
{
        return json_pack("{s:I, s:b, s:s, s:s, s:I, s:I, s:s, s:i, s:i, s:i}", "boottime_ns", (json_int_t)i + 1,
                         "synchronised", 1, "session", "20260131T090000Z_00000000", "file",
                         "pulses/20260131T090000Z_00000000.tsv", "lines", (json_int_t)i * 100, "bytes",
                         (json_int_t)i * 9000, "sha256", sum, "delivered", (int)i * 50, "missed", 0, "unknown", 0);
}

static uint64_t append(struct auditlog *l, unsigned i)
{
        uint64_t start_ns;
        json_t *data = pulses(i);
        int r;

        if (!data)
                errx(1, "no memory");
        start_ns = now_ns(CLOCK_MONOTONIC);
        /* As the writer's thread does it with each batch. */
        r = auditlog_check_disk(l);
        if (r >= 0)
                r = auditlog_append(l, "session.pulses", NULL, "/org/tmsd1/session/1", data, now_ns(CLOCK_REALTIME),
                                    start_ns);
        if (r >= 0)
                r = auditlog_sync(l);
        start_ns = now_ns(CLOCK_MONOTONIC) - start_ns;
        json_decref(data);
        if (r < 0)
                errx(1, "%s: %s", r == -EPROTO ? auditlog_misfit(l) : "append", strerror(-r));
        return start_ns;
}

static uint64_t write_bare(int fd, const char *bytes, size_t size)
{
        uint64_t start_ns = now_ns(CLOCK_MONOTONIC);

        if (write(fd, bytes, size) != (ssize_t)size || fdatasync(fd) < 0)
                err(1, "bare");
        return now_ns(CLOCK_MONOTONIC) - start_ns;
}

static int compare(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static uint64_t median(uint64_t *times, unsigned n)
{
        qsort(times, n, sizeof(*times), compare);
        return times[n / 2];
}

int main(int argc, char **argv)
{
        const struct auditlog_reading reading = {.max_off_ns = 31 * DAY_NS};
        unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;
        uint64_t *daemon_ns, *bare_ns;
        struct auditlog *l = NULL;
        char *problem = NULL;
        int state_fd, bare_fd, log_fd;

        if (argc < 2 || n == 0)
                errx(2, "usage: append DIR [RECORDS]");
        if (mkdir(argv[1], 0700) < 0)
                err(1, "%s", argv[1]);
        state_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bare_fd = openat(state_fd, "bare", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        daemon_ns = calloc(n, sizeof(*daemon_ns));
        bare_ns = calloc(n, sizeof(*bare_ns));
        if (state_fd < 0 || bare_fd < 0 || !daemon_ns || !bare_ns)
                err(1, "%s", argv[1]);
        if (auditlog_open(state_fd, "0123456789abcdef0123456789abcdef", &reading, &l, &problem) < 0)
                errx(1, "%s", problem ? problem : "the log cannot be opened");
        log_fd = openat(state_fd, "audit/log.jsonl", O_RDONLY | O_CLOEXEC);
        for (unsigned i = 0; i < n; i++) {
                uint64_t before = l->at.offset;
                char bytes[4096];
                ssize_t size;

                daemon_ns[i] = append(l, i);
                size = pread(log_fd, bytes, l->at.offset - before, (off_t)before);
                if (size <= 0 || (uint64_t)size != l->at.offset - before)
                        err(1, "log.jsonl");
                bare_ns[i] = write_bare(bare_fd, bytes, (size_t)size);
        }
        printf("append_ns=%" PRIu64 " bare_ns=%" PRIu64 " records=%u\n", median(daemon_ns, n), median(bare_ns, n), n);
        auditlog_free(l);
        return 0;
}
