/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One method call, from its arrival to its answer: who calls, whether polkit allows it, and the record of a refusal.
 * Every method of every object goes through here, so that each refusal has its sentence and its record.
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

/* What all calls share. */
struct calls {
        sd_bus *bus;
        struct callers *callers;
        struct recorder *recorder;
        TAILQ_HEAD(request_list, request) asking; /* those that still need polkit's yes */
};

/*
 * Called when the caller is allowed to call. It ends the request, now or later, with request_reply(),
 * request_reply_message(), request_refuse() or request_drop().
 */
typedef void (*request_fn)(struct request *q, void *object);

/*
 * Begins a request; a method's handler returns what this returns. action: what polkit is asked about; NULL: anybody may
 * call. object: handed to go. keep() is called on it now and release() at the request's end; both may be NULL. Without
 * keep() the object is taken over, even on failure.
 */
int request_begin(struct calls *calls, sd_bus_message *m, const char *action, void *object, void *(*keep)(void *),
                  void *(*release)(void *), request_fn go);

/*
 * Refuses the calls about that object that still wait for polkit's answer; NULL: about any object. The error is
 * OutOfOrder, and why is its sentence's end. Returns how many calls were refused.
 */
unsigned request_let_go(struct calls *calls, const void *object, const char *why);

/* error and sentence: why the call was refused. ERROR_NONE and NULL: it was not. */
typedef void (*request_own_fn)(enum error error, const char *sentence, void *userdata);
/*
 * A call that the daemon makes itself, of that method on that object. done gets the answer instead of a client. Its
 * records name no sender and no caller. path has to last. NULL: no memory.
 */
struct request *request_own(struct calls *calls, const char *method, const char *path, request_own_fn done,
                            void *userdata);

sd_bus_message *request_message(struct request *q);
const char *request_sender(const struct request *q);
/* False: the bus did not tell it. */
bool request_uid(const struct request *q, uid_t *ret);
/*
 * Who calls, for a record: {uid, sender, action, answer}. NULL: the daemon itself. Without memory it is a JSON null,
 * and a record that is given one is not written.
 */
json_t *request_who(const struct request *q);

/* Each of these four ends the request and frees q. request_reply() sends an answer without a value. */
void request_reply(struct request *q);
void request_reply_message(struct request *q, sd_bus_message *reply); /* reply NULL: there was no memory */
/* No answer is sent; for the end of the daemon. */
void request_drop(struct request *q);
/*
 * Refuses the call with that sentence and records the refusal. The sentence may have any length; a byte that is not
 * UTF-8 is sent as '?'.
 */
void request_refuse(struct request *q, enum error error, const char *format, ...) _printf_(3, 4);

/* The only function that makes an sd_bus_error of an error. message has to last as long as the returned value. */
static inline sd_bus_error error_with(enum error error, const char *message)
{
        return SD_BUS_ERROR_MAKE_CONST(error_bus_name(error), message);
}

/*
 * Quotes what a caller has sent, for use in a sentence: as many whole characters as fit into buf, and "..." if there
 * were more.
 */
#define QUOTE_SIZE 132
const char *request_quote(const char *text, char buf[static QUOTE_SIZE]);

/*
 * The names that one a{sv} of a call has given so far. If a name comes twice, q is refused and the function returns
 * false: only one of the two values could count, and nobody knows which one the caller meant. what: "Parameter" or
 * "Option".
 */
#define GIVEN_MAX 32
struct given {
        const char *name[GIVEN_MAX]; /* borrowed from the message */
        size_t n;
};
bool request_given_once(struct request *q, struct given *g, const char *what, const char *name);

/* The sentences of a NULL-terminated list as one text (malloc'd), each after a space. NULL: no memory. */
char *request_sentences(const char *const *sentences);

#endif
