/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A course's life as one table; see life.h. */
#include "life.h"
#include "util.h"

/* COURSE_ENDED has no row, since nothing leads out of it. */
static const unsigned char table[COURSE_STATES][COURSE_EVENTS] = {
                [COURSE_PLANNED] = {[COURSE_BEGIN] = COURSE_ACTIVE,
                                    [COURSE_LOCK] = COURSE_LOCKED_PLANNED,
                                    [COURSE_END] = COURSE_ENDED},
                [COURSE_ACTIVE] = {[COURSE_PAUSE] = COURSE_PAUSED,
                                   [COURSE_MAINTAIN] = COURSE_MAINTENANCE,
                                   [COURSE_LOCK] = COURSE_LOCKED,
                                   [COURSE_END] = COURSE_ENDED},
                [COURSE_PAUSED] = {[COURSE_RESUME] = COURSE_ACTIVE,
                                   [COURSE_LOCK] = COURSE_LOCKED,
                                   [COURSE_END] = COURSE_ENDED},
                [COURSE_MAINTENANCE] = {[COURSE_PAUSE] = COURSE_MAINTENANCE_PAUSED,
                                        [COURSE_LOCK] = COURSE_LOCKED_MAINTENANCE,
                                        [COURSE_END] = COURSE_ENDED},
                [COURSE_MAINTENANCE_PAUSED] = {[COURSE_RESUME] = COURSE_MAINTENANCE,
                                               [COURSE_LOCK] = COURSE_LOCKED_MAINTENANCE,
                                               [COURSE_END] = COURSE_ENDED},
                /* A second seizure that is reported while the first one's lock holds changes nothing. */
                [COURSE_LOCKED_PLANNED] = {[COURSE_LOCK] = COURSE_LOCKED_PLANNED,
                                           [COURSE_UNLOCK] = COURSE_PLANNED,
                                           [COURSE_END] = COURSE_ENDED},
                [COURSE_LOCKED] = {[COURSE_LOCK] = COURSE_LOCKED,
                                   [COURSE_UNLOCK] = COURSE_PAUSED,
                                   [COURSE_END] = COURSE_ENDED},
                [COURSE_LOCKED_MAINTENANCE] = {[COURSE_LOCK] = COURSE_LOCKED_MAINTENANCE,
                                               [COURSE_UNLOCK] = COURSE_MAINTENANCE_PAUSED,
                                               [COURSE_END] = COURSE_ENDED},
};

#define UNLOCK "a prescriber takes the lock off with a reason, or ends the course"
#define RESUME "a prescriber lets it go on, or ends it"

static const struct {
        const char *id, *name, *step;
} states[COURSE_STATES] = {
                [COURSE_PLANNED] = {"planned", "planned", "a prescriber activates it"},
                [COURSE_ACTIVE] = {"active", "active", NULL},
                [COURSE_PAUSED] = {"paused", "paused", RESUME},
                [COURSE_MAINTENANCE] = {"maintenance", "maintenance", NULL},
                [COURSE_MAINTENANCE_PAUSED] = {"maintenance-paused", "paused", RESUME},
                [COURSE_LOCKED_PLANNED] = {"locked-planned", "locked", UNLOCK},
                [COURSE_LOCKED] = {"locked", "locked", UNLOCK},
                [COURSE_LOCKED_MAINTENANCE] = {"locked-maintenance", "locked", UNLOCK},
                [COURSE_ENDED] = {"ended", "ended", "a prescriber makes a new course"},
};

static const char *const events[COURSE_EVENTS] = {
                [COURSE_BEGIN] = "begin",       [COURSE_PAUSE] = "pause", [COURSE_RESUME] = "resume",
                [COURSE_MAINTAIN] = "maintain", [COURSE_LOCK] = "lock",   [COURSE_UNLOCK] = "unlock",
                [COURSE_END] = "end",
};

static const char *const end_reasons[] = {
                "completed", "remission",         "no-response", "adverse-event",
                "seizure",   "consent-withdrawn", "medical",     "administrative",
};

enum course_state course_next(enum course_state from, enum course_event event)
{
        assert(from > COURSE_NOWHERE && from < COURSE_STATES && event < COURSE_EVENTS);
        return table[from][event];
}

const char *course_state_name(enum course_state state)
{
        assert(state > COURSE_NOWHERE && state < COURSE_STATES);
        return states[state].name;
}

const char *course_state_id(enum course_state state)
{
        assert(state > COURSE_NOWHERE && state < COURSE_STATES);
        return states[state].id;
}

int course_state_find(const char *id)
{
        int i;

        for (i = COURSE_PLANNED; i < COURSE_STATES; i++) {
                if (STREQ(states[i].id, id))
                        return i;
        }
        return -ENOENT;
}

const char *course_event_id(enum course_event event)
{
        assert(event < COURSE_EVENTS);
        return events[event];
}

bool course_may_treat(enum course_state state)
{
        return !course_state_step(state);
}

const char *course_state_step(enum course_state state)
{
        assert(state > COURSE_NOWHERE && state < COURSE_STATES);
        return states[state].step;
}

bool course_is_end_reason(const char *reason)
{
        unsigned i;

        for (i = 0; i < ELEMENTS(end_reasons); i++) {
                if (STREQ(end_reasons[i], reason))
                        return true;
        }
        return false;
}

const char *course_end_reason(unsigned i)
{
        return i < ELEMENTS(end_reasons) ? end_reasons[i] : NULL;
}
