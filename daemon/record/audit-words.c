/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit writer's errors mean to whoever called; see audit.h. */
#include "audit.h"

#define RESTART "systemctl restart tmsd"
#define REMEDY                                                          \
        "restore what was lost or changed from a backup, or put audit " \
        "and keys aside together and begin a new log: see THE AUDIT LOG in tmsd(8)"

void audit_unusable_sentence(int error, const char *problem, char buf[static AUDIT_SENTENCE])
{
        if (problem && error == -EBADMSG) {
                (void)snprintf(buf, AUDIT_SENTENCE, "the audit log does not hold: %s; " REMEDY, problem);
                return;
        }
        (void)snprintf(buf, AUDIT_SENTENCE, "the audit log cannot be opened: %s%s",
                       error == -EBUSY ? "another process writes it; end it (fuser -v /var/lib/tmsd/audit)"
                       : problem       ? problem
                                       : audit_error_text(error),
                       problem && strstr(problem, RESTART) ? "" /* it names its own remedy */
                       : error == -EBUSY                   ? ", then: " RESTART
                                                           : "; mend that, then: " RESTART);
}

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
        case -EPROTO:
                return "a record does not match its type";
        case -ESTALE:
                return "memory holds bytes of a file that the disk never took, and cannot let go of them";
        default:
                return strerrordesc_np(-error) ? strerrordesc_np(-error) : "an unknown error";
        }
}
