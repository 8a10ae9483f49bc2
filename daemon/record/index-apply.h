/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From records of the audit log to rows of the index. For the index's thread, within a transaction. */
#ifndef TMSD_INDEX_APPLY_H
#define TMSD_INDEX_APPLY_H

#include "index-store.h"
#include "index.h"

/* So many sessions that are under way are kept between their records, before their rows are written. */
#define INDEX_KEPT 8

struct index_kept {
        struct index_session session;
        bool used, changed;
};

struct index_apply {
        struct index_store *store;
        struct index_kept kept[INDEX_KEPT];
        unsigned next; /* to be given up when there is no room */
};

/* Errors as in index-store.h. */
int index_apply(struct index_apply *a, const struct tms_audit_record *record);
/* Writes the rows that are kept. */
int index_apply_flush(struct index_apply *a);
/* Forgets them: the transaction was rolled back, or the database is another one. */
void index_apply_forget(struct index_apply *a);

/* A row of the table sessions, its columns in the order of INDEX_SESSION_COLUMNS. */
#define INDEX_SESSION_COLUMNS                                                                                      \
        "seq, id, subject, protocol, protocol_sha256, verdict, reason, card_serial, coil_serial, created_utc_ns, " \
        "started_utc_ns, last_utc_ns, ended_utc_ns, percent_permille, max_permille, prescribed, trains, "          \
        "delivered, missed, unknown, odometer, discharged, measuring, overridden, unsure, settled"
void index_session_read(sqlite3_stmt *row, struct index_session *ret);

#endif
