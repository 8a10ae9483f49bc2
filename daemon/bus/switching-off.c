/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The computer is about to be switched off; see switching-off.h. */
#include "names.h"
#include "switching-off.h"

/* The longest name on a bus has 255 bytes. */
#define OWNER_SIZE 256

struct switching_off {
        sd_bus_slot *announced, *changed, *question;
        switching_off_fn told;
        void *userdata;
        char owner[OWNER_SIZE]; /* who has logind's name; "": nobody, or the bus has not told yet */
};

static void set_owner(struct switching_off *w, const char *owner)
{
        (void)snprintf(w->owner, sizeof(w->owner), "%s", owner);
}

static int on_owner(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct switching_off *w = userdata;
        const char *owner;

        w->question = sd_bus_slot_unref(w->question);
        if (!sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "s", &owner) >= 0)
                set_owner(w, owner);
        return 0;
}

/* The bus sends a change of the owner and its answer about the owner in the order in which it made them: the last one holds. */
static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *name, *before, *now;

        if (STREQ(sd_bus_message_get_sender(message), "org.freedesktop.DBus") &&
            sd_bus_message_read(message, "sss", &name, &before, &now) >= 0 && STREQ(name, LOGIND))
                set_owner(userdata, now);
        return 0;
}

/* While the owner is not known, nothing is done: SIGTERM follows a true announcement. */
static int on_announced(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct switching_off *w = userdata;
        const char *sender = sd_bus_message_get_sender(message);
        int begins;

        if (*w->owner != '\0' && sender && STREQ(sender, w->owner) && sd_bus_message_read(message, "b", &begins) >= 0)
                w->told(begins, w->userdata);
        return 0;
}

int switching_off_new(sd_bus *bus, switching_off_fn told, void *userdata, struct switching_off **ret)
{
        _cleanup_(switching_off_freep) struct switching_off *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->told = told;
        w->userdata = userdata;
        r = sd_bus_add_match_async(bus, &w->changed, MATCH_NAME_OWNER(LOGIND), on_changed, NULL, w);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(bus, &w->announced, LOGIND, LOGIND_PATH, LOGIND_INTERFACE, LOGIND_ANNOUNCEMENT,
                                      on_announced, NULL, w);
        if (r < 0)
                return r;
        r = sd_bus_call_method_async(bus, &w->question, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetNameOwner", on_owner, w, "s", LOGIND);
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
        sd_bus_slot_unref(w->announced);
        sd_bus_slot_unref(w->changed);
        free(w);
        return NULL;
}
