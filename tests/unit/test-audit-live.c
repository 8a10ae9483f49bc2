/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log that is being written: read by a verifier, copied by a backup, and wanted by a second daemon. Each in its own
 * process, as they are.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "audit.h"
#include "scratch.h"
#include "scratch-log.h"
#include "tms.h"

#define BOOT SCRATCH_BOOT
#define READINGS 150 /* of one test, while the other process writes */
#define PULSES 40    /* of a session */

/* Shared with the writer's process. */
static atomic_uint *sessions, *stop;

static __attribute__((constructor)) void share(void)
{
        atomic_uint *shared =
                        mmap(NULL, 2 * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (shared == MAP_FAILED)
                abort();
        sessions = &shared[0];
        stop = &shared[1];
}

struct fixture {
        int fd;
        char *path, *audit_path;
        pid_t writer;
};

/* --- The writer ------------------------------------------------------------------------------ */

static void on_done(const struct audit_result *result, void *userdata)
{
        *(int *)userdata = result->error < 0 ? result->error : 1;
}

static void wait_for(sd_event *event, const int *done)
{
        while (*done == 0)
                (void)sd_event_run(event, USEC_PER_S);
        if (*done < 0)
                abort();
}

static void write_pulses(struct audit *a, struct pulsefile *p, uint64_t from)
{
        struct tms_event e[4];
        size_t i;

        for (i = 0; i < ELEMENTS(e); i++)
                e[i] = (struct tms_event){.seq = from + i,
                                          .type = i % 2 ? TMS_EVENT_PULSE_ANSWER : TMS_EVENT_PULSE_DUE,
                                          .pulse = {.triggered_ns = from + i / 2,
                                                    .outcome = i % 2 ? TMS_PULSE_OUTCOME_DELIVERED
                                                                     : TMS_PULSE_OUTCOME_TRIGGERED}};
        if (audit_pulses_append(a, p, e, ELEMENTS(e), NULL, NULL) < 0)
                abort();
}

static void write_about(struct audit *a, const char *type, const char *id, struct pulsefile *p,
                        struct pulsefile *begins)
{
        if (audit_write(a,
                        &(struct audit_record){
                                        .type = type, .data = scratch_data_of(type, id), .pulses = p, .begins = begins},
                        NULL, NULL) < 0)
                abort();
}

static void write_session(sd_event *event, struct audit *a, unsigned n)
{
        struct pulsefile *p;
        int done = 0;
        char id[16];
        uint64_t i;

        (void)snprintf(id, sizeof(id), "s%u", n);
        if (pulsefile_new(id, &p) < 0)
                abort();
        (void)audit_pulses_open(a, p, false, NULL, NULL);
        write_about(a, "session.create", id, NULL, p);
        for (i = 0; i < PULSES; i += 2) {
                write_pulses(a, p, 2 * i + 1);
                if (i % 8 == 0)
                        write_about(a, "session.pulses", id, p, NULL);
                if (i % 10 == 0) {
                        int written = 0;

                        (void)audit_barrier(a, on_done, &written);
                        wait_for(event, &written);
                }
        }
        write_about(a, "session.end", id, p, NULL);
        audit_pulses_close(a, p);
        (void)audit_seal(a, NULL, "", on_done, &done);
        wait_for(event, &done);
}

/* One session after the other, until it is told to stop. */
static void write_all_day(int state_fd)
{
        struct audit_config config = {.state_fd = state_fd, .boot = BOOT};
        struct audit *a;
        sd_event *event;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_event_new(&event) < 0 || audit_new(event, &config, &a) < 0)
                abort();
        while (!atomic_load(stop)) {
                write_session(event, a, atomic_load(sessions));
                atomic_fetch_add(sessions, 1);
                /* A session takes minutes; here, longer than the seals so far take to verify: each pass ends in time. */
                usleep(1000 + 300 * (unsigned)atomic_load(sessions));
        }
        if (audit_failure(a))
                abort();
        audit_free(a);
        sd_event_unref(event);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->fd = scratch_open(&f->path);
        assert_true(asprintf(&f->audit_path, "%s/audit", f->path) > 0);
        atomic_store(sessions, 0);
        atomic_store(stop, 0);
        f->writer = fork();
        assert_true(f->writer >= 0);
        if (f->writer == 0) {
                write_all_day(f->fd);
                _exit(EXIT_SUCCESS);
        }
        while (atomic_load(sessions) == 0)
                usleep(1000);
        *state = f;
        return 0;
}

/* The writer has come to its end by itself, and what it has written holds. */
static void end_writer(struct fixture *f)
{
        struct tms_audit_report report;
        int status;

        atomic_store(stop, 1);
        assert_int_equal(waitpid(f->writer, &status, 0), f->writer);
        f->writer = 0;
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
        scratch_log_verify(f->audit_path, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.sessions, atomic_load(sessions));
        assert_int_equal(report.pulses_delivered, PULSES * (uint64_t)atomic_load(sessions));
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        if (f->writer > 0) {
                (void)kill(f->writer, SIGKILL);
                (void)waitpid(f->writer, NULL, 0);
        }
        scratch_close(f->fd, f->path);
        free(f->audit_path);
        free(f);
        return 0;
}

/* --- Reading ----------------------------------------------------------------------------------- */

static void holds(const char *audit_path, const char *what, int reading)
{
        struct tms_audit_report report;
        struct tms_error error = {0};

        if (tms_audit_verify(audit_path, NULL, &report, &error) < 0)
                fail_msg("%s %d: %s", what, reading, error.message);
        if (report.result != TMS_AUDIT_PREFIX && report.result != TMS_AUDIT_TORN)
                fail_msg("%s %d: result %d: %s", what, reading, report.result, report.sentence);
}

/* Whoever verifies while the daemon writes hears of no tampering. */
static void test_verified_while_written(void **state)
{
        struct fixture *f = *state;
        int i;

        /* On a busy machine the writer may get little of the processor. It has to have written some while it was read. */
        for (i = 0; i < READINGS || (i < 100 * READINGS && atomic_load(sessions) <= 3); i++)
                holds(f->audit_path, "reading", i);
        assert_true(atomic_load(sessions) > 3);
        end_writer(f);
}

/* --- Backups ------------------------------------------------------------------------------------- */

static void copy(struct fixture *f, const char *to, const char *name)
{
        size_t size;
        char *text = scratch_read(f->audit_path, name, &size);

        scratch_write(to, name, text, size);
        free(text);
}

static size_t list(struct fixture *f, const char *folder, char names[][64], size_t max)
{
        char *path;
        struct dirent *e;
        size_t n = 0;
        DIR *d;

        assert_true(asprintf(&path, "%s/%s", f->audit_path, folder) > 0);
        d = opendir(path);
        free(path);
        assert_non_null(d);
        while ((e = readdir(d))) {
                if (e->d_name[0] == '.')
                        continue;
                assert_true(n < max);
                (void)snprintf(names[n++], 64, "%s/%.50s", folder, e->d_name);
        }
        closedir(d);
        return n;
}

static void make_folder(const char *to, const char *name)
{
        char *path;

        assert_true(asprintf(&path, "%s/%s", to, name) > 0);
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        free(path);
}

/*
 * As tmsd(8) says it: the pulse files are listed, the log is copied, then the files that were listed. A session may have
 * begun between the first two, so the copy is looked at, and made again.
 */
static void test_copied_while_written(void **state)
{
        static char names[4096][64];
        struct fixture *f = *state;
        unsigned good = 0, copies;

        for (copies = 0; good < 12 && copies < 200; copies++) {
                struct tms_audit_report report;
                char *to;
                size_t n, i;
                int fd;

                fd = scratch_open(&to);
                make_folder(to, "pulses");
                make_folder(to, "protocols");
                n = list(f, "pulses", names, ELEMENTS(names));
                copy(f, to, "log.jsonl");
                for (i = 0; i < n; i++)
                        copy(f, to, names[i]);
                copy(f, to, "key0.pub");
                assert_int_equal(tms_audit_verify(to, NULL, &report, NULL), 0);
                if (report.result == TMS_AUDIT_PREFIX || report.result == TMS_AUDIT_TORN)
                        good++;
                /* Nothing else can be wrong with it, whenever it was made. */
                else if (!strstr(report.sentence, " is missing"))
                        fail_msg("copy %u: %s", copies, report.sentence);
                scratch_close(fd, to);
        }
        assert_int_equal(good, 12);
        end_writer(f);
}

/* --- Two writers ------------------------------------------------------------------------------------ */

/* The second is told who has the log, changes nothing, and the first goes on. */
static void test_a_second_writer(void **state)
{
        struct fixture *f = *state;
        struct audit_config config = {.state_fd = f->fd, .boot = BOOT};
        struct audit *second;
        unsigned before;
        sd_event *event;
        int i;

        assert_true(sd_event_new(&event) >= 0);
        for (i = 0; i < 20; i++) {
                assert_int_equal(audit_new(event, &config, &second), 0);
                assert_non_null(audit_failure(second));
                assert_non_null(strstr(audit_failure(second),
                                       "cannot be opened: another process writes it; end it (fuser -v "
                                       "/var/lib/tmsd/audit), then: systemctl restart tmsd"));
                audit_free(second);
        }
        sd_event_unref(event);
        before = atomic_load(sessions);
        while (atomic_load(sessions) < before + 2)
                usleep(1000);
        end_writer(f);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_verified_while_written),
                        TEST(test_copied_while_written),
                        TEST(test_a_second_writer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
