/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those who ask. A crowd: many connections with one call outstanding each, another as soon as it is
 * answered. And one that sends and sends, and reads nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "stop.h"

/* The bus allows a user 256. */
#define CROWD 150

struct crowd {
        sd_event *event;
        bool quiet;
        char session[128];
        struct one {
                struct crowd *crowd;
                unsigned nth;
                bool waiting;
                sd_bus *bus;
        } one[CROWD];
};

/* Everything that anybody may ask for, but for what stops. */
static sd_bus_message *question(struct one *o)
{
        static const struct order orders[] = {
                        {.path = "/org/tmsd1", .interface = "org.tmsd1.Manager", .member = "ListProtocols"},
                        {.path = "/org/tmsd1",
                         .interface = "org.freedesktop.DBus.ObjectManager",
                         .member = "GetManagedObjects"},
                        {.path = "/org/tmsd1",
                         .interface = "org.freedesktop.DBus.Introspectable",
                         .member = "Introspect"},
                        {.interface = "org.freedesktop.DBus.Properties",
                         .member = "GetAll",
                         .types = "s",
                         .text = "org.tmsd1.Session"},
                        {.path = "/org/tmsd1",
                         .interface = "org.tmsd1.Manager",
                         .member = "CreateSession",
                         .types = "oa{sv}",
                         .text = "/"},
                        {.interface = "org.tmsd1.Session", .member = "Arm"},
                        {.path = "/org/tmsd1",
                         .interface = "org.tmsd1.Manager",
                         .member = "SealAudit",
                         .types = "s",
                         .text = "crowd"},
                        {.path = "/org/tmsd1/stimulator/0",
                         .interface = "org.tmsd1.Stimulator",
                         .member = "GetLatency"},
                        {.interface = "org.tmsd1.Session", .member = "Resume"},
                        {.path = "/org/tmsd1/stimulator/1",
                         .interface = "org.freedesktop.DBus.Properties",
                         .member = "GetAll",
                         .types = "s",
                         .text = "org.tmsd1.Stimulator"},
        };
        struct order order = orders[o->nth % ELEMENTS(orders)];

        if (!order.path[0])
                memcpy(order.path, o->crowd->session, sizeof(order.path));
        return order_message(o->bus, &order);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error);

static void ask(struct one *o)
{
        sd_bus_message *m;
        int r;

        if (o->waiting || o->crowd->quiet)
                return;
        m = question(o);
        r = sd_bus_call_async(o->bus, NULL, m, on_answer, o, UINT64_MAX);
        if (r < 0)
                die("the crowd cannot ask: %s", strerror(-r));
        o->waiting = true;
        sd_bus_message_unref(m);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct one *o = userdata;

        o->waiting = false;
        ask(o);
        return 0;
}

static int on_order(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct crowd *c = userdata;
        struct order o;
        unsigned i;

        if (!order_next(fd, &o))
                return sd_event_exit(c->event, 0);
        c->quiet = o.kind == ORDER_QUIET;
        memcpy(c->session, o.path, sizeof(c->session));
        for (i = 0; i < CROWD; i++)
                ask(c->one + i);
        /* All of them have asked. */
        answer_send(fd, &(struct answer){0});
        return 0;
}

void crowd_body(int fd)
{
        static struct crowd c = {.quiet = true};
        const char *name;
        unsigned i;

        if (sd_event_new(&c.event) < 0 || sd_event_add_io(c.event, NULL, fd, EPOLLIN, on_order, &c) < 0)
                die("no event loop");
        for (i = 0; i < CROWD; i++) {
                c.one[i] = (struct one){.crowd = &c, .nth = i, .bus = bus_open()};
                if (sd_bus_get_unique_name(c.one[i].bus, &name) < 0 ||
                    sd_bus_attach_event(c.one[i].bus, c.event, 0) < 0)
                        die("number %u of the crowd is not let onto the bus", i);
        }
        answer_send(fd, &(struct answer){0});
        (void)sd_event_loop(c.event);
}

/* --- One that does not read ----------------------------------------------------------------- */

static size_t put_text(unsigned char *buf, size_t at, unsigned char field, char type, const char *text)
{
        uint32_t n = (uint32_t)strlen(text);

        at = (at + 7) & ~(size_t)7;
        buf[at++] = field;
        buf[at++] = 1;
        buf[at++] = (unsigned char)type;
        buf[at++] = 0;
        memcpy(buf + at, &n, sizeof(n));
        at += sizeof(n);
        memcpy(buf + at, text, n + 1);
        return at + n + 1;
}

/* A whole method call without arguments, as it goes over the wire: by hand, since sd-bus would read. */
static size_t wire_call(unsigned char *buf, size_t size, const struct order *o)
{
        size_t at = 16;
        uint32_t n;

        memset(buf, 0, size);
        memcpy(buf, "l\1\0\1", 4);
        at = put_text(buf, at, 1, 'o', o->path);
        at = put_text(buf, at, 2, 's', o->interface);
        at = put_text(buf, at, 3, 's', o->member);
        at = put_text(buf, at, 6, 's', SERVICE);
        n = (uint32_t)(at - 16);
        memcpy(buf + 12, &n, sizeof(n));
        return (at + 7) & ~(size_t)7;
}

void unread_flood(sd_bus *bus, const struct order *o)
{
        unsigned char buf[1024];
        size_t size = wire_call(buf, sizeof(buf), o), done;
        struct pollfd p = {.fd = sd_bus_get_fd(bus), .events = POLLOUT};
        uint32_t serial;

        for (serial = 1000; serial < 1000 + o->count; serial++) {
                memcpy(buf + 8, &serial, sizeof(serial));
                for (done = 0; done < size;) {
                        ssize_t n = write(p.fd, buf + done, size - done);

                        if (n > 0)
                                done += (size_t)n;
                        else if (errno != EAGAIN || poll(&p, 1, -1) < 0)
                                die("the bus takes no more: %m");
                }
        }
}

void unread_body(int fd)
{
        sd_bus *bus = bus_open();
        struct order o;
        const char *name;

        if (sd_bus_get_unique_name(bus, &name) < 0)
                die("no name on the bus");
        answer_send(fd, &(struct answer){0});
        while (order_next(fd, &o)) {
                unread_flood(bus, &o);
                if (!o.unanswered)
                        answer_send(fd, &(struct answer){0});
        }
}
