/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit log says of the past; see history.h. */
#include "history.h"

#define DAY_NS (86400 * NS_PER_S)

struct past_card {
        TAILQ_ENTRY(past_card) link;
        uint64_t serial;
        uint64_t odometer; /* what it should show */
};

TAILQ_HEAD(past_session_list, past_session);

struct history {
        struct past_session_list sessions; /* oldest first */
        TAILQ_HEAD(, past_card) cards;
};

static void session_free(struct past_session *s)
{
        free(s->id);
        free(s->boot);
        free(s->subject);
        free(s);
}

int history_new(struct history **ret)
{
        struct history *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        TAILQ_INIT(&h->sessions);
        TAILQ_INIT(&h->cards);
        *ret = h;
        return 0;
}

struct history *history_free(struct history *h)
{
        struct past_session *s;
        struct past_card *c;

        if (!h)
                return NULL;
        while ((s = TAILQ_FIRST(&h->sessions))) {
                TAILQ_REMOVE(&h->sessions, s, link);
                session_free(s);
        }
        while ((c = TAILQ_FIRST(&h->cards))) {
                TAILQ_REMOVE(&h->cards, c, link);
                free(c);
        }
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

static void set_odometer(struct history *h, uint64_t serial, uint64_t odometer)
{
        struct past_card *c = find_card(h, serial);

        if (!c) {
                c = calloc(1, sizeof(*c));
                if (!c)
                        return;
                c->serial = serial;
                TAILQ_INSERT_TAIL(&h->cards, c, link);
        }
        c->odometer = odometer;
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

bool history_odometer(const struct history *h, uint64_t card_serial, uint64_t *ret)
{
        const struct past_card *c = find_card(h, card_serial);

        if (!c)
                return false;
        *ret = c->odometer;
        return true;
}

uint32_t history_pulses_today(const struct history *h, const char *subject, uint64_t utc_ns)
{
        const struct past_session *s;
        uint64_t sum = 0;

        TAILQ_FOREACH(s, &h->sessions, link) {
                if (s->last_utc_ns + DAY_NS > utc_ns && STREQ(s->subject, subject))
                        sum += s->delivered;
        }
        return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

/* --- Feeding ------------------------------------------------------------------- */

static uint64_t record_utc_ns(const json_t *record)
{
        uint64_t ns = json_get_u64(record, "utc_ns");
        struct tm tm = {0};
        const char *rest;

        if (ns)
                return ns;
        rest = strptime(json_get_str(record, "utc"), "%Y-%m-%dT%H:%M:%S", &tm);
        if (!rest)
                return 0;
        ns = (uint64_t)timegm(&tm) * NS_PER_S;
        if (*rest == '.')
                ns += strtoull(rest + 1, NULL, 10) * 1000;
        return ns;
}

/* Years of records must not stay in memory: what is over a day old counts for nothing, save as a card's last. */
static void forget_old(struct history *h, uint64_t utc_ns)
{
        struct past_session *s, *next;

        for (s = TAILQ_FIRST(&h->sessions); s; s = next) {
                next = TAILQ_NEXT(s, link);
                if (!s->ended || s->last_utc_ns + DAY_NS > utc_ns || history_last_session(h, s->card_serial) == s)
                        continue;
                TAILQ_REMOVE(&h->sessions, s, link);
                session_free(s);
        }
}

static void see_create(struct history *h, const json_t *record, const json_t *data)
{
        struct past_session *s = calloc(1, sizeof(*s));

        if (!s)
                return;
        s->id = strdup(json_get_str(data, "session"));
        s->boot = strdup(json_get_str(record, "boot"));
        s->subject = strdup(json_get_str(data, "subject"));
        s->card_serial = json_get_u64(data, "card_serial");
        s->odometer = json_get_u64(data, "odometer");
        s->last_utc_ns = record_utc_ns(record);
        if (!s->id || !s->boot || !s->subject) {
                session_free(s);
                return;
        }
        TAILQ_INSERT_TAIL(&h->sessions, s, link);
        forget_old(h, record_utc_ns(record));
}

static void see_end(struct history *h, struct past_session *s, const json_t *data)
{
        s->delivered = json_get_u64(data, "delivered");
        s->ended = true;
        /* Without a reading (the card was gone, the daemon had crashed) the records say what it should show. */
        set_odometer(h, s->card_serial,
                     json_object_get(data, "odometer") ? json_get_u64(data, "odometer") : s->odometer + s->delivered);
}

/* Pulses that the kernel had kept: they add to a session that may have ended already. */
static void see_recovered(struct history *h, struct past_session *s, const json_t *data)
{
        uint64_t shown = 0;

        s->delivered = json_get_u64(data, "delivered");
        if (s->ended && history_odometer(h, s->card_serial, &shown) && shown < s->odometer + s->delivered)
                set_odometer(h, s->card_serial, s->odometer + s->delivered);
}

void history_see(const json_t *record, void *history)
{
        struct history *h = history;
        const char *type = json_get_str(record, "type");
        const json_t *data = json_object_get(record, "data");
        struct past_session *s;

        if (STREQ(type, "session.create")) {
                see_create(h, record, data);
                return;
        }
        if (STREQ(type, "stimulator.add")) {
                set_odometer(h, json_get_u64(data, "card_serial"), json_get_u64(data, "odometer"));
                return;
        }
        if (STREQ(type, "stimulator.odometer")) {
                set_odometer(h, json_get_u64(data, "card_serial"), json_get_u64(data, "found"));
                return;
        }
        s = find_session(h, json_get_str(data, "session"));
        if (!s)
                return;
        if (!s->ended)
                s->last_utc_ns = record_utc_ns(record);
        if (STREQ(type, "session.prepare"))
                s->prescribed = (uint32_t)json_get_u64(data, "pulses");
        else if (STREQ(type, "session.pulses"))
                s->delivered = json_get_u64(data, "delivered");
        else if (STREQ(type, "recovery.pulses"))
                see_recovered(h, s, data);
        else if (STREQ(type, "session.end"))
                see_end(h, s, data);
}
