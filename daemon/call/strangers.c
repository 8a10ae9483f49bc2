/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of programs whose user is not known yet; see strangers.h. */
#include <sys/queue.h>

#include "strangers.h"
#include "util.h"

struct stranger {
        TAILQ_ENTRY(stranger) link;
        struct strangers *all;
        char name[24];
        sd_bus_slot *slot;
        sd_bus_message *calls[WAITING_PER_STRANGER];
        unsigned n;
};

struct strangers {
        sd_bus *bus;
        struct callers *callers;
        stranger_fn known;
        void *userdata;
        TAILQ_HEAD(, stranger) list;
        unsigned n;
};

int strangers_new(sd_bus *bus, struct callers *callers, stranger_fn known, void *userdata, struct strangers **ret)
{
        struct strangers *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        s->callers = callers;
        s->known = known;
        s->userdata = userdata;
        TAILQ_INIT(&s->list);
        *ret = s;
        return 0;
}

static void stranger_free(struct stranger *t)
{
        unsigned i;

        TAILQ_REMOVE(&t->all->list, t, link);
        t->all->n--;
        sd_bus_slot_unref(t->slot);
        for (i = 0; i < t->n; i++)
                sd_bus_message_unref(t->calls[i]);
        free(t);
}

struct strangers *strangers_free(struct strangers *s)
{
        struct stranger *t;

        if (!s)
                return NULL;
        while ((t = TAILQ_FIRST(&s->list)))
                stranger_free(t);
        sd_bus_unref(s->bus);
        free(s);
        return NULL;
}

static int on_uid(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct stranger *t = userdata;
        uint32_t uid = UID_UNKNOWN;
        unsigned i;

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "u", &uid) >= 0)
                (void)callers_remember(t->all->callers, t->name, uid);
        for (i = 0; i < t->n; i++)
                t->all->known(t->calls[i], uid, t->all->userdata);
        stranger_free(t);
        return 0;
}

static struct stranger *find(struct strangers *s, const char *name)
{
        struct stranger *t;

        TAILQ_FOREACH(t, &s->list, link) {
                if (STREQ(t->name, name))
                        return t;
        }
        return NULL;
}

static int stranger_new(struct strangers *s, const char *name, struct stranger **ret)
{
        struct stranger *t;
        int r;

        if (s->n >= STRANGERS_MAX || strlen(name) >= sizeof(t->name))
                return -ENOBUFS;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->all = s;
        strcpy(t->name, name);
        r = sd_bus_call_method_async(s->bus, &t->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionUnixUser", on_uid, t, "s", name);
        if (r < 0) {
                free(t);
                return r;
        }
        /*
         * New strangers go to the front of the list, where the look-up is short: the newest is the one that is likely
         * to call again.
         */
        TAILQ_INSERT_HEAD(&s->list, t, link);
        s->n++;
        *ret = t;
        return 0;
}

int strangers_add(struct strangers *s, sd_bus_message *m)
{
        const char *name = sd_bus_message_get_sender(m);
        struct stranger *t = find(s, name);
        int r;

        if (!t) {
                r = stranger_new(s, name, &t);
                if (r < 0)
                        return r;
        }
        if (t->n >= WAITING_PER_STRANGER)
                return -ENOBUFS;
        t->calls[t->n++] = sd_bus_message_ref(m);
        return 0;
}
