/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run: one treatment, from the protocol to the report.
 *
 *  run.c          CreateSession, Prepare, Arm, Start, and what the daemon signals
 *  run-take.c     Take instead of these, and then the same
 *  run-notices.c  the second confirmation, before anything is armed
 *  run-keys.c     lines that are typed while it runs
 *  run-signals.c  ^C, ^Z, a terminal or a reader that goes away
 *  run-end.c      stopping, the report, leaving
 *  run-call.c     calls to the session
 *
 * A treatment that nobody sees is paused or stopped. What stops it never waits
 * for the answer to another call. Except after a crash, this program closes the
 * session before it ends, so that the audit log says what happened and not
 * that the owner left.
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
        const char *protocol;   /* file or id from the command line */
        char *text;             /* the text of the file; NULL: an installed protocol */
        struct tms_protocol *p; /* the parsed protocol; NULL: unknown, or the daemon has another one */
        char kind[KIND_TEXT];   /* of the threshold */
        char stimulator[64];
        char session[256];
        json_t *properties; /* of the session, as last received */
        json_t *verdict;
        uint64_t heard_ns; /* when its time left was last received */
        struct progress progress;

        sd_event_source *typed; /* lines on the terminal */
        char line[RUN_LINE];    /* the part typed so far of a line without its end */
        size_t line_size;
        bool asking;                   /* the operator is being asked about the notices */
        bool waited;                   /* the session waits for the operator, as last received */
        bool waits;                    /* the same, and no Go was sent since that wait began */
        bool paused;                   /* as last received */
        char discharged[RUN_SENTENCE]; /* as last received: the sentence of the property Break */
        int (*begin)(struct run *u);   /* the first call; a negative errno: it cannot be made */
        void (*confirmed)(struct run *u);
        void (*answered)(struct run *u, const char *line, ssize_t n); /* gets the line that answers the question */

        bool arming;                  /* Arm was called */
        bool started;                 /* Start was called: pulses may have been fired */
        bool interrupted;             /* this program is stopping the session */
        bool reporting;               /* the end of the session was received */
        bool leaving;                 /* the last sentence is printed; Close was called */
        bool lost;                    /* the daemon or the bus is gone: no answer will come */
        bool suspending;              /* ^Z: Pause was called */
        int status;                   /* the exit status */
        const char *stop_cause;       /* why this program stops it, if the operator did not ask for that */
        sd_event_source *last_moment; /* timeout for the end of the session, or for Close */
        sd_event_source *suspend_by;  /* timeout for the answer to Pause */
};

/* --- run.c ----------------------------------------------------------------------- */

void run_clear(struct run *u);
/* Begins, and shows the session until it has ended. The bus is open. Returns the exit status. */
int run_loop(struct run *u);

/* --- run-call.c ------------------------------------------------------------------ */

/* Calls a method of the session; answer may be NULL. A daemon that is gone is not started again by the call. */
int run_call(struct run *u, const char *method, sd_bus_message_handler_t answer, const char *types, ...);
/* Asks for all properties of the session. */
int run_ask_properties(struct run *u, sd_bus_message_handler_t answer);
/* Copies the properties in a message to u; returns less than 0 if it has none. */
int run_read_properties(struct run *u, sd_bus_message *m);
static inline const char *run_state(const struct run *u)
{
        return json_get_str(u->properties, "state");
}
/* Prints a sentence for people in a line of its own; with --json, nothing. */
void run_say(struct run *u, const char *format, ...) _printf_(2, 3);

/* --- run-end.c --------------------------------------------------------------------- */

/* After the last sentence: closes the session, then ends the program. A second call does nothing. All return 0. */
int run_leave(struct run *u, int status);
int run_leave_error(struct run *u, const sd_bus_error *error, int r);
/* Ends the program without waiting for the answer to Close. */
int run_leave_now(struct run *u, int status);
/* Stops the session, then reports. cause NULL: the operator asked for it. A second call does nothing. */
void run_stop(struct run *u, const char *cause);
/* After the end of the session: asks for its properties, and reports. */
int run_report(struct run *u);
/* To be called when the daemon or the bus is gone. */
int run_daemon_gone(struct run *u);
int run_bus_lost(struct run *u);
/* The session has ended or is being stopped: no further step may be taken. */
static inline bool run_is_over(const struct run *u)
{
        return u->interrupted || u->reporting || u->leaving || u->lost;
}

/* --- run-notices.c -------------------------------------------------------------------- */

/* Has the verdict's notices confirmed, if there are any, and then calls u->confirmed; or leaves. */
int notices_confirm(struct run *u);
/* line: what was typed. n: its bytes; 0: the end of the input; negative: an error. */
void notices_answered(struct run *u, const char *line, ssize_t n);
/* Asks again, after something else was printed. */
void notices_ask(struct run *u);

/* --- run-keys.c ------------------------------------------------------------------------ */

int keys_listen(struct run *u);
/* Does this program get what is typed? It does not if it is in the background. */
bool keys_heard(const struct run *u);
/*
 * To be called when a wait or a pause begins. Lines that were ended before do
 * not count as answers to it. The beginning of a line that is not ended yet is
 * kept: without it the line could become an empty one, which fires a pulse.
 */
void keys_begin(struct run *u);
/* Reads keys again, if this program is in the foreground again. */
void keys_again(struct run *u);
/* To be called when properties have changed: notices the begin and the end of a wait or a pause. */
void run_see(struct run *u);

/* --- run-signals.c ----------------------------------------------------------------------- */

int signals_watch(struct run *u);
/* Stops the treatment if its output can no longer be written. */
void signals_look_output(struct run *u);

#endif
