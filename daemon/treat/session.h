/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One treatment, from CreateSession to its end. bus/session-bus.c serves it as org.tmsd1.Session.
 *
 *  session.c          the object, and what it puts on record
 *  session-table.c    its states, and what leads from one to another
 *  owner-table.c      the same of its owner
 *  session-progress.c how far it is, and what it waits for
 *  session-state.c    the setter, and what follows from a change
 *  session-break.c    a run whose card is discharged
 *  session-end.c      its end, decided, and what overtakes: stop, close
 *  session-records.c  what it hears of the stimulator: records, the lease
 *  session-finish.c   its end takes effect
 *  session-step.c     a method under way that adds risk
 *  session-arguments.c what a caller gives to Prepare
 *  session-verdict.c  Prepare's answer
 *  session-rest.c     what an earlier session left, to be given by this one
 *  session-notices.c  what the safety policy wants confirmed before arming
 *  session-prepare.c  protocol file to a timeline that the kernel has verified
 *  session-arm.c      arm, and charge again in mid-run
 *  session-charge.c   charge again by itself, in a gap
 *  session-run.c      start, go, pause, resume
 *  session-owner.c    an owner who has left, or does not answer
 *  session-take.c     another client becomes the owner
 *  session-create.c   how it begins
 *
 * A file calls those above it in this list, and none below. bus/session-bus.c, the
 * D-Bus interface, may call all of them.
 *
 * Everything here runs on the event loop, except ARM (session-arm.c) and the
 * reading of a protocol (session-prepare.c), which sleep on a thread each and
 * touch nothing but their own step. No locks: "halted", which ARM's thread
 * reads, is atomic. The intent of whatever adds risk is on disk before it
 * takes effect; stopping waits for nothing.
 */
#ifndef TMSD_SESSION_H
#define TMSD_SESSION_H

#include <stdatomic.h>

#include "endings.h"
#include "keeper.h"
#include "owner-table.h"
#include "request.h"
#include "gates.h"
#include "session-table.h"
#include "stimulator.h"
#include "ward.h"

enum session_pausing {
        PAUSING_NOT,
        PAUSING_AT_TRAIN_END,
        PAUSING_NOW,
};

#define SESSION_EVENTS_MAX 1024 /* so many records are read at most before they are handed to the writer */

struct session {
        TAILQ_ENTRY(session) link;
        unsigned n_ref;
        struct ward *ward;
        struct stimulator *st;
        char id[40];
        char *path, *subject;
        char owner[256], owner_before[256]; /* names on the bus; "": there is none. The one who has left last */
        char *rest_of;                      /* the id of the session whose rest it gives; "": of none */
        uid_t owner_uid;
        bool owner_uid_known;
        enum owner_state owner_state; /* of a session that has started */
        struct keeper *keeper;        /* tells when the owner leaves the bus, or does not answer */
        sd_event_source *hold;        /* ends a session that nobody takes; made with the session */
        sd_bus_slot *slot;

        enum session_state state;
        char end_reason[32];
        char end_text[512];
        const char *busy;             /* the method that is under way, one at a time; NULL: none */
        bool adds_risk;               /* the method under way is Arm, Start, Go or Resume */
        const char *overtaken;        /* why the method under way must not take effect any more; NULL: it may */
        int pause_error;              /* the kernel's answer to the last Pause */
        struct tms_why pause_why;     /* and its reason */
        enum session_pausing pausing; /* the pause that was asked for and recorded since the run last went on */
        bool no_seal;                 /* there was no memory for the seal over its end */
        bool closed;                  /* it leaves the bus when it has ended */
        bool in_kernel;               /* a thread sleeps in the kernel's ARM, or is on its way there */
        atomic_bool halted;           /* a stop came since ARM began; that thread reads it */
        char break_text[640];         /* the property Break: a sentence while in a BREAK, else "" */

        struct tms_device *control;
        sd_event_source *io;                /* reads records while there is no tick */
        sd_event_source *tick;              /* renews the lease, reads and writes records, signals progress */
        sd_event_source *recharge;          /* charges the card again in a gap */
        sd_event_time_handler_t charge_due; /* the handler of recharge; set when the session is made */
        sd_event_source *finish; /* carries out the end; made with the session, so that ending needs no memory */
        unsigned tick_count;
        struct tms_event events[SESSION_EVENTS_MAX];
        size_t n_events;
        uint64_t next_seq;                        /* after the last record that was read */
        uint64_t disk_seq;                        /* records before this one are on disk */
        bool writing;                             /* a batch is with the writer */
        uint64_t wrote_ns;                        /* when the last batch was handed to the writer */
        uint64_t pulses_ns;                       /* when session.pulses was last written */
        uint32_t pulses_delivered, pulses_missed; /* as the last session.pulses says */
        struct pulsefile *pulsefile;

        char protocol_id[96], protocol_sha256[65];
        char **notices; /* the policy's sentences that have to be confirmed; NULL: none */
        bool notices_confirmed;
        struct gated gated;
        struct tms_timeline timeline;
        uint32_t timeline_gen;
        /*
         * The index of the timeline's first pulse, and of its train, in the whole of which it is the rest; 0: it is a
         * whole. Records, the kernel's status and Go count as the whole does: see session_pulse().
         */
        uint32_t first_pulse, first_train;
        uint64_t rest_gap_ns; /* in the whole, from the pulse before the rest to its first one */
        uint32_t rest;        /* once it has ended: so many pulses are left */
        uint32_t run;         /* number of the last START */
        uint32_t next_pulse;  /* of this run, the next pulse by the records that were read; in the whole */
        uint32_t released;    /* the pulse that Go has let go, plus 1; 0: none */
        const char *waiting;  /* as last signalled */
        uint64_t first_to_last_ns;
        uint32_t delivered, missed, unknown; /* on disk */
        uint32_t train;
        uint64_t time_left_ns;
        uint32_t shown_delivered, shown_missed, shown_unknown, shown_train; /* as last signalled */
        uint64_t shown_time_left_ns;
        uint64_t odometer;        /* at the start */
        int keepalive_error;      /* as last logged */
        struct request *creating; /* the call CreateSession, until it is answered */
        struct request *closing;  /* the call Close, until the session has ended */
};

/*
 * Opens the stimulator's controller file, recovers what was left, opens the pulse file; q is answered when that is
 * done. rest_of: the id of a session for which session_rest_allowed() has been asked, or "".
 */
void session_create(struct request *q, struct stimulator *st, const char *subject, const char *rest_of);
struct session *session_ref(struct session *s);
struct session *session_unref(struct session *s); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct session *, session_unref)

/* Stops the output at once and overtakes the method that is under way. The caller calls session_end() next. */
void session_halt(struct session *s);
/*
 * Whatever adds risk and is still on its way, to polkit, to the disk or in the kernel's ARM, is refused, since
 * something was asked for later that takes risk away. why: the sentence of the refusal; it has to last. False: nothing
 * was on its way.
 */
bool session_overtake(struct session *s, const char *why);
/*
 * Stops the output at once, then writes the last records and ends. who: for the record, taken over, may be NULL.
 * Calling it again is harmless.
 */
void session_end(struct session *s, const char *reason, const char *text, json_t *who);
/* The same with reason and text of endings.h. */
void session_end_as(struct session *s, enum ending how, json_t *who);
/* To be called when the stimulator says that the card is gone. */
void session_end_gone(struct session *s);
/* To be called when the session's own file says so. */
void session_see_gone(struct session *s);
/* Ends the session and takes it off the bus when it has ended; then q is answered, which may be NULL. */
void session_close(struct session *s, struct request *q);

void session_set_pausing(struct session *s, enum session_pausing pausing);
/* Is the session in one of these states? IN_STATE(), and the sets in session-table.h. */
static inline bool session_is(const struct session *s, unsigned states)
{
        return IN_STATE(s->state) & states;
}

/* The pulse of that index in the whole; NULL: it is none of this timeline's. */
static inline const struct tms_pulse *session_pulse(const struct session *s, uint32_t index)
{
        return index >= s->first_pulse && index - s->first_pulse < s->timeline.count
                               ? &s->timeline.pulses[index - s->first_pulse]
                               : NULL;
}

/* The only setter of the session's state: that event has happened. The table must allow it in the present state. */
void session_on(struct session *s, enum session_event event);
/* Reads the card's status and signals progress. */
void session_refresh(struct session *s);
/*
 * What the next pulse waits for: "none", "operator" or "trigger". A wait is told as soon as the pulse before has gone,
 * since Go counts from then on; all the same no pulse comes before its own time.
 */
const char *session_waits_for(const struct session *s);
/* Looks at the gates, and signals Gates if one has changed. */
void session_tell_gates(struct session *s);
/* Signals Waiting if it has changed. */
void session_tell_waiting(struct session *s);
/* From now on the kernel's records are read when they come, until ticks begin. */
int session_listen(struct session *s);
/* Takes these records into the session's pulse file. */
void session_keep(struct session *s, const struct tms_event *events, size_t n);
/* Reads the kernel's records. Those for which there is no room stay in the kernel. False: the card is gone. */
bool session_read_records(struct session *s);
/* Makes what the end will need, so that ending needs no memory. */
int session_prepare_end(struct session *s);
/* The same as session_end() for a caller who has made the output safe and recorded the reason. text is a sentence. */
void session_end_quietly(struct session *s, const char *reason, const char *text);
void session_set_reason(struct session *s, const char *reason, const char *text);
/* Takes the session off the bus and out of the list, and drops the list's reference. */
void session_leave_bus(struct session *s);
/* Reads the kernel's records up to now, which may end the session. */
void session_catch_up(struct session *s);
/* Begins to renew the lease. The first keepalive is sent within this call. */
int session_begin_ticks(struct session *s);
/* Follows the kernel, which may have fallen back before a pulse was fired (an interlock, the idle limit). */
void session_follow_kernel(struct session *s);
/* To be called when the thread that slept in ARM is back. */
void session_left_kernel(struct session *s);
void session_record(struct session *s, const char *type, json_t *who, json_t *data);
/*
 * Logs that the session was paused and nobody asked for it. The sentence is left to the record and to the bus, as it may
 * name the subject, whose code no log line has.
 */
void session_log_pause(const struct session *s, const char *reason);
/* The same for what anybody may cause again and again: see recorder_note_limited(). */
void session_record_limited(struct session *s, const char *type, json_t *who, json_t *data);

/* --- session-owner.c -------------------------------------------------------------------- */

int session_owner_new(struct session *s);
/* The owner itself goes on with the session: it is there. */
void session_owner_calls(struct session *s);
/* Watches a client that may become the owner. Until it is, nothing follows when it leaves. */
int session_owner_watch(struct session *s, const char *name, struct keeper **ret);
/* It is the owner now. keeper is taken over. The session is paused, and its owner is not there. */
void session_owner_set(struct session *s, struct keeper *keeper, const char *name, bool uid_known, uid_t uid);

/* --- session-notices.c ------------------------------------------------------------------ */

/* Sets the notices of what is loaded now; none of them is confirmed. notices is taken over. */
void session_set_notices(struct session *s, char **notices);
/* The notices as an array, for a record. There must be some. NULL: there was no memory. */
json_t *session_notices_json(const struct session *s);
/* --- session-*.c: methods that polkit and ownership have let pass --- */

void session_prepare(struct request *q, struct session *s);
/* Does this call of Prepare have a reason for an override? The message is rewound afterwards. */
bool session_prepare_overrides(sd_bus_message *m);
void session_confirm_notices(struct request *q, struct session *s);
void session_arm(struct request *q, struct session *s);
void session_start(struct request *q, struct session *s);
void session_go(struct request *q, struct session *s);
/* Records and answers a Pause. The kernel was asked when the call came in. */
void session_pause(struct request *q, struct session *s, bool now);
void session_refuse_pause(struct request *q, struct session *s);
void session_resume(struct request *q, struct session *s);
void session_take(struct request *q, struct session *s);

/*
 * Refuses q, and returns false, if that method cannot begin now: the session is in none of these states, another method
 * is under way, or the log has failed.
 */
bool session_may_begin(struct request *q, struct session *s, const char *method, unsigned states);
/* Refuses q with the sentence for an errno of the kernel. verdict may be NULL. */
void session_refuse_errno(struct request *q, struct session *s, const char *method, int error,
                          const struct tms_why *why, const struct tms_verdict *verdict);

#endif
