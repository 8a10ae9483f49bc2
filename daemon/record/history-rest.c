/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session left, so that another one may give it; see history.h. */
#include "history-internal.h"

/* A rest is made of the recorded protocol with the recorded dose, and has to be what was loaded then. */
static const char *const kept[] = {
                "protocol",
                "sha256",
                "threshold_permille",
                "threshold_kind",
                "threshold_coil",
                "threshold_method",
                "other_threshold_permille",
                "leg_thresholds_permille",
                "adjusted_threshold_permille",
                "leg_adjusted_thresholds_permille",
                "adjustment",
                "percent_permille",
                "pulses",
                "first_pulse",
                "timeline_sha256",
};

int history_keep_prepared(struct past_session *s, const json_t *data)
{
        json_t *prepared = json_object();
        size_t i;

        /* A copy, since another thread may have the record too. */
        for (i = 0; i < ELEMENTS(kept); i++) {
                const json_t *value = json_object_get(data, kept[i]);

                if (value)
                        json_add(&prepared, kept[i], json_deep_copy(value));
        }
        if (!prepared)
                return -ENOMEM;
        json_decref(s->prepared);
        s->prepared = prepared;
        return 0;
}

const struct past_session *history_rest_of(const struct history *h, const char *id)
{
        const struct past_session *s;

        TAILQ_FOREACH_REVERSE(s, &h->sessions, past_session_list, link) {
                if (s->started && STREQ(s->rest_of, id))
                        return s;
        }
        return NULL;
}

bool history_is_part(const struct history *h, const char *session, const char *id)
{
        const struct past_session *s;

        /* A session is the rest of an earlier one only. */
        TAILQ_FOREACH_REVERSE(s, &h->sessions, past_session_list, link) {
                if (STREQ(session, id))
                        return true;
                if (STREQ(s->id, session))
                        session = s->rest_of;
        }
        return STREQ(session, id);
}

uint32_t history_next_pulse(const struct past_session *s)
{
        const uint64_t known = s->delivered + s->unknown, first = json_get_u64(s->prepared, "first_pulse");
        uint64_t next = s->next_pulse > first ? s->next_pulse : first;

        if (s->settled && s->discharged > known)
                next += s->discharged - known;
        return next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
}

uint64_t history_since_ns(const struct history *h, const struct past_session *s, const char *boot,
                          const struct clock_now *now)
{
        struct elapsed e = h->elapsed;

        /* Time in which no computer was up is not counted: it can only be more. */
        elapsed_advance(&e, boot, now);
        return e.now.up_ns > s->last.up_ns ? e.now.up_ns - s->last.up_ns : 0;
}
