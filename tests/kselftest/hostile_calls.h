/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls as nobody would write them on purpose: every ioctl, right, slightly wrong, or junk, through any pointer. */
#ifndef TMS_HOSTILE_CALLS_H
#define TMS_HOSTILE_CALLS_H

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "random.h"
#include "tms_test.h"

#define PAGE 4096
#define PULSES 40

/* One thread's memory: a page for everybody, one that nobody may touch behind it, one that can only be read. */
struct memory {
        char *page;
        char *read_only;
        struct tms_pulse pulses[PULSES];
        uint32_t gen; /* of the last LOAD that either thread did */
};

static int memory_make(struct memory *m)
{
        m->page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m->page == MAP_FAILED)
                return -errno;
        m->read_only = m->page + 2 * PAGE;
        return mprotect(m->page + PAGE, PAGE, PROT_NONE) || mprotect(m->read_only, PAGE, PROT_READ) ? -errno : 0;
}

static const unsigned long known_calls[] = {
                TMS_IOC_INFO,        TMS_IOC_STATUS,  TMS_IOC_LIMITS,     TMS_IOC_LOAD,
                TMS_IOC_ARM,         TMS_IOC_START,   TMS_IOC_GO,         TMS_IOC_PAUSE,
                TMS_IOC_RESUME,      TMS_IOC_STOP,    TMS_IOC_DISARM,     TMS_IOC_KEEPALIVE,
                TMS_IOC_CLEAR_FAULT, TMS_IOC_LATENCY, TMS_IOC_GET_LIMITS, TMS_IOC_LOADED,
};

/* What the user interface's table of errors has. */
static bool documented(int r)
{
        static const int errors[] = {
                        0,      ENOTTY, EFAULT, EINVAL, EBADF, EBUSY,     EPROTO, ERANGE,    EPERM,      EAGAIN,
                        ESTALE, ETIME,  ENOMEM, ENODEV, E2BIG, ECANCELED, EINTR,  ESHUTDOWN, EOPNOTSUPP,
        };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++)
                if (-r == errors[i])
                        return true;
        return false;
}

/* A timeline that may run, mostly. */
static uint32_t draw_pulses(struct dice *d, struct memory *m)
{
        uint32_t count = 1 + dice_below(d, PULSES);

        flat(m->pulses, count, 2 * MS + dice_below(d, 20 * MS), 20 + dice_below(d, 80), 1 + dice_below(d, count));
        if (!dice_below(d, 4))
                m->pulses[dice_below(d, count)].flags |=
                                dice_below(d, 2) ? TMS_PULSE_WAIT_OPERATOR : TMS_PULSE_WAIT_TRIGGER;
        if (!dice_below(d, 8))
                m->pulses[dice_below(d, count)].intensity_permille = dice_next(d);
        if (!dice_below(d, 8))
                m->pulses[dice_below(d, count)].t_ns = dice_next(d);
        return count;
}

/* The argument of @cmd as it should be, into @to. */
static void draw_right(struct dice *d, struct memory *m, unsigned long cmd, uint64_t acked, void *to)
{
        memset(to, 0, _IOC_SIZE(cmd));
        switch (cmd) {
        case TMS_IOC_LIMITS:
                *(struct tms_limits *)to = wide_limits();
                break;
        case TMS_IOC_LOAD:
                *(struct tms_load *)to = (struct tms_load){
                                .pulses = (uintptr_t)m->pulses,
                                .count = draw_pulses(d, m),
                                PULSE_SIZE,
                                .lateness_ns = dice_below(d, 2) ? 0 : 1000 + dice_below(d, MS),
                };
                break;
        case TMS_IOC_ARM:
                ((struct tms_arm *)to)->timeline_gen = m->gen;
                break;
        case TMS_IOC_START:
                ((struct tms_start *)to)->timeline_gen = m->gen;
                ((struct tms_start *)to)->delay_ns = MS + dice_below(d, 20 * MS);
                break;
        case TMS_IOC_GO:
                ((struct tms_go *)to)->pulse = dice_below(d, PULSES);
                ((struct tms_go *)to)->intensity_permille = dice_below(d, 50);
                break;
        case TMS_IOC_PAUSE:
                ((struct tms_pause *)to)->flags = dice_below(d, 2);
                break;
        case TMS_IOC_RESUME:
                ((struct tms_resume *)to)->delay_ns = MS + dice_below(d, 20 * MS);
                break;
        case TMS_IOC_KEEPALIVE:
                ((struct tms_keepalive *)to)->acked_seq = acked;
                break;
        }
}

/* Some of it is wrong: a bit, a word, the end, all. */
static void spoil(struct dice *d, void *what, size_t size)
{
        unsigned char *bytes = what;

        if (!size)
                return;
        switch (dice_below(d, 4)) {
        case 0:
                bytes[dice_below(d, size)] ^= 1 << dice_below(d, 8);
                break;
        case 1:
                for (size_t i = dice_below(d, size / 4) * 4, n = 0; n < 4; n++)
                        bytes[i + n] = dice_below(d, 2) ? 0xff : dice_next(d);
                break;
        case 2:
                for (size_t i = dice_below(d, size); i < size; i++)
                        bytes[i] = dice_next(d);
                break;
        default:
                for (size_t i = 0; i < size; i++)
                        bytes[i] = dice_next(d);
                break;
        }
}

/* Where no argument is: nothing, not ours, half of it, the kernel's, or there but not to be written to. */
static void *draw_pointer(struct dice *d, struct memory *m)
{
        switch (dice_below(d, 6)) {
        case 0:
                return NULL;
        case 1:
                return m->page + PAGE + dice_below(d, PAGE);
        case 2:
                return m->page + PAGE - 1 - dice_below(d, 64);
        case 3:
                return (void *)(0xffff888000000000UL + dice_below(d, PAGE));
        case 4:
                return m->read_only;
        default:
                return (void *)dice_next(d);
        }
}

/* A call that does not exist: number, direction, type or size are another's. */
static unsigned long draw_unknown(struct dice *d)
{
        unsigned long cmd;
        bool known;

        do {
                cmd = dice_below(d, 4)
                                      ? known_calls[dice_below(d, ELEMENTSOF(known_calls))] ^ (1UL << dice_below(d, 32))
                                      : (uint32_t)dice_next(d);
                known = false;
                for (size_t i = 0; i < ELEMENTSOF(known_calls); i++)
                        known |= cmd == known_calls[i];
                /* What every file knows (FIONREAD and its like) is none of the module's. */
        } while (known || _IOC_TYPE(cmd) == 'T' || _IOC_TYPE(cmd) == 'f' || _IOC_TYPE(cmd) == 'X' || !_IOC_TYPE(cmd) ||
                 _IOC_TYPE(cmd) == 0x94 || _IOC_TYPE(cmd) == 0x12);
        return cmd;
}

/*
 * One call of @cmd on @fd, right three times of four. -ERANGE and the like are answers; what is returned must be one
 * that the user interface knows.
 */
static int hostile_ioctl(struct dice *d, struct memory *m, int fd, unsigned long cmd, uint64_t acked)
{
        void *arg = m->page + 64 * dice_below(d, 8);
        int r;

        draw_right(d, m, cmd, acked, arg);
        if (!dice_below(d, 6))
                spoil(d, arg, _IOC_SIZE(cmd));
        if (_IOC_SIZE(cmd) && !dice_below(d, 12))
                arg = draw_pointer(d, m);
        r = call(fd, cmd, arg);
        if (!r && cmd == TMS_IOC_LOAD)
                m->gen = ((struct tms_load *)arg)->timeline_gen;
        return r;
}

#endif
