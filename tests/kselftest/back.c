// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A card that comes back, by every way there is: is it the same, and has it fired meanwhile? Whoever asks less
 * than probe asks treats by another card's figures, or behind pulses that nobody has counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "rest.h"
#include "tms_test.h"

FIXTURE(back)
{
        struct controller c;
        struct tms_pulse pulses[5];
        struct window window;
        char address[64];
        uint32_t today;
};

FIXTURE_VARIANT(back)
{
        int (*way)(const char *address);
        bool anew; /* the driver is bound anew: files of before are another life's */
};

static int reset_by(const char *address, const char *method)
{
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method", address);
        r = write_file(path, method);
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", address);
        return r ? r : write_file(path, "1");
}

static int function_reset(const char *address)
{
        return reset_by(address, "flr");
}

static int bus_reset(const char *address)
{
        return reset_by(address, "bus");
}

static int error(const char *op)
{
        int r = report_errors();

        r = r ? r : lab("%s", op);
        sleep_ns(2 * S);
        return r;
}

static int bus_error(const char *address)
{
        return error("aer=uncorrectable");
}

static int fatal_bus_error(const char *address)
{
        return error("aer=fatal");
}

static int sleep_way(const char *address)
{
        return nap("freeze");
}

static int hibernation(const char *address)
{
        return nap("disk");
}

/* What has brought it into a fault may have been a mechanic. */
static int cleared_fault(const char *address)
{
        int fd, r = lab("self_test");

        sleep_ns(MS);
        fd = r ? r : node_open(O_RDONLY);
        if (fd < 0)
                return fd;
        r = status_of(fd).state == TMS_STATE_FAULT ? 0 : -EPROTO;
        close(fd);
        return r;
}

/* Nobody was told, no interrupt came. */
static int without_a_word(const char *address)
{
        return lab("reset");
}

static int bound_anew(const char *address)
{
        int r = write_file("/sys/bus/pci/drivers/tms/unbind", address);

        return r ? r : write_file("/sys/bus/pci/drivers/tms/bind", address);
}

static int plugged_in_anew(const char *address)
{
        int r = lab("remove");

        r = r ? r : wait_node(false);
        sleep_ns(2 * S);
        r = r ? r : lab("insert");
        sleep_ns(5 * S);
        return r;
}

FIXTURE_VARIANT_ADD(back, function_reset){.way = function_reset};
FIXTURE_VARIANT_ADD(back, bus_reset){.way = bus_reset};
FIXTURE_VARIANT_ADD(back, bus_error){.way = bus_error};
FIXTURE_VARIANT_ADD(back, fatal_bus_error){.way = fatal_bus_error};
FIXTURE_VARIANT_ADD(back, sleep){.way = sleep_way};
FIXTURE_VARIANT_ADD(back, hibernation){.way = hibernation};
FIXTURE_VARIANT_ADD(back, cleared_fault){.way = cleared_fault};
FIXTURE_VARIANT_ADD(back, without_a_word){.way = without_a_word};
FIXTURE_VARIANT_ADD(back, bound_anew){.way = bound_anew, .anew = true};
FIXTURE_VARIANT_ADD(back, plugged_in_anew){.way = plugged_in_anew, .anew = true};

FIXTURE_SETUP(back)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, card_address(self->address, sizeof(self->address)));
        ASSERT_EQ(0, controller_open(&self->c));
        /* Whatever was before: it has rested. */
        sleep_ns(REST_NS + 5 * S);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 5, 50 * MS, 200, 5);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(0, window_close(&self->window, 5, 0));
        self->today = status_of(self->c.fd).pulses_today;
}

FIXTURE_TEARDOWN(back)
{
        controller_close(&self->c);
        /* As it was, known as it was. */
        lab_reset();
        /* What was refused is not bound. */
        write_file("/sys/bus/pci/drivers/tms/unbind", self->address);
        EXPECT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", self->address));
        EXPECT_EQ(0, wait_node(true));
}

/* @op happens to the card on the way. The first call behind it is ours: what it says. */
static int go(FIXTURE_DATA(back) * self, const FIXTURE_VARIANT(back) * variant, const char *op)
{
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 5, PULSE_SIZE};
        int r = 0;

        if (variant->anew)
                controller_close(&self->c);
        if (*op)
                r = lab("%s", op);
        r = r ? r : variant->way(self->address);
        if (r) {
                fprintf(stderr, "# the way back: %s\n", strerror(-r));
                return r;
        }
        if (variant->anew)
                return controller_open(&self->c);
        /* No permission outlasts sleep. */
        controller_catch_up(&self->c);
        if (status_of(self->c.fd).state == TMS_STATE_FAULT)
                r = call_clear_fault(self->c.fd);
        if (variant->way == without_a_word)
                r = call(self->c.fd, TMS_IOC_LOAD, &load);
        return r;
}

/* The one that left: what was loaded is gone, what it fired is known, and it treats at once. */
TEST_F(back, the_same)
{
        struct tms_start start;

        ASSERT_EQ(0, go(self, variant, ""));
        EXPECT_EQ(variant->way == without_a_word ? TMS_STATE_LOADED : TMS_STATE_IDLE, status_of(self->c.fd).state);
        EXPECT_EQ(self->today, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, window_open(&self->window, "the same"));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        /* A card that was off does not know when it fired last, but this driver does. */
        EXPECT_EQ(0, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(5, status_of(self->c.fd).delivered);
        EXPECT_EQ(self->today + 5, status_of(self->c.fd).pulses_today);
        EXPECT_EQ(0, window_close(&self->window, 5, 0));
}

/* It has fired where nobody here saw it: for the day that counts, and it has to rest. */
TEST_F(back, having_fired)
{
        struct lab_state card;
        struct tms_start start;
        char op[64];

        ASSERT_EQ(0, lab_query(&card));
        snprintf(op, sizeof(op), "odometer=%llu", (unsigned long long)card.odometer + 500);
        ASSERT_EQ(0, go(self, variant, op));
        EXPECT_EQ(self->today + 500, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, window_open(&self->window, "having fired"));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(-EAGAIN, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        sleep_ns(REST_NS);
        /* Counted once. */
        EXPECT_EQ(self->today + 500, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(0, window_close(&self->window, 5, 0));
}

/* A count that has gone back tells nothing. */
TEST_F(back, with_a_lower_odometer)
{
        uint64_t odometer;
        struct lab_state card;
        struct tms_start start;
        char op[64];

        ASSERT_EQ(0, lab_query(&card));
        odometer = card.odometer;
        ASSERT_GT(odometer, 2);
        snprintf(op, sizeof(op), "odometer=%llu", (unsigned long long)odometer - 2);
        ASSERT_EQ(0, go(self, variant, op));
        /* A full hour, and perhaps the hour before it. */
        EXPECT_LE(PULSES_MAX, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(-EAGAIN, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        sleep_ns(REST_NS);
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(-ERANGE, controller_try_start(&self->c, &start));
        EXPECT_EQ(TMS_RULE_PULSES_PER_DAY, start.verdict.rule);
        controller_close(&self->c);

        /* Nobody waits for tomorrow here: a module that was unloaded knows nothing. */
        ASSERT_EQ(0, lab("odometer=%llu", (unsigned long long)odometer));
        ASSERT_EQ(0, system("modprobe -r tms"));
        ASSERT_EQ(0, system("modprobe tms"));
        ASSERT_EQ(0, wait_node(true));
}

TEST_F(back, with_another_firmware)
{
        ASSERT_EQ(0, go(self, variant, "identity=firmware,0x020304; identity=contract,0x10001"));
        EXPECT_EQ(0x020304, info_of(self->c.fd).firmware);
        EXPECT_EQ(0x10001, info_of(self->c.fd).card_version);
        EXPECT_EQ(self->today, status_of(self->c.fd).pulses_today);
        if (variant->way != without_a_word)
                EXPECT_EQ(0, status_of(self->c.fd).timeline_gen);
}

/* The limits are those that it has now. */
TEST_F(back, with_other_capabilities)
{
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 5, PULSE_SIZE};
        struct tms_start start;

        ASSERT_EQ(0,
                  go(self, variant, "identity=max_permille,800; identity=min_interval_ns,2000000; identity=flags,1"));
        EXPECT_EQ(800, info_of(self->c.fd).max_permille);
        EXPECT_GE(info_of(self->c.fd).min_interval_ns, 2000000);
        EXPECT_EQ(1, info_of(self->c.fd).card_flags);
        flat(self->pulses, 5, 50 * MS, 801, 5);
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_RULE_INTENSITY, load.verdict.rule);
        EXPECT_EQ(800, load.verdict.limit);
        flat(self->pulses, 5, 50 * MS, 200, 5);
        ASSERT_EQ(0, window_open(&self->window, "other capabilities"));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        if (!variant->anew)
                EXPECT_EQ(-EAGAIN, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* The card of @serial's folder in sysfs, whichever it is. */
static bool bound_as(const char *address, const char *serial)
{
        char command[256];

        snprintf(command, sizeof(command), "grep -qx %s /sys/bus/pci/devices/%s/tms/tms*/serial", serial, address);
        return system(command) == 0;
}

/* Nobody treats with it through a file that was opened for the other; unbound and bound it is a card like any. */
#define EXPECT_ANOTHER(op)                                                     \
        do {                                                                   \
                struct pollfd p = {.events = POLLIN};                          \
                struct tms_event e, last = {};                                 \
                struct tms_status st;                                          \
                controller_hang(&self->c);                                     \
                if (variant->anew) {                                           \
                        controller_close(&self->c);                            \
                        ASSERT_EQ(0, lab(op));                                 \
                        variant->way(self->address);                           \
                        break;                                                 \
                }                                                              \
                go(self, variant, op);                                         \
                p.fd = self->c.fd;                                             \
                EXPECT_EQ(-ENODEV, call(self->c.fd, TMS_IOC_STATUS, &st));     \
                EXPECT_EQ(-ENODEV, call(self->c.fd, TMS_IOC_STOP, NULL));      \
                EXPECT_EQ(1, poll(&p, 1, 0));                                  \
                EXPECT_EQ(POLLHUP | POLLERR, p.revents & (POLLHUP | POLLERR)); \
                while (read(self->c.fd, &e, sizeof(e)) == sizeof(e))           \
                        last = e;                                              \
                /* The controller may have taken them already. */              \
                if (!last.type && self->c.count)                               \
                        last = self->c.events[self->c.count - 1];              \
                EXPECT_EQ(ENODEV, errno);                                      \
                EXPECT_EQ(TMS_EVENT_STATE, last.type);                         \
                EXPECT_EQ(TMS_STATE_GONE, last.state.to);                      \
                EXPECT_EQ(TMS_CAUSE_CARD_ABSENT, last.state.cause);            \
                EXPECT_EQ(-ENODEV, node_open(O_RDONLY));                       \
        } while (0)

TEST_F(back, as_another)
{
        EXPECT_ANOTHER("identity=serial,18193");
        if (!variant->anew) {
                controller_close(&self->c);
                ASSERT_EQ(0, bound_anew(self->address));
        }
        EXPECT_TRUE(bound_as(self->address, "0000000000004711"));
        EXPECT_FALSE(bound_as(self->address, "00000000000003e9"));
}

/* A contract that nobody here understands. */
TEST_F(back, as_something_else)
{
        EXPECT_ANOTHER("identity=contract,0x20000");
        EXPECT_FALSE(variant->anew && bound_as(self->address, "00000000000003e9"));
}

TEST_HARNESS_MAIN
