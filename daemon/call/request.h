/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One method call, from its arrival to its answer: who calls, whether polkit
 * lets him, and the record of a refusal. Every method of every object goes
 * through here, so no refusal is without its sentence and its record.
 */
#ifndef TMSD_REQUEST_H
#define TMSD_REQUEST_H

#include <sys/queue.h>
#include <systemd/sd-bus.h>
#include "errors.h"
#include "names.h"
#include "polkit.h"
#include "util.h"

struct callers;
struct recorder;
struct request;

/* What all calls have in common. */
struct calls {
        sd_bus *bus;
        struct callers *callers;
        struct recorder *recorder;
        TAILQ_HEAD(request_list, request) asking; /* those that wait for polkit */
};

/* What to do once the caller may; must end in request_reply() or request_refuse(), now or later. */
typedef void (*request_fn)(struct request *q, void *object);

/*
 * For a method's handler, which returns its value. action: NULL when anybody
 * may. object: handed to go, kept by keep() until release(), both of which may
 * be NULL; without keep() it is taken over, also on failure.
 */
int request_begin(struct calls *calls, sd_bus_message *m, const char *action, void *object, void *(*keep)(void *),
                  void *(*release)(void *), request_fn go);

/*
 * Refuses, with OutOfOrder and for that reason, the calls that wait for polkit and are about that object, NULL for
 * every one; polkit is not waited for. Returns how many there were.
 */
unsigned request_let_go(struct calls *calls, const void *object, const char *why);

/* error: why it was refused, with its sentence; ERROR_NONE and NULL when all is well. */
typedef void (*request_own_fn)(enum error error, const char *sentence, void *userdata);
/*
 * The daemon's own call of that method on that object: nobody waits for an answer, done hears it. It has no message,
 * no sender and no caller in its records. NULL without memory. path has to last.
 */
struct request *request_own(struct calls *calls, const char *method, const char *path, request_own_fn done,
                            void *userdata);

sd_bus_message *request_message(struct request *q);
const char *request_sender(const struct request *q);
/* False when the bus did not tell. */
bool request_uid(const struct request *q, uid_t *ret);
/*
 * {uid, sender, action, answer} for a record; without memory a JSON null, which no record is written with. NULL for the
 * daemon's own.
 */
json_t *request_who(const struct request *q);

/* The answer, and the end of q. */
void request_reply(struct request *q);
void request_reply_message(struct request *q, sd_bus_message *reply); /* NULL: no memory */
/* Its end without an answer, when the daemon itself ends. */
void request_drop(struct request *q);
/* Written to the audit log as well. Of any length; a byte that is no text goes out as '?'. */
void request_refuse(struct request *q, enum error error, const char *format, ...) _printf_(3, 4);

/* The one way from an error to what sd-bus takes. message has to last as long as what is returned. */
static inline sd_bus_error error_with(enum error error, const char *message)
{
        return SD_BUS_ERROR_MAKE_CONST(error_bus_name(error), message);
}

/* The beginning of what a caller has sent, for such a sentence: whole characters, and "..." where there was more. */
#define QUOTE_SIZE 132
const char *request_quote(const char *text, char buf[static QUOTE_SIZE]);

/*
 * The names that a call's a{sv} has given. One that is given again is refused: only one of its two values could count,
 * and which one the caller meant nobody knows. what: "Parameter", "Option". False: q has been refused.
 */
#define GIVEN_MAX 32
struct given {
        const char *name[GIVEN_MAX]; /* the message's own */
        size_t n;
};
bool request_given_once(struct request *q, struct given *g, const char *what, const char *name);

/* All of a list that NULL ends, each after a space; to be freed, NULL without memory. */
char *request_sentences(const char *const *sentences);

#endif
