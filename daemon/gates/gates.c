/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to hold, as one table; see gates.h. */
#include <assert.h>
#include <ctype.h>

#include "courses.h"
#include "gates-internal.h"

/* --- Gates without a file of their own ------------------------------------------------------------ */

static void look_log(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        const char *failure = audit_failure(who->recorder->audit);

        if (failure)
                gate_fails(ret, ERROR_AUDIT_FAILED, "See journalctl -u tmsd.", "Nothing may start: %s.", failure);
}

static void look_notices(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        if (*who->notices && !*who->confirmed)
                gate_fails(ret, ERROR_NOTICE_NOT_CONFIRMED, "ConfirmNotices comes first.",
                           "The protocol %s is allowed with a notice.", who->protocol);
}

static void look_lock(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        const struct courses *courses = history_courses(who->recorder->history);

        /* Without memory for a record there may be none: the day is not known either then, and refuses before this. */
        if (!courses || g->today_error < 0) {
                gate_fails(ret, ERROR_DOSE_NOT_KNOWN, "Restart the daemon: systemctl restart tmsd.",
                           "There was no memory for a record of the audit log, so nobody knows whether the subject is "
                           "locked.");
                ret->state = GATE_UNKNOWN;
        } else if (courses_is_locked(courses, who->subject)) {
                gate_fails(ret, ERROR_SUBJECT_LOCKED, "Ask one to look at it (tmsctl course unlock).",
                           "A seizure was reported for %s, and nothing is given to that subject until a prescriber has "
                           "taken the lock off.",
                           who->subject);
        }
}

/* --- Refusals whose words are not method, sentence, remedy ------------------------------------------ */

static void refuse_log(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                       const struct gate_look *l)
{
        request_refuse(q, l->error, "%s", l->sentence);
}

/* With all of them, which may be longer than a gate's sentence. */
static void refuse_notices(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                           const struct gate_look *l)
{
        _cleanup_(freep) char *sentences = request_sentences((const char *const *)*who->notices);

        if (sentences)
                request_refuse(q, l->error, "%s: %s is allowed with a notice; ConfirmNotices comes first:%s", method,
                               who->protocol, sentences);
        else
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
}

static void refuse(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                   const struct gate_look *l)
{
        request_refuse(q, l->error, "%s: %c%s %s", method, tolower((unsigned char)l->sentence[0]), l->sentence + 1,
                       l->remedy);
}

/* One sentence of both. */
static void refuse_lock(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                        const struct gate_look *l)
{
        if (l->state == GATE_UNKNOWN) {
                refuse(q, who, method, g, l);
                return;
        }
        request_refuse(q, l->error, "%s: a%.*s; a%s", method, (int)strlen(l->sentence) - 2, l->sentence + 1,
                       l->remedy + 1);
}

static void refuse_clock(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                         const struct gate_look *l)
{
        gate_log_clock(who, method, g);
        refuse(q, who, method, g, l);
}

static void refuse_clock_as_prepared(struct request *q, const struct gated *who, const char *method,
                                     const struct gates *g, const struct gate_look *l)
{
        request_refuse(q, l->error, "%s: prepare the session again, as this was not known then: %s", method,
                       l->sentence);
}

static void refuse_dose_as_prepared(struct request *q, const struct gated *who, const char *method,
                                    const struct gates *g, const struct gate_look *l)
{
        request_refuse(q, l->error, "%s: prepare the session again: it%s", method, l->sentence + strlen("It"));
}

static void refuse_interlocks(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                              const struct gate_look *l)
{
        gate_refuse_interlocks(q, *who->card->interlocks);
}

/* --- The table ---------------------------------------------------------------------------------------- */

#define ASKED_TO_CHARGE (GATES_OF_CHARGING | GATES_OF_ARM)
#define ASKED_TO_GO_ON (GATES_OF_START | ASKED_TO_CHARGE)

static const struct row {
        const char *name;
        enum gate_priority priority;
        unsigned asked; /* enum gate_asks */
        gate_look_fn look;
        void (*refuse)(struct request *q, const struct gated *who, const char *method, const struct gates *g,
                       const struct gate_look *l);
} rows[GATE_CARD] = {
                [GATE_LOG] = {"audit_log", GATE_MEDIUM, GATES_OF_ANY, look_log, refuse_log},
                [GATE_NOTICES] = {"notices_confirmed", GATE_INFO, GATES_OF_ARM, look_notices, refuse_notices},
                [GATE_CLOCK] = {"clock_sane", GATE_LOW, GATES_OF_PREPARE | ASKED_TO_GO_ON, gate_look_clock,
                                refuse_clock},
                [GATE_DAY_KNOWN] = {"dose_known", GATE_LOW, GATES_OF_PREPARE | ASKED_TO_GO_ON, gate_look_day_known,
                                    refuse},
                [GATE_SUBJECT_LOCK] = {"subject_unlocked", GATE_MEDIUM, GATES_OF_PREPARE | ASKED_TO_GO_ON, look_lock,
                                       refuse_lock},
                [GATE_CLOCK_AS_PREPARED] = {"clock_as_prepared", GATE_LOW, ASKED_TO_GO_ON, gate_look_clock_as_prepared,
                                            refuse_clock_as_prepared},
                [GATE_DOSE_AS_PREPARED] = {"dose_as_prepared", GATE_LOW, ASKED_TO_GO_ON, gate_look_dose_as_prepared,
                                           refuse_dose_as_prepared},
};

/* The card's own, in the order of the interlocks' bits. */
static const enum gate_priority card_priorities[CARD_GATES] = {
                GATE_HIGH,   /* emergency_stop */
                GATE_HIGH,   /* patient_stop */
                GATE_LOW,    /* coil_absent */
                GATE_MEDIUM, /* coil_hot */
                GATE_MEDIUM, /* contact_lost */
                GATE_MEDIUM, /* cover_open */
                GATE_HIGH,   /* hv_fault */
                GATE_HIGH,   /* overcurrent */
                GATE_MEDIUM, /* watchdog */
                GATE_HIGH,   /* what a newer driver knows */
};

static void look(enum gate gate, const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        *ret = (struct gate_look){0};
        if (gate < GATE_CARD)
                rows[gate].look(who, g, ret);
        else
                gate_look_interlock(*who->card->interlocks, gate - GATE_CARD, ret);
}

static bool ask(struct request *q, const struct gated *who, const char *method, enum gate_asks asks,
                const struct gates *g)
{
        enum gate gate;

        for (gate = 0; gate < GATES; gate++) {
                struct gate_look l;

                if (!((gate < GATE_CARD ? rows[gate].asked : ASKED_TO_CHARGE) & asks))
                        continue;
                look(gate, who, g, &l);
                if (l.state == GATE_CLOSED)
                        continue;
                (gate < GATE_CARD ? rows[gate].refuse : refuse_interlocks)(q, who, method, g, &l);
                return false;
        }
        return true;
}

bool gates_ask(struct request *q, const struct gated *who, const char *method, enum gate_asks asks)
{
        struct gates g = {0};

        if (asks != GATES_OF_ANY)
                gates_look_at_day(who, &g);
        return ask(q, who, method, asks, &g);
}

bool gates_look(struct request *q, const struct gated *who, struct gates *ret)
{
        gates_look_at_day(who, ret);
        return ask(q, who, "Prepare", GATES_OF_PREPARE, ret);
}

/* --- What is shown -------------------------------------------------------------------------------------- */

void gates_describe(const struct gated *who, struct gate_look *looks)
{
        struct gates g;
        enum gate gate;

        gates_look_at_day(who, &g);
        for (gate = 0; gate < GATES; gate++)
                look(gate, who, &g, looks + gate);
}

bool gates_see(struct gated *who)
{
        const uint64_t now = now_ns(CLOCK_REALTIME);
        struct gate_look looks[GATES];
        bool changed = false;
        enum gate gate;

        gates_describe(who, looks);
        for (gate = 0; gate < GATES; gate++) {
                struct gate_seen seen = {looks[gate].state, now};

                /* One interlock has one age, whoever asks. */
                if (gate >= GATE_CARD)
                        seen = who->card->seen[gate - GATE_CARD];
                if (who->seen[gate].since_ns != 0 && who->seen[gate].state == seen.state)
                        continue;
                who->seen[gate] = seen;
                changed = true;
        }
        return changed;
}

const char *gate_name(enum gate gate)
{
        assert(gate < GATES);
        if (gate < GATE_CARD)
                return rows[gate].name;
        return gate == GATES - 1 ? "other_interlock" : tms_interlock_name(gate - GATE_CARD);
}

const char *gate_priority_name(enum gate gate)
{
        static const char *const names[] = {
                        [GATE_HIGH] = "high", [GATE_MEDIUM] = "medium", [GATE_LOW] = "low", [GATE_INFO] = "info"};

        assert(gate < GATES);
        return names[gate < GATE_CARD ? rows[gate].priority : card_priorities[gate - GATE_CARD]];
}

const char *gate_state_name(enum gate_state state)
{
        static const char *const names[] = {[GATE_CLOSED] = "closed", [GATE_OPEN] = "open", [GATE_UNKNOWN] = "unknown"};

        return names[state];
}
