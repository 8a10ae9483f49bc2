/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program on the bus of its own, told by orders what to call. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "stop.h"

static void become(const char *user)
{
        struct passwd *p = getpwnam(user);

        if (!p || initgroups(user, p->pw_gid) < 0 || setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0)
                die("cannot be user %s: %m", user);
}

struct peer peer_start(const char *user, void (*body)(int fd))
{
        struct answer ready;
        struct peer p;
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                die("socketpair: %m");
        fflush(NULL);
        p.pid = fork();
        if (p.pid < 0)
                die("fork: %m");
        if (p.pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(pair[0]);
                become(user);
                body(pair[1]);
                _exit(0);
        }
        close(pair[1]);
        p.fd = pair[0];
        peer_hear(&p, &ready);
        return p;
}

void peer_order(struct peer *p, const struct order *o)
{
        if (send(p->fd, o, sizeof(*o), MSG_NOSIGNAL) != sizeof(*o))
                die("an order cannot be given: %m");
}

void peer_hear(struct peer *p, struct answer *ret)
{
        if (recv(p->fd, ret, sizeof(*ret), 0) != sizeof(*ret))
                die("process %d gave no answer", (int)p->pid);
}

void peer_signal(struct peer *p, int signal)
{
        if (p->pid > 0 && kill(p->pid, signal) < 0)
                die("kill: %m");
}

void peer_end(struct peer *p)
{
        if (p->pid <= 0)
                return;
        (void)kill(p->pid, SIGKILL);
        (void)waitpid(p->pid, NULL, 0);
        close(p->fd);
        *p = (struct peer){0};
}

bool order_next(int fd, struct order *ret)
{
        return recv(fd, ret, sizeof(*ret), 0) == sizeof(*ret);
}

void answer_send(int fd, const struct answer *a)
{
        (void)send(fd, a, sizeof(*a), MSG_NOSIGNAL);
}

sd_bus *bus_open(void)
{
        sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        if (r < 0)
                die("no system bus: %s", strerror(-r));
        return bus;
}

static int append_preparation(sd_bus_message *m, const struct order *o)
{
        int r = sd_bus_message_append(m, "ss", o->text, "");

        return r < 0 ? r
                     : sd_bus_message_append(m, "a{sv}", 3, "threshold_permille", "u", o->number, "threshold_kind", "s",
                                             "rMT", "threshold_coil", "s", "figure-8");
}

sd_bus_message *order_message(sd_bus *bus, const struct order *o)
{
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, SERVICE, o->path, o->interface, o->member);
        if (r >= 0 && o->kind == ORDER_PREPARE)
                r = append_preparation(m, o);
        else if (r >= 0 && strcmp(o->types, "oa{sv}") == 0)
                r = o->subject[0] ? sd_bus_message_append(m, "oa{sv}", o->text, 1, "subject", "s", o->subject)
                                  : sd_bus_message_append(m, "oa{sv}", o->text, 0);
        else if (r >= 0 && o->types[0] == 's')
                r = sd_bus_message_append(m, "s", o->text);
        else if (r >= 0 && o->types[0])
                r = sd_bus_message_append(m, o->types, o->number);
        if (r >= 0 && o->cookie)
                r = sd_bus_message_seal(m, o->cookie, UINT64_MAX);
        if (r < 0)
                die("%s cannot be called: %s", o->member, strerror(-r));
        return m;
}

/* --- An owner, or the one who stops: one connection, calls in any number at a time ---------- */

struct client {
        int fd;
        sd_bus *bus;
        sd_event *event;
};

struct call {
        struct client *client;
        bool unanswered;
        int64_t call_mono_ns;
};

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct call *call = userdata;
        struct answer a = {.call_mono_ns = call->call_mono_ns, .reply_mono_ns = mono_ns()};
        const sd_bus_error *e = sd_bus_message_get_error(m);
        const char *path;

        if (e) {
                (void)snprintf(a.error, sizeof(a.error), "%s", e->name);
                (void)snprintf(a.text, sizeof(a.text), "%s", e->message ? e->message : "");
        } else if (sd_bus_message_has_signature(m, "o") && sd_bus_message_read(m, "o", &path) > 0) {
                (void)snprintf(a.text, sizeof(a.text), "%s", path);
        }
        if (!call->unanswered)
                answer_send(call->client->fd, &a);
        free(call);
        return 0;
}

static void client_call(struct client *c, const struct order *o)
{
        struct call *call = malloc(sizeof(*call));
        sd_bus_message *m;
        int r;

        if (!call)
                die("no memory");
        m = order_message(c->bus, o);
        *call = (struct call){.client = c, .unanswered = o->unanswered, .call_mono_ns = mono_ns()};
        r = sd_bus_call_async(c->bus, NULL, m, on_reply, call, UINT64_MAX);
        if (r < 0)
                die("%s cannot be called: %s", o->member, strerror(-r));
        sd_bus_message_unref(m);
}

static int on_order(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct client *c = userdata;
        struct order o;

        if (!order_next(fd, &o))
                return sd_event_exit(c->event, 0);
        if (o.kind == ORDER_FLOOD) {
                unread_flood(c->bus, &o);
                return 0;
        }
        client_call(c, &o);
        return 0;
}

void client_body(int fd)
{
        struct client c = {.fd = fd, .bus = bus_open()};

        if (sd_event_new(&c.event) < 0 || sd_bus_attach_event(c.bus, c.event, 0) < 0 ||
            sd_event_add_io(c.event, NULL, fd, EPOLLIN, on_order, &c) < 0)
                die("no event loop");
        /* Known to the bus before anything is timed. */
        if (sd_bus_get_unique_name(c.bus, &(const char *){NULL}) < 0)
                die("no name on the bus");
        answer_send(fd, &(struct answer){0});
        (void)sd_event_loop(c.event);
}
