/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One open device node. Each call is one ioctl whose argument is cleared
 * first, so that reserved words are zero. Nothing is cached. A call that a
 * signal interrupted is repeated, and no other. The file is non-blocking:
 * read() and the ioctls never wait for a pulse; only ARM waits, for the card
 * to charge.
 *
 * device/: these rooms know base/ and the driver's interface. They run in whichever thread calls, and take no lock.
 * A device object belongs to one thread at a time. While its thread sleeps in ARM, another thread can use the same
 * open file through a second object, made by tms_device_open_fd().
 */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

struct tms_device {
        int fd;
        struct tms_why why; /* of the last call */
};

static int device_ioctl(struct tms_device *d, unsigned long request, void *argument)
{
        int r;

        do
                r = ioctl(d->fd, request, argument);
        while (r < 0 && errno == EINTR);

        r = r < 0 ? -errno : 0;
        d->why = (struct tms_why){};
        return r;
}

/* A call of the controller: the driver says in the first member of its argument why it is refused. */
static int device_call(struct tms_device *d, unsigned long request, void *argument)
{
        int r;

        r = device_ioctl(d, request, argument);
        memcpy(&d->why, argument, sizeof(d->why));
        return r;
}

void tms_device_why(const struct tms_device *d, struct tms_why *ret)
{
        *ret = d->why;
}

int tms_device_open(const char *node, bool control, struct tms_device **ret)
{
        _cleanup_close_ int fd = -1;
        int r;

        fd = open(node, (control ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;

        r = tms_device_open_fd(fd, ret);
        if (r < 0)
                return r;

        fd = -1;
        return 0;
}

/* On failure fd still belongs to the caller. -ENOTTY: fd is not open on a device of this driver. */
int tms_device_open_fd(int fd, struct tms_device **ret)
{
        struct tms_device *d;
        struct tms_info info;
        struct stat st;
        int flags, r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode))
                return -ENOTTY;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;

        d = malloc(sizeof(*d));
        if (!d)
                return -ENOMEM;
        *d = (struct tms_device){.fd = fd};

        r = tms_device_info(d, &info);
        if (r < 0) {
                free(d);
                return r;
        }

        *ret = d;
        return 0;
}

struct tms_device *tms_device_close(struct tms_device *d)
{
        if (!d)
                return NULL;

        close(d->fd);
        free(d);
        return NULL;
}

int tms_device_fd(const struct tms_device *d)
{
        return d->fd;
}

int tms_device_info(struct tms_device *d, struct tms_info *ret)
{
        struct tms_info info = {};
        int r;

        r = device_ioctl(d, TMS_IOC_INFO, &info);
        if (r < 0)
                return r;

        *ret = info;
        return 0;
}

int tms_device_status(struct tms_device *d, struct tms_status *ret)
{
        struct tms_status status = {};
        int r;

        r = device_ioctl(d, TMS_IOC_STATUS, &status);
        if (r < 0)
                return r;

        *ret = status;
        return 0;
}

int tms_device_limits(struct tms_device *d, const struct tms_limits *limits)
{
        struct tms_limits copy = *limits;

        copy.why = (struct tms_why){};
        return device_call(d, TMS_IOC_LIMITS, &copy);
}

int tms_device_get_limits(struct tms_device *d, struct tms_limits *ret)
{
        struct tms_limits limits = {};
        int r;

        r = device_ioctl(d, TMS_IOC_GET_LIMITS, &limits);
        if (r < 0)
                return r;

        *ret = limits;
        return 0;
}

int tms_device_load_rest(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                         uint32_t lateness_ns, uint32_t first_pulse, uint32_t first_train, uint32_t *ret_gen,
                         struct tms_verdict *ret_verdict)
{
        struct tms_load load = {
                        .pulses = (uint64_t)(uintptr_t)pulses,
                        .count = count,
                        .pulse_size = sizeof(*pulses),
                        .lateness_ns = lateness_ns,
                        .waveform = waveform,
                        .first_pulse = first_pulse,
                        .first_train = first_train,
        };
        int r;

        r = device_call(d, TMS_IOC_LOAD, &load);
        if (r < 0) {
                if ((r == -ERANGE || r == -EINVAL) && ret_verdict)
                        *ret_verdict = load.verdict;
                return r;
        }

        if (ret_verdict)
                *ret_verdict = load.verdict;
        *ret_gen = load.timeline_gen;
        return 0;
}

int tms_device_load(struct tms_device *d, const struct tms_pulse *pulses, uint32_t count, uint32_t waveform,
                    uint32_t lateness_ns, uint32_t *ret_gen, struct tms_verdict *ret_verdict)
{
        return tms_device_load_rest(d, pulses, count, waveform, lateness_ns, 0, 0, ret_gen, ret_verdict);
}

int tms_device_loaded(struct tms_device *d, struct tms_loaded *ret)
{
        struct tms_loaded loaded = {};
        int r;

        r = device_ioctl(d, TMS_IOC_LOADED, &loaded);
        if (r < 0)
                return r;

        *ret = loaded;
        return 0;
}

int tms_device_arm(struct tms_device *d, uint32_t gen, uint32_t *ret_fitness_max_ns)
{
        struct tms_arm arm = {.timeline_gen = gen};
        int r;

        r = device_call(d, TMS_IOC_ARM, &arm);
        /* With ETIME the measured figure is returned too, because it explains the refusal. */
        if (ret_fitness_max_ns && (r >= 0 || r == -ETIME))
                *ret_fitness_max_ns = arm.fitness_max_ns;
        return r;
}

int tms_device_start(struct tms_device *d, uint32_t gen, uint64_t delay_ns, uint64_t *ret_start_ns, uint32_t *ret_run,
                     struct tms_verdict *ret_verdict)
{
        struct tms_start start = {.timeline_gen = gen, .delay_ns = delay_ns};
        int r;

        r = device_call(d, TMS_IOC_START, &start);
        if (ret_verdict && (r >= 0 || r == -ERANGE))
                *ret_verdict = start.verdict;
        if (r < 0)
                return r;

        if (ret_start_ns)
                *ret_start_ns = start.start_ns;
        if (ret_run)
                *ret_run = start.run;
        return 0;
}

int tms_device_go(struct tms_device *d, uint32_t pulse, uint32_t intensity_permille)
{
        struct tms_go go = {.pulse = pulse, .intensity_permille = intensity_permille};

        return device_call(d, TMS_IOC_GO, &go);
}

int tms_device_pause(struct tms_device *d, bool now)
{
        struct tms_pause pause = {.flags = now ? TMS_PAUSE_NOW : 0};

        return device_call(d, TMS_IOC_PAUSE, &pause);
}

int tms_device_resume(struct tms_device *d, uint64_t delay_ns, uint64_t *ret_start_ns)
{
        struct tms_resume resume = {.delay_ns = delay_ns};
        int r;

        r = device_call(d, TMS_IOC_RESUME, &resume);
        if (r < 0)
                return r;

        if (ret_start_ns)
                *ret_start_ns = resume.start_ns;
        return 0;
}

int tms_device_stop(struct tms_device *d)
{
        return device_ioctl(d, TMS_IOC_STOP, NULL);
}

int tms_device_disarm(struct tms_device *d)
{
        struct tms_disarm disarm = {};

        return device_call(d, TMS_IOC_DISARM, &disarm);
}

int tms_device_keepalive(struct tms_device *d, uint64_t acked_seq, uint64_t *ret_lease_ends_ns)
{
        struct tms_keepalive keepalive = {.acked_seq = acked_seq};
        int r;

        r = device_call(d, TMS_IOC_KEEPALIVE, &keepalive);
        if (r < 0)
                return r;

        if (ret_lease_ends_ns)
                *ret_lease_ends_ns = keepalive.lease_ends_ns;
        return 0;
}

int tms_device_clear_fault(struct tms_device *d)
{
        struct tms_clear_fault clear = {};

        return device_call(d, TMS_IOC_CLEAR_FAULT, &clear);
}

int tms_device_latency(struct tms_device *d, struct tms_latency *ret)
{
        struct tms_latency latency = {};
        int r;

        r = device_ioctl(d, TMS_IOC_LATENCY, &latency);
        if (r < 0)
                return r;

        *ret = latency;
        return 0;
}

int tms_device_read_events(struct tms_device *d, struct tms_event *events, size_t max)
{
        ssize_t n;

        if (max == 0)
                return 0;
        if (max > 65536)
                max = 65536;

        do
                n = read(d->fd, events, max * sizeof(*events));
        while (n < 0 && errno == EINTR);

        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        if (n % sizeof(*events) != 0)
                return -EIO; /* our driver returns whole records only */
        return n / sizeof(*events);
}
