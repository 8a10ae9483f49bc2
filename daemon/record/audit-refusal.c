/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a call is refused whose entry the audit writer has refused; see audit.h. */
#include "audit.h"

enum error audit_refusal(const struct audit *a, int error, char buf[static AUDIT_REFUSAL_SIZE])
{
        enum error refusal = ERROR_AUDIT_FAILED;

        if (audit_failure(a)) {
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE, "Nothing may start: %s.", audit_failure(a));
        } else if (error == -ENOSPC && !STREQ(audit_state(a), "ok")) {
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE, "Nothing may start: %s, then try again.", audit_state(a));
        } else if (error == -ENOSPC) {
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE,
                               "The disk of the audit log has too little free space for this session: make room, then "
                               "try again.");
        } else if (error == -ENOMEM || error == -EMFILE || error == -ENFILE) {
                refusal = ERROR_FAILED;
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE,
                               "%s to record this with, so nothing was done; the audit log is sound. Try again in a "
                               "moment.",
                               error == -ENOMEM   ? "There is no memory"
                               : error == -EMFILE ? "The daemon has no file descriptor left"
                                                  : "The machine has no file descriptor left");
        } else {
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE,
                               "The audit log cannot be written, so nothing may start: %s. Mend that, "
                               "then try again.",
                               audit_error_text(error));
        }
        return refusal;
}
