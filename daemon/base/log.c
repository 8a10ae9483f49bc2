/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines go to the journal when systemd started us, else to standard
 * error. A line is for the person who looks after the machine; what an
 * auditor needs goes to the audit log instead.
 */
#include <stdarg.h>
#include <systemd/sd-journal.h>

#include "util.h"

void log_line(int priority, const char *format, ...)
{
        static int journal = -1;
        va_list ap;

        if (journal < 0)
                journal = getenv("JOURNAL_STREAM") ? 1 : 0;
        va_start(ap, format);
        if (journal) {
                (void)sd_journal_printv(priority, format, ap);
        } else {
                (void)vfprintf(stderr, format, ap);
                (void)fputc('\n', stderr);
        }
        va_end(ap);
}
