/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tmsctl - the command line of tmsd
 *
 *  main.c       main(), and the table of verbs; nothing calls back into it
 *  verb.c       a verb by its words; help.c
 *  arguments.c  the command line's words into options
 *  options.c    the options: names, and what was given
 *  out.c        errors, colour, JSON, numbers and times as people read them
 *  bus.c        the connection to the daemon; D-Bus values as JSON
 *  protocol.c   a protocol by file or id
 *  dose.c       the dose that options give
 *  verdict.c    a protocol and its verdict, as JSON and as text
 *  when.c       times as people type them
 *  lines.c      lines that fit the terminal; wrap.c says where to break them
 *  audit-sentence.c  every type of record, and how it is said
 *  others       one group of verbs each
 *
 * These rooms know the library and the daemon's D-Bus interface, and of the
 * daemon's files only util.h, names.h and errors.h. There is one thread and no
 * lock. A verb runs to its end; run and events have an event loop of their own.
 *
 * Text is for people and may change; --json is for programs, and keys may only
 * be added. A failure is one sentence on standard error, or with --json an
 * object {"error": {"name", "message"}} on standard output. That output could
 * not be written is always reported on standard error.
 */
#ifndef TMSCTL_H
#define TMSCTL_H

#include <systemd/sd-bus.h>

#include "tms.h"
#include "base/slip.h"
#include "names.h"
#include "options.h"
#include "util.h"
#include "words.h"

#define NO_STIMULATOR \
        "no stimulator is connected; if one should be, look whether its driver is loaded: lsmod | grep tms"

/* Exit statuses; the manual page lists them. */
enum status {
        STATUS_OK = 0,
        STATUS_FAILED = 1,
        STATUS_BAD_INPUT = 2,      /* a wrong file, protocol or command line */
        STATUS_OVERRIDE = 3,       /* allowed only with a prescriber's override */
        STATUS_NEVER = 4,          /* never allowed, or beyond the stimulator */
        STATUS_NO_STIMULATOR = 5,  /* none connected */
        STATUS_INCOMPLETE = 6,     /* the session ended before its last pulse */
        STATUS_NOT_VERIFIED = 7,   /* the audit log was tampered with or has lost records */
        STATUS_PREFIX = 8,         /* the audit log is consistent, but nothing shows that it is whole */
        STATUS_TORN = 9,           /* the audit log ends in a torn line */
        STATUS_NOT_CONFIRMED = 10, /* a notice was not confirmed; nothing was armed */
};

/* --- Output (out.c) --------------------------------------------------------- */

/* Prints the failure and returns status: a verb ends with "return fail(…)". name: for programs, such as "BadUsage". */
int fail(int status, const char *name, const char *format, ...) _printf_(3, 4);
int fail_tms(int status, const char *name, const struct tms_error *e);
int fail_memory(void);
/* Prints a sentence on standard error, with --json too, that is no failure. */
void note(const char *format, ...) _printf_(1, 2);
/* Returns the exit status of the program: status, or a failure if the output could not be written. */
int out_end(int status);

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_BOLD, COLOUR_DIM };

/* The escape sequence; "" if colour is not wanted: no terminal, a dumb one, or NO_COLOR. */
const char *colour(enum colour c);
bool is_utf8(void);
unsigned columns(void); /* of the terminal; 80 if the output is no terminal */

/* Prints j in one line and frees it. Returns status, or that of a lack of memory. */
int print_json(json_t *j, int status);

#define CLOCK_TEXT 32
/* "37:03.9", "1:02:03.4", "3.9 s", "200 ms" */
const char *clock_text(uint64_t ns, char buf[static CLOCK_TEXT]);
/* The same, rounded up to whole seconds, for the time left: "37:04" */
const char *countdown_text(uint64_t ns, char buf[static CLOCK_TEXT]);
/* 625 -> "62.5", 620 -> "62" */
const char *permille_text(uint32_t permille, char buf[static CLOCK_TEXT]);

/* --- The daemon (bus.c) -------------------------------------------------------- */

#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* Long enough for Arm, which waits for the capacitors to charge, on a slow machine. */
#define CALL_TIMEOUT_USEC (180 * USEC_PER_S)

/* These return 0 or more, or print the failure and return minus an exit status. */
int bus_open(sd_bus **ret);
int bus_call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply);
/* Calls a method without arguments. */
int bus_call_simple(sd_bus *bus, const char *path, const char *interface, const char *method,
                    sd_bus_message **ret_reply);
/* All of the daemon's objects: {path: {interface: {property: value}}}. */
int bus_objects(sd_bus *bus, json_t **ret);

/* Prints why a call failed and returns the exit status. Without an error set, r is the reason. */
int bus_fail(const sd_bus_error *error, int r);

/* Reads the next value of a message as JSON. Names of dictionary entries become snake_case. */
int bus_read_json(sd_bus_message *m, json_t **ret);

/* The object path for "/dev/tms0", "tms0" or "0"; "/" for NULL. Prints what is wrong with any other text. */
int stimulator_path(const char *text, char buf[static 64]);

/* Calls a function for each object with that interface, in the order of their paths. */
typedef int (*object_fn)(const char *path, json_t *properties, void *userdata);
int objects_foreach(json_t *objects, const char *interface, object_fn found, void *userdata);

/* The last part of an object's path. */
static inline const char *path_id(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* --- Protocols (protocol.c) ------------------------------------------------------- */

static inline void tms_protocol_freep(struct tms_protocol **p)
{
        tms_protocol_free(*p);
}

/* Is text the name of a file, and not a protocol's id? */
bool is_file_name(const char *text);
/* Each prints its failure and returns minus an exit status. */
/* For --coil: finds the name as in protocol files, or prints a sentence with the nearest one. */
int parse_coil(const char *text, const char *option, const char **ret);
int protocol_get(const char *file_or_id, struct tms_protocol **ret);
/* The text of a file, malloc'd. It is sent over the bus, because the daemon cannot read the user's folders. */
int protocol_text(const char *path, char **ret);

/* --- The dose (dose.c) -------------------------------------------------------------- */

#define KIND_TEXT 8
/*
 * The kind of threshold: the one in the options, else that of the protocol,
 * else (p NULL: the protocol cannot be read) rMT. "" for %MSO.
 */
void protocol_kind(const struct tms_protocol *p, char ret[static KIND_TEXT]);
/* Do the options give a threshold for every leg, either its own or the common one? */
bool protocol_has_threshold(const struct tms_protocol *p);
/* The protocol needs a threshold, and there is none: prints which options give it, and returns minus an exit status. */
int protocol_want_threshold(const struct tms_protocol *p);
/*
 * Refuses options of the dose that have no effect, and returns an exit status; 0: there are none. shape: the verb
 * prints a timeline and no verdict.
 */
int protocol_idle_options(const struct tms_protocol *p, bool shape);
/* Makes the dose of the options. wanted: the threshold is required if the protocol needs one. */
int protocol_dose(const struct tms_protocol *p, bool wanted, struct tms_dose *ret);
/* The verdict for the dose of the options, which must have a threshold. On failure prints it: minus an exit status. */
int protocol_verdict(const struct tms_protocol *p, struct tms_safety *ret);
/* The same for another dose. */
int protocol_verdict_of(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_safety *ret);
/* Prints why the library refuses this dose; r is its negative errno. Returns the exit status. */
int fail_dose(int r, const struct tms_error *e);
int protocol_compile(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *ret);
/* Compiles for a picture. Without --mt, intensities are in 0.1 % of the threshold and *ret_relative is true. */
int protocol_compile_shape(const struct tms_protocol *p, struct tms_timeline *ret, bool *ret_relative);
static inline const char *timeline_unit(bool relative)
{
        return relative ? "permille_of_threshold" : "permille_of_mso";
}

/* --- Verdicts (verdict.c) ------------------------------------------------------------- */

/* The keys that every protocol has in JSON. safety may be NULL: then "verdict" is null. */
json_t *protocol_json(const struct tms_protocol *p, const struct tms_safety *safety);
json_t *safety_reason_json(const struct tms_safety_reason *reason);
int safety_status(enum tms_safety_class c);
/* Is name, from the daemon or from protocol_json(), the name of class c? */
static inline bool is_class(const char *name, enum tms_safety_class c)
{
        return STREQ(name, tms_safety_class_name(c));
}
/*
 * Prints the verdict, such as "allowed", in colour, and a line for each reason: {class, sentence, …} from
 * protocol_json() or the daemon. all: with the reasons of the class "allowed".
 */
void print_verdict(const char *verdict, const json_t *reasons, bool all);

/* --- Verbs ---------------------------------------------------------------------------------- */

typedef int (*verb_fn)(int argc, char **argv); /* argv: the words after the verb; returns an exit status */

int verb_status(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_session(int argc, char **argv);
int verb_course(int argc, char **argv);
int verb_show(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_plot(int argc, char **argv);
int verb_take(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_go(int argc, char **argv);
int verb_pause(int argc, char **argv);
int verb_resume(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_clear_fault(int argc, char **argv);
int verb_events(int argc, char **argv);
int verb_latency(int argc, char **argv);
int verb_audit_verify(int argc, char **argv);
int verb_audit_show(int argc, char **argv);
int verb_audit_export(int argc, char **argv);

#endif
