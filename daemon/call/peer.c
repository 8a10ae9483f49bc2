/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches whether a client is still on the bus; see peer.h. */
#include <assert.h>

#include "endings.h"
#include "names.h"
#include "peer.h"

#define MATCH_FORMAT MATCH_NAME_OWNER("%s")

struct peer {
        sd_bus *bus; /* borrowed */
        sd_bus_slot *match, *question;
        peer_gone_fn gone;
        void *userdata;
};

static void tell_gone(struct peer *p, const char *text)
{
        assert(p->gone);
        p->match = sd_bus_slot_unref(p->match);
        p->question = sd_bus_slot_unref(p->question);
        /* This call may free p. */
        p->gone(text, p->userdata);
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name, *before, *now;

        /* The bus never gives a unique name twice, so a client that has lost its name is gone. */
        if (sd_bus_message_read(m, "sss", &name, &before, &now) < 0 || *now == '\0')
                tell_gone(userdata, endings[ENDING_OWNER_LEFT].text);
        return 0;
}

/*
 * The bus refuses the match or the question, so the client cannot be watched. If the connection to the bus is closing,
 * the connection's own handler (manager.c) acts on that, and nothing is done here.
 */
static void see_refusal(struct peer *p, sd_bus_message *m)
{
        if (sd_bus_is_open(p->bus) <= 0)
                return;
        log_error("the owner of a session cannot be watched: %s; see journalctl -u dbus",
                  sd_bus_message_get_error(m)->message);
        tell_gone(p, endings[ENDING_OWNER_UNSEEN].text);
}

static int on_matched(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (sd_bus_message_is_method_error(m, NULL))
                see_refusal(userdata, m);
        return 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct peer *p = userdata;
        int is_there = 0;

        if (sd_bus_message_is_method_error(m, NULL))
                see_refusal(p, m);
        else if (sd_bus_message_read(m, "b", &is_there) < 0 || !is_there)
                tell_gone(p, endings[ENDING_OWNER_LEFT].text);
        return 0;
}

int peer_watch(sd_bus *bus, const char *name, peer_gone_fn gone, void *userdata, struct peer **ret)
{
        _cleanup_(peer_freep) struct peer *p = calloc(1, sizeof(*p));
        char rule[512];
        int r;

        if (!p)
                return -ENOMEM;
        p->bus = bus;
        p->gone = gone;
        p->userdata = userdata;
        if ((size_t)snprintf(rule, sizeof(rule), MATCH_FORMAT, name) >= sizeof(rule))
                return -EINVAL;
        /*
         * The match is sent before the question, and the bus takes both in this order. So a client that leaves in
         * between is noticed by one of the two.
         */
        r = sd_bus_add_match_async(bus, &p->match, rule, on_changed, on_matched, p);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &p->question, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                             "org.freedesktop.DBus", "NameHasOwner", on_answer, p, "s", name);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

struct peer *peer_free(struct peer *p)
{
        if (!p)
                return NULL;
        sd_bus_slot_unref(p->match);
        sd_bus_slot_unref(p->question);
        free(p);
        return NULL;
}
