/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From records of the audit log to rows of the index; see index-apply.h. How many pulses a session may have given is
 * counted as in history.c, which says why.
 *
 * A session that is under way is kept in memory between its records, and its row is written once in a transaction.
 */
#include "index-apply.h"
#include "subject.h"

static uint64_t number(const struct tms_audit_record *record, const char *key)
{
        uint64_t n = 0;

        (void)tms_audit_record_number(record, key, &n);
        return n;
}

/* What does not fit is as good as not there: the log has no such text. */
static void copy(const struct tms_audit_record *record, const char *key, char *buf, size_t size)
{
        if (!tms_audit_record_text(record, key, buf, size))
                buf[0] = '\0';
}

/* --- Rows --------------------------------------------------------------------------- */

static uint64_t column(sqlite3_stmt *row, int n)
{
        return (uint64_t)sqlite3_column_int64(row, n);
}

static void column_text(sqlite3_stmt *row, int n, char *buf, size_t size)
{
        (void)snprintf(buf, size, "%s", (const char *)sqlite3_column_text(row, n) ?: "");
}

void index_session_read(sqlite3_stmt *row, struct index_session *ret)
{
        struct index_session s = {.seq = column(row, 0)};

        column_text(row, 1, s.id, sizeof(s.id));
        column_text(row, 2, s.subject, sizeof(s.subject));
        column_text(row, 3, s.protocol, sizeof(s.protocol));
        column_text(row, 4, s.protocol_sha256, sizeof(s.protocol_sha256));
        column_text(row, 5, s.verdict, sizeof(s.verdict));
        column_text(row, 6, s.reason, sizeof(s.reason));
        s.card_serial = column(row, 7);
        s.coil_serial = column(row, 8);
        s.created_utc_ns = column(row, 9);
        s.started_utc_ns = column(row, 10);
        s.last_utc_ns = column(row, 11);
        s.ended_utc_ns = column(row, 12);
        s.percent_permille = column(row, 13);
        s.max_permille = column(row, 14);
        s.prescribed = column(row, 15);
        s.trains = column(row, 16);
        s.delivered = column(row, 17);
        s.missed = column(row, 18);
        s.unknown = column(row, 19);
        s.odometer = column(row, 20);
        s.discharged = column(row, 21);
        s.measuring = column(row, 22) != 0;
        s.overridden = column(row, 23) != 0;
        s.unsure = column(row, 24) != 0;
        s.settled = column(row, 25) != 0;
        *ret = s;
}

static void bind(sqlite3_stmt *statement, int n, uint64_t value)
{
        (void)sqlite3_bind_int64(statement, n, (sqlite3_int64)value);
}

/* The text must live until the statement has run. */
static void bind_text(sqlite3_stmt *statement, int n, const char *text)
{
        (void)sqlite3_bind_text(statement, n, text, -1, SQLITE_STATIC);
}

static int write_dose(struct index_store *store, const struct index_session *s, const char *person)
{
        uint64_t unknown = s->settled ? 0 : s->unknown;
        uint64_t at_most = s->delivered + unknown > s->discharged ? s->delivered + unknown : s->discharged;
        sqlite3_stmt *dose;
        int r = 0;

        if (s->started_utc_ns == 0)
                return 0;
        dose = index_statement(store, STATEMENT_DOSE, &r);
        if (!dose)
                return r;
        if ((s->ended_utc_ns == 0 || s->unsure) && s->prescribed > at_most)
                at_most = s->prescribed;
        bind(dose, 1, s->seq);
        bind_text(dose, 2, person);
        bind(dose, 3, s->started_utc_ns);
        bind(dose, 4, s->last_utc_ns);
        bind(dose, 5, s->measuring);
        bind(dose, 6, s->delivered);
        bind(dose, 7, unknown);
        bind(dose, 8, at_most);
        return index_run(store, dose);
}

static int write_session(struct index_store *store, const struct index_session *s)
{
        char person[SUBJECT_MAX + 1];
        sqlite3_stmt *row;
        int r = 0;

        row = index_statement(store, STATEMENT_SESSION, &r);
        if (!row)
                return r;
        subject_fold(s->subject, person);
        bind(row, 1, s->seq);
        bind_text(row, 2, s->id);
        bind_text(row, 3, s->subject);
        bind_text(row, 4, s->protocol);
        bind_text(row, 5, s->protocol_sha256);
        bind_text(row, 6, s->verdict);
        bind_text(row, 7, s->reason);
        bind(row, 8, s->card_serial);
        bind(row, 9, s->coil_serial);
        bind(row, 10, s->created_utc_ns);
        bind(row, 11, s->started_utc_ns);
        bind(row, 12, s->last_utc_ns);
        bind(row, 13, s->ended_utc_ns);
        bind(row, 14, s->percent_permille);
        bind(row, 15, s->max_permille);
        bind(row, 16, s->prescribed);
        bind(row, 17, s->trains);
        bind(row, 18, s->delivered);
        bind(row, 19, s->missed);
        bind(row, 20, s->unknown);
        bind(row, 21, s->odometer);
        bind(row, 22, s->discharged);
        bind(row, 23, s->measuring);
        bind(row, 24, s->overridden);
        bind(row, 25, s->unsure);
        bind(row, 26, s->settled);
        bind_text(row, 27, person);
        r = index_run(store, row);
        return r < 0 ? r : write_dose(store, s, person);
}

/* --- Sessions that are kept --------------------------------------------------------- */

static int put_away(struct index_apply *a, struct index_kept *k)
{
        int r;

        if (!k->used || !k->changed)
                return 0;
        r = write_session(a->store, &k->session);
        if (r >= 0)
                k->changed = false;
        return r;
}

int index_apply_flush(struct index_apply *a)
{
        size_t i;
        int r = 0;

        for (i = 0; r >= 0 && i < INDEX_KEPT; i++)
                r = put_away(a, &a->kept[i]);
        return r;
}

void index_apply_forget(struct index_apply *a)
{
        size_t i;

        for (i = 0; i < INDEX_KEPT; i++)
                a->kept[i].used = false;
}

static int keep(struct index_apply *a, struct index_kept **ret)
{
        struct index_kept *k = &a->kept[a->next];
        int r;

        r = put_away(a, k);
        if (r < 0)
                return r;
        a->next = (a->next + 1) % INDEX_KEPT;
        k->used = true;
        k->changed = false;
        *ret = k;
        return 0;
}

/* 0, with NULL: the log has no such session, as the pulses that another program has fired belong to none. */
static int find(struct index_apply *a, const char *id, struct index_kept **ret)
{
        struct index_session found;
        sqlite3_stmt *row;
        size_t i;
        int result, r = 0;

        *ret = NULL;
        for (i = 0; i < INDEX_KEPT; i++) {
                if (a->kept[i].used && STREQ(a->kept[i].session.id, id)) {
                        *ret = &a->kept[i];
                        return 0;
                }
        }
        row = index_statement(a->store, STATEMENT_SESSION_BY_ID, &r);
        if (!row)
                return r;
        bind_text(row, 1, id);
        result = sqlite3_step(row);
        if (result == SQLITE_ROW)
                index_session_read(row, &found);
        r = index_result(a->store, result);
        (void)sqlite3_reset(row);
        if (result != SQLITE_ROW)
                return r;
        r = keep(a, ret);
        if (r >= 0)
                (*ret)->session = found;
        return r;
}

/* --- What cards have counted -------------------------------------------------------- */

static int add_reading(struct index_apply *a, const struct tms_audit_record *record, const char *type,
                       uint64_t card_serial, uint64_t odometer, const uint64_t *expected)
{
        sqlite3_stmt *row;
        int r = 0;

        row = index_statement(a->store, STATEMENT_ODOMETER, &r);
        if (!row)
                return r;
        bind(row, 1, tms_audit_record_seq(record));
        bind(row, 2, card_serial);
        bind(row, 3, tms_audit_record_utc_ns(record));
        bind_text(row, 4, type);
        bind(row, 5, odometer);
        if (expected)
                bind(row, 6, *expected);
        else
                (void)sqlite3_bind_null(row, 6);
        return index_run(a->store, row);
}

/* A count below what is known to have been given comes from another counter, or was lost. It tells nothing. */
static void settle(struct index_kept *k, uint64_t odometer)
{
        struct index_session *s = &k->session;

        if (odometer < s->odometer || odometer - s->odometer < s->delivered)
                return;
        s->discharged = odometer - s->odometer;
        s->unsure = false;
        s->settled = true;
        k->changed = true;
}

/* Of so many at once; the others wait for the next reading. */
#define UNSURE_MAX 64

/* The card's odometer was read outside a session: it gives the count of each session on that card that is not sure. */
static int see_card(struct index_apply *a, uint64_t card_serial, uint64_t odometer)
{
        struct {
                char id[40];
                uint64_t until;
        } unsure[UNSURE_MAX];
        sqlite3_stmt *rows;
        int result = SQLITE_DONE, r = 0;
        size_t n = 0, i;

        r = index_apply_flush(a);
        if (r < 0)
                return r;
        rows = index_statement(a->store, STATEMENT_UNSURE, &r);
        if (!rows)
                return r;
        bind(rows, 1, card_serial);
        while (n < UNSURE_MAX && (result = sqlite3_step(rows)) == SQLITE_ROW) {
                column_text(rows, 0, unsure[n].id, sizeof(unsure[n].id));
                unsure[n].until = sqlite3_column_type(rows, 1) == SQLITE_NULL ? odometer : column(rows, 1);
                n++;
        }
        r = index_result(a->store, result);
        (void)sqlite3_reset(rows);
        for (i = 0; r >= 0 && i < n; i++) {
                struct index_kept *k;

                r = find(a, unsure[i].id, &k);
                if (r >= 0 && k)
                        settle(k, unsure[i].until);
        }
        return r;
}

static int see_reading(struct index_apply *a, const struct tms_audit_record *record, const char *type, const char *key)
{
        uint64_t card_serial = number(record, "card_serial"), odometer, expected;
        bool has_expected;
        int r;

        if (!tms_audit_record_number(record, key, &odometer))
                return 0;
        has_expected = tms_audit_record_number(record, "expected", &expected);
        r = see_card(a, card_serial, odometer);
        return r < 0 ? r : add_reading(a, record, type, card_serial, odometer, has_expected ? &expected : NULL);
}

/* --- Sessions ----------------------------------------------------------------------- */

static int see_create(struct index_apply *a, const struct tms_audit_record *record)
{
        struct index_kept *k;
        struct index_session *s;
        int r;

        /* Before the session is there, so that this reading counts for the earlier ones alone. */
        r = see_reading(a, record, "session.create", "odometer");
        if (r >= 0)
                r = keep(a, &k);
        if (r < 0)
                return r;
        k->changed = true;
        s = &k->session;
        *s = (struct index_session){.seq = tms_audit_record_seq(record),
                                    .created_utc_ns = tms_audit_record_utc_ns(record),
                                    .card_serial = number(record, "card_serial"),
                                    .coil_serial = number(record, "coil_serial"),
                                    .odometer = number(record, "odometer")};
        s->last_utc_ns = s->created_utc_ns;
        copy(record, "session", s->id, sizeof(s->id));
        copy(record, "subject", s->subject, sizeof(s->subject));
        return 0;
}

static void see_prepare(struct index_session *s, const struct tms_audit_record *record)
{
        copy(record, "protocol", s->protocol, sizeof(s->protocol));
        copy(record, "sha256", s->protocol_sha256, sizeof(s->protocol_sha256));
        copy(record, "verdict", s->verdict, sizeof(s->verdict));
        s->percent_permille = number(record, "percent_permille");
        s->max_permille = number(record, "max_permille");
        s->prescribed = number(record, "pulses");
        s->trains = number(record, "trains");
        s->measuring = tms_audit_record_true(record, "measuring");
        s->overridden = STREQ(s->verdict, "override");
}

static void see_counts(struct index_session *s, const struct tms_audit_record *record)
{
        s->delivered = number(record, "delivered");
        s->missed = number(record, "missed");
        s->unknown = number(record, "unknown");
}

/* Pulses whose records the kernel had kept are added to their session, which may have ended already. */
static void see_recovered(struct index_session *s, const struct tms_audit_record *record)
{
        see_counts(s, record);
        /* An odometer that was seen before and shows less tells nothing any more. */
        if (s->settled && s->discharged < s->delivered)
                s->settled = false;
}

static int see_end(struct index_apply *a, struct index_kept *k, const struct tms_audit_record *record)
{
        struct index_session *s = &k->session;
        uint64_t odometer;

        see_counts(s, record);
        copy(record, "reason", s->reason, sizeof(s->reason));
        s->ended_utc_ns = tms_audit_record_utc_ns(record);
        s->unsure = s->started_utc_ns != 0;
        if (!tms_audit_record_number(record, "odometer", &odometer))
                return 0;
        settle(k, odometer);
        return add_reading(a, record, "session.end", s->card_serial, odometer, NULL);
}

static int see_session(struct index_apply *a, const struct tms_audit_record *record)
{
        struct index_kept *k;
        char id[40];
        int r;

        if (!tms_audit_record_text(record, "session", id, sizeof(id)))
                return 0;
        r = find(a, id, &k);
        if (r < 0 || !k)
                return r;
        k->changed = true;
        if (k->session.ended_utc_ns == 0)
                k->session.last_utc_ns = tms_audit_record_utc_ns(record);
        if (tms_audit_record_is(record, "session.pulses"))
                see_counts(&k->session, record);
        else if (tms_audit_record_is(record, "recovery.pulses"))
                see_recovered(&k->session, record);
        else if (tms_audit_record_is(record, "session.prepare"))
                see_prepare(&k->session, record);
        else if (tms_audit_record_is(record, "session.start.intent") && k->session.started_utc_ns == 0)
                k->session.started_utc_ns = tms_audit_record_utc_ns(record);
        else if (tms_audit_record_is(record, "session.end"))
                return see_end(a, k, record);
        return 0;
}

static int see_seal(struct index_apply *a, const struct tms_audit_record *record)
{
        struct tms_audit_place place;
        sqlite3_stmt *row;
        int r;

        r = tms_audit_record_place(record, &place);
        if (r < 0)
                return r;
        row = index_statement(a->store, STATEMENT_SEAL, &r);
        if (!row)
                return r;
        bind(row, 1, place.seq);
        bind(row, 2, tms_audit_record_utc_ns(record));
        bind(row, 3, number(record, "key"));
        bind(row, 4, place.segment);
        bind(row, 5, place.offset);
        bind(row, 6, place.size);
        return index_run(a->store, row);
}

int index_apply(struct index_apply *a, const struct tms_audit_record *record)
{
        if (tms_audit_record_is(record, "session.create"))
                return see_create(a, record);
        if (tms_audit_record_is(record, "seal"))
                return see_seal(a, record);
        if (tms_audit_record_is(record, "stimulator.add"))
                return see_reading(a, record, "stimulator.add", "odometer");
        if (tms_audit_record_is(record, "stimulator.odometer"))
                return see_reading(a, record, "stimulator.odometer", "found");
        return see_session(a, record);
}
