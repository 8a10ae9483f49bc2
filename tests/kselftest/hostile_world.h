/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong around hostile callers: the card's faults, resets, the driver unbound, the slot, a CPU, sleep. */
#ifndef TMS_HOSTILE_WORLD_H
#define TMS_HOSTILE_WORLD_H

#include <limits.h>
#include <pthread.h>
#include <stdio.h>

#include "port.h"
#include "random.h"
#include "tms_test.h"

#define DRIVER "/sys/bus/pci/drivers/tms/"
#define SECOND_CPU "/sys/devices/system/cpu/cpu1/online"

struct world {
        char address[64];
        bool plain; /* two CPUs, the host's time */
        pthread_mutex_t port;
};

/* Whatever it answers: a removed card refuses some. */
static void world_lab(struct world *w, const char *line)
{
        char reply[512];

        pthread_mutex_lock(&w->port);
        port_talk(line, reply, sizeof(reply));
        pthread_mutex_unlock(&w->port);
}

static int world_query(struct world *w, struct lab_state *ret)
{
        int r;

        pthread_mutex_lock(&w->port);
        r = port_query(ret);
        pthread_mutex_unlock(&w->port);
        return r;
}

/* Not those that the card itself does not notice: nobody could account for them. Some at once, some soon. */
static void world_fault(struct world *w, struct dice *d)
{
        static const char *const faults[] = {
                        "open=estop",
                        "open=patient_stop",
                        "open=contact_lost",
                        "open=cover_open",
                        "open=hv_fault",
                        "open=overcurrent",
                        "open=coil_absent",
                        "close=coil_absent",
                        "press=arm_key",
                        "press=footswitch",
                        "release=footswitch",
                        "heat=39500",
                        "heat=60000",
                        "trigger_in",
                        "trigger_in",
                        "trigger_in",
                        "lose_pulse",
                        "lose_pulse=silent",
                        "extra_pulse=100",
                        "extra_pulse",
                        "stuck_trigger=3,7000000",
                        "amplitude=+100",
                        "never_ready=on",
                        "never_ready=off",
                        "drop_answer",
                        "swap_answers",
                        "answer_time=+900000",
                        "lost_irq",
                        "lost_pulse_irq",
                        "dead_watchdog",
                        "stuck_watchdog",
                        "self_test",
                        "clock_jump=+500000",
                        "clock_jump=-500000",
                        "identity=firmware,0x020304",
                        "identity=max_permille,800",
                        "magic=0xffffffff",
                        "reset",
                        "aer=correctable",
                        "aer=uncorrectable",
                        "aer=fatal",
        };
        const char *fault = faults[dice_below(d, ELEMENTSOF(faults))];
        char line[128];

        if (dice_below(d, 2))
                snprintf(line, sizeof(line), "in=%" PRIu64 " %s", dice_below(d, 30 * MS), fault);
        else
                snprintf(line, sizeof(line), "%s", fault);
        world_lab(w, line);
}

static void world_mend(struct world *w)
{
        static const char *const lines[] = {
                        "clear",
                        "insert",
                        "release=arm_key",
                        "release=footswitch",
                        "heat=22000",
                        "close=estop",
                        "close=patient_stop",
                        "close=coil_absent",
                        "close=coil_hot",
                        "close=contact_lost",
                        "close=cover_open",
                        "close=hv_fault",
                        "close=overcurrent",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                world_lab(w, lines[i]);
}

static void world_reset(struct world *w, struct dice *d)
{
        char path[PATH_MAX];

        if (!dice_below(d, 8))
                world_lab(w, "slow_reset=200000000");
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method", w->address);
        write_file(path, dice_below(d, 2) ? "flr" : "bus");
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", w->address);
        write_file(path, "1");
}

static void world_rebind(struct world *w)
{
        write_file(DRIVER "unbind", w->address);
        write_file(DRIVER "bind", w->address);
}

/* The slot's button and its lamp take their time. */
static void world_unplug(struct world *w, struct dice *d)
{
        world_lab(w, "remove");
        sleep_ns(dice_below(d, 2) ? 2 * S : dice_below(d, 50 * MS));
        world_lab(w, "insert");
        if (dice_below(d, 2))
                sleep_ns(5 * S);
}

static void world_replug(struct world *w)
{
        world_lab(w, "remove");
        sleep_ns(5 * S);
        world_lab(w, "insert");
        sleep_ns(5 * S);
}

static void world_cpu(struct world *w, struct dice *d)
{
        write_file(SECOND_CPU, "0");
        sleep_ns(dice_below(d, 30 * MS));
        write_file(SECOND_CPU, "1");
}

static void world_sleep(struct world *w)
{
        nap("freeze");
}

/* Values that are allowed, and some that are not. */
static void world_parameter(struct dice *d)
{
        switch (dice_below(d, 4)) {
        case 0:
                set_parameter("lead_ns", dice_below(d, 25000));
                break;
        case 1:
                set_parameter("max_pulses_per_s", 50 + dice_below(d, 60));
                break;
        case 2:
                set_parameter("max_permille", 500 + dice_below(d, 600));
                break;
        default:
                set_parameter("lateness_ns", dice_below(d, 1100000));
                break;
        }
}

static void world_parameters_back(void)
{
        set_parameter("lead_ns", 20000);
        set_parameter("max_pulses_per_s", 100);
        set_parameter("max_permille", 1000);
        set_parameter("lateness_ns", 1000000);
}

#endif
