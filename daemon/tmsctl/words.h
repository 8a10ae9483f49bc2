/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words that tmsctl compares, and the names of its failures. They are
 * macros so that a misspelt one does not compile. The manual page and
 * org.tmsd1.xml list them.
 */
#ifndef TMSCTL_WORDS_H
#define TMSCTL_WORDS_H

#include "errors.h"

/* The "name" in {"error": {"name", "message"}}, for what only tmsctl finds. */
#define FAILURE_BAD_INPUT "BadInput"
#define FAILURE_BAD_USAGE "BadUsage"
#define FAILURE_BUS_LOST "BusLost"
#define FAILURE_DAEMON_GONE "DaemonGone"
#define FAILURE_INCOMPLETE "Incomplete"
#define FAILURE_INTERRUPTED "Interrupted"
#define FAILURE_NO_ANSWER "NoAnswer"
#define FAILURE_NO_BUS "NoBus"
#define FAILURE_NO_FAULT "NoFault"
#define FAILURE_NO_SUCH_SESSION "NoSuchSession"
#define FAILURE_NOT_VERIFIED "NotVerified"
#define FAILURE_TIMEOUT "Timeout"

/* The same for what the daemon finds as well: both give it the same name. */
#define FAILURE_FAILED error_name(ERROR_FAILED)
#define FAILURE_INVALID_ARGUMENT error_name(ERROR_INVALID_ARGUMENT)
#define FAILURE_INVALID_PROTOCOL error_name(ERROR_INVALID_PROTOCOL)
#define FAILURE_LIMIT_EXCEEDED error_name(ERROR_LIMIT_EXCEEDED)
#define FAILURE_NO_STIMULATOR error_name(ERROR_NO_STIMULATOR)
#define FAILURE_NO_SUCH_PROTOCOL error_name(ERROR_NO_SUCH_PROTOCOL)
#define FAILURE_NOTICE_NOT_CONFIRMED error_name(ERROR_NOTICE_NOT_CONFIRMED)

/* Values of the property State, of a session or a stimulator. */
#define STATE_PAUSED "paused"
#define STATE_RUNNING "running"
#define OWNER_IS_THERE "there"
#define OWNER_HAS_LEFT "left"
#define STATE_ENDED "ended"
#define STATE_FAULT "fault"
#define STATE_GONE "gone"
#define STATE_ARMED "armed"
#define STATE_ARMING "arming"
#define STATE_BREAK "break"

/* The property EndReason of a session whose last pulse was played. */
#define END_COMPLETE "complete"

/* Values of the property Waiting. */
#define WAITS_OPERATOR "operator"
#define WAITS_TRIGGER "trigger"

#endif
