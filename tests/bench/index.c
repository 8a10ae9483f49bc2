// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long it takes to make the index of an audit log anew, against verifying that log, in turns.
 *
 *   index DIR [ROUNDS]    of DIR/audit, as `audit make DIR records …` has made it; the index is left in DIR
 *
 * Prints the fastest round of each as one line of JSON. ratio: records a second into the index, over records a second
 * verified. memory_kb: the most that the process had in memory that is its own, before and after the first round.
 */
#include "index.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>

static const char *const files[] = {INDEX_NAME, INDEX_NAME "-wal", INDEX_NAME "-shm"};

static uint64_t verify(const char *audit, struct tms_audit_report *report)
{
        uint64_t start_ns = now_ns(CLOCK_MONOTONIC);
        struct tms_error error = {0};

        if (tms_audit_verify(audit, NULL, report, &error) < 0)
                errx(1, "%s", error.message);
        if (report->result != TMS_AUDIT_PREFIX)
                errx(1, "%s", report->sentence);
        return now_ns(CLOCK_MONOTONIC) - start_ns;
}

static uint64_t make_index(int state_fd, const struct tms_audit_report *report)
{
        struct index_config config = {.state_fd = state_fd, .key0 = report->key0, .records = report->records};
        _cleanup_(index_freep) struct index *x = NULL;
        _cleanup_(index_reader_freep) struct index_reader *r = NULL;
        char state[INDEX_STATE_SIZE];
        uint64_t start_ns, ns;
        int e;

        for (size_t i = 0; i < ELEMENTS(files); i++)
                if (unlinkat(state_fd, files[i], 0) < 0 && errno != ENOENT)
                        err(1, "%s", files[i]);
        start_ns = now_ns(CLOCK_MONOTONIC);
        if (index_new(&config, &x) < 0)
                errx(1, "no index");
        while ((e = index_read(x, &r)) == -EAGAIN)
                if (strncmp(index_state(x, state), "cannot", 6) == 0)
                        errx(1, "the index %s", state);
        if (e < 0)
                errx(1, "the index cannot be read: %s", strerror(-e));
        ns = now_ns(CLOCK_MONOTONIC) - start_ns;
        return ns;
}

/* Of the process's own memory, in kB. */
static unsigned long memory_kb(void)
{
        unsigned long kb = 0, sum = 0;
        char line[200];
        FILE *f = fopen("/proc/self/smaps_rollup", "re");

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "Private_%*[A-Za-z]: %lu", &kb) == 1)
                        sum += kb;
        if (f)
                (void)fclose(f);
        return sum;
}

int main(int argc, char **argv)
{
        uint64_t verify_ns = UINT64_MAX, index_ns = UINT64_MAX;
        struct tms_audit_report report;
        unsigned long before_kb = 0, after_kb = 0;
        unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
        char audit[4096];
        int state_fd;

        if (argc < 2)
                errx(2, "usage: index DIR [ROUNDS]");
        (void)snprintf(audit, sizeof(audit), "%s/audit", argv[1]);
        state_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state_fd < 0)
                err(1, "%s", argv[1]);
        for (unsigned i = 0; i < rounds; i++) {
                uint64_t ns = verify(audit, &report);

                verify_ns = ns < verify_ns ? ns : verify_ns;
                before_kb = i == 0 ? memory_kb() : before_kb;
                ns = make_index(state_fd, &report);
                after_kb = i == 0 ? memory_kb() : after_kb;
                index_ns = ns < index_ns ? ns : index_ns;
        }
        printf("{\"index_ns\":%" PRIu64 ",\"verify_ns\":%" PRIu64 ",\"records\":%" PRIu64
               ",\"ratio\":%.3f,\"memory_kb\":[%lu,%lu]}\n",
               index_ns, verify_ns, report.records, (double)verify_ns / (double)index_ns, before_kb, after_kb);
        return 0;
}
