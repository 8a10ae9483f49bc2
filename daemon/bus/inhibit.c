/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the computer awake and on; see inhibit.h. */
#include <fcntl.h>

#include "inhibit.h"
#include "switching-off.h"

#define WHY "A treatment is under way. Stop it first (tmsctl stop), or wait for its end."

struct inhibit {
        sd_bus *bus;           /* borrowed */
        sd_bus_slot *question; /* at logind */
        int fd;                /* the inhibitor: it ends when this is closed; -1: there is none */
        bool asked;            /* since the last release */
};

int inhibit_new(sd_bus *bus, struct inhibit **ret)
{
        struct inhibit *i = calloc(1, sizeof(*i));

        if (!i)
                return -ENOMEM;
        i->bus = bus;
        i->fd = -1;
        *ret = i;
        return 0;
}

struct inhibit *inhibit_free(struct inhibit *i)
{
        if (!i)
                return NULL;
        inhibit_release(i);
        free(i);
        return NULL;
}

static void failed(const char *why)
{
        log_event(INHIBITOR_MISSING, NO_FIELDS,
                  "while this treatment lasts the computer may be put to sleep or switched off, as systemd-logind "
                  "gives no "
                  "inhibitor: %s; see systemctl status systemd-logind",
                  why);
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct inhibit *i = userdata;
        int fd;

        i->question = sd_bus_slot_unref(i->question);
        if (sd_bus_message_is_method_error(reply, NULL)) {
                failed(sd_bus_message_get_error(reply)->message);
                return 0;
        }
        /* The message keeps its descriptor, and closes it. */
        if (sd_bus_message_read(reply, "h", &fd) < 0)
                failed("its answer has no descriptor");
        else if ((i->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
                failed(strerror(errno));
        return 0;
}

void inhibit_take(struct inhibit *i)
{
        int r;

        if (i->asked)
                return;
        i->asked = true;
        r = sd_bus_call_method_async(i->bus, &i->question, LOGIND, LOGIND_PATH, LOGIND_INTERFACE, "Inhibit", on_answer,
                                     i, "ssss", INHIBIT_WHAT, "tmsd", WHY, "block");
        if (r < 0)
                failed(strerror(-r));
}

void inhibit_release(struct inhibit *i)
{
        i->asked = false;
        i->question = sd_bus_slot_unref(i->question);
        safe_close(i->fd);
        i->fd = -1;
}
