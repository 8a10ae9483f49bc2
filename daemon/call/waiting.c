/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that are set aside, to be served or refused later; see waiting.h. */
#include <sys/queue.h>

#include "request.h"
#include "turn.h"
#include "util.h"
#include "waiting.h"

/* sd-bus is let work at most so many times until it reaches the call that was given back to it. */
#define SERVE_STEPS 4

struct item {
        STAILQ_ENTRY(item) link;
        sd_bus_message *m;
        /* Only of a call that is refused: why. */
        enum error error;
        const char *sentence;
};

STAILQ_HEAD(items, item);

/* The calls of one user that wait. A user of whom none waits has no line. */
struct line {
        TAILQ_ENTRY(line) link;
        struct user *user;
        struct items items;
};

struct waiting {
        sd_bus *bus;
        struct turn *turn;
        struct items trusted;
        unsigned n_trusted;
        TAILQ_HEAD(, line) lines; /* the first line is served next */
        struct items refused;
        unsigned n_refused;
        sd_bus_message *served; /* NULL, or the call that was given back to sd-bus and has not reached the filter yet */
        unsigned unserved;      /* messages that were read since a call was last given back */
};

static bool is_empty(const struct waiting *w)
{
        return STAILQ_EMPTY(&w->trusted) && TAILQ_EMPTY(&w->lines);
}

/*
 * While a call is on its way through sd-bus, no turn is taken. When that call has reached the filter,
 * waiting_is_served() sets the turn anew.
 */
static void set_turn(struct waiting *w)
{
        turn_set(w->turn, !w->served && !(is_empty(w) && STAILQ_EMPTY(&w->refused)));
}

static struct item *item_new(sd_bus_message *m)
{
        struct item *i = calloc(1, sizeof(*i));

        if (i)
                i->m = sd_bus_message_ref(m);
        return i;
}

/* Takes the first item out of the list. Its reference to the message goes to the caller of this function. */
static sd_bus_message *take_first(struct items *items)
{
        struct item *i = STAILQ_FIRST(items);
        sd_bus_message *m = i->m;

        STAILQ_REMOVE_HEAD(items, link);
        free(i);
        return m;
}

static void line_leave(struct waiting *w, struct line *line)
{
        TAILQ_REMOVE(&w->lines, line, link);
        line->user->held--;
        free(line);
}

static sd_bus_message *take_turn(struct waiting *w)
{
        struct line *line = TAILQ_FIRST(&w->lines);
        sd_bus_message *m;

        if (!STAILQ_EMPTY(&w->trusted)) {
                w->n_trusted--;
                return take_first(&w->trusted);
        }
        m = take_first(&line->items);
        line->user->waiting--;
        if (STAILQ_EMPTY(&line->items)) {
                line_leave(w, line);
        } else {
                TAILQ_REMOVE(&w->lines, line, link);
                TAILQ_INSERT_TAIL(&w->lines, line, link);
        }
        return m;
}

static void serve_one(struct waiting *w)
{
        sd_bus_message *m;
        int r;

        w->unserved = 0;
        if (w->served || is_empty(w))
                return;
        m = take_turn(w);
        r = sd_bus_enqueue_for_read(w->bus, m);
        if (r < 0) {
                (void)sd_bus_reply_method_errno(m, r, NULL);
                sd_bus_message_unref(m);
                return;
        }
        w->served = m;
}

static void send_refusal(struct waiting *w, sd_bus_message *m, enum error error, const char *sentence)
{
        const sd_bus_error answer = error_with(error, sentence);
        uint64_t unsent = 0;

        /*
         * When sd-bus already has too many messages to send, the bus daemon does not read them. One more refusal would
         * only cost memory, so none is sent.
         */
        if (sd_bus_get_n_queued_write(w->bus, &unsent) < 0 || unsent <= UNSENT_MAX)
                (void)sd_bus_reply_method_error(m, &answer);
}

static void refuse_one(struct waiting *w)
{
        const char *sentence;
        enum error error;
        sd_bus_message *m;

        if (STAILQ_EMPTY(&w->refused))
                return;
        error = STAILQ_FIRST(&w->refused)->error;
        sentence = STAILQ_FIRST(&w->refused)->sentence;
        m = take_first(&w->refused);
        w->n_refused--;
        send_refusal(w, m, error, sentence);
        sd_bus_message_unref(m);
}

static void on_turn(void *userdata)
{
        struct waiting *w = userdata;
        int i;

        refuse_one(w);
        serve_one(w);
        /*
         * The call is taken through sd-bus now. If sd-bus did it by its own timer, it would cost several times what
         * most calls cost. sd_bus_process() does one thing at a time, and others may come first: the error for an
         * answer that did not come in time, a message that has to be sent.
         */
        for (i = 0; i < SERVE_STEPS && w->served; i++) {
                if (sd_bus_process(w->bus, NULL) <= 0)
                        break;
        }
        set_turn(w);
}

bool waiting_is_served(struct waiting *w, const sd_bus_message *m)
{
        if (!m || m != w->served)
                return false;
        w->served = sd_bus_message_unref(w->served);
        set_turn(w);
        return true;
}

void waiting_count(struct waiting *w)
{
        if (++w->unserved >= SERVE_EVERY)
                serve_one(w);
}

static struct line *find_line(struct waiting *w, struct user *user)
{
        struct line *line;

        TAILQ_FOREACH(line, &w->lines, link) {
                if (line->user == user)
                        return line;
        }
        line = calloc(1, sizeof(*line));
        if (!line)
                return NULL;
        line->user = user;
        user->held++;
        STAILQ_INIT(&line->items);
        TAILQ_INSERT_TAIL(&w->lines, line, link);
        return line;
}

int waiting_add(struct waiting *w, sd_bus_message *m, bool trusted, struct user *user)
{
        struct line *line;
        struct item *i;

        if (trusted ? w->n_trusted >= WAITING_TRUSTED : user->waiting >= WAITING_PER_USER)
                return -ENOBUFS;
        i = item_new(m);
        if (!i)
                return -ENOMEM;
        if (trusted) {
                STAILQ_INSERT_TAIL(&w->trusted, i, link);
                w->n_trusted++;
        } else {
                line = find_line(w, user);
                if (!line) {
                        sd_bus_message_unref(i->m);
                        free(i);
                        return -ENOMEM;
                }
                STAILQ_INSERT_TAIL(&line->items, i, link);
                user->waiting++;
        }
        set_turn(w);
        return 0;
}

void waiting_refuse(struct waiting *w, sd_bus_message *m, enum error error, const char *sentence)
{
        struct item *i = NULL;

        if (sd_bus_message_get_expect_reply(m) == 0)
                return;
        if (w->n_refused < REFUSED_MAX)
                i = item_new(m);
        if (!i) {
                send_refusal(w, m, error, sentence);
                return;
        }
        i->error = error;
        i->sentence = sentence;
        STAILQ_INSERT_TAIL(&w->refused, i, link);
        w->n_refused++;
        set_turn(w);
}

int waiting_new(sd_event *event, sd_bus *bus, struct waiting **ret)
{
        struct waiting *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        STAILQ_INIT(&w->trusted);
        STAILQ_INIT(&w->refused);
        TAILQ_INIT(&w->lines);
        w->bus = sd_bus_ref(bus);
        r = turn_new(event, bus, "waiting-calls", on_turn, w, &w->turn);
        if (r < 0) {
                waiting_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

struct waiting *waiting_free(struct waiting *w)
{
        if (!w)
                return NULL;
        while (!is_empty(w))
                sd_bus_message_unref(take_turn(w));
        while (!STAILQ_EMPTY(&w->refused))
                sd_bus_message_unref(take_first(&w->refused));
        sd_bus_message_unref(w->served);
        turn_free(w->turn);
        sd_bus_unref(w->bus);
        free(w);
        return NULL;
}
