/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The errors that the daemon's methods are refused with: the only list of
 * their names. Code names an error by the enum, so a misspelt one does not
 * compile. org.tmsd1.xml says what each means; a test holds it against this list.
 */
#ifndef TMSD_ERRORS_H
#define TMSD_ERRORS_H

#include <assert.h>

#include "names.h"

#define ERROR_PREFIX BUS_NAME ".Error."

#define FOR_EACH_ERROR(X)                                   \
        X(ERROR_INVALID_PROTOCOL, "InvalidProtocol")        \
        X(ERROR_NO_SUCH_PROTOCOL, "NoSuchProtocol")         \
        X(ERROR_NOT_ALLOWED, "NotAllowed")                  \
        X(ERROR_NEEDS_OVERRIDE, "NeedsOverride")            \
        X(ERROR_NOTICE_NOT_CONFIRMED, "NoticeNotConfirmed") \
        X(ERROR_LIMIT_EXCEEDED, "LimitExceeded")            \
        X(ERROR_OUT_OF_ORDER, "OutOfOrder")                 \
        X(ERROR_NOT_OWNER, "NotOwner")                      \
        X(ERROR_NOT_WAITING, "NotWaiting")                  \
        X(ERROR_BUSY, "Busy")                               \
        X(ERROR_CLOCK_NOT_SANE, "ClockNotSane")             \
        X(ERROR_SUBJECT_LOCKED, "SubjectLocked")            \
        X(ERROR_DOSE_NOT_KNOWN, "DoseNotKnown")             \
        X(ERROR_NO_STIMULATOR, "NoStimulator")              \
        X(ERROR_INTERLOCK_OPEN, "InterlockOpen")            \
        X(ERROR_FAULT, "Fault")                             \
        X(ERROR_UNFIT, "Unfit")                             \
        X(ERROR_AUDIT_FAILED, "AuditFailed")                \
        X(ERROR_NOT_AUTHORIZED, "NotAuthorized")            \
        X(ERROR_TOO_MANY_REQUESTS, "TooManyRequests")       \
        X(ERROR_INVALID_ARGUMENT, "InvalidArgument")        \
        X(ERROR_FAILED, "Failed")

#define ERROR_ENUMERATOR(error, name) error,
#define ERROR_BUS_NAME_ROW(error, name) [error] = ERROR_PREFIX name,

enum error {
        ERROR_NONE, /* all is well; it has no name */
        FOR_EACH_ERROR(ERROR_ENUMERATOR) ERRORS,
};

/* As the bus has it: "org.tmsd1.Error.OutOfOrder". */
static inline const char *error_bus_name(enum error error)
{
        static const char *const names[ERRORS] = {FOR_EACH_ERROR(ERROR_BUS_NAME_ROW)};

        assert(error > ERROR_NONE && error < ERRORS);
        return names[error];
}

/* As records and tmsctl have it: "OutOfOrder". */
static inline const char *error_name(enum error error)
{
        return error_bus_name(error) + sizeof(ERROR_PREFIX) - 1;
}

#endif
