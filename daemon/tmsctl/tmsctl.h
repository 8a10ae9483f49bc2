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
 *  others       one group of verbs each
 *
 * These rooms know the library and the daemon's D-Bus interface, and of the
 * daemon's files util.h and names.h alone. One thread, no lock; a verb runs to its end,
 * but for run and events, which have a loop of their own.
 *
 * Text is for people and may change; --json is for programs and may only
 * grow. A failure is one sentence on standard error, or with --json an object
 * {"error": {"name", "message"}} on standard output; so is output that cannot
 * be written, always on standard error.
 */
#ifndef TMSCTL_H
#define TMSCTL_H

#include <systemd/sd-bus.h>

#include "tms.h"
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

/* Prints the failure and returns status, so that a verb ends with "return fail(…)". name: for programs, like "BadUsage". */
int fail(int status, const char *name, const char *format, ...) _printf_(3, 4);
int fail_tms(int status, const char *name, const struct tms_error *e);
int fail_memory(void);
/* The exit status at the end: status, unless what was printed has not reached its reader. */
int out_end(int status);

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_BOLD, COLOUR_DIM };

/* The escape sequence, "" where colour is not wanted: not a terminal, NO_COLOR, a dumb one. */
const char *colour(enum colour c);
bool is_utf8(void);
unsigned columns(void); /* of the terminal; 80 on anything else */

/* One line of JSON; takes over j. Returns the status given, or that of running out of memory. */
int print_json(json_t *j, int status);

#define CLOCK_TEXT 32
/* "37:03.9", "1:02:03.4", "3.9 s", "200 ms" */
const char *clock_text(uint64_t ns, char buf[static CLOCK_TEXT]);
/* The same rounded up to whole seconds, for what is left: "37:04" */
const char *countdown_text(uint64_t ns, char buf[static CLOCK_TEXT]);
/* 625 -> "62.5", 620 -> "62" */
const char *permille_text(uint32_t permille, char buf[static CLOCK_TEXT]);

/* Steps from one word to another: letters put in, left out, changed. */
unsigned word_distance(const char *a, const char *b);
/* More than that is another word and no slip. */
#define SLIP_MAX 2

/* --- The daemon (bus.c) -------------------------------------------------------- */

#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* Arming charges capacitors and a slow machine is slow: long enough for both. */
#define CALL_TIMEOUT_USEC (180 * USEC_PER_S)

/* Each returns 0 or more, or prints the failure and returns minus an exit status. */
int bus_open(sd_bus **ret);
int bus_call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply);
/* A method without arguments. */
int bus_call_simple(sd_bus *bus, const char *path, const char *interface, const char *method,
                    sd_bus_message **ret_reply);
/* Everything the daemon has: {path: {interface: {property: value}}}. */
int bus_objects(sd_bus *bus, json_t **ret);

/* Says what a failed call means; returns the exit status. error may be unset, then r tells. */
int bus_fail(const sd_bus_error *error, int r);

/* The next value of a message as JSON; names of dictionary entries turn from CamelCase to snake_case. */
int bus_read_json(sd_bus_message *m, json_t **ret);

/* "/dev/tms0", "tms0" or "0" to its object's path, NULL to "/". Prints what is wrong with others. */
int stimulator_path(const char *text, char buf[static 64]);

/* Calls back for each object with that interface, in the order of their paths. */
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

/* Is this the name of a file rather than a protocol's id? */
bool is_file_name(const char *text);
/* Each prints its failure and returns minus an exit status. */
/* --coil: one of the names in protocol files, or a sentence with the nearest. */
int parse_coil(const char *text, const char *option, const char **ret);
int protocol_get(const char *file_or_id, struct tms_protocol **ret);
/* A file's text as it goes over the bus, for the daemon cannot look into our folders; malloc'd. */
int protocol_text(const char *path, char **ret);

/* --- The dose (dose.c) -------------------------------------------------------------- */

#define KIND_TEXT 8
/*
 * The kind of threshold that a protocol, NULL if it cannot be read, is written
 * in, unless the options say which was measured; "" for none.
 */
void protocol_kind(const struct tms_protocol *p, char ret[static KIND_TEXT]);
/* A threshold for every leg, be it the common one. */
bool protocol_has_threshold(const struct tms_protocol *p);
/*
 * Refuses, with an exit status, options of the dose that have no effect; 0 if there are none. shape: a timeline is
 * wanted and no verdict.
 */
int protocol_idle_options(const struct tms_protocol *p, bool shape);
/* From the options; wanted: there must be a threshold unless the protocol needs none. */
int protocol_dose(const struct tms_protocol *p, bool wanted, struct tms_dose *ret);
/* Of what the options give; there is a threshold. Minus an exit status, the failure printed. */
int protocol_verdict(const struct tms_protocol *p, struct tms_safety *ret);
/* Of a dose. */
int protocol_verdict_of(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_safety *ret);
/* Says why the library refuses this dose, r its errno; returns the exit status. */
int fail_dose(int r, const struct tms_error *e);
int protocol_compile(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *ret);
/* For pictures: without --mt intensities are in 0.1 % of the threshold, and *ret_relative is true. */
int protocol_compile_shape(const struct tms_protocol *p, struct tms_timeline *ret, bool *ret_relative);
static inline const char *timeline_unit(bool relative)
{
        return relative ? "permille_of_threshold" : "permille_of_mso";
}

/* --- Verdicts (verdict.c) ------------------------------------------------------------- */

/* The keys that every protocol has in JSON; verdict null where there is none yet. */
json_t *protocol_json(const struct tms_protocol *p, const struct tms_safety *safety);
json_t *safety_reason_json(const struct tms_safety_reason *reason);
int safety_status(enum tms_safety_class c);
/* A class by its name, as the daemon or protocol_json() give it. */
static inline bool is_class(const char *name, enum tms_safety_class c)
{
        return STREQ(name, tms_safety_class_name(c));
}
/*
 * "allowed", coloured, and a line for each reason, from {class, sentence, …} as protocol_json() or the daemon give
 * them; all: also those that merely allow.
 */
void print_verdict(const char *verdict, const json_t *reasons, bool all);

/* --- Verbs ---------------------------------------------------------------------------------- */

typedef int (*verb_fn)(int argc, char **argv); /* argv: what follows the verb; returns an exit status */

int verb_status(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_session(int argc, char **argv);
int verb_show(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_plot(int argc, char **argv);
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
