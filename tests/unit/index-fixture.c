/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log with some sessions in it, and an index of it; see index-fixture.h. */
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "index-fixture.h"

const char *const index_files[3] = {INDEX_NAME, INDEX_NAME "-wal", INDEX_NAME "-shm"};

int index_setup(void **state)
{
        struct index_log *l = calloc(1, sizeof(*l));
        void *scratch = NULL;

        assert_non_null(l);
        assert_int_equal(scratch_setup(&scratch), 0);
        l->scratch = scratch;
        l->log = scratch_log_open(l->scratch->fd);
        *state = l;
        return 0;
}

int index_teardown(void **state)
{
        struct index_log *l = *state;
        void *scratch = l->scratch;

        auditlog_free(l->log);
        free(l);
        return scratch_teardown(&scratch);
}

void index_add(struct index_log *l, const char *type, json_t *more)
{
        _cleanup_(json_decrefp) json_t *data = scratch_data(type);
        uint64_t utc_ns = INDEX_BEGIN_NS + ++l->n * INDEX_STEP_NS;

        if (more) {
                assert_int_equal(json_object_update(data, more), 0);
                json_decref(more);
        }
        if (auditlog_append(l->log, type, NULL, "", data, utc_ns, l->n) < 0)
                fail_msg("%s: %s", type, auditlog_misfit(l->log));
        assert_int_equal(auditlog_sync(l->log), 0);
}

static void seal(struct index_log *l)
{
        l->n++;
        assert_int_equal(auditlog_seal(l->log, NULL, "", INDEX_BEGIN_NS + l->n * INDEX_STEP_NS, l->n, NULL), 0);
}

static json_t *of(const char *session)
{
        return json_pack("{s:s}", "session", session);
}

static void create(struct index_log *l, const char *session, const char *subject, uint64_t card, int odometer)
{
        index_add(l, "session.create",
                  json_pack("{s:s, s:s, s:o, s:i}", "session", session, "subject", subject, "card_serial",
                            json_u64(card), "odometer", odometer));
}

static void start(struct index_log *l, const char *session, int pulses, bool measuring, const char *verdict)
{
        index_add(l, "session.prepare",
                  json_pack("{s:s, s:s, s:i, s:i, s:b, s:s, s:i}", "session", session, "protocol", "a-protocol",
                            "pulses", pulses, "trains", 2, "measuring", measuring, "verdict", verdict, "max_permille",
                            643));
        index_add(l, "session.start.intent", of(session));
        index_add(l, "session.start", of(session));
}

static json_t *counts(const char *session, int delivered, int missed)
{
        return json_pack("{s:s, s:s, s:i, s:i}", "session", session, "file", "pulses/x.tsv", "delivered", delivered,
                         "missed", missed);
}

json_t *index_recovered(const char *session, unsigned delivered)
{
        char sha256[65];

        memset(sha256, 'a', 64);
        sha256[64] = '\0';
        return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:s}", "session", session, "file", "pulses/x.tsv",
                         "delivered", (int)delivered, "missed", 0, "unknown", 0, "next_pulse", 0, "lines", 1, "bytes",
                         1, "sha256", sha256);
}

static void end(struct index_log *l, const char *session, int delivered, int odometer, const char *reason)
{
        json_t *data = counts(session, delivered, 0);

        assert_int_equal(json_object_set_new(data, "reason", json_string(reason)), 0);
        if (odometer > 0)
                assert_int_equal(json_object_set_new(data, "odometer", json_integer(odometer)), 0);
        index_add(l, "session.end", data);
        seal(l);
}

static json_t *reading(uint64_t card, const char *name, int odometer)
{
        return json_pack("{s:o, s:i}", "card_serial", json_u64(card), name, odometer);
}

void index_live(struct index_log *l)
{
        index_add(l, "daemon.start", NULL);
        seal(l);
        index_add(l, "stimulator.add", reading(CARD, "odometer", 100));
        create(l, "a", "S-1", CARD, 100);
        start(l, "a", 20, false, "allowed");
        index_add(l, "session.pulses", counts("a", 8, 0));
        index_add(l, "session.pulses", counts("a", 19, 1));
        end(l, "a", 19, 119, "complete");
        /* Nobody fires in it. */
        create(l, "b", "S-2", 7, 5);
        end(l, "b", 0, 5, "closed");
        /* Cut off: 3 pulses are known, 10 may have been given, and the odometer says 4 later. */
        create(l, "c", "s.1", CARD, 119);
        start(l, "c", 10, true, "override");
        index_add(l, "session.pulses", counts("c", 3, 0));
        end(l, "c", 3, 0, "crashed");
        index_add(l, "stimulator.remove", json_pack("{s:o}", "card_serial", json_u64(CARD)));
        /* Two at once, on two cards; the first of them settles c. */
        create(l, "d", "S-3", CARD, 123);
        create(l, "e", "", 7, 5);
        start(l, "d", 6, false, "notice");
        start(l, "e", 7, false, "allowed");
        index_add(l, "session.pulses", counts("e", 2, 0));
        index_add(l, "session.pulses", counts("d", 6, 0));
        end(l, "d", 6, 129, "complete");
        index_add(l, "stimulator.odometer",
                  json_pack("{s:o, s:i, s:i}", "card_serial", json_u64(CARD), "expected", 129, "found", 131));
        end(l, "e", 2, 0, "gone");
        index_add(l, "recovery.pulses.intent", of("e"));
        index_add(l, "recovery.pulses", index_recovered("e", 5));
        index_add(l, "recovery.pulses", index_recovered("outside_1", 9));
        /* Under way. */
        create(l, "f", "S-1", CARD, 131);
        start(l, "f", 30, false, "allowed");
        index_add(l, "session.pulses", json_pack("{s:s, s:i, s:i}", "session", "f", "delivered", 12, "unknown", 2));
}

void index_more(struct index_log *l)
{
        char session[24];

        (void)snprintf(session, sizeof(session), "more-%llu", (unsigned long long)l->n);
        create(l, session, "S-4", 9, (int)l->n);
        start(l, session, 5, false, "allowed");
        end(l, session, 5, (int)l->n + 5, "complete");
}

uint64_t index_records(const struct index_log *l)
{
        return auditlog_records(l->log);
}

static struct index *begin_in(int fd, const struct index_log *l, uint64_t records, uint64_t free_min)
{
        struct index_config config = {
                        .state_fd = fd, .key0 = auditlog_key0(l->log), .records = records, .free_min = free_min};
        struct index *x = NULL;

        assert_int_equal(index_new(&config, &x), 0);
        return x;
}

struct index *index_begin_at(struct index_log *l, uint64_t records)
{
        return begin_in(l->scratch->fd, l, records, 0);
}

struct index *index_begin_without_room(struct index_log *l, uint64_t records)
{
        return begin_in(l->scratch->fd, l, records, UINT64_MAX / 2);
}

struct index_reader *index_ready(struct index *x)
{
        struct index_reader *r = NULL;
        char state[INDEX_STATE_SIZE];
        int e = -EAGAIN;

        for (int i = 0; i < 100 && e == -EAGAIN; i++)
                e = index_read(x, &r);
        if (e < 0)
                fail_msg("cannot be read: %s; the index %s", strerror(-e), index_state(x, state));
        return r;
}

void index_wait_ok(struct index *x)
{
        index_reader_free(index_ready(x));
}

void index_wait_state(struct index *x, const char *text)
{
        char state[INDEX_STATE_SIZE];

        for (int i = 0; i < 12000; i++) {
                if (strstr(index_state(x, state), text))
                        return;
                usleep(5000);
        }
        fail_msg("the index %s, expected: %s", state, text);
}

/* --- What is in it ------------------------------------------------------------------------- */

static int print_row(void *userdata, int n, char **values, char **names)
{
        FILE *f = userdata;

        for (int i = 0; i < n; i++)
                (void)fprintf(f, "%s%s=%s", i > 0 ? " " : "", names[i], values[i] ? values[i] : "-");
        (void)fputc('\n', f);
        return 0;
}

static char *dump(const char *dir)
{
        static const char *const tables[] = {"meta", "sessions", "doses", "odometers", "seals"};
        char path[PATH_MAX], sql[80], *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        sqlite3 *db = NULL;

        (void)snprintf(path, sizeof(path), "%s/" INDEX_NAME, dir);
        assert_non_null(f);
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        for (size_t i = 0; i < ELEMENTS(tables); i++) {
                (void)fprintf(f, "%s:\n", tables[i]);
                (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1", tables[i]);
                assert_int_equal(sqlite3_exec(db, sql, print_row, f, NULL), SQLITE_OK);
        }
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(fclose(f), 0);
        return text;
}

char *index_dump(const struct index_log *l)
{
        return dump(l->scratch->path);
}

void index_cut_log(const struct index_log *l, const char *dir, uint64_t records)
{
        size_t size, n = 0;
        char *text = scratch_read(l->scratch->audit, "log.jsonl", &size), path[PATH_MAX];

        for (; records > 0; records--)
                n = (size_t)(strchr(text + n, '\n') + 1 - text);
        (void)snprintf(path, sizeof(path), "%s/audit", dir);
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        scratch_write(path, "log.jsonl", text, n);
        free(text);
}

char *index_reference(struct index_log *l, uint64_t records)
{
        char *path, *text;
        int fd = scratch_open(&path);
        struct index *x;

        index_cut_log(l, path, records);
        x = begin_in(fd, l, records, 0);
        index_wait_ok(x);
        index_free(x);
        text = dump(path);
        scratch_close(fd, path);
        return text;
}

void index_is_right(struct index_log *l, uint64_t records)
{
        char *is = index_dump(l), *wanted = index_reference(l, records);

        assert_string_equal(is, wanted);
        free(is);
        free(wanted);
}

void index_remove(const char *dir)
{
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTS(index_files); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dir, index_files[i]);
                assert_true(unlink(path) == 0 || errno == ENOENT);
        }
}

/* The third file is memory that those share who have it open; whoever opens the database anew makes it anew. */
void index_copy(const char *from, const char *to)
{
        char path[PATH_MAX];

        index_remove(to);
        for (size_t i = 0; i < 2; i++) {
                size_t size;
                char *data;

                if (!scratch_exists(from, index_files[i]))
                        continue;
                data = scratch_read(from, index_files[i], &size);
                scratch_write(to, index_files[i], data, size);
                free(data);
                (void)snprintf(path, sizeof(path), "%s/%s", to, index_files[i]);
                assert_int_equal(chmod(path, 0600), 0);
        }
}
