/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which stimulators and sessions there are; see ward.h. */
#include "session.h"
#include "stimulator.h"
#include "subject.h"
#include "ward.h"

struct stimulator *ward_find_stimulator(const struct ward *w, const char *node)
{
        struct stimulator *st;

        TAILQ_FOREACH(st, &w->stimulators, link) {
                if (STREQ(st->node, node))
                        return st;
        }
        return NULL;
}

struct stimulator *ward_stimulator_by_path(const struct ward *w, const char *path)
{
        struct stimulator *st = TAILQ_FIRST(&w->stimulators);

        if (STREQ(path, "/"))
                return st && !TAILQ_NEXT(st, link) ? st : NULL;
        TAILQ_FOREACH(st, &w->stimulators, link) {
                if (STREQ(st->path, path))
                        return st;
        }
        return NULL;
}

bool ward_has_live_session(const struct ward *w, uint64_t card_serial)
{
        const struct session *s;

        TAILQ_FOREACH(s, &w->sessions, link) {
                if (s->state != SESSION_ENDED && s->st->info.card_serial == card_serial)
                        return true;
        }
        return false;
}

bool ward_has_session_in(const struct ward *w, unsigned states)
{
        const struct session *s;

        TAILQ_FOREACH(s, &w->sessions, link) {
                if (session_is(s, states))
                        return true;
        }
        return false;
}

bool ward_have_all_ended(const struct ward *w)
{
        const struct session *s;

        TAILQ_FOREACH(s, &w->sessions, link) {
                if (s->state != SESSION_ENDED)
                        return false;
        }
        return true;
}

bool ward_is_owner(const struct ward *w, const char *path, const char *sender)
{
        const struct session *s;

        TAILQ_FOREACH(s, &w->sessions, link) {
                if (s->st->user_data == s && !s->st->gone && STREQ(s->path, path) && STREQ(s->owner, sender))
                        return true;
        }
        return false;
}

bool ward_subject_is_free(struct request *q, const struct ward *w, const char *subject)
{
        const struct session *s;

        TAILQ_FOREACH(s, &w->sessions, link) {
                if (s->state == SESSION_ENDED || !subject_is_same(s->subject, subject))
                        continue;
                if (*subject)
                        request_refuse(q, ERROR_BUSY,
                                       "%s has session %s on %s, which has not ended, and a subject has one session at "
                                       "a time; end that one first.",
                                       s->subject, s->id, s->st->node);
                else
                        request_refuse(q, ERROR_BUSY,
                                       "Session %s on %s has no subject and has not ended; without a subject it could "
                                       "be the same person. End it first, or say whose this one is (option subject, or "
                                       "tmsctl's --subject CODE).",
                                       s->id, s->st->node);
                return false;
        }
        return true;
}
