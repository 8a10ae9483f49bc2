/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the index says; see index.h. A reader has a connection of its own, which is opened anew each time, so that it is
 * never one to a database that was thrown away meanwhile.
 */
#include "index-internal.h"
#include "subject.h"

#define WAIT_NS (2 * NS_PER_S)

struct index_reader {
        sqlite3 *db;
};

struct index_reader *index_reader_free(struct index_reader *r)
{
        if (!r)
                return NULL;
        (void)sqlite3_close(r->db);
        free(r);
        return NULL;
}

/* 0, or -EAGAIN: it does not have all records that were durable when this was called. */
static int wait_for_records(struct index *x, uint64_t *ret)
{
        const uint64_t deadline = now_ns(CLOCK_MONOTONIC) + WAIT_NS;
        uint64_t wanted, asked;
        bool there;

        pthread_mutex_lock(&x->lock);
        wanted = x->durable;
        asked = ++x->asked;
        pthread_cond_signal(&x->wake);
        /* A look that begins from now on finds it if somebody has taken the index away. */
        while (!x->closing && x->condition != INDEX_UNUSABLE && (x->answered < asked || x->records < wanted) &&
               index_wait(x, &x->moved, deadline))
                ;
        there = !x->closing && x->condition != INDEX_UNUSABLE && x->answered >= asked && x->records >= wanted;
        pthread_mutex_unlock(&x->lock);
        *ret = wanted;
        return there ? 0 : -EAGAIN;
}

/* Begins the transaction that gives the one moment. Looks whether it is the database that the thread has spoken of. */
static int begin(struct index_reader *r, const char *origin, uint64_t records)
{
        sqlite3_stmt *q = NULL;
        int result, e = 0;

        result = sqlite3_exec(r->db,
                              "PRAGMA query_only = ON; PRAGMA cache_size = -512; PRAGMA trusted_schema = OFF; BEGIN",
                              NULL, NULL, NULL);
        if (result == SQLITE_OK)
                result = sqlite3_prepare_v2(r->db,
                                            "SELECT 1 FROM meta WHERE schema = ? AND origin = ? AND records >= ?", -1,
                                            &q, NULL);
        if (result == SQLITE_OK) {
                (void)sqlite3_bind_int(q, 1, INDEX_SCHEMA);
                (void)sqlite3_bind_text(q, 2, origin, -1, SQLITE_STATIC);
                (void)sqlite3_bind_int64(q, 3, (sqlite3_int64)records);
                result = sqlite3_step(q);
                if (result == SQLITE_DONE)
                        e = -EAGAIN;
        }
        if (result != SQLITE_ROW && result != SQLITE_DONE)
                e = index_errno(r->db, result);
        (void)sqlite3_finalize(q);
        return e;
}

int index_read(struct index *x, struct index_reader **ret)
{
        _cleanup_(index_reader_freep) struct index_reader *r = NULL;
        char path[PATH_MAX];
        uint64_t records;
        int result, e;

        if (!x)
                return -EAGAIN;
        e = wait_for_records(x, &records);
        if (e < 0)
                return e;
        e = index_path(x->state_fd, INDEX_NAME, path);
        if (e < 0)
                return e;
        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        result = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
                                 NULL);
        if (result != SQLITE_OK) {
                e = index_errno(r->db, result);
        } else {
                (void)sqlite3_busy_timeout(r->db, LOCK_NS / NS_PER_MS);
                e = begin(r, x->origin, records);
        }
        /* It was thrown away between the two looks, or is about to be. */
        if (e == -ESTALE || e == -ENOENT)
                e = -EAGAIN;
        if (e < 0)
                return e;
        *ret = TAKE_PTR(r);
        return 0;
}

/* --- Lists ------------------------------------------------------------------------------ */

static int prepare(struct index_reader *r, const char *sql, sqlite3_stmt **ret)
{
        return index_errno(r->db, sqlite3_prepare_v2(r->db, sql, -1, ret, NULL));
}

static void bind(sqlite3_stmt *q, int n, uint64_t value)
{
        (void)sqlite3_bind_int64(q, n, (sqlite3_int64)value);
}

/* Takes q over. */
static int list_sessions(struct index_reader *r, sqlite3_stmt *q, index_session_fn found, void *userdata)
{
        struct index_session s;
        int result, e = 0;

        while (e == 0 && (result = sqlite3_step(q)) != SQLITE_DONE) {
                if (result != SQLITE_ROW) {
                        e = index_errno(r->db, result);
                        break;
                }
                index_session_read(q, &s);
                e = found(&s, userdata);
        }
        (void)sqlite3_finalize(q);
        return e;
}

int index_sessions_of(struct index_reader *r, const char *subject, index_session_fn found, void *userdata)
{
        char person[SUBJECT_MAX + 1];
        sqlite3_stmt *q = NULL;
        int e;

        e = prepare(r, "SELECT " INDEX_SESSION_COLUMNS " FROM sessions WHERE person = ? ORDER BY seq", &q);
        if (e < 0)
                return e;
        subject_fold(subject, person);
        (void)sqlite3_bind_text(q, 1, person, -1, SQLITE_STATIC);
        return list_sessions(r, q, found, userdata);
}

int index_sessions_between(struct index_reader *r, uint64_t from_utc_ns, uint64_t until_utc_ns, index_session_fn found,
                           void *userdata)
{
        sqlite3_stmt *q = NULL;
        int e;

        e = prepare(r,
                    "SELECT " INDEX_SESSION_COLUMNS
                    " FROM sessions WHERE created_utc_ns >= ? AND created_utc_ns < ? ORDER BY created_utc_ns, seq",
                    &q);
        if (e < 0)
                return e;
        bind(q, 1, from_utc_ns);
        bind(q, 2, until_utc_ns);
        return list_sessions(r, q, found, userdata);
}

int index_dose_of(struct index_reader *r, const char *subject, uint64_t from_utc_ns, uint64_t until_utc_ns,
                  struct index_dose *ret)
{
        struct index_dose dose = {0};
        char person[SUBJECT_MAX + 1];
        sqlite3_stmt *q = NULL;
        int result, e;

        e = prepare(r,
                    "SELECT measuring, count(*), sum(delivered), sum(at_most), sum(unknown) FROM doses "
                    "WHERE person = ? AND last_utc_ns >= ? AND from_utc_ns < ? GROUP BY measuring",
                    &q);
        if (e < 0)
                return e;
        subject_fold(subject, person);
        (void)sqlite3_bind_text(q, 1, person, -1, SQLITE_STATIC);
        bind(q, 2, from_utc_ns);
        bind(q, 3, until_utc_ns);
        while ((result = sqlite3_step(q)) == SQLITE_ROW) {
                bool measuring = sqlite3_column_int(q, 0) != 0;

                dose.sessions += (uint64_t)sqlite3_column_int64(q, 1);
                dose.unknown += (uint64_t)sqlite3_column_int64(q, 4);
                *(measuring ? &dose.measuring : &dose.treatment) = (uint64_t)sqlite3_column_int64(q, 2);
                *(measuring ? &dose.measuring_at_most : &dose.treatment_at_most) = (uint64_t)sqlite3_column_int64(q, 3);
        }
        e = index_errno(r->db, result);
        (void)sqlite3_finalize(q);
        if (e < 0)
                return e;
        *ret = dose;
        return 0;
}

int index_odometer(struct index_reader *r, uint64_t card_serial, index_reading_fn found, void *userdata)
{
        sqlite3_stmt *q = NULL;
        int result, e;

        e = prepare(r, "SELECT seq, utc_ns, odometer, type, expected FROM odometers WHERE card_serial = ? ORDER BY seq",
                    &q);
        if (e < 0)
                return e;
        bind(q, 1, card_serial);
        while (e == 0 && (result = sqlite3_step(q)) != SQLITE_DONE) {
                struct index_reading reading = {0};

                if (result != SQLITE_ROW) {
                        e = index_errno(r->db, result);
                        break;
                }
                reading.seq = (uint64_t)sqlite3_column_int64(q, 0);
                reading.utc_ns = (uint64_t)sqlite3_column_int64(q, 1);
                reading.odometer = (uint64_t)sqlite3_column_int64(q, 2);
                (void)snprintf(reading.type, sizeof(reading.type), "%s", (const char *)sqlite3_column_text(q, 3) ?: "");
                reading.has_expected = sqlite3_column_type(q, 4) != SQLITE_NULL;
                reading.expected = (uint64_t)sqlite3_column_int64(q, 4);
                e = found(&reading, userdata);
        }
        (void)sqlite3_finalize(q);
        return e;
}
