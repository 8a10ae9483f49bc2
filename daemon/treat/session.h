/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One treatment, from CreateSession to its end. Serves org.tmsd1.Session.
 *
 *  session.c          the object, and what it puts on record
 *  session-table.c    its states, and what leads from one to another
 *  session-progress.c how far it is, and what it waits for
 *  session-state.c    the setter, and what follows from a change
 *  session-break.c    a run whose card is discharged
 *  session-end.c      its end, decided, and what overtakes: stop, close
 *  session-records.c  what it hears of the stimulator: records, the lease
 *  session-finish.c   its end takes effect
 *  session-step.c     a method under way that adds risk
 *  session-arguments.c what a caller gives to Prepare
 *  session-verdict.c  Prepare's answer
 *  session-notices.c  what the safety policy wants confirmed before arming
 *  session-prepare.c  protocol file to a timeline that the kernel has verified
 *  session-arm.c      arm, and charge again in mid-run
 *  session-charge.c   charge again by itself, in a gap
 *  session-run.c      start, go, pause, resume
 *  session-owner.c    an owner who does not answer
 *  session-create.c   how it begins
 *
 * Each knows those above it in this list, and none below. session-bus.c, the
 * D-Bus interface, is above them all.
 *
 * Everything here runs on the event loop. Whatever adds risk is on disk
 * before it takes effect; stopping waits for nothing.
 */
#ifndef TMSD_SESSION_H
#define TMSD_SESSION_H

#include <stdatomic.h>

#include "endings.h"
#include "peer.h"
#include "heartbeat.h"
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

#define SESSION_EVENTS_MAX 1024 /* records read and not yet handed to the writer */

struct session {
        TAILQ_ENTRY(session) link;
        unsigned n_ref;
        struct ward *ward;
        struct stimulator *st;
        char id[40];
        char *path, *subject, *owner;
        uid_t owner_uid;
        bool owner_uid_known;
        struct peer *owner_watch;    /* the owner leaves, the session stops */
        struct heartbeat *heartbeat; /* the owner is frozen, it pauses */
        sd_bus_slot *slot;

        enum session_state state;
        char end_reason[32];
        char end_text[512];
        const char *busy;             /* the method that is under way; one at a time */
        bool adds_risk;               /* that is Arm, Start, Go or Resume */
        const char *overtaken;        /* why it must not take effect any more: what came later takes risk away */
        int pause_error;              /* what the kernel said to the last Pause */
        enum session_pausing pausing; /* what has been asked for, and recorded, since it last began to run */
        bool no_seal;                 /* over its end; there was no memory for one */
        bool closed;                  /* off the bus once it has ended */
        bool in_kernel;               /* a thread sleeps in the kernel's ARM, or is on its way there */
        atomic_bool halted;           /* since Arm began; read by that thread */
        char break_text[640];         /* in a BREAK: a sentence on it */

        struct tms_device *control;
        sd_event_source *io;                /* records, while there is no tick */
        sd_event_source *tick;              /* lease, records, progress */
        sd_event_source *recharge;          /* in a gap: the card is to be charged again */
        sd_event_time_handler_t charge_due; /* recharge's; given at the creation */
        sd_event_source *finish; /* the end takes effect; made at the beginning, so that ending needs no memory */
        unsigned tick_count;
        struct tms_event events[SESSION_EVENTS_MAX];
        size_t n_events;
        uint64_t next_seq;                        /* after the last record that was read */
        uint64_t disk_seq;                        /* records before this one are on disk */
        bool writing;                             /* a batch is with the writer */
        uint64_t wrote_ns;                        /* when the last batch was handed over */
        uint64_t pulses_ns;                       /* when session.pulses was last written */
        uint32_t pulses_delivered, pulses_missed; /* as said there */
        struct pulsefile *pulsefile;

        char protocol_id[96], protocol_sha256[65];
        char **notices; /* the policy's sentences that want confirming, NULL for none */
        bool notices_confirmed;
        struct gated gated;
        struct tms_timeline timeline;
        uint32_t timeline_gen;
        uint32_t run;        /* number of the last START */
        uint32_t next_pulse; /* of this run, as its records say */
        uint32_t released;   /* one more than the pulse that Go has let go; 0: none yet */
        const char *waiting; /* as last signalled */
        uint64_t first_to_last_ns;
        uint32_t delivered, missed; /* on disk */
        uint32_t train;
        uint64_t time_left_ns;
        uint32_t shown_delivered, shown_missed, shown_train; /* as last signalled */
        uint64_t shown_time_left_ns;
        uint64_t odometer;        /* at the start */
        int keepalive_error;      /* as last logged */
        struct request *creating; /* CreateSession's, until it is answered */
        struct request *closing;  /* Close's, until the session has ended */
};

/* Takes the stimulator's controller file, recovers what was left, opens the records; answers q when done. */
void session_create(struct request *q, struct stimulator *st, const char *subject);
struct session *session_ref(struct session *s);
struct session *session_unref(struct session *s); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct session *, session_unref)

/* Stops the output at once and overtakes what is under way; session_end() follows. */
void session_halt(struct session *s);
/*
 * What is asked later wins: whatever adds risk and is still on its way, to polkit or to the disk or in the kernel's
 * ARM, is refused for that reason, which is a sentence that stays. Returns false when there was nothing.
 */
bool session_overtake(struct session *s, const char *why);
/*
 * Stops the output at once, then gets the last records on disk and ends.
 * who: for the record, taken over, may be NULL. Again is harmless.
 */
void session_end(struct session *s, const char *reason, const char *text, json_t *who);
/* In the words of endings.h. */
void session_end_as(struct session *s, enum ending how, json_t *who);
/* The card is gone, as its stimulator says. */
void session_end_gone(struct session *s);
/* The same, as the session's own file says. */
void session_see_gone(struct session *s);
/* Off the bus, after the end if there is more to do; then q, which may be NULL, is answered. */
void session_close(struct session *s, struct request *q);

void session_set_pausing(struct session *s, enum session_pausing pausing);
/* Is it in one of these? IN_STATE(), and the sets in session-table.h. */
static inline bool session_is(const struct session *s, unsigned states)
{
        return IN_STATE(s->state) & states;
}

/* That has happened: the one setter of its state. It must be able to happen in the state it is in. */
void session_on(struct session *s, enum session_event event);
/* Looks at the card and signals progress. */
void session_refresh(struct session *s);
/*
 * What the next pulse waits for: "none", "operator", "trigger". It is told from the moment that the pulse
 * before has gone, as Go counts from then on, though no pulse comes before its own time.
 */
const char *session_waits_for(const struct session *s);
/* Signals a change of that. */
void session_tell_waiting(struct session *s);
/* The kernel's records are read as they come. */
int session_listen(struct session *s);
/* These are this session's, and go into its pulse file. */
void session_keep(struct session *s, const struct tms_event *events, size_t n);
/* Takes what the kernel has; what does not fit stays there. Returns false when the card is gone. */
bool session_read_records(struct session *s);
/* The end's part of the beginning. */
int session_prepare_end(struct session *s);
/* The output is safe already, and the reason stands in a record; text is a sentence. */
void session_end_quietly(struct session *s, const char *reason, const char *text);
void session_set_reason(struct session *s, const char *reason, const char *text);
/* Off the bus and out of the list, with the list's reference. */
void session_leave_bus(struct session *s);
/* Takes what the kernel has recorded by now, which may end the session. */
void session_catch_up(struct session *s);
/* Keepalives begin; the first one is sent at once. */
int session_begin_ticks(struct session *s);
/* The kernel may have fallen back (an interlock, the idle limit) before a pulse was fired. */
void session_follow_kernel(struct session *s);
/* The thread that slept in ARM is back. */
void session_left_kernel(struct session *s);
void session_record(struct session *s, const char *type, json_t *who, json_t *data);
/* For what anybody may ask for again and again: see recorder_note_limited(). */
void session_record_limited(struct session *s, const char *type, json_t *who, json_t *data);

/* --- session-owner.c -------------------------------------------------------------------- */

int session_owner_new(struct session *s);

/* --- session-notices.c ------------------------------------------------------------------ */

/* Those of what is loaded now, none of them confirmed; taken over. */
void session_set_notices(struct session *s, char **notices);
/* An array of them, for a record; there must be some. NULL without memory. */
json_t *session_notices_json(const struct session *s);
/* Refuses q, and returns false, if there are some that nobody has confirmed. */
bool session_has_confirmed(struct request *q, struct session *s);

/* --- session-*.c: methods that polkit and ownership have let pass --- */

void session_prepare(struct request *q, struct session *s);
/* Does this call of Prepare claim an override? The message is as before afterwards. */
bool session_prepare_overrides(sd_bus_message *m);
void session_confirm_notices(struct request *q, struct session *s);
void session_arm(struct request *q, struct session *s);
void session_start(struct request *q, struct session *s);
void session_go(struct request *q, struct session *s);
/* The kernel was asked when the call came in. */
void session_pause(struct request *q, struct session *s, bool now);
void session_refuse_pause(struct request *q, struct session *s);
void session_resume(struct request *q, struct session *s);

/* Refuses q, and returns false, if that method cannot begin now: wrong state, another under way, log failed. */
bool session_may_begin(struct request *q, struct session *s, const char *method, unsigned states);
/* Refuses q for an errno of the kernel, in words. verdict may be NULL. */
void session_refuse_errno(struct request *q, struct session *s, const char *method, int error,
                          const struct tms_verdict *verdict);

#endif
