/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to hold whoever is treated, one gate a thing: the log can be written, the verdict's notices are confirmed, the
 * clock can be believed, what the subject had today is known and is no more than Prepare went by, no seizure has locked
 * the subject, and the stimulator's interlocks. The table in gates.c is what a method asks and what the bus shows: what is
 * shown as open is what refuses.
 *
 * The card's own gates hold for a stimulator, whether it has a session or not. On the loop; no locks.
 */
#ifndef TMSD_GATES_H
#define TMSD_GATES_H

#include <tms.h>

#include "recorder.h"
#include "request.h"

#define GATE_SENTENCE_MAX 512

/* In the order in which a method asks: of those that do not hold the first refuses. */
enum gate {
        GATE_LOG,
        GATE_NOTICES,
        GATE_CLOCK,
        GATE_DAY_KNOWN,
        GATE_SUBJECT_LOCK,
        GATE_CLOCK_AS_PREPARED,
        GATE_DOSE_AS_PREPARED,
        GATE_CARD, /* the first of the card's own: a gate for each interlock, then one for all that only a newer driver knows */
        GATES = GATE_CARD + 10,
};
#define CARD_GATES (GATES - GATE_CARD)

enum gate_state {
        GATE_CLOSED, /* it holds */
        GATE_OPEN,
        GATE_UNKNOWN, /* nobody knows whether it holds, so it refuses */
};

/* By IEC 60601-1-8; how much a gate that does not hold is worth telling. */
enum gate_priority { GATE_HIGH, GATE_MEDIUM, GATE_LOW, GATE_INFO };

/* A gate at one moment. */
struct gate_look {
        enum gate_state state;
        enum error error; /* of a refusal */
        char sentence[GATE_SENTENCE_MAX], remedy[GATE_SENTENCE_MAX];
};

/* What was last seen of a gate, and since when it is so. */
struct gate_seen {
        enum gate_state state;
        uint64_t since_ns; /* UTC */
};

/* A stimulator's part. */
struct card_gates {
        const uint32_t *interlocks; /* those that are open, as last looked at; borrowed */
        struct gate_seen seen[CARD_GATES];
};

/* For whom the gates have to hold, and what his preparation was judged by. */
struct gated {
        struct recorder *recorder;
        const char *subject, *session;               /* borrowed */
        const char *protocol;                        /* what is prepared; borrowed */
        char *const *const *notices;                 /* the verdict's, to be confirmed; borrowed */
        const bool *confirmed;                       /* they are; borrowed */
        struct card_gates *card;                     /* borrowed */
        bool is_judged;                              /* by a Prepare */
        uint32_t judged_treatment, judged_measuring; /* how many pulses of today Prepare counted */
        unsigned clock_notices; /* bits of the notices about the clock that Prepare's verdict had */
        struct gate_seen seen[GATES];
};

/* What the gates of the clock and the day found at one moment. */
struct gates {
        struct elapsed elapsed;
        bool clock_synchronised;
        int today_error; /* of today: it is not known */
        struct tms_today today;
        unsigned clock_notices; /* bits; Arm is refused if one of them is not in struct gated */
        /* The same in words; the last one is followed by an empty sentence. */
        struct {
                unsigned kind; /* its bit */
                const char *name;
                char sentence[GATE_SENTENCE_MAX];
        } notices[CLOCK_TROUBLES + 2];
};

/* Which gates a method asks. */
enum gate_asks {
        GATES_OF_ANY = 1U << 0,      /* any method: the log */
        GATES_OF_PREPARE = 1U << 1,  /* what must be known to judge */
        GATES_OF_START = 1U << 2,    /* these, and that nothing has become worse since Prepare */
        GATES_OF_CHARGING = 1U << 3, /* these, and the card's own */
        GATES_OF_ARM = 1U << 4,      /* these, and that the notices are confirmed */
};

/* Looks at the gates that such a method asks. Refuses q, and returns false, when one of them does not hold. */
bool gates_ask(struct request *q, const struct gated *who, const char *method, enum gate_asks asks);
/* As gates_ask(), for Prepare; *ret: what it has to be judged by. */
bool gates_look(struct request *q, const struct gated *who, struct gates *ret);
/*
 * Adds the notices to the reasons of the verdict, so that they have to be confirmed. False: the verdict has no room for
 * all of them.
 */
bool gates_add_notices(const struct gates *g, struct tms_safety *safety);
/* The session's preparation was judged by these, from now on. */
void gates_keep(struct gated *who, const struct gates *g);

/* Looks at all gates, and keeps since when each is as it is. True: one of them has changed. */
bool gates_see(struct gated *who);
bool card_gates_see(struct card_gates *card);

/* The sentences of all open interlocks, of those that only a newer driver knows as well; "" if none is open. */
#define INTERLOCK_TEXT_SIZE 4096
void card_gates_text(uint32_t open, char *buf, size_t size);

/* For the bus. looks: GATES or CARD_GATES of them. */
void gates_describe(const struct gated *who, struct gate_look *looks);
void card_gates_describe(const struct card_gates *card, struct gate_look *looks);
const char *gate_name(enum gate gate);
const char *gate_state_name(enum gate_state state);
const char *gate_priority_name(enum gate gate);

#endif
