/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit writer's errors mean to whoever called; see audit.h. */
#include "audit.h"

const char *audit_error_text(int error)
{
        switch (error) {
        case -ENOMEM:
                return "there is no memory";
        case -EMFILE:
                return "the daemon has no file descriptor left";
        case -ENFILE:
                return "the machine has no file descriptor left";
        case -ENOSPC:
                return "the disk is full";
        case -EDQUOT:
                return "the disk quota is used up";
        case -EROFS:
                return "the file system has become read-only";
        case -EIO:
                return "the disk reports an input/output error";
        case -ENOENT:
                return "a file is gone";
        case -EBADMSG:
                return "a file is not what was written";
        case -ESTALE:
                return "memory holds bytes of a file that the disk never took, and cannot let go of them";
        default:
                return strerrordesc_np(-error) ? strerrordesc_np(-error) : "an unknown error";
        }
}

const char *audit_refusal(const struct audit *a, int error, char buf[static AUDIT_REFUSAL_SIZE])
{
        const char *name = "AuditFailed";

        if (audit_failure(a)) {
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE, "Nothing may start: %s.", audit_failure(a));
        } else if (error == -ENOSPC) {
                (void)snprintf(buf, AUDIT_REFUSAL_SIZE,
                               "The disk of the audit log has too little free space for this session: make room, then "
                               "try again.");
        } else if (error == -ENOMEM || error == -EMFILE || error == -ENFILE) {
                name = "Failed";
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
        return name;
}
