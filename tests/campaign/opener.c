/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opener STATE SERIAL ODOMETER UTC: a daemon begins with what a power cut has left of its state directory, on another
 * boot, at that time (seconds since 1970), with that card, which has counted so many pulses; a short treatment goes on
 * behind it. Fails if the log is refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-clock.h"
#include "elapsed.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

static char **words;

static void test_open(void **state)
{
        struct fixture f = {0};
        char *bus_path;
        int bus_fd = scratch_open(&bus_path);

        f.fd = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(f.fd >= 0);
        f.path = words[1];
        f.protocol = scratch_read(SOURCE_DIR "/lib/protocols", "mdd-itbs-600.yaml", NULL);
        fixture_config = (struct config){.audit_free_min = 4096, .max_off_ns = 31 * DAY_NS};
        atomic_store(&fake_clock->wall_ns,
                     (long long)(strtoull(words[4], NULL, 10) * NS_PER_S - now_ns(CLOCK_REALTIME)));
        fake_new();
        fake->info.card_serial = strtoull(words[2], NULL, 10);
        fake->info.odometer = strtoull(words[3], NULL, 10);
        fake_bus_start(bus_path);
        start_daemon(&f, BOOT_B);
        f.bus = fake_bus_connect();
        if (!create_with(&f, f.bus, "S-2") || !prepare_text(&f, "mdd-itbs-600.yaml", f.protocol, 520) ||
            !call(&f, "ConfirmNotices") || !call(&f, "Arm") || !call(&f, "Start"))
                fail_msg("the next treatment: %s: %s", f.error, f.message);
        fake_play(3);
        must(&f, "Stop");
        wait_state(&f, "ended");
        stop_daemon(&f);
        sd_bus_flush_close_unref(f.bus);
        fake_bus_stop();
        fake_free();
        free(f.protocol);
        close(f.fd);
        scratch_close(bus_fd, bus_path);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_open)};

        if (argc != 5) {
                (void)fprintf(stderr,
                              "opener STATE SERIAL ODOMETER UTC: a state directory, a card, its count and the time\n");
                return 2;
        }
        words = argv;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
