/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the history has come to, as a text, and a history that goes on from such a text; see history.h. Two histories
 * that were given the same records have the same text.
 */
#include "history-internal.h"

/*
 * To be raised with each change of what history.c or elapsed.c make of the same records: a state that was made by other
 * rules would differ from what the log comes to by these.
 */
#define RULES 2

/* --- To text ---------------------------------------------------------------------- */

static void add_flag(json_t **object, const char *key, bool value)
{
        json_add(object, key, json_boolean(value));
}

static void add_u64(json_t **object, const char *key, uint64_t value)
{
        json_add(object, key, json_u64(value));
}

static json_t *describe_instant(const struct instant *i)
{
        json_t *o = json_object();

        add_u64(&o, "up_ns", i->up_ns);
        add_u64(&o, "utc_ns", i->utc_ns);
        add_u64(&o, "boot", i->boot);
        add_u64(&o, "earliest_ns", i->earliest_ns);
        add_u64(&o, "latest_ns", i->latest_ns);
        add_u64(&o, "dated_by", i->dated_by);
        return o;
}

static json_t *describe_troubles(const struct elapsed *e)
{
        json_t *all = json_array();
        size_t i;

        for (i = 0; i < CLOCK_TROUBLES; i++) {
                json_t *o = json_object();

                add_flag(&o, "active", e->trouble[i].active);
                add_u64(&o, "from_utc_ns", e->trouble[i].from_utc_ns);
                add_u64(&o, "to_utc_ns", e->trouble[i].to_utc_ns);
                add_u64(&o, "up_ns", e->trouble[i].up_ns);
                if (json_array_append_new(all, o) < 0) {
                        json_decref(all);
                        return NULL;
                }
        }
        return all;
}

static json_t *describe_elapsed(const struct elapsed *e)
{
        json_t *o = json_object();

        add_u64(&o, "max_off_ns", e->max_off_ns);
        add_flag(&o, "any", e->any);
        json_add(&o, "boot", json_string(e->boot));
        add_u64(&o, "utc_ns", e->utc_ns);
        add_u64(&o, "mono_ns", e->mono_ns);
        add_u64(&o, "boottime_ns", e->boottime_ns);
        json_add(&o, "now", describe_instant(&e->now));
        add_flag(&o, "has_date", e->has_date);
        json_add(&o, "date_least_ns", json_integer(e->date_least_ns));
        json_add(&o, "date_most_ns", json_integer(e->date_most_ns));
        add_u64(&o, "proofs", e->proofs);
        add_flag(&o, "has_offset", e->has_offset);
        json_add(&o, "offset_ns", json_integer(e->offset_ns));
        json_add(&o, "stepped_offset_ns", json_integer(e->stepped_offset_ns));
        json_add(&o, "trouble", describe_troubles(e));
        return o;
}

static json_t *describe_session(const struct past_session *s)
{
        json_t *o = json_object();

        json_add(&o, "session", json_string(s->id));
        json_add(&o, "boot", json_string(s->boot));
        json_add(&o, "subject", json_string(s->subject));
        json_add(&o, "rest_of", json_string(s->rest_of));
        add_u64(&o, "card_serial", s->card_serial);
        add_u64(&o, "coil_serial", s->coil_serial);
        add_u64(&o, "odometer", s->odometer);
        add_u64(&o, "records_since_ns", s->records_since_ns);
        add_u64(&o, "delivered", s->delivered);
        add_u64(&o, "unknown", s->unknown);
        add_u64(&o, "discharged", s->discharged);
        json_add(&o, "last", describe_instant(&s->last));
        add_u64(&o, "prescribed", s->prescribed);
        add_u64(&o, "next_pulse", s->next_pulse);
        add_flag(&o, "has_next_pulse", s->has_next_pulse);
        json_add(&o, "prepared", s->prepared ? json_deep_copy(s->prepared) : json_null());
        add_flag(&o, "measuring", s->measuring);
        add_flag(&o, "started", s->started);
        add_flag(&o, "ended", s->ended);
        add_flag(&o, "unsure", s->unsure);
        add_flag(&o, "settled", s->settled);
        return o;
}

static json_t *describe_card(const struct past_card *c)
{
        json_t *o = json_object();

        add_u64(&o, "card_serial", c->serial);
        add_u64(&o, "odometer", c->odometer);
        add_u64(&o, "unknown", c->unknown);
        add_flag(&o, "asked", c->asked);
        return o;
}

static json_t *describe_recovery(const struct past_recovery *p)
{
        json_t *o = json_object();

        json_add(&o, "session", json_string(p->session));
        add_u64(&o, "card_serial", p->card_serial);
        return o;
}

/* Appends item to the array *all, or makes it NULL. */
static void append(json_t **all, json_t *item)
{
        if (*all && json_array_append_new(*all, item) >= 0)
                return;
        if (!*all)
                json_decref(item);
        json_decref(*all);
        *all = NULL;
}

json_t *history_state(const struct history *h)
{
        json_t *o = json_object(), *sessions = json_array(), *cards = json_array(), *recoveries = json_array();
        json_t *courses;
        const struct past_recovery *p;
        const struct past_session *s;
        const struct past_card *c;

        TAILQ_FOREACH(s, &h->sessions, link)
                append(&sessions, describe_session(s));
        TAILQ_FOREACH(c, &h->cards, link)
                append(&cards, describe_card(c));
        TAILQ_FOREACH(p, &h->recoveries, link)
                append(&recoveries, describe_recovery(p));
        json_add(&o, "rules", json_integer(RULES));
        json_add(&o, "version", json_string(TMS_VERSION));
        json_add(&o, "elapsed", describe_elapsed(&h->elapsed));
        json_add(&o, "sessions", sessions);
        json_add(&o, "cards", cards);
        json_add(&o, "recoveries", recoveries);
        json_add(&o, "cuts", json_deep_copy(h->cuts));
        if (courses_state(&h->courses, &courses) < 0)
                json_add(&o, "courses", NULL);
        /* Without a course there is no such key, as there is none in checkpoints that were made before there were courses. */
        else if (courses)
                json_add(&o, "courses", courses);
        if (h->incomplete) {
                json_decref(o);
                return NULL;
        }
        return o;
}

/* --- From text -------------------------------------------------------------------- */

static bool get_flag(const json_t *object, const char *key)
{
        return json_is_true(json_object_get(object, key));
}

static int64_t get_i64(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static void take_instant(const json_t *o, struct instant *ret)
{
        ret->up_ns = json_get_u64(o, "up_ns");
        ret->utc_ns = json_get_u64(o, "utc_ns");
        ret->boot = (unsigned)json_get_u64(o, "boot");
        ret->earliest_ns = json_get_u64(o, "earliest_ns");
        ret->latest_ns = json_get_u64(o, "latest_ns");
        ret->dated_by = (unsigned)json_get_u64(o, "dated_by");
}

static void take_elapsed(const json_t *o, struct elapsed *e)
{
        const json_t *troubles = json_object_get(o, "trouble");
        size_t i;

        e->any = get_flag(o, "any");
        (void)snprintf(e->boot, sizeof(e->boot), "%s", json_get_str(o, "boot"));
        e->utc_ns = json_get_u64(o, "utc_ns");
        e->mono_ns = json_get_u64(o, "mono_ns");
        e->boottime_ns = json_get_u64(o, "boottime_ns");
        take_instant(json_object_get(o, "now"), &e->now);
        e->has_date = get_flag(o, "has_date");
        e->date_least_ns = get_i64(o, "date_least_ns");
        e->date_most_ns = get_i64(o, "date_most_ns");
        e->proofs = (unsigned)json_get_u64(o, "proofs");
        e->has_offset = get_flag(o, "has_offset");
        e->offset_ns = get_i64(o, "offset_ns");
        e->stepped_offset_ns = get_i64(o, "stepped_offset_ns");
        for (i = 0; i < CLOCK_TROUBLES; i++) {
                const json_t *t = json_array_get(troubles, i);

                e->trouble[i].active = get_flag(t, "active");
                e->trouble[i].from_utc_ns = json_get_u64(t, "from_utc_ns");
                e->trouble[i].to_utc_ns = json_get_u64(t, "to_utc_ns");
                e->trouble[i].up_ns = json_get_u64(t, "up_ns");
        }
}

static int take_session(const json_t *o, struct history *h)
{
        const json_t *prepared = json_object_get(o, "prepared");
        struct past_session *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        TAILQ_INSERT_TAIL(&h->sessions, s, link);
        s->id = strdup(json_get_str(o, "session"));
        s->boot = strdup(json_get_str(o, "boot"));
        s->subject = strdup(json_get_str(o, "subject"));
        s->rest_of = strdup(json_get_str(o, "rest_of"));
        s->card_serial = json_get_u64(o, "card_serial");
        s->coil_serial = json_get_u64(o, "coil_serial");
        s->odometer = json_get_u64(o, "odometer");
        s->records_since_ns = json_get_u64(o, "records_since_ns");
        s->delivered = json_get_u64(o, "delivered");
        s->unknown = json_get_u64(o, "unknown");
        s->discharged = json_get_u64(o, "discharged");
        take_instant(json_object_get(o, "last"), &s->last);
        s->prescribed = (uint32_t)json_get_u64(o, "prescribed");
        s->next_pulse = (uint32_t)json_get_u64(o, "next_pulse");
        s->has_next_pulse = get_flag(o, "has_next_pulse");
        if (prepared && !json_is_null(prepared)) {
                s->prepared = json_deep_copy(prepared);
                if (!s->prepared)
                        return -ENOMEM;
        }
        s->measuring = get_flag(o, "measuring");
        s->started = get_flag(o, "started");
        s->ended = get_flag(o, "ended");
        s->unsure = get_flag(o, "unsure");
        s->settled = get_flag(o, "settled");
        return s->id && s->boot && s->subject && s->rest_of ? 0 : -ENOMEM;
}

static int take_card(const json_t *o, struct history *h)
{
        struct past_card *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        TAILQ_INSERT_TAIL(&h->cards, c, link);
        c->serial = json_get_u64(o, "card_serial");
        c->odometer = json_get_u64(o, "odometer");
        c->unknown = json_get_u64(o, "unknown");
        c->asked = get_flag(o, "asked");
        return 0;
}

static int take_recovery(const json_t *o, struct history *h)
{
        struct past_recovery *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        TAILQ_INSERT_TAIL(&h->recoveries, p, link);
        p->card_serial = json_get_u64(o, "card_serial");
        p->session = strdup(json_get_str(o, "session"));
        return p->session ? 0 : -ENOMEM;
}

static int take_each(const json_t *state, const char *key, int (*take)(const json_t *o, struct history *h),
                     struct history *h)
{
        const json_t *o;
        size_t i;
        int r = 0;

        json_array_foreach(json_object_get(state, key), i, o) {
                r = take(o, h);
                if (r < 0)
                        break;
        }
        return r;
}

/* The state was made from the same records by the same rules exactly if it is what this history says of itself now. */
static int check(const struct history *h, const json_t *state)
{
        json_t *again = history_state(h);
        int r = !again ? -ENOMEM : json_equal(again, state) ? 0 : -EINVAL;

        json_decref(again);
        return r;
}

int history_restore(uint64_t max_off_ns, const json_t *state, struct history **ret)
{
        _cleanup_(history_freep) struct history *h = NULL;
        int r;

        r = history_new(max_off_ns, &h);
        if (r < 0)
                return r;
        take_elapsed(json_object_get(state, "elapsed"), &h->elapsed);
        r = take_each(state, "sessions", take_session, h);
        if (r >= 0)
                r = take_each(state, "cards", take_card, h);
        if (r >= 0)
                r = take_each(state, "recoveries", take_recovery, h);
        if (r >= 0 && json_array_extend(h->cuts, json_object_get(state, "cuts")) < 0)
                r = json_is_array(json_object_get(state, "cuts")) ? -ENOMEM : -EINVAL;
        if (r >= 0)
                r = courses_restore(&h->courses, json_object_get(state, "courses"));
        if (r >= 0)
                r = check(h, state);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}
