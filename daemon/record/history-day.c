/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a subject may have had in the 24 hours before now; see history.h. */
#include "history-internal.h"
#include "subject.h"

#define WHOSE_MAX 3 /* so many sessions are named in the sentence */
#define DOUBTFUL                                                                                                   \
        "; %u of these may be over 24 hours ago, but the clock was not synchronised before or since the computer " \
        "was started, so that nothing proves it: let it synchronise (" CLOCK_HOW_SYNCHRONISED "), wait until the " \
        "computer has run for 24 hours, or override it if you know when it was"

/* How many pulses the session may have given at most, as far as anybody can know. */
static uint64_t given(const struct past_session *s)
{
        uint64_t known = s->delivered + (s->settled ? 0 : s->unknown);
        uint64_t n = known > s->discharged ? known : s->discharged;

        /*
         * Until the session has ended, and while nobody is sure of its count, all that it has prepared counts as given.
         */
        if (!s->ended || s->unsure)
                return n > s->prescribed ? n : s->prescribed;
        return n;
}

static uint32_t add(uint32_t sum, uint64_t n)
{
        return n > UINT32_MAX - sum ? UINT32_MAX : sum + (uint32_t)n;
}

/* "300 until 2026-01-31 09:12 (session 20260131T090000Z_0123abcd)" */
static size_t tell_session(const struct past_session *s, char *buf, size_t size)
{
        const time_t t = (time_t)(s->last.utc_ns / NS_PER_S);
        char when[24] = "an unknown time";
        struct tm tm;

        if (t > 0 && localtime_r(&t, &tm))
                (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
        return (size_t)snprintf(buf, size, "%s%llu until %s (session %s)", given(s) > s->delivered ? "up to " : "",
                                (unsigned long long)given(s), when, s->id);
}

struct tell {
        char *buf;
        size_t size, used;
        unsigned sessions;
        uint32_t doubtful; /* pulses of sessions for which elapsed_is_doubtful() */
};

static void say(struct tell *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct tell *t, const char *format, ...)
{
        va_list ap;
        int n;

        if (t->used >= t->size)
                return;
        va_start(ap, format);
        n = vsnprintf(t->buf + t->used, t->size - t->used, format, ap);
        va_end(ap);
        t->used += n > 0 ? (size_t)n : 0;
}

/* spelled: the session's subject as it is spelled there, if that differs from the code asked for; else NULL. */
static void tell(struct tell *t, const struct past_session *s, const char *spelled)
{
        char session[128];

        if (t->sessions++ >= WHOSE_MAX)
                return;
        (void)tell_session(s, session, sizeof(session));
        say(t, "%s%s", t->sessions > 1 ? ", " : "", session);
        if (spelled)
                say(t, " as %s", spelled);
}

int history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                  const char *except, struct tms_today *ret)
{
        struct tms_today today = {0};
        struct tell t = {.buf = today.whose, .size = sizeof(today.whose)};
        const struct past_session *s;
        struct elapsed e;

        if (h->incomplete)
                return -ENODATA;
        history_elapsed(h, boot, now, &e);
        say(&t, "%s%s: ",
            *subject ? "to "
                     : "in sessions without a subject, which share one count (tmsctl run --subject CODE counts a "
                       "person "
                       "by himself)",
            subject);
        /* The latest session comes first: it is the one that the caller most needs to see named. */
        TAILQ_FOREACH_REVERSE(s, &h->sessions, past_session_list, link) {
                if (!subject_is_same(s->subject, subject) || (except && history_is_part(h, except, s->id)) ||
                    given(s) == 0 || !elapsed_may_be_within_day(&e, &s->last))
                        continue;
                if (s->measuring)
                        today.measuring = add(today.measuring, given(s));
                else
                        today.treatment = add(today.treatment, given(s));
                if (elapsed_is_doubtful(&e, &s->last))
                        t.doubtful = add(t.doubtful, given(s));
                tell(&t, s, STREQ(s->subject, subject) ? NULL : s->subject);
        }
        if (t.sessions == 0)
                today.whose[0] = '\0';
        else if (t.sessions > WHOSE_MAX)
                say(&t, " and %u more", t.sessions - WHOSE_MAX);
        if (t.doubtful)
                say(&t, DOUBTFUL, t.doubtful);
        *ret = today;
        return 0;
}
