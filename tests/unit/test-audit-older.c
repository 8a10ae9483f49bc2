/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is older than the checkpoint from which a start has read on: the writer goes on at once, and stops everything
 * when the rest turns out not to hold.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "audit.h"
#include "auditlog-internal.h"
#include "scratch.h"
#include "scratch-log.h"

#define MAX_OFF_NS (31 * DAY_NS)

/* The background's reading waits until it may begin, and says when it has ended. */
static atomic_bool may_read;
static atomic_int readings;
static atomic_int unreadable; /* so many readings fail with this error */
static int unreadable_error;

int __real_tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                               void *userdata, struct tms_audit_report *ret, struct tms_error *error);
int __wrap_tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                               void *userdata, struct tms_audit_report *ret, struct tms_error *error);

int __wrap_tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                               void *userdata, struct tms_audit_report *ret, struct tms_error *error)
{
        int r;

        while (!may_read)
                (void)usleep(1000);
        if (unreadable > 0) {
                unreadable--;
                (void)snprintf(error->message, sizeof(error->message), "a disk that is gone");
                r = unreadable_error;
        } else {
                r = __real_tms_audit_read_live(dir_fd, record, userdata, ret, error);
        }
        readings++;
        return r;
}

/* So many times a pulse file cannot be opened for want of a descriptor. */
static atomic_int no_descriptor;
static atomic_int no_list; /* so many times the background's list of a folder ends with this error */
static int no_list_error;
static atomic_int forgotten; /* files that memory was told to forget */
static atomic_bool hasten;   /* nobody waits for a condition */
static atomic_int waits;     /* that nobody waited */

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_posix_fadvise(int fd, off_t offset, off_t size, int advice);
int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
        va_list list;
        unsigned mode;

        va_start(list, flags);
        mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
        va_end(list);
        if (no_descriptor > 0 && strstr(name, ".tsv")) {
                no_descriptor--;
                errno = EMFILE;
                return -1;
        }
        return __real_openat(dir_fd, name, flags, mode);
}

struct dirent *__real_readdir(DIR *d);
struct dirent *__wrap_readdir(DIR *d);

struct dirent *__wrap_readdir(DIR *d)
{
        char name[16] = "";

        (void)pthread_getname_np(pthread_self(), name, sizeof(name));
        if (no_list > 0 && strcmp(name, "audit-older") == 0) {
                no_list--;
                errno = no_list_error;
                return NULL;
        }
        return __real_readdir(d);
}

int __wrap_posix_fadvise(int fd, off_t offset, off_t size, int advice)
{
        assert_int_equal(advice, POSIX_FADV_DONTNEED);
        forgotten++;
        return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
        if (!hasten)
                return __real_pthread_cond_timedwait(cond, mutex, until);
        waits++;
        return ETIMEDOUT;
}

struct fixture {
        struct scratch *s;
        sd_event *event;
        struct audit *audit;
        struct history *history;
        unsigned restored, seen, failed, done;
        int last_error;
        char sentence[AUDIT_SENTENCE];
};

static int on_restore(const json_t *state, void *userdata)
{
        struct fixture *f = userdata;

        f->restored++;
        return 0;
}

static void on_seen(const json_t *record, void *userdata)
{
        struct fixture *f = userdata;

        f->seen++;
}

static void on_failed(const char *sentence, void *userdata)
{
        struct fixture *f = userdata;

        f->failed++;
        (void)snprintf(f->sentence, sizeof(f->sentence), "%s", sentence);
}

static void on_done(const struct audit_result *result, void *userdata)
{
        struct fixture *f = userdata;

        f->done++;
        f->last_error = result->error;
}

static void start(struct fixture *f)
{
        struct audit_config config = {.state_fd = f->s->fd,
                                      .boot = SCRATCH_BOOT,
                                      .seen = on_seen,
                                      .restore = on_restore,
                                      .max_off_ns = MAX_OFF_NS,
                                      .failed = on_failed,
                                      .userdata = f};

        assert_int_equal(audit_new(f->event, &config, &f->audit), 0);
        assert_null(audit_failure(f->audit));
}

static void record(struct fixture *f, int error)
{
        unsigned done = f->done;

        assert_int_equal(audit_write(f->audit,
                                     &(struct audit_record){.type = "daemon.start",
                                                            .data = scratch_data("daemon.start")},
                                     on_done, f),
                         0);
        while (f->done == done)
                assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        assert_int_equal(f->last_error, error);
}

/* A log of 1000 records and their seal, whose checkpoint says of the cards what no record says, if lie. */
static void make(struct fixture *f, bool lie)
{
        struct auditlog_reading reading = {.max_off_ns = MAX_OFF_NS};
        struct auditlog *l = NULL;
        char *problem = NULL;
        unsigned i;

        assert_int_equal(auditlog_open(f->s->fd, SCRATCH_BOOT, &reading, &l, &problem), 0);
        for (i = 0; i < 999; i++) {
                json_t *data = scratch_data("daemon.start");

                assert_int_equal(auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), i), 0);
                json_decref(data);
        }
        if (lie) {
                json_t *add = json_pack("{s:s, s:{s:i, s:i}}", "type", "stimulator.add", "data", "card_serial", 1,
                                        "odometer", 5);

                history_see(add, l->history);
                json_decref(add);
        }
        assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL), 0);
        auditlog_free(l);
}

/* Changes a digit in the line of record 500, so that it is a record still. */
static void change_record(struct fixture *f)
{
        size_t size;
        char *text = scratch_read(f->s->audit, "log.jsonl", &size), *at = strstr(text, "\"seq\":500,");

        assert_non_null(at);
        at = strstr(at, "\"mono_ns\":");
        assert_non_null(at);
        at[strlen("\"mono_ns\":")] ^= 1;
        scratch_write(f->s->audit, "log.jsonl", text, size);
        free(text);
}

static void wait_failed(struct fixture *f)
{
        while (!f->failed)
                assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        assert_int_equal(f->failed, 1);
        assert_non_null(audit_failure(f->audit));
        /* Nothing is recorded any more. */
        record(f, -EIO);
        assert_int_equal(f->failed, 1);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        may_read = hasten = false;
        readings = unreadable = no_descriptor = no_list = forgotten = waits = 0;
        assert_int_equal(scratch_setup((void **)&f->s), 0);
        assert_true(sd_event_new(&f->event) >= 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        may_read = true;
        audit_free(f->audit);
        sd_event_unref(f->event);
        scratch_teardown((void **)&f->s);
        free(f);
        return 0;
}

static void test_holds(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        start(f);
        assert_int_equal(f->restored, 1);
        assert_int_equal(f->seen, 1);
        record(f, 0);
        may_read = true;
        while (readings == 0)
                record(f, 0);
        record(f, 0);
        assert_int_equal(f->failed, 0);
        assert_int_equal(readings, 1);
}

/* What happens before the background has found it goes on, and what comes after is refused. */
static void test_record_changed(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        change_record(f);
        start(f);
        assert_int_equal(f->restored, 1);
        record(f, 0);
        assert_int_equal(f->failed, 0);
        may_read = true;
        wait_failed(f);
        assert_non_null(strstr(f->sentence, "the audit log does not hold: log.jsonl:502: does not follow from"));
        assert_non_null(strstr(f->sentence, "restore what was lost"));
}

static void test_changed_while_running(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        start(f);
        change_record(f);
        may_read = true;
        wait_failed(f);
}

static void test_other_state(void **state)
{
        struct fixture *f = *state;

        make(f, true);
        start(f);
        assert_int_equal(f->restored, 1);
        may_read = true;
        wait_failed(f);
        assert_non_null(strstr(f->sentence, "checkpoints/1000.json has another state than the records"));
}

static void test_unreadable(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        unreadable_error = -EIO;
        unreadable = 1;
        start(f);
        may_read = true;
        wait_failed(f);
        assert_non_null(strstr(f->sentence, "a disk that is gone"));
        assert_non_null(strstr(f->sentence, "systemctl restart tmsd"));
}

/* Without memory nobody knows, so that nobody is told; it is tried again later, and the end does not wait for that. */
static void test_no_memory(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        unreadable_error = -ENOMEM;
        unreadable = 1;
        start(f);
        may_read = true;
        while (readings == 0)
                record(f, 0);
        record(f, 0);
        assert_int_equal(f->failed, 0);
}

/* A pulse file that could not be opened to be forgotten would be read from memory: it is tried again later. */
static void test_no_descriptor(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        assert_true(mkdirat(f->s->fd, "audit/pulses", 0700) == 0 || errno == EEXIST);
        scratch_write(f->s->audit, "pulses/S-9.tsv", "", 0);
        no_descriptor = 3;
        start(f);
        forgotten = waits = 0;
        hasten = true;
        may_read = true;
        while (readings == 0)
                record(f, 0);
        assert_int_equal(no_descriptor, 0);
        assert_true(forgotten > 0);
        assert_true(waits >= 3);
        assert_int_equal(f->failed, 0);
}

/* So would those that a list which ends with an error lacks. */
static void test_no_list(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        assert_true(mkdirat(f->s->fd, "audit/pulses", 0700) == 0 || errno == EEXIST);
        scratch_write(f->s->audit, "pulses/S-9.tsv", "", 0);
        no_list_error = ENOMEM;
        no_list = 2;
        hasten = true;
        start(f);
        forgotten = 0;
        may_read = true;
        while (readings == 0)
                record(f, 0);
        assert_int_equal(no_list, 0);
        assert_true(waits >= 2);
        assert_int_equal(f->failed, 0);
}

/* A folder that the disk does not list is a failure like a file that it does not read. */
static void test_folder_unreadable(void **state)
{
        struct fixture *f = *state;

        make(f, false);
        assert_true(mkdirat(f->s->fd, "audit/pulses", 0700) == 0 || errno == EEXIST);
        no_list_error = EIO;
        no_list = 1;
        may_read = true;
        start(f);
        wait_failed(f);
        assert_non_null(strstr(f->sentence, "audit/pulses cannot be listed: Input/output error"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_holds, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_record_changed, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_changed_while_running, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_other_state, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_descriptor, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_list, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_folder_unreadable, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
