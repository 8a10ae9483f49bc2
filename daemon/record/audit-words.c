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
        case -EPROTO:
                return "a record does not match its type";
        case -ESTALE:
                return "memory holds bytes of a file that the disk never took, and cannot let go of them";
        default:
                return strerrordesc_np(-error) ? strerrordesc_np(-error) : "an unknown error";
        }
}
