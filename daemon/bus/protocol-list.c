/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes, keeps and gives the answer to ListProtocols; see protocol-list.h. */
#include <sys/queue.h>

#include "job.h"
#include "protocol-list.h"
#include "request.h"
#include "tms.h"
#include "turn.h"

struct waiting {
        STAILQ_ENTRY(waiting) link;
        struct request *q;
        int error; /* 0: the answer is in kept; else why there is none */
};

STAILQ_HEAD(queue, waiting);

/* One look at the folders. While it runs, only the thread touches it. */
struct look {
        struct protocol_list *list;
        char known[65]; /* stamp of the answer that is kept; "": none that can be relied on */
        char stamp[65];
        bool settled, unchanged;
        sd_bus_message *made;
        int r;
};

struct protocol_list {
        sd_event *event;
        sd_bus *bus;
        struct turn *answering;
        sd_bus_message *kept; /* NULL, or a message whose body is the answer */
        char stamp[65];       /* stamp of kept; "": files may change without the stamp changing */
        struct look *look;
        struct queue shares; /* the look that is running answers these */
        struct queue later;  /* these came after the look had begun, which may have missed what changed since */
        struct queue answers;
};

/* --- On the thread, which alone has the message until the look is done ------------------------- */

static int list_one(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        sd_bus_message *m = userdata;
        char text[1024];
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "path", "s", path);
        if (r >= 0 && !p)
                r = sd_bus_message_append(m, "{sv}", "error", "s", tms_error_format(error, text, sizeof(text)));
        if (r >= 0 && p)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "id", "s", tms_protocol_id(p), "title",
                                          "s", tms_protocol_title(p), "indication", "s", tms_protocol_indication(p),
                                          "status", "s", tms_protocol_status(p), "sha256", "s", tms_protocol_sha256(p),
                                          "pulses", "u", tms_protocol_pulses(p), "trains", "u", tms_protocol_trains(p),
                                          "first_to_last_ns", "t", tms_protocol_first_to_last_ns(p));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void look_run(void *userdata)
{
        struct look *k = userdata;

        /*
         * The stamp is taken before the files are read. If a file changes in between, the next look finds another stamp
         * and reads again.
         */
        k->r = tms_protocol_stamp(k->stamp);
        if (k->r < 0)
                return;
        k->settled = k->r > 0;
        k->unchanged = k->settled && STREQ(k->stamp, k->known);
        if (k->unchanged)
                return;
        k->r = sd_bus_message_open_container(k->made, 'a', "a{sv}");
        if (k->r >= 0)
                k->r = tms_protocol_foreach(list_one, k->made);
        if (k->r >= 0)
                k->r = sd_bus_message_close_container(k->made);
}

/* --- On the loop --------------------------------------------------------------------------------- */

static struct look *look_free(struct look *k)
{
        if (k)
                sd_bus_message_unref(k->made);
        free(k);
        return NULL;
}

/*
 * The look that these calls wait for is over; error: why it made no answer, or 0. The answers are sent one by one, by
 * on_answer().
 */
static void answer_shares(struct protocol_list *l, int error)
{
        struct waiting *w;

        STAILQ_FOREACH(w, &l->shares, link)
        w->error = error;
        STAILQ_CONCAT(&l->answers, &l->shares);
        turn_set(l->answering, true);
}

static int keep(struct protocol_list *l, struct look *k)
{
        int r;

        if (k->unchanged)
                return 0;
        /*
         * The message has to be sealed to be read, and sealing wants a serial number. As the message is never sent, any
         * number will do.
         */
        r = sd_bus_message_seal(k->made, 1, 0);
        if (r < 0)
                return r;
        sd_bus_message_unref(l->kept);
        l->kept = TAKE_PTR(k->made);
        (void)snprintf(l->stamp, sizeof(l->stamp), "%s", k->settled ? k->stamp : "");
        return 0;
}

static void look_again(struct protocol_list *l);

static void look_done(void *userdata)
{
        struct look *k = userdata;
        struct protocol_list *l = k->list;

        if (k->r >= 0)
                k->r = keep(l, k);
        answer_shares(l, k->r < 0 ? k->r : 0);
        l->look = look_free(k);
        if (!STAILQ_EMPTY(&l->later))
                look_again(l);
}

static int look_start(struct protocol_list *l)
{
        struct look *k = calloc(1, sizeof(*k));
        int r;

        if (!k)
                return -ENOMEM;
        k->list = l;
        memcpy(k->known, l->stamp, sizeof(k->known));
        r = sd_bus_message_new_signal(l->bus, &k->made, "/", MANAGER_INTERFACE, "Protocols");
        if (r >= 0)
                r = job_start(l->event, look_run, look_done, k);
        if (r < 0) {
                look_free(k);
                return r;
        }
        l->look = k;
        return 0;
}

static void look_again(struct protocol_list *l)
{
        int r;

        STAILQ_CONCAT(&l->shares, &l->later);
        r = look_start(l);
        if (r < 0)
                answer_shares(l, r);
}

static sd_bus_message *make_reply(struct protocol_list *l, struct request *q)
{
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_return(request_message(q), &m);
        if (r >= 0)
                r = sd_bus_message_rewind(l->kept, true);
        if (r >= 0)
                r = sd_bus_message_copy(m, l->kept, true);
        return r < 0 ? sd_bus_message_unref(m) : m;
}

static void answer(struct protocol_list *l, struct waiting *w)
{
        sd_bus_message *m;

        if (w->error < 0) {
                request_refuse(w->q, ERROR_FAILED,
                               "The installed protocols cannot be listed now: %s. Try again in a moment.",
                               strerror(-w->error));
                return;
        }
        m = make_reply(l, w->q);
        request_reply_message(w->q, m);
        sd_bus_message_unref(m);
}

/* Sends one answer and returns, so that the loop can do more urgent things before the next. */
static void on_answer(void *userdata)
{
        struct protocol_list *l = userdata;
        struct waiting *w = STAILQ_FIRST(&l->answers);

        if (w) {
                STAILQ_REMOVE_HEAD(&l->answers, link);
                answer(l, w);
                free(w);
        }
        turn_set(l->answering, !STAILQ_EMPTY(&l->answers));
}

void protocol_list_answer(struct protocol_list *l, struct request *q)
{
        struct waiting *w = calloc(1, sizeof(*w));

        if (!w) {
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        w->q = q;
        STAILQ_INSERT_TAIL(&l->later, w, link);
        if (!l->look)
                look_again(l);
}

int protocol_list_new(sd_event *event, sd_bus *bus, struct protocol_list **ret)
{
        struct protocol_list *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        STAILQ_INIT(&l->shares);
        STAILQ_INIT(&l->later);
        STAILQ_INIT(&l->answers);
        l->event = sd_event_ref(event);
        l->bus = sd_bus_ref(bus);
        r = turn_new(event, bus, "protocol-list", on_answer, l, &l->answering);
        if (r < 0) {
                protocol_list_free(l);
                return r;
        }
        *ret = l;
        return 0;
}

static void drop_all(struct queue *queue)
{
        struct waiting *w;

        while ((w = STAILQ_FIRST(queue))) {
                STAILQ_REMOVE_HEAD(queue, link);
                request_drop(w->q);
                free(w);
        }
}

struct protocol_list *protocol_list_free(struct protocol_list *l)
{
        if (!l)
                return NULL;
        drop_all(&l->shares);
        drop_all(&l->later);
        drop_all(&l->answers);
        turn_free(l->answering);
        sd_bus_message_unref(l->kept);
        sd_bus_unref(l->bus);
        sd_event_unref(l->event);
        /* If a look is running, it is not freed: its thread uses it until the process ends. */
        free(l);
        return NULL;
}
