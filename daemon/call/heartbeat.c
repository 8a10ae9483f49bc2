/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a client again and again whether it still answers; see heartbeat.h. */
#include <assert.h>

#include "endings.h"
#include "heartbeat.h"

/* A client is asked once a second and has so long to answer. A frozen client is noticed within four seconds. */
#define ASK_EVERY_USEC USEC_PER_S
#define ANSWER_NS (3 * NS_PER_S)

struct heartbeat {
        sd_bus *bus; /* borrowed */
        char *name;
        sd_event_source *timer;
        sd_bus_slot *question; /* NULL: no question is open */
        uint64_t asked_ns;
        bool on;
        heartbeat_lost_fn lost;
        void *userdata;
};

static void tell_lost(struct heartbeat *h, const char *text)
{
        heartbeat_stop(h);
        /* This call may free h. */
        h->lost(text, h->userdata);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct heartbeat *h = userdata;
        const char *sender = sd_bus_message_get_sender(m);

        h->question = sd_bus_slot_unref(h->question);
        /*
         * An error that the client itself has sent is an answer too. An error from the bus daemon or from sd-bus has
         * another sender, or none.
         */
        if (sender && STREQ(sender, h->name))
                return 0;
        /*
         * Three kinds of errors end nothing here. If no answer came in time, on_timer() says so. A client that has left
         * is noticed by peer.c, a lost bus by manager.c.
         */
        if (sd_bus_is_open(h->bus) > 0 && !sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) &&
            !sd_bus_message_is_method_error(m, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
            !sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
                log_error("%s cannot be asked whether it is alive: %s; see journalctl -u dbus", h->name,
                          sd_bus_message_get_error(m) ? sd_bus_message_get_error(m)->message : "?");
                tell_lost(h, endings[ENDING_OWNER_REFUSED].text);
        }
        return 0;
}

static int ask(struct heartbeat *h)
{
        h->asked_ns = now_ns(CLOCK_MONOTONIC);
        return sd_bus_call_method_async(h->bus, &h->question, h->name, "/", "org.freedesktop.DBus.Peer", "Ping",
                                        on_answer, h, NULL);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct heartbeat *h = userdata;

        if (!h->on)
                return 0;
        if (h->question && now_ns(CLOCK_MONOTONIC) - h->asked_ns >= ANSWER_NS) {
                tell_lost(h, endings[ENDING_OWNER_FROZEN].text);
                return 0;
        }
        if ((!h->question && ask(h) < 0) || sd_event_source_set_time_relative(source, ASK_EVERY_USEC) < 0 ||
            sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
                tell_lost(h, endings[ENDING_OWNER_NOT_ASKED].text);
        return 0;
}

void heartbeat_start(struct heartbeat *h)
{
        if (h->on)
                return;
        h->on = true;
        /* The first question is asked from the timer, so that lost() is never called within this call. */
        (void)sd_event_source_set_time_relative(h->timer, 0);
        (void)sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

void heartbeat_stop(struct heartbeat *h)
{
        h->on = false;
        h->question = sd_bus_slot_unref(h->question);
        (void)sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
}

int heartbeat_new(sd_bus *bus, sd_event *event, const char *name, heartbeat_lost_fn lost, void *userdata,
                  struct heartbeat **ret)
{
        _cleanup_(heartbeat_freep) struct heartbeat *h = calloc(1, sizeof(*h));
        int r;

        assert(lost);
        if (!h)
                return -ENOMEM;
        h->bus = bus;
        h->lost = lost;
        h->userdata = userdata;
        h->name = strdup(name);
        if (!h->name)
                return -ENOMEM;
        r = sd_event_add_time_relative(event, &h->timer, CLOCK_MONOTONIC, 0, 0, on_timer, h);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
        /*
         * The timer runs after the bus is read. If this process was held up itself, the client's answer may be there
         * unread, and it has to count before the time is found to be over.
         */
        if (r >= 0)
                r = sd_event_source_set_priority(h->timer, SD_EVENT_PRIORITY_NORMAL + 1);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(h->timer, "heartbeat");
        *ret = TAKE_PTR(h);
        return 0;
}

struct heartbeat *heartbeat_free(struct heartbeat *h)
{
        if (!h)
                return NULL;
        sd_event_source_disable_unref(h->timer);
        sd_bus_slot_unref(h->question);
        free(h->name);
        free(h);
        return NULL;
}
