/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit log says of the past; see history.h. */
#include "history-internal.h"

static void session_free(struct past_session *s)
{
        free(s->id);
        free(s->boot);
        free(s->subject);
        free(s->rest_of);
        json_decref(s->prepared);
        free(s);
}

static void recovery_free(struct past_recovery *p)
{
        free(p->session);
        free(p);
}

int history_new(uint64_t max_off_ns, struct history **ret)
{
        struct history *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        h->cuts = json_array();
        if (!h->cuts || courses_init(&h->courses) < 0) {
                json_decref(h->cuts);
                free(h);
                return -ENOMEM;
        }
        TAILQ_INIT(&h->sessions);
        TAILQ_INIT(&h->cards);
        TAILQ_INIT(&h->recoveries);
        h->elapsed.max_off_ns = max_off_ns;
        *ret = h;
        return 0;
}

struct history *history_free(struct history *h)
{
        struct past_recovery *p;
        struct past_session *s;
        struct past_card *c;

        if (!h)
                return NULL;
        while ((p = TAILQ_FIRST(&h->recoveries))) {
                TAILQ_REMOVE(&h->recoveries, p, link);
                recovery_free(p);
        }
        while ((s = TAILQ_FIRST(&h->sessions))) {
                TAILQ_REMOVE(&h->sessions, s, link);
                session_free(s);
        }
        while ((c = TAILQ_FIRST(&h->cards))) {
                TAILQ_REMOVE(&h->cards, c, link);
                free(c);
        }
        json_decref(h->cuts);
        courses_done(&h->courses);
        free(h);
        return NULL;
}

static struct past_card *find_card(const struct history *h, uint64_t serial)
{
        struct past_card *c;

        TAILQ_FOREACH(c, &h->cards, link) {
                if (c->serial == serial)
                        return c;
        }
        return NULL;
}

/* unknown: pulses that the odometer may show beside these. asked: the card itself has shown it. */
static void set_odometer(struct history *h, uint64_t serial, uint64_t odometer, uint64_t unknown, bool asked)
{
        struct past_card *c = find_card(h, serial);

        if (!c) {
                c = calloc(1, sizeof(*c));
                if (!c) {
                        h->incomplete = true;
                        return;
                }
                c->serial = serial;
                TAILQ_INSERT_TAIL(&h->cards, c, link);
        }
        c->odometer = odometer;
        c->unknown = unknown;
        c->asked = asked;
}

static struct past_session *find_session(const struct history *h, const char *id)
{
        struct past_session *s;

        TAILQ_FOREACH_REVERSE(s, &h->sessions, past_session_list, link) {
                if (STREQ(s->id, id))
                        return s;
        }
        return NULL;
}

const struct past_session *history_session(const struct history *h, const char *id)
{
        return find_session(h, id);
}

const struct past_session *history_last_session(const struct history *h, uint64_t card_serial)
{
        const struct past_session *s;

        TAILQ_FOREACH_REVERSE(s, &h->sessions, past_session_list, link) {
                if (s->card_serial == card_serial)
                        return s;
        }
        return NULL;
}

const struct past_session *history_open_session(const struct history *h, const struct past_session *after)
{
        const struct past_session *s = after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&h->sessions);

        while (s && s->ended)
                s = TAILQ_NEXT(s, link);
        return s;
}

static bool is_open(const struct history *h, const char *session)
{
        const struct past_session *s = find_session(h, session);

        return s && !s->ended;
}

const struct past_recovery *history_interrupted(const struct history *h, const struct past_recovery *after)
{
        const struct past_recovery *p = after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&h->recoveries);

        while (p && is_open(h, p->session))
                p = TAILQ_NEXT(p, link);
        return p;
}

bool history_odometer(const struct history *h, uint64_t card_serial, uint64_t *ret, uint64_t *ret_unknown)
{
        const struct past_card *c = find_card(h, card_serial);

        if (!c)
                return false;
        *ret = c->odometer;
        *ret_unknown = c->unknown;
        return true;
}

void history_elapsed(const struct history *h, const char *boot, const struct clock_now *now, struct elapsed *ret)
{
        *ret = h->elapsed;
        elapsed_advance(ret, boot, now);
}

/* --- Feeding ------------------------------------------------------------------- */

/*
 * Drops old sessions, since years of records must not stay in memory. A session that is certainly more than a day old
 * counts in no dose any more; only a card's last session is kept. A session is not dropped for its date alone: the date
 * may be wrong, and be set right later.
 */
static void forget_old(struct history *h)
{
        struct past_session *s, *next;

        for (s = TAILQ_FIRST(&h->sessions); s; s = next) {
                next = TAILQ_NEXT(s, link);
                if (!s->ended || !elapsed_is_over_a_day(&s->last, &h->elapsed.now) ||
                    history_last_session(h, s->card_serial) == s)
                        continue;
                TAILQ_REMOVE(&h->sessions, s, link);
                session_free(s);
        }
}

/* Counts what the card has discharged since the session began, which includes pulses whose answer was lost. */
static void see_discharges(struct past_session *s, uint64_t odometer)
{
        /*
         * A count that is lower than what is known to have been given comes from another counter, or was lost. It tells
         * nothing.
         */
        if (odometer < s->odometer + s->delivered)
                return;
        s->discharged = odometer - s->odometer;
        s->unsure = false;
        s->settled = true;
}

/*
 * The odometer of a card was read outside a session. It gives the count of each session on that card whose count is not
 * sure: from the session's beginning up to the beginning of the next one. Pulses that were fired between two sessions
 * count as the earlier one's.
 */
static void see_card(struct history *h, uint64_t card_serial, uint64_t odometer)
{
        struct past_session *s;
        uint64_t until = odometer;

        set_odometer(h, card_serial, odometer, 0, true);
        TAILQ_FOREACH_REVERSE(s, &h->sessions, past_session_list, link) {
                if (s->card_serial != card_serial)
                        continue;
                if (s->unsure)
                        see_discharges(s, until);
                until = s->odometer;
        }
}

static void see_create(struct history *h, const json_t *record, const json_t *data)
{
        struct past_session *s = calloc(1, sizeof(*s));

        if (!s) {
                h->incomplete = true;
                return;
        }
        s->id = strdup(json_get_str(data, "session"));
        s->boot = strdup(json_get_str(record, "boot"));
        s->subject = strdup(json_get_str(data, "subject"));
        s->rest_of = strdup(json_get_str(data, "rest_of"));
        s->card_serial = json_get_u64(data, "card_serial");
        s->coil_serial = json_get_u64(data, "coil_serial");
        s->odometer = json_get_u64(data, "odometer");
        s->records_since_ns = json_get_u64(data, "records_since_ns");
        s->last = h->elapsed.now;
        if (!s->id || !s->boot || !s->subject || !s->rest_of) {
                session_free(s);
                h->incomplete = true;
                return;
        }
        /* The odometer was read for this session, and all other sessions on that card have ended. */
        if (json_object_get(data, "odometer"))
                see_card(h, s->card_serial, s->odometer);
        TAILQ_INSERT_TAIL(&h->sessions, s, link);
        forget_old(h);
}

/* Logs begun before records had unknown pulses say nothing of them, nor others of how far the timeline was played. */
static void see_counts(struct past_session *s, const json_t *data)
{
        s->delivered = json_get_u64(data, "delivered");
        s->unknown = json_get_u64(data, "unknown");
        s->has_next_pulse = json_is_integer(json_object_get(data, "next_pulse"));
        s->next_pulse = (uint32_t)json_get_u64(data, "next_pulse");
}

static void see_end(struct history *h, struct past_session *s, const json_t *data)
{
        bool asked = json_object_get(data, "odometer");

        see_counts(s, data);
        s->ended = true;
        /*
         * A session that had started is unsure until an odometer is seen that fits it: at its end there may be none, or
         * one that has gone back.
         */
        s->unsure = s->started;
        if (asked)
                see_discharges(s, json_get_u64(data, "odometer"));
        /*
         * If the odometer could not be read (the card was gone, the daemon had crashed), the records say what it should
         * show.
         */
        set_odometer(h, s->card_serial, asked ? json_get_u64(data, "odometer") : s->odometer + s->delivered,
                     asked ? 0 : s->unknown, asked);
}

static void forget_recovery(struct history *h, const char *session)
{
        struct past_recovery *p;

        TAILQ_FOREACH(p, &h->recoveries, link) {
                if (!STREQ(p->session, session))
                        continue;
                TAILQ_REMOVE(&h->recoveries, p, link);
                recovery_free(p);
                return;
        }
}

static void see_recovery(struct history *h, const json_t *data)
{
        const char *session = json_get_str(data, "session");
        struct past_recovery *p;

        forget_recovery(h, session);
        p = calloc(1, sizeof(*p));
        if (p)
                p->session = strdup(session);
        if (!p || !p->session) {
                free(p);
                h->incomplete = true;
                return;
        }
        p->card_serial = json_get_u64(data, "card_serial");
        TAILQ_INSERT_TAIL(&h->recoveries, p, link);
}

/* Pulses whose records the kernel had kept are added to their session, which may have ended already. */
static void see_recovered(struct history *h, struct past_session *s, const json_t *data)
{
        const struct past_card *c = find_card(h, s->card_serial);
        uint64_t least;

        see_counts(s, data);
        least = s->odometer + s->delivered;
        /* An odometer that was seen before and shows less tells nothing any more. */
        if (s->settled && s->discharged < s->delivered)
                s->settled = false;
        if (!s->ended || !c || history_last_session(h, s->card_serial) != s)
                return;
        if (c->odometer < least || !c->asked)
                set_odometer(h, s->card_serial, c->odometer < least ? least : c->odometer, s->unknown, false);
}

static void see_session(struct history *h, struct past_session *s, const json_t *record, const char *type,
                        const json_t *data)
{
        if (!s->ended)
                s->last = h->elapsed.now;
        if (STREQ(type, "session.prepare")) {
                s->prescribed = (uint32_t)json_get_u64(data, "pulses");
                s->measuring = json_is_true(json_object_get(data, "measuring"));
                if (history_keep_prepared(s, data) < 0)
                        h->incomplete = true;
        } else if (STREQ(type, "session.start.intent")) {
                s->started = true;
        } else if (STREQ(type, "session.pulses")) {
                see_counts(s, data);
        } else if (STREQ(type, "recovery.pulses")) {
                see_recovered(h, s, data);
        } else if (STREQ(type, "session.end")) {
                see_end(h, s, data);
        }
}

static void see_time(struct history *h, const json_t *record)
{
        const unsigned proofs = h->elapsed.proofs;
        struct past_session *s;

        elapsed_see(&h->elapsed, record);
        if (h->elapsed.proofs == proofs)
                return;
        /*
         * This boot's clock has just proved, or proved anew, the date of every moment of this boot. That has to be
         * noted now, since the next boot's clock knows nothing of it.
         */
        TAILQ_FOREACH(s, &h->sessions, link)
                elapsed_prove(&h->elapsed, &s->last);
}

bool history_names_cut(const struct history *h, const char *name)
{
        const json_t *cut;
        size_t i;

        json_array_foreach(h->cuts, i, cut) {
                if (STREQ(json_string_value(cut), name))
                        return true;
        }
        return false;
}

static void see_cut(struct history *h, const json_t *data)
{
        const char *name = json_get_str(data, "cut_file");

        if (*name && !history_names_cut(h, name) && json_array_append_new(h->cuts, json_string(name)) < 0)
                h->incomplete = true;
}

void history_see(const json_t *record, void *history)
{
        struct history *h = history;
        const char *type = json_get_str(record, "type");
        const json_t *data = json_object_get(record, "data");
        struct past_session *s;

        if (!record) {
                h->incomplete = true;
                return;
        }
        see_time(h, record);
        see_cut(h, data);
        if (!courses_see(&h->courses, type, data))
                h->incomplete = true;
        if (STREQ(type, "session.create")) {
                see_create(h, record, data);
                return;
        }
        if (STREQ(type, "stimulator.add")) {
                see_card(h, json_get_u64(data, "card_serial"), json_get_u64(data, "odometer"));
                return;
        }
        if (STREQ(type, "stimulator.odometer")) {
                see_card(h, json_get_u64(data, "card_serial"), json_get_u64(data, "found"));
                return;
        }
        if (STREQ(type, "recovery.pulses.intent"))
                see_recovery(h, data);
        else if (STREQ(type, "recovery.pulses") || STREQ(type, "session.end"))
                forget_recovery(h, json_get_str(data, "session"));
        s = find_session(h, json_get_str(data, "session"));
        if (s)
                see_session(h, s, record, type, data);
}
