/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A day of the audit writer, in a process of its own, again and again: at each of its calls that change the disk, in
 * turn, the process is killed, or the call fails, once or from then on. What the writer had said to be on disk is there
 * afterwards, the log holds, no pulse is claimed that was never given, and the next start goes on with it.
 *
 * Then days that are drawn, with one of these at a call that is drawn, too. NTH_SEED=N begins with that one,
 * NTH_DAYS=N takes so many; a day that goes wrong is named by its seed.
 *
 * That these checks see anything is shown by a disk that says it wrote what it never did.
 */
#include <audit/position.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "audit.h"
#include "scratch.h"
#include "scratch-log.h"
#include "tms.h"

#define SESSIONS 3 /* of a day, at most */
#define DAYS 30    /* that are drawn, if nobody says how many */
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MOST_CALLS 1000
#define KILLED 42

/* --- What happens at the nth call --------------------------------------------------------------- */

enum how {
        NOTHING,
        KILL_BEFORE, /* the process ends instead of the call; a write has written its first half */
        KILL_BEHIND, /* the process ends when the call has done its work */
        FAIL_ONCE,
        FAIL_ON, /* the call and all after it */
        LIE,     /* a write that says that it wrote, and did not */
};

/* Shared with the processes that are forked: what is to happen, and what the writer has said to be on disk. */
static struct shared {
        atomic_int how, error;
        atomic_uint at, calls;
        atomic_uint starts, stops, creates, claims, ends, seals, closes; /* said to be on disk */
        atomic_uint events[SESSIONS];                                    /* the same */
        unsigned seed;                                                   /* of the day; 0: the plain one */
        atomic_uint submitted;                                           /* pulses that were delivered */
} * shared;

static __attribute__((constructor)) void share(void)
{
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                abort();
}

enum turn { GO_ON, FAIL, HALF, SKIP, END };

static enum turn take_turn(bool write)
{
        const unsigned n = atomic_fetch_add(&shared->calls, 1) + 1;
        const int how = atomic_load(&shared->how);

        if (how == NOTHING || n < atomic_load(&shared->at) || (n > atomic_load(&shared->at) && how != FAIL_ON))
                return GO_ON;
        if (how == KILL_BEFORE && !write)
                _exit(KILLED);
        errno = atomic_load(&shared->error);
        return how == KILL_BEFORE ? HALF : how == KILL_BEHIND ? END : how == LIE ? (write ? SKIP : GO_ON) : FAIL;
}

#define WRAPPED(write, failed, call)               \
        ({                                         \
                enum turn turn = take_turn(write); \
                typeof(call) r = failed;           \
                                                   \
                if (turn != FAIL)                  \
                        r = call;                  \
                if (turn == END)                   \
                        _exit(KILLED);             \
                r;                                 \
        })

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_renameat(int a, const char *b, int c, const char *d);
int __wrap_renameat(int a, const char *b, int c, const char *d);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_unlinkat(int dir_fd, const char *name, int flags);
int __wrap_unlinkat(int dir_fd, const char *name, int flags);

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
        va_list ap;
        mode_t mode;

        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
        return WRAPPED(false, -1, __real_openat(dir_fd, name, flags, mode));
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
        /* The event loop is woken with eight bytes. */
        enum turn turn = size == sizeof(uint64_t) ? GO_ON : take_turn(true);
        ssize_t r;

        if (turn == FAIL)
                return -1;
        if (turn == SKIP)
                return (ssize_t)size;
        r = __real_write(fd, data, turn == HALF ? size / 2 : size);
        if (turn == HALF || turn == END)
                _exit(KILLED);
        return r;
}

/* What a process has written stays when the process ends: no test has to wait for the disk. */
int __wrap_fsync(int fd)
{
        return WRAPPED(false, -1, 0);
}

int __wrap_fdatasync(int fd)
{
        return WRAPPED(false, -1, 0);
}

int __wrap_ftruncate(int fd, off_t size)
{
        return WRAPPED(false, -1, __real_ftruncate(fd, size));
}

int __wrap_renameat(int a, const char *b, int c, const char *d)
{
        return WRAPPED(false, -1, __real_renameat(a, b, c, d));
}

/* The real one is not asked: not every file system that tests run on has it. */
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
        return WRAPPED(false, -1, 0);
}

int __wrap_unlinkat(int dir_fd, const char *name, int flags)
{
        return WRAPPED(false, -1, __real_unlinkat(dir_fd, name, flags));
}

/* --- The writer's day ---------------------------------------------------------------------------- */

struct day {
        sd_event *event;
        struct audit *audit;
        bool done;
        int error;
};

static void on_done(const struct audit_result *result, void *userdata)
{
        struct day *d = userdata;

        d->done = true;
        d->error = result->error;
}

/* Until it is done. What is said to be on disk is counted. */
static bool wait_for(struct day *d, int submitted, atomic_uint *count, unsigned by)
{
        while (submitted >= 0 && !d->done)
                (void)sd_event_run(d->event, USEC_PER_S);
        d->done = false;
        if (submitted < 0 || d->error < 0)
                return false;
        if (count)
                (void)atomic_fetch_add(count, by);
        return true;
}

static void id_of(unsigned session, char ret[static 16])
{
        (void)snprintf(ret, 16, "s%u", session);
}

/* session: NULL for a record that is about none. */
static bool record(struct day *d, const char *type, const char *session, struct pulsefile *p, struct pulsefile *begins,
                   atomic_uint *count)
{
        json_t *data = session ? scratch_data_of(type, session) : scratch_data(type);

        return wait_for(d,
                        audit_write(d->audit,
                                    &(struct audit_record){.type = type, .data = data, .pulses = p, .begins = begins},
                                    on_done, d),
                        count, 1);
}

static bool add_pulses(struct day *d, unsigned session, struct pulsefile *p, uint64_t from)
{
        struct tms_event e[4];
        size_t i;

        for (i = 0; i < ELEMENTS(e); i++)
                e[i] = (struct tms_event){.seq = from + i,
                                          .type = i % 2 ? TMS_EVENT_PULSE_ANSWER : TMS_EVENT_PULSE_DUE,
                                          .pulse = {.triggered_ns = from + i / 2,
                                                    .outcome = i % 2 ? TMS_PULSE_OUTCOME_DELIVERED
                                                                     : TMS_PULSE_OUTCOME_TRIGGERED}};
        (void)atomic_fetch_add(&shared->submitted, ELEMENTS(e) / 2);
        return wait_for(d, audit_pulses_append(d->audit, p, e, ELEMENTS(e), on_done, d), &shared->events[session],
                        ELEMENTS(e));
}

/* claims: behind which of the batches of pulses a record says what the file holds, a bit each. */
static void write_session(struct day *d, unsigned session, unsigned batches, unsigned claims)
{
        struct pulsefile *p;
        char id[16];
        unsigned i;

        id_of(session, id);
        if (pulsefile_new(id, &p) < 0)
                abort();
        if (wait_for(d, audit_pulses_open(d->audit, p, false, on_done, d), NULL, 0) &&
            record(d, "session.create", id, NULL, p, &shared->creates)) {
                for (i = 0; i < batches; i++) {
                        if (!add_pulses(d, session, p, 4 * i + 1) ||
                            (claims >> i & 1 && !record(d, "session.pulses", id, p, NULL, &shared->claims)))
                                break;
                }
                (void)record(d, "session.end", id, p, NULL, &shared->ends);
        }
        audit_pulses_close(d->audit, p);
}

static void seal(struct day *d)
{
        (void)wait_for(d, audit_seal(d->audit, NULL, "", on_done, d), &shared->seals, 1);
}

static void close_segment(struct day *d)
{
        (void)wait_for(d, audit_close_segment(d->audit, NULL, "asked", on_done, d), &shared->closes, 1);
}

static void keep_protocol(struct day *d)
{
        (void)wait_for(d, audit_keep_protocol(d->audit, SHA_ABC, "abc", 3, on_done, d), NULL, 0);
}

/* Every kind of entry once. */
static void write_plain_day(struct day *d)
{
        seal(d);
        keep_protocol(d);
        write_session(d, 0, 2, 1);
        seal(d);
        close_segment(d);
}

static void write_drawn_day(struct day *d, unsigned seed)
{
        unsigned sessions = 1 + (unsigned)rand_r(&seed) % SESSIONS, i;

        for (i = 0; i < sessions; i++) {
                if (rand_r(&seed) % 2)
                        keep_protocol(d);
                write_session(d, i, (unsigned)rand_r(&seed) % 12, (unsigned)rand_r(&seed));
                if (rand_r(&seed) % 3)
                        seal(d);
                if (rand_r(&seed) % 3 == 0)
                        close_segment(d);
        }
}

static void write_day(int state_fd)
{
        struct audit_config config = {.state_fd = state_fd, .boot = SCRATCH_BOOT};
        struct day d = {0};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_event_new(&d.event) < 0 || audit_new(d.event, &config, &d.audit) < 0)
                _exit(EXIT_FAILURE);
        (void)record(&d, "daemon.start", NULL, NULL, NULL, &shared->starts);
        if (shared->seed > 0)
                write_drawn_day(&d, shared->seed);
        else
                write_plain_day(&d);
        (void)record(&d, "daemon.stop", NULL, NULL, NULL, &shared->stops);
        seal(&d);
        audit_free(d.audit);
        _exit(EXIT_SUCCESS);
}

/* --- What has to be there ------------------------------------------------------------------------ */

static unsigned count(const struct scratch *s, const char *text)
{
        unsigned n = 0;

        for (unsigned i = 0; i <= SESSIONS; i++) {
                char name[TMS_AUDIT_SEGMENT_NAME];

                tms_audit_segment_name(i, name);
                if (scratch_exists(s->audit, name))
                        n += scratch_count(s->audit, name, text);
        }
        return n;
}

static bool anything_said(void)
{
        return shared->starts + shared->stops + shared->creates + shared->claims + shared->ends + shared->seals +
                               shared->closes >
               0;
}

static bool verifies(const struct scratch *s, char why[static 1500])
{
        struct tms_audit_report report;
        struct tms_error error = {0};
        int r = tms_audit_verify(s->audit, NULL, &report, &error);

        if (r < 0)
                (void)snprintf(why, 1500, "cannot be read: %s", error.message);
        else if (report.result != TMS_AUDIT_PREFIX && report.result != TMS_AUDIT_TORN)
                (void)snprintf(why, 1500, "%s", report.sentence);
        else if (report.pulses_delivered > shared->submitted)
                (void)snprintf(why, 1500, "claims %llu pulses of %u", (unsigned long long)report.pulses_delivered,
                               shared->submitted);
        else
                return true;
        /* The process ended before there was a log. */
        return r == -ENOENT && !anything_said();
}

static bool all_is_there(const struct scratch *s, char why[static 1500])
{
        const struct {
                const char *text;
                unsigned said;
        } due[] = {
                        {"\"type\":\"daemon.start\"", shared->starts},
                        {"\"type\":\"daemon.stop\"", shared->stops},
                        {"\"type\":\"session.create\"", shared->creates},
                        {"\"type\":\"session.pulses\"", shared->claims},
                        {"\"type\":\"session.end\"", shared->ends},
                        {"\"type\":\"seal\"", shared->seals},
                        {"\"type\":\"log.close\"", shared->closes},
        };
        size_t i;

        for (i = 0; i < ELEMENTS(due); i++) {
                if (count(s, due[i].text) < due[i].said) {
                        (void)snprintf(why, 1500, "%u of %s were said to be on disk, %u are", due[i].said, due[i].text,
                                       count(s, due[i].text));
                        return false;
                }
        }
        for (i = 0; i < SESSIONS; i++) {
                char id[16], name[40];

                id_of((unsigned)i, id);
                (void)snprintf(name, sizeof(name), "pulses/%s.tsv", id);
                if (shared->events[i] > 0 &&
                    (!scratch_exists(s->audit, name) || scratch_count(s->audit, name, "\n") < shared->events[i] + 1)) {
                        (void)snprintf(why, 1500, "pulses of %s that were said to be on disk are not", name);
                        return false;
                }
        }
        return true;
}

/* The next start goes on behind it. */
static bool goes_on(const struct scratch *s, char why[static 1500])
{
        struct auditlog_reading reading = {0};
        char *problem = NULL;
        struct auditlog *l = NULL;
        json_t *data = scratch_data("daemon.start");
        int r = auditlog_open(s->fd, SCRATCH_BOOT, &reading, &l, &problem);

        if (r >= 0)
                r = auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), 1);
        if (r >= 0)
                r = auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL);
        if (r < 0)
                (void)snprintf(why, 1500, "the next start: %s: %s", problem ? problem : "no sentence", strerror(-r));
        json_decref(data);
        free(problem);
        auditlog_free(l);
        return r >= 0;
}

static unsigned day_calls; /* that the last day made */

/* One day, the plain one or of that seed, with that at its nth call. True: all is as it has to be. *ret_over: the day has fewer calls. */
static bool live_through(unsigned seed, enum how how, int error, unsigned n, bool *ret_over, char why[static 1500])
{
        struct scratch *s;
        int status;
        bool good;
        pid_t pid;

        assert_int_equal(scratch_setup((void **)&s), 0);
        *shared = (struct shared){.how = (int)how, .error = error, .at = n, .seed = seed};
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                write_day(s->fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        shared->how = NOTHING;
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != KILLED))
                fail_msg("call %u: the writer's process ended with %#x", n, (unsigned)status);
        day_calls = shared->calls;
        *ret_over = day_calls < n;
        good = verifies(s, why) && all_is_there(s, why) && goes_on(s, why) && verifies(s, why) && all_is_there(s, why);
        scratch_teardown((void **)&s);
        return good;
}

/* Returns at how many calls something was wrong. */
static unsigned at_each(enum how how, int error, bool tell)
{
        unsigned wrong = 0, n;
        bool over = false;
        char why[1500];

        for (n = 1; !over && n < MOST_CALLS; n++) {
                if (live_through(0, how, error, n, &over, why))
                        continue;
                wrong++;
                if (tell)
                        print_error("call %u: %s\n", n, why);
        }
        assert_true(over && n > 50);
        return wrong;
}

static void test_killed_before(void **state)
{
        assert_int_equal(at_each(KILL_BEFORE, 0, true), 0);
}

static void test_killed_behind(void **state)
{
        assert_int_equal(at_each(KILL_BEHIND, 0, true), 0);
}

static void test_fails_once(void **state)
{
        static const int errors[] = {EIO, ENOSPC, EMFILE};
        size_t i;

        for (i = 0; i < ELEMENTS(errors); i++)
                assert_int_equal(at_each(FAIL_ONCE, errors[i], true), 0);
}

static void test_fails_on(void **state)
{
        static const int errors[] = {EIO, ENOSPC, EROFS};
        size_t i;

        for (i = 0; i < ELEMENTS(errors); i++)
                assert_int_equal(at_each(FAIL_ON, errors[i], true), 0);
}

static void test_a_lie_is_found(void **state)
{
        assert_true(at_each(LIE, 0, false) > 5);
}

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
        const char *text = getenv(variable);

        return text ? strtoul(text, NULL, 10) : otherwise;
}

static void test_drawn_days(void **state)
{
        static const enum how hows[] = {KILL_BEFORE, KILL_BEHIND, FAIL_ONCE, FAIL_ON};
        static const int errors[] = {EIO, ENOSPC, EMFILE, EROFS};
        unsigned long first = number_of("NTH_SEED", (unsigned long)now_ns(CLOCK_REALTIME) % 1000000 + 1);
        unsigned long days = number_of("NTH_DAYS", DAYS), i;
        unsigned wrong = 0;

        print_message("days %lu to %lu\n", first, first + days - 1);
        for (i = 0; i < days; i++) {
                unsigned seed = (unsigned)(first + i), draw = seed, n;
                enum how how = hows[(unsigned)rand_r(&draw) % ELEMENTS(hows)];
                int error = errors[(unsigned)rand_r(&draw) % ELEMENTS(errors)];
                char why[1500];
                bool over;

                /* Undisturbed, all of it holds, and its calls are counted. */
                if (!live_through(seed, NOTHING, 0, 0, &over, why))
                        fail_msg("NTH_SEED=%u undisturbed: %s", seed, why);
                n = 1 + (unsigned)rand_r(&draw) % day_calls;
                if (live_through(seed, how, error, n, &over, why))
                        continue;
                wrong++;
                print_error("NTH_SEED=%u: how %d, error %d, call %u: %s\n", seed, (int)how, error, n, why);
        }
        assert_int_equal(wrong, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_killed_before), cmocka_unit_test(test_killed_behind),
                        cmocka_unit_test(test_fails_once),    cmocka_unit_test(test_fails_on),
                        cmocka_unit_test(test_drawn_days),    cmocka_unit_test(test_a_lie_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
