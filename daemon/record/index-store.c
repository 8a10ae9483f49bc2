/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index's database; see index-store.h. */
#include <fcntl.h>
#include <sys/stat.h>

#include "index-apply.h"
#include "index.h"

/*
 * Whole numbers are signed in SQLite. A serial number above INT64_MAX is there as the negative number of the same bits;
 * serial numbers are only compared for being the same. Times are UTC in nanoseconds since 1970. A text column is never
 * NULL, and a time or a count that is not there is 0.
 *
 * person: the subject's code as subject_fold() writes it. doses: the sessions that have started, from their start to
 * their last record; at_most: how many pulses they may have given, as far as anybody knows.
 */
static const char tables[] =
                "BEGIN;"
                "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK (one = 1), schema INTEGER NOT NULL, "
                "origin TEXT NOT NULL, records INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, "
                "size INTEGER NOT NULL, sha256 TEXT NOT NULL) STRICT;"
                "CREATE TABLE sessions(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL, "
                "subject TEXT NOT NULL, protocol TEXT NOT NULL, protocol_sha256 TEXT NOT NULL, verdict TEXT NOT NULL, "
                "reason TEXT NOT NULL, card_serial INTEGER NOT NULL, coil_serial INTEGER NOT NULL, "
                "created_utc_ns INTEGER NOT NULL, started_utc_ns INTEGER NOT NULL, last_utc_ns INTEGER NOT NULL, "
                "ended_utc_ns INTEGER NOT NULL, percent_permille INTEGER NOT NULL, max_permille INTEGER NOT NULL, "
                "prescribed INTEGER NOT NULL, trains INTEGER NOT NULL, delivered INTEGER NOT NULL, "
                "missed INTEGER NOT NULL, unknown INTEGER NOT NULL, odometer INTEGER NOT NULL, discharged INTEGER NOT "
                "NULL, "
                "measuring INTEGER NOT NULL, overridden INTEGER NOT NULL, unsure INTEGER NOT NULL, settled INTEGER NOT "
                "NULL) STRICT;"
                "CREATE INDEX sessions_person ON sessions(person, created_utc_ns);"
                "CREATE INDEX sessions_created ON sessions(created_utc_ns);"
                "CREATE INDEX sessions_card ON sessions(card_serial, seq);"
                "CREATE INDEX sessions_unsure ON sessions(card_serial) WHERE unsure;"
                "CREATE TABLE doses(session INTEGER PRIMARY KEY REFERENCES sessions(seq), person TEXT NOT NULL, "
                "from_utc_ns INTEGER NOT NULL, last_utc_ns INTEGER NOT NULL, measuring INTEGER NOT NULL, "
                "delivered INTEGER NOT NULL, unknown INTEGER NOT NULL, at_most INTEGER NOT NULL) STRICT;"
                "CREATE INDEX doses_person ON doses(person, last_utc_ns);"
                "CREATE TABLE odometers(seq INTEGER PRIMARY KEY, card_serial INTEGER NOT NULL, utc_ns INTEGER NOT "
                "NULL, "
                "type TEXT NOT NULL, odometer INTEGER NOT NULL, expected INTEGER) STRICT;"
                "CREATE INDEX odometers_card ON odometers(card_serial, seq);"
                "CREATE TABLE seals(seq INTEGER PRIMARY KEY, utc_ns INTEGER NOT NULL, key INTEGER NOT NULL, "
                "segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;";

/*
 * A commit reaches the disk later, in order: after a power cut the index is some way behind, and whole. cell_size_check
 * finds damage where it would else be followed.
 */
static const char settings[] =
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 256;"
                "PRAGMA journal_size_limit = 1048576; PRAGMA cache_size = -512;"
                "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

#define VALUES_10 "?,?,?,?,?,?,?,?,?,?"

static const char *const statements[STATEMENTS] = {
                [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
                [STATEMENT_COMMIT] = "COMMIT",
                [STATEMENT_ROLLBACK] = "ROLLBACK",
                [STATEMENT_STAMP] = "UPDATE meta SET records = ?, segment = ?, offset = ?, size = ?, sha256 = ?",
                [STATEMENT_SESSION] = "INSERT OR REPLACE INTO sessions(" INDEX_SESSION_COLUMNS
                                      ", person) VALUES(" VALUES_10 "," VALUES_10 ",?,?,?,?,?,?,?)",
                [STATEMENT_SESSION_BY_ID] = "SELECT " INDEX_SESSION_COLUMNS " FROM sessions WHERE id = ?",
                /* Beside each the odometer at which the next session on that card began. */
                [STATEMENT_UNSURE] =
                                "SELECT id, (SELECT odometer FROM sessions AS n WHERE n.card_serial = s.card_serial "
                                "AND n.seq > s.seq ORDER BY n.seq LIMIT 1) "
                                "FROM sessions AS s WHERE card_serial = ? AND unsure ORDER BY seq DESC",
                [STATEMENT_DOSE] = "INSERT OR REPLACE INTO doses(session, person, from_utc_ns, last_utc_ns, measuring, "
                                   "delivered, unknown, at_most) VALUES(?,?,?,?,?,?,?,?)",
                [STATEMENT_ODOMETER] = "INSERT INTO odometers(seq, card_serial, utc_ns, type, odometer, expected) "
                                       "VALUES(?,?,?,?,?,?)",
                [STATEMENT_SEAL] = "INSERT INTO seals(seq, utc_ns, key, segment, offset, size) VALUES(?,?,?,?,?,?)",
};

static const char *const names[] = {INDEX_NAME, INDEX_NAME "-wal", INDEX_NAME "-shm"};

static int _printf_(3, 4) why(struct index_store *s, int r, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(s->why, sizeof(s->why), format, ap);
        va_end(ap);
        return r;
}

int index_errno(sqlite3 *db, int result)
{
        int error = db ? sqlite3_system_errno(db) : 0;

        switch (result & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return result == SQLITE_READONLY_DBMOVED ? -ESTALE : -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_IOERR:
                /* A file that is too short is no failure of the disk. */
                return result == SQLITE_IOERR_SHORT_READ ? -ESTALE
                       : result == SQLITE_IOERR_NOMEM    ? -ENOMEM
                       : error > 0                       ? -error
                                                         : -EIO;
        case SQLITE_CANTOPEN:
                /* It was there a moment ago. */
                return error == ENOENT ? -ESTALE : error > 0 ? -error : -EACCES;
        default:
                /* No database, a damaged one, one that has no such tables or other rows: it is of no use. */
                return -ESTALE;
        }
}

int index_result(struct index_store *s, int result)
{
        int r = index_errno(s->db, result);

        return r == 0 ? 0 : why(s, r, "%s", s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(result));
}

/* --- Files -------------------------------------------------------------------------- */

int index_path(int state_fd, const char *name, char ret[static PATH_MAX])
{
        char link[32];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", state_fd);
        n = readlink(link, ret, PATH_MAX);
        if (n < 0)
                return -errno;
        if ((size_t)n + strlen(name) + 2 > PATH_MAX)
                return -ENAMETOOLONG;
        ret[n] = '/';
        strcpy(ret + n + 1, name);
        return 0;
}

static int remove_files(struct index_store *s)
{
        size_t i;

        /* The database itself goes first: without its log it may be a mixture of two times. */
        for (i = 0; i < ELEMENTS(names); i++) {
                if (unlinkat(s->state_fd, names[i], 0) < 0 && errno != ENOENT)
                        return why(s, -errno, "%s cannot be removed: %s", names[i], strerror(errno));
        }
        return 0;
}

static int make_file(struct index_store *s)
{
        int fd, r;

        /* What an index that was taken away has left would be taken for a part of the new one. */
        r = remove_files(s);
        if (r < 0)
                return r;
        fd = openat(s->state_fd, INDEX_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return why(s, -errno, INDEX_NAME " cannot be made: %s", strerror(errno));
        (void)close(fd);
        return 0;
}

/* Looks at the file before SQLite does. -ENOENT: there is none. */
static int look_at_file(struct index_store *s)
{
        struct stat st;

        if (fstatat(s->state_fd, INDEX_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? -ENOENT : why(s, -errno, INDEX_NAME ": %s", strerror(errno));
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
                return why(s, -ESTALE, INDEX_NAME " is no file that only tmsd can read");
        return 0;
}

static int note_files(struct index_store *s)
{
        struct stat st;
        size_t i;

        for (i = 0; i < ELEMENTS(names); i++) {
                if (fstatat(s->state_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
                        return why(s, -ESTALE, "%s is gone", names[i]);
                s->files[i] = (struct index_file){.dev = st.st_dev, .ino = st.st_ino};
        }
        return 0;
}

int index_store_look(struct index_store *s)
{
        struct stat st;
        size_t i;

        for (i = 0; i < ELEMENTS(names); i++) {
                if (fstatat(s->state_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
                        return why(s, errno == ENOENT ? -ESTALE : -errno, "%s was taken away", names[i]);
                if (s->files[i].dev != st.st_dev || s->files[i].ino != st.st_ino)
                        return why(s, -ESTALE, "%s is another file now", names[i]);
        }
        return 0;
}

/* --- Statements --------------------------------------------------------------------- */

sqlite3_stmt *index_statement(struct index_store *s, enum index_statement n, int *ret)
{
        int r;

        if (!s->statement[n]) {
                r = sqlite3_prepare_v3(s->db, statements[n], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[n], NULL);
                if (r != SQLITE_OK) {
                        *ret = index_result(s, r);
                        return NULL;
                }
        }
        return s->statement[n];
}

int index_run(struct index_store *s, sqlite3_stmt *statement)
{
        int result, r;

        do
                result = sqlite3_step(statement);
        while (result == SQLITE_ROW);
        r = index_result(s, result);
        (void)sqlite3_reset(statement);
        return r;
}

static int run_plain(struct index_store *s, enum index_statement n)
{
        int r = 0;
        sqlite3_stmt *statement = index_statement(s, n, &r);

        return statement ? index_run(s, statement) : r;
}

int index_begin(struct index_store *s)
{
        return run_plain(s, STATEMENT_BEGIN);
}

void index_rollback(struct index_store *s)
{
        /* SQLite has rolled some failed transactions back by itself. */
        if (s->db && !sqlite3_get_autocommit(s->db))
                (void)run_plain(s, STATEMENT_ROLLBACK);
}

int index_commit(struct index_store *s, const struct tms_audit_place *at)
{
        int r = 0;
        sqlite3_stmt *stamp = index_statement(s, STATEMENT_STAMP, &r);

        if (!stamp)
                return r;
        (void)sqlite3_bind_int64(stamp, 1, (sqlite3_int64)at->seq + 1);
        (void)sqlite3_bind_int64(stamp, 2, (sqlite3_int64)at->segment);
        (void)sqlite3_bind_int64(stamp, 3, (sqlite3_int64)at->offset);
        (void)sqlite3_bind_int64(stamp, 4, (sqlite3_int64)at->size);
        (void)sqlite3_bind_text(stamp, 5, at->sha256, -1, SQLITE_STATIC);
        r = index_run(s, stamp);
        if (r >= 0)
                r = run_plain(s, STATEMENT_COMMIT);
        if (r < 0)
                return r;
        s->at = *at;
        s->records = at->seq + 1;
        return 0;
}

/* --- Opening ------------------------------------------------------------------------ */

static int execute(struct index_store *s, const char *sql)
{
        return index_result(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static int make_tables(struct index_store *s)
{
        char stamp[200];
        int r;

        (void)snprintf(stamp, sizeof(stamp), "INSERT INTO meta VALUES(1, %d, '%s', 0, 0, 0, 0, ''); COMMIT;",
                       INDEX_SCHEMA, s->origin);
        r = execute(s, tables);
        return r < 0 ? r : execute(s, stamp);
}

static int check_sound(struct index_store *s)
{
        sqlite3_stmt *q = NULL;
        int result, r = 0;

        result = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL);
        if (result == SQLITE_OK)
                result = sqlite3_step(q);
        if (result != SQLITE_ROW)
                r = index_result(s, result);
        else if (strcmp((const char *)sqlite3_column_text(q, 0) ?: "", "ok") != 0)
                r = why(s, -ESTALE, "it is damaged");
        (void)sqlite3_finalize(q);
        return r;
}

static const char *text(sqlite3_stmt *row, int column)
{
        return (const char *)sqlite3_column_text(row, column) ?: "";
}

static int read_stamp(struct index_store *s)
{
        sqlite3_stmt *q = NULL;
        int result, r = 0;

        result = sqlite3_prepare_v2(s->db, "SELECT schema, origin, records, segment, offset, size, sha256 FROM meta",
                                    -1, &q, NULL);
        if (result == SQLITE_OK)
                result = sqlite3_step(q);
        if (result == SQLITE_DONE || (result == SQLITE_ROW && sqlite3_column_int64(q, 0) != INDEX_SCHEMA))
                r = why(s, -ESTALE, "it is of another version");
        else if (result != SQLITE_ROW)
                r = index_result(s, result);
        else if (!STREQ(text(q, 1), s->origin))
                r = why(s, -ESTALE, "it is of another log");
        if (r >= 0) {
                s->records = (uint64_t)sqlite3_column_int64(q, 2);
                s->at = (struct tms_audit_place){.segment = (uint64_t)sqlite3_column_int64(q, 3),
                                                 .offset = (uint64_t)sqlite3_column_int64(q, 4),
                                                 .size = (uint64_t)sqlite3_column_int64(q, 5),
                                                 .seq = s->records - 1};
                (void)snprintf(s->at.sha256, sizeof(s->at.sha256), "%s", text(q, 6));
        }
        (void)sqlite3_finalize(q);
        return r;
}

static int open_database(struct index_store *s, bool made)
{
        char path[PATH_MAX];
        int r;

        r = index_path(s->state_fd, INDEX_NAME, path);
        if (r < 0)
                return why(s, r, "its path is not known: %s", strerror(-r));
        r = index_result(s, sqlite3_open_v2(path, &s->db,
                                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL));
        if (r < 0)
                return r;
        (void)sqlite3_extended_result_codes(s->db, 1);
        (void)sqlite3_busy_timeout(s->db, LOCK_NS / NS_PER_MS);
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        r = execute(s, settings);
        if (r >= 0 && made)
                r = make_tables(s);
        if (r >= 0 && !made)
                r = check_sound(s);
        if (r >= 0)
                r = read_stamp(s);
        return r < 0 ? r : note_files(s);
}

int index_store_open(struct index_store *s, bool *ret_made)
{
        bool made;
        int r;

        r = look_at_file(s);
        made = r == -ENOENT;
        if (made)
                r = make_file(s);
        if (r >= 0)
                r = open_database(s, made);
        if (r < 0) {
                index_store_close(s);
                return r;
        }
        *ret_made = made;
        return 0;
}

void index_store_close(struct index_store *s)
{
        size_t i;

        for (i = 0; i < STATEMENTS; i++) {
                (void)sqlite3_finalize(s->statement[i]);
                s->statement[i] = NULL;
        }
        (void)sqlite3_close(s->db);
        s->db = NULL;
        s->records = 0;
}

int index_store_discard(struct index_store *s)
{
        index_store_close(s);
        return remove_files(s);
}
