// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device access against a device node of the test's own (the linker hands
 * open, ioctl, read and close to us).
 */
#include "tms.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cmocka.h>

#define FAKE_FD 12345
#define FAKE_NODE "/dev/tms77"

/* The fake driver: what it was asked, and what it is to answer. */
static struct {
        unsigned long request;
        unsigned char argument[512];
        int error, interrupted;
        int open_flags, fd_flags, status_flags, closed;
        bool not_a_device, not_ours;
        ssize_t read_result;
        struct tms_verdict verdict;
        struct tms_why why;
} fake;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_open(const char *path, int flags, ...)
{
        if (strcmp(path, FAKE_NODE) != 0)
                return __real_open(path, flags, 0);
        if (fake.error) {
                errno = fake.error;
                return -1;
        }
        fake.open_flags = flags;
        return FAKE_FD;
}

int __wrap_fstat(int fd, struct stat *st)
{
        if (fd != FAKE_FD)
                return __real_fstat(fd, st);
        memset(st, 0, sizeof(*st));
        st->st_mode = fake.not_a_device ? S_IFREG : S_IFCHR;
        return 0;
}

int __wrap_fcntl(int fd, int command, ...)
{
        va_list ap;
        int value;

        va_start(ap, command);
        value = va_arg(ap, int);
        va_end(ap);
        if (fd != FAKE_FD)
                return __real_fcntl(fd, command, value);
        if (command == F_SETFL)
                fake.status_flags = value;
        if (command == F_SETFD)
                fake.fd_flags = value;
        return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
        void *argument;
        va_list ap;

        va_start(ap, request);
        argument = va_arg(ap, void *);
        va_end(ap);
        if (fd != FAKE_FD)
                return __real_ioctl(fd, request, argument);
        if (fake.interrupted-- > 0) {
                errno = EINTR;
                return -1;
        }
        fake.request = request;
        memset(fake.argument, 0, sizeof(fake.argument));
        if (argument)
                memcpy(fake.argument, argument, _IOC_SIZE(request));
        else
                assert_int_equal(_IOC_SIZE(request), 0);
        if (request == TMS_IOC_INFO && fake.not_ours) {
                errno = ENOTTY;
                return -1;
        }

        /* Answers, also beside an error: as the driver does for a verdict. */
        if (request == TMS_IOC_LOAD) {
                ((struct tms_load *)argument)->timeline_gen = 9;
                ((struct tms_load *)argument)->verdict = fake.verdict;
        } else if (request == TMS_IOC_START) {
                ((struct tms_start *)argument)->start_ns = 1000;
                ((struct tms_start *)argument)->run = 4;
                ((struct tms_start *)argument)->verdict = fake.verdict;
        } else if (request == TMS_IOC_ARM)
                ((struct tms_arm *)argument)->fitness_max_ns = 2500;
        else if (request == TMS_IOC_RESUME)
                ((struct tms_resume *)argument)->start_ns = 2000;
        else if (request == TMS_IOC_KEEPALIVE)
                ((struct tms_keepalive *)argument)->lease_ends_ns = 3000;
        else if (request == TMS_IOC_STATUS)
                ((struct tms_status *)argument)->state = TMS_STATE_ARMED;
        else if (request == TMS_IOC_LATENCY)
                ((struct tms_latency *)argument)->count = 12;
        else if (request == TMS_IOC_LOADED)
                ((struct tms_loaded *)argument)->digest[31] = 0xab;
        else if (request == TMS_IOC_GET_LIMITS)
                ((struct tms_limits *)argument)->max_pulses = 99;
        else if (request == TMS_IOC_INFO)
                ((struct tms_info *)argument)->card_serial = 42;

        /* Every call of the controller says why, in the same place. */
        if (_IOC_DIR(request) & _IOC_WRITE)
                *(struct tms_why *)argument = fake.why;

        if (fake.error && request != TMS_IOC_INFO) {
                errno = fake.error;
                return -1;
        }
        return 0;
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
        if (fd != FAKE_FD)
                return __real_read(fd, buf, size);
        if (fake.interrupted-- > 0) {
                errno = EINTR;
                return -1;
        }
        if (fake.read_result < 0) {
                errno = (int)-fake.read_result;
                return -1;
        }
        assert_true((size_t)fake.read_result <= size);
        memset(buf, 1, (size_t)fake.read_result);
        return fake.read_result;
}

int __wrap_close(int fd)
{
        if (fd != FAKE_FD)
                return __real_close(fd);
        fake.closed++;
        return 0;
}

static struct tms_device *device(bool control)
{
        struct tms_device *d = NULL;

        memset(&fake, 0, sizeof(fake));
        assert_int_equal(tms_device_open(FAKE_NODE, control, &d), 0);
        assert_int_equal(tms_device_fd(d), FAKE_FD);
        return d;
}

static void test_open(void **state)
{
        struct tms_device *d = device(true), *none = NULL;

        assert_int_equal(fake.open_flags & O_ACCMODE, O_RDWR);
        assert_true(fake.open_flags & O_CLOEXEC && fake.open_flags & O_NONBLOCK);
        d = tms_device_close(d);
        assert_null(d);
        assert_int_equal(fake.closed, 1);
        assert_null(tms_device_close(NULL));
        d = device(false);
        assert_int_equal(fake.open_flags & O_ACCMODE, O_RDONLY);
        tms_device_close(d);

        /* A second controller, a file that is no device, a device that is not ours: nothing stays open. */
        memset(&fake, 0, sizeof(fake));
        fake.error = EBUSY;
        assert_int_equal(tms_device_open(FAKE_NODE, true, &none), -EBUSY);
        memset(&fake, 0, sizeof(fake));
        fake.not_a_device = true;
        assert_int_equal(tms_device_open(FAKE_NODE, true, &none), -ENOTTY);
        assert_int_equal(fake.closed, 1);
        memset(&fake, 0, sizeof(fake));
        fake.not_ours = true;
        assert_int_equal(tms_device_open(FAKE_NODE, true, &none), -ENOTTY);
        assert_int_equal(fake.closed, 1);
        assert_int_equal(tms_device_open("/dev/null", true, &none), -ENOTTY);
        assert_int_equal(tms_device_open("/nowhere", true, &none), -ENOENT);
        assert_null(none);
}

/* A file that was handed over becomes non-blocking and private; it stays the caller's when refused. */
static void test_open_fd(void **state)
{
        struct tms_device *d = NULL;

        memset(&fake, 0, sizeof(fake));
        assert_int_equal(tms_device_open_fd(FAKE_FD, &d), 0);
        assert_true(fake.status_flags & O_NONBLOCK);
        assert_int_equal(fake.fd_flags, FD_CLOEXEC);
        tms_device_close(d);
        memset(&fake, 0, sizeof(fake));
        fake.not_ours = true;
        assert_int_equal(tms_device_open_fd(FAKE_FD, &d), -ENOTTY);
        assert_int_equal(fake.closed, 0);
}

#define ASKED(type) ((const struct type *)fake.argument)

static void test_calls(void **state)
{
        struct tms_device *d = device(true);
        struct tms_limits limits = {.max_permille = 600, .max_pulses = 3, .max_pulses_per_s = 10, .max_duration_ns = 5};
        const struct tms_pulse pulse = {.t_ns = 0, .intensity_permille = 1, .flags = 3};
        struct tms_verdict verdict = {};
        struct tms_latency latency;
        struct tms_loaded loaded;
        struct tms_status status;
        struct tms_info info;
        uint32_t a = 0, b = 0;
        uint64_t t = 0;

        assert_int_equal(tms_device_info(d, &info), 0);
        assert_int_equal(info.card_serial, 42);
        assert_int_equal(tms_device_status(d, &status), 0);
        assert_int_equal(status.state, TMS_STATE_ARMED);
        assert_int_equal(tms_device_latency(d, &latency), 0);
        assert_int_equal(latency.count, 12);

        assert_int_equal(tms_device_limits(d, &limits), 0);
        assert_int_equal(fake.request, TMS_IOC_LIMITS);
        assert_memory_equal(fake.argument, &limits, sizeof(limits));

        assert_int_equal(tms_device_load(d, &pulse, 1, TMS_LOAD_MONOPHASIC, 50000, &a, &verdict), 0);
        assert_int_equal(fake.request, TMS_IOC_LOAD);
        assert_int_equal(ASKED(tms_load)->pulses, (uintptr_t)&pulse);
        assert_int_equal(ASKED(tms_load)->count, 1);
        assert_int_equal(ASKED(tms_load)->lateness_ns, 50000);
        assert_int_equal(ASKED(tms_load)->waveform, TMS_LOAD_MONOPHASIC);
        assert_int_equal(ASKED(tms_load)->flags, 0);
        assert_int_equal(ASKED(tms_load)->pulse_size, sizeof(pulse));
        assert_int_equal(ASKED(tms_load)->legs, 0);
        assert_int_equal(ASKED(tms_load)->first_pulse, 0);
        assert_int_equal(ASKED(tms_load)->reserved[0], 0);
        assert_int_equal(a, 9);
        assert_int_equal(tms_device_load_rest(d, &pulse, 1, 0, 0, 300, 7, &a, &verdict), 0);
        assert_int_equal(fake.request, TMS_IOC_LOAD);
        assert_int_equal(ASKED(tms_load)->first_pulse, 300);
        assert_int_equal(ASKED(tms_load)->first_train, 7);
        assert_int_equal(a, 9);
        assert_int_equal(tms_device_loaded(d, &loaded), 0);
        assert_int_equal(fake.request, TMS_IOC_LOADED);
        assert_int_equal(loaded.digest[31], 0xab);
        assert_int_equal(tms_device_get_limits(d, &limits), 0);
        assert_int_equal(fake.request, TMS_IOC_GET_LIMITS);
        assert_int_equal(limits.max_pulses, 99);

        assert_int_equal(tms_device_arm(d, 9, &b), 0);
        assert_int_equal(ASKED(tms_arm)->timeline_gen, 9);
        assert_int_equal(b, 2500);
        assert_int_equal(tms_device_start(d, 9, 1000000, &t, &b, NULL), 0);
        assert_int_equal(ASKED(tms_start)->delay_ns, 1000000);
        assert_int_equal(t, 1000);
        assert_int_equal(b, 4);
        assert_int_equal(tms_device_go(d, 7, 300), 0);
        assert_int_equal(ASKED(tms_go)->pulse, 7);
        assert_int_equal(ASKED(tms_go)->intensity_permille, 300);
        assert_int_equal(tms_device_pause(d, false), 0);
        assert_int_equal(ASKED(tms_pause)->flags, 0);
        assert_int_equal(tms_device_pause(d, true), 0);
        assert_int_equal(ASKED(tms_pause)->flags, TMS_PAUSE_NOW);
        assert_int_equal(tms_device_resume(d, 2000000, &t), 0);
        assert_int_equal(ASKED(tms_resume)->delay_ns, 2000000);
        assert_int_equal(t, 2000);
        assert_int_equal(tms_device_keepalive(d, 55, &t), 0);
        assert_int_equal(ASKED(tms_keepalive)->acked_seq, 55);
        assert_int_equal(t, 3000);
        assert_int_equal(tms_device_stop(d), 0);
        assert_int_equal(fake.request, TMS_IOC_STOP);
        assert_int_equal(tms_device_disarm(d), 0);
        assert_int_equal(fake.request, TMS_IOC_DISARM);
        assert_int_equal(tms_device_clear_fault(d), 0);
        assert_int_equal(fake.request, TMS_IOC_CLEAR_FAULT);

        /* A signal is no answer. */
        fake.interrupted = 3;
        assert_int_equal(tms_device_stop(d), 0);
        tms_device_close(d);
}

static void test_failures(void **state)
{
        struct tms_device *d = device(true);
        struct tms_verdict verdict = {};
        uint32_t gen = 77, run = 77, fitness = 77;
        uint64_t start = 77;

        fake.error = ERANGE;
        fake.verdict = (struct tms_verdict){TMS_RULE_INTERVAL, 3, 100, 50};
        assert_int_equal(tms_device_load(d, NULL, 1, 0, 0, &gen, &verdict), -ERANGE);
        assert_int_equal(gen, 77);
        assert_int_equal(verdict.rule, TMS_RULE_INTERVAL);
        memset(&verdict, 0, sizeof(verdict));
        assert_int_equal(tms_device_start(d, 1, 1000000, &start, &run, &verdict), -ERANGE);
        assert_int_equal(start, 77);
        assert_int_equal(run, 77);
        assert_int_equal(verdict.pulse, 3);

        fake.error = EPROTO;
        memset(&verdict, 0, sizeof(verdict));
        assert_int_equal(tms_device_load(d, NULL, 1, 0, 0, &gen, &verdict), -EPROTO);
        assert_int_equal(verdict.rule, 0);
        assert_int_equal(tms_device_arm(d, 1, &fitness), -EPROTO);
        assert_int_equal(fitness, 77);
        fake.error = ETIME;
        assert_int_equal(tms_device_arm(d, 1, &fitness), -ETIME);
        assert_int_equal(fitness, 2500);
        fake.error = ENODEV;
        assert_int_equal(tms_device_resume(d, 1, &start), -ENODEV);
        assert_int_equal(tms_device_keepalive(d, 1, &start), -ENODEV);
        assert_int_equal(start, 77);
        tms_device_close(d);
}

/* An errno that has several meanings: the object remembers which it was, until the next call. */
static void test_why(void **state)
{
        const struct tms_limits limits = {.why = {.reason = 9, .detail = 9}, .max_permille = 1};
        struct tms_device *d = device(true);
        struct tms_status status;
        struct tms_why why;
        uint32_t gen, fitness;

        tms_device_why(d, &why);
        assert_int_equal(why.reason, TMS_REASON_NONE);

#define WAITING {.reason = 10, .wait_ns = 5000, .detail = 7}
#define REFUSED(expected, call)                                    \
        do {                                                       \
                fake.error = EAGAIN;                               \
                fake.why = (struct tms_why)expected;               \
                assert_int_equal((call), -EAGAIN);                 \
                memset(&why, 0xff, sizeof(why));                   \
                tms_device_why(d, &why);                           \
                assert_memory_equal(&why, &fake.why, sizeof(why)); \
        } while (0)
        REFUSED({.reason = 1}, tms_device_limits(d, &limits));
        assert_int_equal(ASKED(tms_limits)->why.reason, 0);
        assert_int_equal(ASKED(tms_limits)->why.detail, 0);
        REFUSED({.reason = 2}, tms_device_load(d, NULL, 1, 0, 0, &gen, NULL));
        REFUSED({.reason = 3}, tms_device_arm(d, 1, &fitness));
        REFUSED({.reason = 4}, tms_device_start(d, 1, 1000000, NULL, NULL, NULL));
        REFUSED({.reason = 5}, tms_device_go(d, 1, 0));
        REFUSED({.reason = 6}, tms_device_pause(d, true));
        REFUSED({.reason = 7}, tms_device_resume(d, 1000000, NULL));
        REFUSED({.reason = 8}, tms_device_disarm(d));
        REFUSED({.reason = 9}, tms_device_keepalive(d, 1, NULL));
        REFUSED(WAITING, tms_device_clear_fault(d));

        fake.error = 0;
        assert_int_equal(tms_device_status(d, &status), 0);
        tms_device_why(d, &why);
        assert_int_equal(why.reason, TMS_REASON_NONE);
        assert_int_equal(why.wait_ns, 0);
        tms_device_close(d);
}

static void test_read_events(void **state)
{
        struct tms_device *d = device(false);
        struct tms_event events[4];

        fake.read_result = 2 * sizeof(events[0]);
        assert_int_equal(tms_device_read_events(d, events, 4), 2);
        fake.interrupted = 1;
        assert_int_equal(tms_device_read_events(d, events, 4), 2);
        assert_int_equal(tms_device_read_events(d, events, 0), 0);
        fake.read_result = -EAGAIN;
        assert_int_equal(tms_device_read_events(d, events, 4), 0);
        fake.read_result = -ENODEV;
        assert_int_equal(tms_device_read_events(d, events, 4), -ENODEV);
        fake.read_result = 10;
        assert_int_equal(tms_device_read_events(d, events, 4), -EIO);
        tms_device_close(d);
}

static int count_node(const char *node, void *userdata)
{
        assert_memory_equal(node, "/dev/", 5);
        ++*(unsigned *)userdata;
        return 3;
}

/* There may be no card here, but then nothing is found, and a callback's word ends the search. */
static void test_enumerate(void **state)
{
        unsigned found = 0;
        int r;

        r = tms_enumerate(count_node, &found);
        assert_int_equal(r, found ? 3 : 0);
        assert_in_range(found, 0, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_open),        cmocka_unit_test(test_open_fd),
                        cmocka_unit_test(test_calls),       cmocka_unit_test(test_failures),
                        cmocka_unit_test(test_read_events), cmocka_unit_test(test_enumerate),
                        cmocka_unit_test(test_why),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
