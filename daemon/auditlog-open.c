/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the audit log: what stands there is checked before anything is
 * added to it.
 *
 * A crash or power cut may tear the last line, and only that one: it is cut.
 * Anything else that does not hold (a line in the middle, a chain that breaks,
 * a log that ends before the seal that its key has followed) is loss or
 * tampering: the log is left exactly as it is, and nothing may be written
 * behind it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <sys/file.h>

#include "auditlog-internal.h"
#include "file.h"

#define NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* What reading the log has found so far. */
struct scan {
        struct auditlog *log;
        auditlog_record_fn found;
        void *userdata;
        uint64_t seals;
        char key[KEY_HEX]; /* public key that the next seal must be signed with */
        uint64_t good;     /* bytes up to the end of the last line that holds */
        uint64_t size;     /* of the file */
        char *problem;
};

static int _printf_(2, 3) problem(struct scan *s, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&s->problem, format, ap) < 0)
                s->problem = NULL;
        va_end(ap);
        return s->problem ? -EBADMSG : -ENOMEM;
}

static int check_key(struct scan *s, const json_t *record, uint64_t line)
{
        const json_t *data = json_object_get(record, "data");
        const char *type = json_get_str(record, "type");
        const char *next;

        if (line == 1) {
                const char *key0 = json_get_str(data, "key0");

                if (!STREQ(type, "log.open") || strlen(key0) != KEY_HEX - 1)
                        return problem(s, "log.jsonl:1: not a log.open record with key 0");
                strcpy(s->key, key0);
                strcpy(s->log->key0, key0);
                return 0;
        }
        if (!STREQ(type, "seal"))
                return 0;
        next = json_get_str(data, "next");
        if (json_get_u64(data, "key") != s->seals || !STREQ(json_get_str(data, "public"), s->key) ||
            strlen(next) != KEY_HEX - 1)
                return problem(s, "log.jsonl:%" PRIu64 ": the seal is not by the key that was announced before", line);
        strcpy(s->key, next);
        s->seals++;
        return 0;
}

/* A line that is a whole record; -EUCLEAN if it is none at all. */
static int check_line(struct scan *s, const char *text, size_t size, uint64_t line)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
        int r;

        if (!json_is_object(record) || !json_is_integer(json_object_get(record, "seq")))
                return -EUCLEAN;
        if (json_get_u64(record, "seq") != s->log->seq)
                return problem(s, "log.jsonl:%" PRIu64 ": record %" PRIu64 " stands where %" PRIu64 " was expected",
                               line, json_get_u64(record, "seq"), s->log->seq);
        if (!STREQ(json_get_str(record, "prev"), s->log->prev))
                return problem(s, "log.jsonl:%" PRIu64 ": does not follow from the record before it", line);
        r = check_key(s, record, line);
        if (r < 0)
                return r;
        auditlog_hash(text, size, s->log->prev);
        s->log->seq++;
        s->good += size + 1;
        return s->found ? s->found(record, s->userdata) : 0;
}

/* Behind a line that is none: a record further on shows that it is not a torn tail. */
static bool is_record(const char *text, size_t size)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(text, size, 0, NULL);

        return json_is_object(record) && json_is_integer(json_object_get(record, "seq"));
}

static int scan_log(struct scan *s, FILE *f)
{
        _cleanup_(freep) char *text = NULL;
        size_t allocated = 0;
        uint64_t line = 0, bad = 0;
        ssize_t n;
        int r;

        while ((n = getline(&text, &allocated, f)) > 0) {
                bool whole = text[n - 1] == '\n';

                line++;
                s->size += (uint64_t)n;
                if (bad) {
                        if (is_record(text, (size_t)n))
                                return problem(s, "log.jsonl:%" PRIu64 ": not a record, although others follow it",
                                               bad);
                        continue;
                }
                r = whole ? check_line(s, text, (size_t)n - 1, line) : -EUCLEAN;
                if (r == -EUCLEAN)
                        bad = line;
                else if (r < 0)
                        return r;
        }
        return ferror(f) ? -EIO : 0;
}

/* The key on disk must be the one that the log announces, neither older nor newer. */
static int match_key(struct scan *s)
{
        struct auditlog *l = s->log;
        uint64_t lowest, highest, n;
        int r;

        r = keys_range(l->keys_fd, &lowest, &highest);
        if (r == -ENOENT || (r >= 0 && highest < s->seals))
                return problem(s, "the log expects signing key %" PRIu64 ", which is not in keys/", s->seals);
        if (r < 0)
                return r;
        if (lowest > s->seals || highest > s->seals + 1)
                return problem(s,
                               "the log ends after %" PRIu64 " seals, but its key has followed %" PRIu64
                               ": records were lost or taken away",
                               s->seals, lowest > s->seals ? lowest : highest - 1);
        r = key_load(l->keys_fd, s->seals, &l->key);
        if (r == -ENOENT || r == -EBADMSG)
                return problem(s, "signing key %" PRIu64 " in keys/ cannot be read", s->seals);
        if (r < 0)
                return r;
        if (!STREQ(key_public_hex(l->key), s->key))
                return problem(s, "signing key %" PRIu64 " in keys/ is not the one that the log announces", s->seals);
        /* A crash between a seal and the end of its key. */
        for (n = lowest; n < s->seals; n++) {
                r = key_destroy(l->keys_fd, n);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int cut_tail(struct scan *s)
{
        struct auditlog *l = s->log;

        l->cut = s->size - s->good;
        if (l->cut == 0)
                return 0;
        if (ftruncate(l->log_fd, (off_t)s->good) < 0 || fsync(l->log_fd) < 0)
                return -errno;
        return 0;
}

/* An empty log: key 0, then the record that announces it. */
static int begin(struct scan *s)
{
        struct auditlog *l = s->log;
        _cleanup_(json_decrefp) json_t *data = NULL;
        uint64_t lowest, highest;
        int r;

        r = keys_range(l->keys_fd, &lowest, &highest);
        if (r >= 0 && highest > 0)
                return problem(s, "the log is empty, but its key has followed seals: records were lost or taken away");
        if (r == -ENOENT)
                r = key_make(l->keys_fd, 0, &l->key);
        else if (r >= 0)
                r = key_load(l->keys_fd, 0, &l->key);
        if (r < 0)
                return r;
        r = cut_tail(s);
        if (r < 0)
                return r;
        strcpy(l->key0, key_public_hex(l->key));
        data = json_object();
        if (!data || json_object_set_new(data, "format", json_integer(1)) < 0 ||
            json_object_set_new(data, "key0", json_string(l->key0)) < 0)
                return -ENOMEM;
        r = auditlog_append(l, "log.open", NULL, "", data, now_ns(CLOCK_REALTIME), now_ns(CLOCK_MONOTONIC));
        if (r < 0)
                return r;
        r = auditlog_sync(l);
        if (r < 0)
                return r;
        return fsync(l->dir_fd) < 0 ? -errno : 0;
}

static int open_files(struct auditlog *l, int state_fd)
{
        l->dir_fd = open_dir(state_fd, "audit");
        if (l->dir_fd < 0)
                return l->dir_fd;
        l->keys_fd = open_dir(state_fd, "keys");
        if (l->keys_fd < 0)
                return l->keys_fd;
        l->pulses_fd = open_dir(l->dir_fd, "pulses");
        if (l->pulses_fd < 0)
                return l->pulses_fd;
        l->protocols_fd = open_dir(l->dir_fd, "protocols");
        if (l->protocols_fd < 0)
                return l->protocols_fd;
        l->log_fd = openat(l->dir_fd, "log.jsonl", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (l->log_fd < 0)
                return -errno;
        if (flock(l->log_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        return 0;
}

static int read_log(struct scan *s)
{
        _cleanup_(fclosep) FILE *f = NULL;
        int fd = openat(s->log->dir_fd, "log.jsonl", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return -errno;
        f = fdopen(fd, "re");
        if (!f) {
                safe_close(fd);
                return -ENOMEM;
        }
        return scan_log(s, f);
}

static int recover(struct scan *s)
{
        int r;

        r = read_log(s);
        if (r < 0)
                return r;
        if (s->log->seq == 0)
                return begin(s);
        r = match_key(s);
        if (r < 0)
                return r;
        return cut_tail(s);
}

int auditlog_open(int state_fd, const char *boot, auditlog_record_fn found, void *userdata, struct auditlog **ret,
                  char **ret_problem)
{
        _cleanup_(auditlog_freep) struct auditlog *l = NULL;
        struct scan s = {.found = found, .userdata = userdata};
        int r;

        l = malloc(sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (struct auditlog){.dir_fd = -1, .log_fd = -1, .keys_fd = -1, .pulses_fd = -1, .protocols_fd = -1};
        strcpy(l->prev, NO_HASH);
        if ((size_t)snprintf(l->boot, sizeof(l->boot), "%s", boot) >= sizeof(l->boot))
                return -EINVAL;
        r = open_files(l, state_fd);
        if (r < 0)
                return r;
        s.log = l;
        r = recover(&s);
        if (r < 0) {
                *ret_problem = TAKE_PTR(s.problem);
                return r;
        }
        if (faccessat(l->dir_fd, "key0.pub", F_OK, 0) < 0) {
                r = key_write_public_pem(l->dir_fd, "key0.pub", l->key0);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}
