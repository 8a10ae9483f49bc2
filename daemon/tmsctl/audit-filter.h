/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which records audit show is asked for. */
#ifndef TMSCTL_AUDIT_FILTER_H
#define TMSCTL_AUDIT_FILTER_H

#include "tmsctl.h"

struct audit_filter {
        bool has_since, has_until;
        int64_t since_usec, until_usec;
        uint64_t session_records; /* that were seen of opt.session, wanted or not */
        uint64_t wanted;          /* records that were asked for */
};

/* Reads --type, --since and --until. Returns STATUS_OK, or prints what is not understood and returns an exit status. */
int audit_filter_read(struct audit_filter *f);
/* Is this record one that the options ask for? To be called once for each. */
bool audit_filter_wants(struct audit_filter *f, const json_t *record);
/* To be called after the last record: says on standard error if none was asked for, and what none was. */
void audit_filter_end(const struct audit_filter *f);

#endif
