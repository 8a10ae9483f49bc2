/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that are overtaken; see overtaking.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "overtaking.h"

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        struct sent *sent = userdata;

        sent->done = true;
        if (e) {
                (void)snprintf(sent->error, sizeof(sent->error), "%s", e->name + strlen("org.tmsd1.Error."));
                (void)snprintf(sent->message, sizeof(sent->message), "%s", e->message);
        }
        return 0;
}

void send_call(struct fixture *f, const char *method, char type, int value, struct sent *sent)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", method);

        *sent = (struct sent){0};
        if (type)
                (void)sd_bus_message_append_basic(m, type, &value);
        assert_true(sd_bus_call_async(f->bus, NULL, m, on_reply, sent, 20 * USEC_PER_S) >= 0);
        sd_bus_message_unref(m);
}

void wait_sent(struct fixture *f, const struct sent *sent)
{
        int i;

        for (i = 0; i < 500 && !sent->done; i++) {
                while (sd_bus_process(f->bus, NULL) > 0)
                        ;
                if (!sent->done)
                        (void)sd_bus_wait(f->bus, 20000);
        }
        assert_true(sent->done);
}

void was_refused(const struct sent *sent, const char *error, const char *part)
{
        if (strcmp(sent->error, error) != 0 || !strstr(sent->message, part))
                fail_msg("answered with '%s': '%s'; expected %s with '%s'", sent->error, sent->message, error, part);
}

void was_taken(const struct sent *sent)
{
        if (*sent->error)
                fail_msg("refused with %s: %s", sent->error, sent->message);
}

void begin(struct fixture *f, enum way way, const char *method, struct sent *sent)
{
        unsigned before = fake_polkit_asked();
        int i;

        if (way == AT_POLKIT)
                fake_polkit_say(POLKIT_SILENT);
        if (way == TO_DISK)
                atomic_store(hold_sync, 1);
        if (way == IN_KERNEL)
                fake->arm_ms = 3000;
        send_call(f, method, STREQ(method, "Go") ? 'u' : 0, 0, sent);
        assert_true(sd_bus_flush(f->bus) >= 0);
        for (i = 0; i < 500 && fake_polkit_asked() == before; i++)
                usleep(10000);
        if (way == IN_KERNEL)
                wait_state(f, "arming");
        else
                usleep(100000);
        assert_false(sent->done);
}

void go_on(void)
{
        fake_polkit_say(POLKIT_YES);
        atomic_store(hold_sync, 0);
}

bool pause_by(struct fixture *f, bool now)
{
        sd_bus *other = fake_bus_connect();
        sd_bus_message *m = new_call(other, f->session, "org.tmsd1.Session", "Pause");
        bool taken;

        (void)sd_bus_message_append(m, "b", (int)now);
        taken = finish(f, other, m, NULL);
        sd_bus_flush_close_unref(other);
        return taken;
}

void must_pause(struct fixture *f, bool now)
{
        if (!pause_by(f, now))
                fail_msg("Pause: %s: %s", f->error, f->message);
}

void state_is(struct fixture *f, const char *expected)
{
        char *state = get_text(f->bus, f->session, "org.tmsd1.Session", "State");

        assert_string_equal(state, expected);
        free(state);
}
