/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A polkit that says yes to everybody, at once or when it is told to. */
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "stop.h"

#define HELD_MAX 64

static struct {
        sd_event *event;
        bool hold;
        sd_bus_message *held[HELD_MAX];
        size_t n;
} polkit;

static void say_yes(sd_bus_message *m)
{
        (void)sd_bus_reply_method_return(m, "(bba{ss})", 1, 0, 0);
        sd_bus_message_unref(m);
}

static int on_question(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (!sd_bus_message_is_method_call(m, "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization"))
                return 0;
        sd_bus_message_ref(m);
        if (polkit.hold && polkit.n < HELD_MAX)
                polkit.held[polkit.n++] = m;
        else
                say_yes(m);
        return 1;
}

static int on_order(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct order o;
        size_t i;

        if (!order_next(fd, &o))
                return sd_event_exit(polkit.event, 0);
        polkit.hold = o.kind == ORDER_HOLD;
        for (i = 0; !polkit.hold && i < polkit.n; i++)
                say_yes(polkit.held[i]);
        if (!polkit.hold)
                polkit.n = 0;
        answer_send(fd, &(struct answer){0});
        return 0;
}

void polkit_body(int fd)
{
        sd_bus *bus = bus_open();
        int r;

        if (sd_event_new(&polkit.event) < 0 || sd_bus_attach_event(bus, polkit.event, 0) < 0 ||
            sd_event_add_io(polkit.event, NULL, fd, EPOLLIN, on_order, NULL) < 0 ||
            sd_bus_add_object(bus, NULL, "/org/freedesktop/PolicyKit1/Authority", on_question, NULL) < 0)
                die("no event loop");
        r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
        if (r < 0)
                die("polkit's name cannot be had: %s", strerror(-r));
        answer_send(fd, &(struct answer){0});
        (void)sd_event_loop(polkit.event);
}
