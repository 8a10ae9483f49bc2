/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The computer is about to be switched off; see switching-off.h. */
#include "switching-off.h"

/* The longest name on a bus has 255 bytes. */
#define SENDER_SIZE 256

struct switching_off {
        sd_bus *bus;
        sd_bus_slot *match, *question;
        switching_off_fn told;
        void *userdata;
        /* Of the announcement that is being checked; a later one takes its place. */
        bool begins;
        char sender[SENDER_SIZE];
};

static int on_owner(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct switching_off *w = userdata;
        const char *owner;

        w->question = sd_bus_slot_unref(w->question);
        if (!sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "s", &owner) >= 0 &&
            STREQ(owner, w->sender))
                w->told(w->begins, w->userdata);
        return 0;
}

/* If the bus cannot be asked, nothing is done: SIGTERM follows a true announcement. */
static int on_announced(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct switching_off *w = userdata;
        const char *sender = sd_bus_message_get_sender(message);
        int begins;

        if (!sender || strlen(sender) >= SENDER_SIZE || sd_bus_message_read(message, "b", &begins) < 0)
                return 0;
        w->begins = begins;
        (void)snprintf(w->sender, sizeof(w->sender), "%s", sender);
        if (!w->question)
                (void)sd_bus_call_method_async(w->bus, &w->question, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                               "org.freedesktop.DBus", "GetNameOwner", on_owner, w, "s", LOGIND);
        return 0;
}

int switching_off_new(sd_bus *bus, switching_off_fn told, void *userdata, struct switching_off **ret)
{
        _cleanup_(switching_off_freep) struct switching_off *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->bus = sd_bus_ref(bus);
        w->told = told;
        w->userdata = userdata;
        r = sd_bus_match_signal_async(bus, &w->match, LOGIND, "/org/freedesktop/login1", LOGIND_INTERFACE,
                                      LOGIND_ANNOUNCEMENT, on_announced, NULL, w);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

struct switching_off *switching_off_free(struct switching_off *w)
{
        if (!w)
                return NULL;
        sd_bus_slot_unref(w->question);
        sd_bus_slot_unref(w->match);
        sd_bus_unref(w->bus);
        free(w);
        return NULL;
}
