/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines, for the person who looks after the machine. What an auditor needs goes to the audit log instead.
 *
 * A line goes to the journal when systemd started the daemon, with the place in the code that wrote it and the fields
 * that the caller gives; else its text alone goes to standard error. What is searched for later is an event of journal.h,
 * whose line has that event's MESSAGE_ID=; every other line has none.
 *
 * The journal is read by more people than the records are. So no text and no field has a person's code in it, and none
 * has a sentence in which one may be: the gates' and the verifier's sentences name whom they are about.
 */
#ifndef TMSD_LOG_H
#define TMSD_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syslog.h>
#include <tms.h>

#include "base/idioms.h"
#include "journal.h"

struct log_place {
        const char *file, *function;
        int line;
};

/* One field of a line. Its name has to be one of FOR_EACH_FIELD() in journal.h. */
struct log_field {
        const char *name; /* NULL: the end of the list */
        const char *text; /* NULL: it is the number */
        uint64_t number;
        bool left_out;
};

/* So many fields has a line at most, beside its text and its place. */
#define LOG_FIELDS 8
/* FIELDS(field_text("REASON", reason), field_number("SEAL_SEQ", seq)) */
#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {0}})
#define NO_FIELDS NULL

/* Left out if value is NULL. */
static inline struct log_field field_text(const char *name, const char *value)
{
        return (struct log_field){.name = name, .text = value, .left_out = !value};
}

static inline struct log_field field_number(const char *name, uint64_t value)
{
        return (struct log_field){.name = name, .number = value};
}

/* Left out if value is 0, and so not known. */
static inline struct log_field field_known(const char *name, uint64_t value)
{
        return (struct log_field){.name = name, .number = value, .left_out = value == 0};
}

/* r: a negative errno; 0: there was none, and the field is left out. */
static inline struct log_field field_errno(int r)
{
        return (struct log_field){.name = "ERRNO", .number = (uint64_t)-r, .left_out = r == 0};
}

/* id: the MESSAGE_ID of an event, or NULL. fields may be NULL. */
void log_line(const struct log_place *place, int priority, const char *id, const struct log_field *fields,
              const char *format, ...) _printf_(5, 6);

/*
 * From log_begin() on no caller of log_line() waits for the journal: a thread does. What the journal does not take in
 * time is lost, counted, and the count is told. To be called when signals are blocked and memory is locked.
 * Returns 0 or a negative errno.
 */
int log_begin(void);
/* Sends what still waits, for two seconds at most; then lines go straight to the journal again. */
void log_end(void);

#define LOG_HERE (&(const struct log_place){__FILE__, __func__, __LINE__})

#define log_event(event, fields, ...)                                                                        \
        log_line(LOG_HERE, journal_events[EVENT_##event].priority, journal_events[EVENT_##event].id, fields, \
                 __VA_ARGS__)
#define log_with(priority, fields, ...) log_line(LOG_HERE, priority, NULL, fields, __VA_ARGS__)
#define log_error(...) log_with(LOG_ERR, NO_FIELDS, __VA_ARGS__)
#define log_warning(...) log_with(LOG_WARNING, NO_FIELDS, __VA_ARGS__)
#define log_notice(...) log_with(LOG_NOTICE, NO_FIELDS, __VA_ARGS__)
#define log_info(...) log_with(LOG_INFO, NO_FIELDS, __VA_ARGS__)

/*
 * Logs an error with its errno and evaluates to the negative errno, so that it can be returned. step: what to do next;
 * NULL: the step that such an errno asks for everywhere.
 */
#define log_error_errno(r, step, format, ...)                                                               \
        ({                                                                                                  \
                int _r = (r);                                                                               \
                const char *_step = (step);                                                                 \
                log_with(LOG_ERR, FIELDS(field_errno(_r)), format ": %s; %s", ##__VA_ARGS__, strerror(-_r), \
                         _step ? _step : tms_errno_step(-_r));                                              \
                _r;                                                                                         \
        })

#endif
