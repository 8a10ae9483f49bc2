/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong around a Stop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stop.h"

static const struct order flood = {
                .kind = ORDER_FLOOD,
                .path = "/org/tmsd1",
                .interface = "org.freedesktop.DBus.ObjectManager",
                .member = "GetManagedObjects",
};

/* --- The owner ------------------------------------------------------------------------------ */

static void owner_leaves(struct world *w, const char *session)
{
        /* His question is on its way. */
        sleep_ms(2);
        peer_end(&w->owner[0]);
        sleep_ms(1);
}

static void owner_hangs(struct world *w, const char *session)
{
        sleep_ms(2);
        peer_signal(&w->owner[0], SIGSTOP);
}

static void owner_goes_on(struct world *w)
{
        peer_signal(&w->owner[0], SIGCONT);
}

static void owner_floods(struct world *w, const char *session)
{
        struct order o = flood;

        o.count = w->messages;
        peer_order(&w->owner[0], &o);
        sleep_ms(50);
}

static void owner_is_ended(struct world *w)
{
        peer_end(&w->owner[0]);
}

/* --- Polkit ---------------------------------------------------------------------------------- */

static void polkit_signal(int signal)
{
        shell("kill -%d $(systemctl show -P MainPID polkit.service)", signal);
}

static void polkit_stops(struct world *w, const char *session)
{
        polkit_signal(SIGSTOP);
}

static void polkit_goes_on(struct world *w)
{
        polkit_signal(SIGCONT);
}

static void polkit_starts(struct world *w)
{
        w->polkit = peer_start("polkitd", polkit_body);
}

/* Ours in the place of the real one, which comes back no more. */
static void need_our_polkit(struct world *w)
{
        if (w->polkit.pid > 0)
                return;
        shell("systemctl mask --runtime --now polkit.service 2>/dev/null");
        polkit_starts(w);
}

static void polkit_obeys(struct world *w, enum order_kind kind)
{
        struct answer a;

        peer_order(&w->polkit, &(struct order){.kind = kind});
        peer_hear(&w->polkit, &a);
}

static void polkit_holds(struct world *w, const char *session)
{
        need_our_polkit(w);
        polkit_obeys(w, ORDER_HOLD);
}

static void polkit_answers(struct world *w)
{
        polkit_obeys(w, ORDER_RELEASE);
}

static void polkit_dies(struct world *w, const char *session)
{
        need_our_polkit(w);
        peer_end(&w->polkit);
}

/* --- The disk: the job has laid a device-mapper device under /var/lib/tmsd ------------------------ */

/* It takes no block any more, and whoever syncs waits: a disk that does not answer. */
static void disk_hangs(struct world *w, const char *session)
{
        shell("dmsetup suspend --noflush --nolockfs tms-state");
}

static void disk_goes_on(struct world *w)
{
        shell("dmsetup resume tms-state");
}

/* The file system lets nobody write. */
static void disk_freezes(struct world *w, const char *session)
{
        shell("fsfreeze --freeze /var/lib/tmsd");
}

static void disk_thaws(struct world *w)
{
        shell("fsfreeze --unfreeze /var/lib/tmsd");
}

/* --- The journal: it takes no line, and what waits in its socket is all that fits --------------------- */

static void journal_signal(int signal)
{
        shell("kill -%d $(systemctl show -P MainPID systemd-journald.service)", signal);
}

/* As many as one socket may have under way; 0: the journal's own socket is full. */
static unsigned journal_fill(void)
{
        const struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        static const char line[] = "MESSAGE=the stop test fills the journal's socket\n";
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        unsigned n = 0;

        if (fd < 0)
                die("socket: %s", strerror(errno));
        while (sendto(fd, line, strlen(line), 0, (const struct sockaddr *)&journal, sizeof(journal)) >= 0)
                n++;
        if (errno != EAGAIN)
                die("the journal's socket: %s", strerror(errno));
        (void)close(fd);
        return n;
}

static void journal_stops(struct world *w, const char *session)
{
        journal_signal(SIGSTOP);
        while (journal_fill() > 0)
                ;
}

static void journal_goes_on(struct world *w)
{
        journal_signal(SIGCONT);
}

/* --- Others ------------------------------------------------------------------------------------ */

static void crowd_order(struct world *w, enum order_kind kind, const char *session)
{
        struct order o = {.kind = kind};
        struct answer a;
        size_t i;

        (void)snprintf(o.path, sizeof(o.path), "%s", session);
        for (i = 0; i < ELEMENTS(w->crowd); i++) {
                if (w->crowd[i].pid <= 0)
                        w->crowd[i] = peer_start(i ? "nobody" : "bystander", crowd_body);
        }
        for (i = 0; i < ELEMENTS(w->crowd); i++)
                peer_order(&w->crowd[i], &o);
        for (i = 0; i < ELEMENTS(w->crowd); i++)
                peer_hear(&w->crowd[i], &a);
}

static void crowd_asks(struct world *w, const char *session)
{
        crowd_order(w, ORDER_CROWD, session);
        sleep_ms(20);
}

static void crowd_is_quiet(struct world *w)
{
        crowd_order(w, ORDER_QUIET, "/");
}

static void one_sends(struct world *w, const char *session)
{
        struct order o = flood;
        struct answer a;

        w->unread = peer_start("bystander", unread_body);
        o.count = w->messages;
        o.unanswered = !w->full;
        peer_order(&w->unread, &o);
        /* In full: all of them are out. */
        if (w->full)
                peer_hear(&w->unread, &a);
        else
                sleep_ms(50);
}

static void one_leaves(struct world *w)
{
        peer_end(&w->unread);
}

static void all_begins(struct world *w, const char *session)
{
        polkit_stops(w, session);
        disk_hangs(w, session);
        one_sends(w, session);
        crowd_asks(w, session);
}

static void all_ends(struct world *w)
{
        one_leaves(w);
        disk_goes_on(w);
        polkit_goes_on(w);
        crowd_is_quiet(w);
}

/* Those that need our polkit come last. */
const struct trouble troubles[] = {
                {.name = "calm"},
                {.name = "owner-leaves", .owner = owner_leaves},
                {.name = "owner-hangs", .owner = owner_hangs, .end = owner_goes_on},
                {.name = "disk-hangs", .begin = disk_hangs, .end = disk_goes_on},
                {.name = "disk-frozen", .begin = disk_freezes, .end = disk_thaws},
                {.name = "disk-hangs-owner-leaves", .begin = disk_hangs, .owner = owner_leaves, .end = disk_goes_on},
                {.name = "journal-stopped", .begin = journal_stops, .end = journal_goes_on},
                {.name = "owner-floods", .flood = true, .owner = owner_floods, .end = owner_is_ended},
                {.name = "crowd", .flood = true, .begin = crowd_asks, .end = crowd_is_quiet},
                {.name = "one-does-not-read", .flood = true, .begin = one_sends, .end = one_leaves},
                {.name = "polkit-stopped", .begin = polkit_stops, .end = polkit_goes_on},
                {.name = "polkit-stopped-owner-leaves",
                 .begin = polkit_stops,
                 .owner = owner_leaves,
                 .end = polkit_goes_on},
                {.name = "everything", .flood = true, .begin = all_begins, .owner = owner_leaves, .end = all_ends},
                {.name = "polkit-slow", .begin = polkit_holds, .end = polkit_answers},
                {.name = "polkit-dead", .begin = polkit_dies, .end = polkit_starts},
};
const size_t n_troubles = ELEMENTS(troubles);
