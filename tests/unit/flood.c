/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many connections that call without waiting; see flood.h. */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "flood.h"
#include "manager.h"

#define TIMEOUT_USEC (120 * 1000000ULL)
/* Far more than the slowest machine needs. */
#define TAKES_MAX 120000

uid_t bystander(unsigned n)
{
        const struct passwd *p;
        uid_t uid = 0;

        setpwent();
        while ((p = getpwent()) && (p->pw_uid == 0 || n-- > 0))
                ;
        uid = p ? p->pw_uid : 0;
        endpwent();
        assert_true(uid > 0);
        return uid;
}

struct flood *flood_new(struct fixture *f, uid_t uid, unsigned n)
{
        struct flood *flood = calloc(1, sizeof(*flood));
        unsigned i;

        flood->n = n;
        flood->clients = calloc(n, sizeof(*flood->clients));
        for (i = 0; i < n; i++)
                flood->clients[i] = (struct flood_client){.flood = flood, .bus = connect_as(f, uid)};
        return flood;
}

void flood_free(struct flood *flood)
{
        unsigned i;

        for (i = 0; i < flood->n; i++)
                sd_bus_close_unref(flood->clients[i].bus);
        free(flood->clients);
        free(flood);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct flood *flood = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (!e)
                flood->answered++;
        else if (sd_bus_error_has_name(e, "org.tmsd1.Error.TooManyRequests") && strstr(e->message, "wait"))
                flood->refused++;
        else
                flood->wrong++;
        return 0;
}

void flood_send(struct flood_client *c, sd_bus_message *m)
{
        assert_true(sd_bus_call_async(c->bus, NULL, m, on_reply, c->flood, TIMEOUT_USEC) >= 0);
        sd_bus_message_unref(m);
        c->flood->sent++;
        c->flood->taken = 0;
}

void flood_greet(struct flood_client *c)
{
        sd_bus_message *m = new_call(c->bus, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping"), *reply;

        assert_true(sd_bus_call(c->bus, m, TIMEOUT_USEC, NULL, &reply) >= 0);
        sd_bus_message_unref(m);
        sd_bus_message_unref(reply);
}

void flood_push(struct flood_client *c)
{
        sd_bus_message *reply;

        assert_true(sd_bus_call_method(c->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                       "GetId", NULL, &reply, NULL) >= 0);
        sd_bus_message_unref(reply);
}

void flood_take(struct flood *flood)
{
        unsigned i;

        if (flood->taken++ > TAKES_MAX)
                fail_msg("no end: %u sent, %u answered, %u refused, %u wrong", flood->sent, flood->answered,
                         flood->refused, flood->wrong);
        usleep(500);
        for (i = 0; i < flood->n; i++) {
                while (sd_bus_process(flood->clients[i].bus, NULL) > 0)
                        ;
        }
}

void flood_wait(struct flood *flood)
{
        while (flood->answered + flood->refused + flood->wrong < flood->sent)
                flood_take(flood);
}
