/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run: one treatment, from the protocol to the report.
 *
 *  run.c          CreateSession, Prepare, Arm, Start, and what the daemon signals
 *  run-notices.c  the second confirmation, before anything is armed
 *  run-keys.c     lines that are typed while it runs
 *  run-signals.c  ^C, ^Z, a terminal or a reader that goes away
 *  run-end.c      stopping, the report, leaving
 *  run-call.c     calls to the session
 *
 * A treatment that nobody sees is paused or stopped, and whatever can stop it
 * waits for no answer to anything else. Every way out but a crash closes the
 * session, so that the record says what happened and not that the owner left.
 */
#ifndef TMSCTL_RUN_H
#define TMSCTL_RUN_H

#include <systemd/sd-event.h>

#include "progress.h"

#define RUN_LINE 256
#define RUN_SENTENCE 640

struct run {
        sd_event *event;
        sd_bus *bus;
        const char *protocol;   /* as on the command line */
        char *text;             /* the file's; NULL for an installed one */
        struct tms_protocol *p; /* what we know of it; NULL: nothing, or the daemon has another one */
        char kind[KIND_TEXT];   /* of the threshold */
        char stimulator[64];
        char session[256];
        json_t *properties; /* the session's, as last heard */
        json_t *verdict;
        uint64_t heard_ns; /* when its time left was last heard */
        struct progress progress;

        sd_event_source *typed; /* lines on the terminal */
        char line[RUN_LINE];    /* the one being typed, as far as it has come */
        size_t line_size;
        bool asking;                   /* about the notices */
        bool waited;                   /* for the operator, as last heard */
        bool waits;                    /* and no Go was sent since it began to */
        bool paused;                   /* as last heard */
        char discharged[RUN_SENTENCE]; /* likewise: the sentence of Break */
        void (*confirmed)(struct run *u);
        void (*answered)(struct run *u, const char *line, ssize_t n); /* what was typed while asking */

        bool arming;                  /* Arm was called */
        bool started;                 /* Start was called: pulses may have been fired */
        bool interrupted;             /* the session is being stopped from here */
        bool reporting;               /* the end was heard of */
        bool leaving;                 /* the last sentence is said; Close is under way */
        bool lost;                    /* the daemon or the bus is gone: nobody answers any more */
        bool suspending;              /* ^Z: Pause is under way */
        int status;                   /* to leave with */
        const char *stop_cause;       /* why it is stopped from here, if nobody asked for it */
        sd_event_source *last_moment; /* for the end to be heard of, or for Close */
        sd_event_source *suspend_by;  /* for the answer to Pause */
};

/* --- run-call.c ------------------------------------------------------------------ */

/* A method of the session; answer may be NULL. A daemon that is gone is not started again for it. */
int run_call(struct run *u, const char *method, sd_bus_message_handler_t answer, const char *types, ...);
/* GetAll of its properties. */
int run_ask_properties(struct run *u, sd_bus_message_handler_t answer);
/* Takes over what a message has of them; returns less than 0 if it has none. */
int run_read_properties(struct run *u, sd_bus_message *m);
static inline const char *run_state(const struct run *u)
{
        return json_get_str(u->properties, "state");
}
/* A sentence for people, on a line of its own; nothing with --json. */
void run_say(struct run *u, const char *format, ...) _printf_(2, 3);

/* --- run-end.c --------------------------------------------------------------------- */

/* What is to be said has been said: closes the session, then ends the program. Again is harmless. All return 0. */
int run_leave(struct run *u, int status);
int run_leave_error(struct run *u, const sd_bus_error *error, int r);
/* Ends the program without waiting for an answer; the session is closed all the same. */
int run_leave_now(struct run *u, int status);
/* Stops the session, then reports. cause: NULL if the operator asked for it. Again is harmless. */
void run_stop(struct run *u, const char *cause);
/* The session has ended: reads what it came to, and reports. */
int run_report(struct run *u);
/* The daemon, or the bus, is gone. */
int run_daemon_gone(struct run *u);
int run_bus_lost(struct run *u);
/* Stopped from here, or ended: no next step is taken. */
static inline bool run_is_over(const struct run *u)
{
        return u->interrupted || u->reporting || u->leaving || u->lost;
}

/* --- run-notices.c -------------------------------------------------------------------- */

/* Has the verdict's notices confirmed, if there are any, and then calls u->confirmed; or leaves. */
int notices_confirm(struct run *u);
/* What was typed, n bytes, 0 for the end of input and less for an error. */
void notices_answered(struct run *u, const char *line, ssize_t n);
/* Again, after something else stood on the screen. */
void notices_ask(struct run *u);

/* --- run-keys.c ------------------------------------------------------------------------ */

int keys_listen(struct run *u);
/* Does this program hear what is typed, or is it in the background? */
bool keys_heard(const struct run *u);
/*
 * A wait or a pause begins. Lines that were ended before are not meant for
 * it; a line that was only begun stays as begun, for cutting off its
 * beginning could make an empty line of it, and that is a pulse.
 */
void keys_begin(struct run *u);
/* Listens again, once this program is in the foreground again. */
void keys_again(struct run *u);
/* The properties have changed: does a wait or a pause begin, or end? */
void run_see(struct run *u);

/* --- run-signals.c ----------------------------------------------------------------------- */

int signals_watch(struct run *u);
/* Stops the treatment if what is shown of it reaches nobody. */
void signals_look_output(struct run *u);

#endif
