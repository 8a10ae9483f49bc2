/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pulse files, compared with what the log says of them.
 *
 * A pulse file grows, and several records of the log give its hash so far.
 * Each file is read once: the running hash and the counts are kept from record
 * to record, so that the time for a session grows with its file's size only.
 * Either each record is held against the file at once, or many of them are
 * collected for pulse-jobs.c, which is faster: the file is opened less often,
 * and two threads read files.
 *
 * After a crash, a file may be longer than the log says if its session had not
 * ended, or if a recovery.pulses.intent record had announced that the file
 * would grow. There may also be a file that no record names, but it contains
 * no pulse: the record that names a file comes before the file's first pulse.
 */
#include "pulse-jobs.h"
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <string.h>

#define CLAIMS_MAX 512 /* of one file that are collected; a session gives one every 5 s while pulses come */

struct audit_pulses {
        struct pulse_reader reader;
        struct pulse_jobs *jobs; /* NULL: each claim is looked at at once */
        bool undecided;          /* jobs cannot tell whether this log holds */
        void *files;             /* tsearch() tree of struct pulse_file */
        uint64_t delivered;      /* without jobs */
        /* For audit_pulses_finish(): of the bad files, the one that the log names first. */
        const struct pulse_file *bad;
        struct audit_why bad_why;
        int error;
};

/* --- Files ---------------------------------------------------------------------- */

/* a and b are names or files: name is the first member of struct pulse_file. */
static int by_name(const void *a, const void *b)
{
        return strcmp(a, b);
}

static void pulse_file_free(void *p)
{
        struct pulse_file *f = p;

        EVP_MD_CTX_free(f->sha);
        free(f->claims);
        free(f);
}

int audit_pulses_new(int dir_fd, bool fast, struct audit_pulses **ret)
{
        struct audit_pulses *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        if (pulse_reader_new(&p->reader, dir_fd) < 0) {
                free(p);
                return -ENOMEM;
        }
        if (fast && pulse_jobs_new(&p->reader, &p->jobs) < 0) {
                audit_pulses_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

struct audit_pulses *audit_pulses_free(struct audit_pulses *p)
{
        if (!p)
                return NULL;
        p->jobs = pulse_jobs_free(p->jobs); /* first: its thread may have a file */
        tdestroy(p->files, pulse_file_free);
        pulse_reader_clear(&p->reader);
        free(p);
        return NULL;
}

uint64_t audit_pulses_delivered(const struct audit_pulses *p)
{
        return p->jobs ? pulse_jobs_delivered(p->jobs) : p->delivered;
}

static int get_pulse_file(struct audit_pulses *p, const char *name, struct pulse_file **ret)
{
        struct pulse_file *f;
        void **node = tfind(name, &p->files, by_name);

        if (node) {
                *ret = *node;
                return 0;
        }
        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        snprintf(f->name, sizeof(f->name), "%s", name);
        if (!tsearch(f, &p->files, by_name)) {
                pulse_file_free(f);
                return -ENOMEM;
        }
        *ret = f;
        return 0;
}

/* --- What records say ------------------------------------------------------------- */

/* The name of that session's file. False: there can be no such file. */
static bool session_file(const struct record *record, char ret[AUDIT_PULSE_FILE])
{
        char session[AUDIT_PULSE_FILE - sizeof("pulses/.tsv") + 1];
        struct record_value v = record_data(record, "session");

        if (!record_is_string(v) || record_string_copy(v, session, sizeof(session)) >= sizeof(session))
                return false;
        snprintf(ret, AUDIT_PULSE_FILE, "pulses/%s.tsv", session);
        return true;
}

int audit_pulses_begin(struct audit_pulses *p, const struct record *record, uint64_t line)
{
        char name[AUDIT_PULSE_FILE];
        struct pulse_file *f;
        int r;

        if (!session_file(record, name) || !audit_is_pulse_file(name))
                return 0;
        r = get_pulse_file(p, name, &f);
        if (r < 0)
                return r;
        f->must_be = true;
        f->line = line;
        return 0;
}

/* Reads a file's name, and refuses what is none. */
static int get_name(struct record_value v, char ret[AUDIT_PULSE_FILE], struct audit_why *why)
{
        char name[AUDIT_PULSE_FILE];

        if (record_string_copy(v, name, sizeof(name)) >= sizeof(name) || !audit_is_pulse_file(name)) {
                name[60] = 0;
                return audit_why(why, "names '%s', which is no pulse file's name", name);
        }
        strcpy(ret, name);
        return 0;
}

int audit_pulses_reopen(struct audit_pulses *p, const struct record *record, uint64_t line, struct audit_why *why)
{
        char name[AUDIT_PULSE_FILE];
        struct pulse_file *f;
        int r;

        r = get_name(record_data(record, "file"), name, why);
        if (r >= 0)
                r = get_pulse_file(p, name, &f);
        if (r < 0)
                return r;
        f->ended = false;
        f->line = line;
        return 0;
}

/* Reads a count. An absent one is 0, and is an error if it is wanted. */
static bool get_count(const struct record *record, const char *key, bool wanted, uint64_t *ret)
{
        struct record_value v = record_data(record, key);
        int64_t n = 0;

        if ((v.text || wanted) && (!record_int64(v, &n) || n < 0))
                return false;
        *ret = (uint64_t)n;
        return true;
}

/* name is "" if the record names no file. In segments of format 1 a record may be of a time that counted no unknown ones. */
static int get_claim(const struct record *record, unsigned format, char name[AUDIT_PULSE_FILE], struct pulse_claim *ret,
                     struct audit_why *why)
{
        struct record_value file = record_data(record, "file"), sha256 = record_data(record, "sha256");
        bool wanted = file.text != NULL;
        struct pulse_claim c = {.has_unknown = record_data(record, "unknown").text != NULL,
                                .has_next_pulse = record_data(record, "next_pulse").text != NULL};

        name[0] = 0;
        if (!get_count(record, "lines", wanted, &c.lines) || !get_count(record, "bytes", wanted, &c.bytes) ||
            !get_count(record, "delivered", wanted, &c.delivered) || !get_count(record, "missed", wanted, &c.missed) ||
            !get_count(record, "unknown", false, &c.unknown) ||
            !get_count(record, "next_pulse", false, &c.next_pulse) || (wanted && !audit_is_hex(sha256, AUDIT_HEX)))
                return audit_why(why, "without its pulse file's lines, bytes, sha256, delivered and missed");
        if (wanted && format > 1 && !c.has_unknown)
                return audit_why(why, "without its pulse file's unknown, which each of a segment of format 2 has");
        if (!wanted && (c.lines || c.bytes || c.delivered || c.missed || c.unknown || c.next_pulse))
                return audit_why(why, "counts pulses but names no pulse file");
        if (wanted) {
                int r = get_name(file, name, why);

                if (r < 0)
                        return r;
                audit_unhex(sha256.text + 1, sizeof(c.sha256), c.sha256);
        }
        *ret = c;
        return 0;
}

/* A session whose end names no file wrote none. A file with that session's name then counts as named by no record. */
static void forget_session(struct audit_pulses *p, const struct record *record)
{
        char name[AUDIT_PULSE_FILE];
        struct pulse_file *f;
        void **node;

        if (!session_file(record, name))
                return;
        node = tfind(name, &p->files, by_name);
        if (!node)
                return;
        f = *node;
        if (f->put_off) {
                /* Whether its bytes are known to be 0 depends on jobs. No daemon writes such a log. */
                p->undecided = true;
        } else if (f->bytes == 0) {
                tdelete(name, &p->files, by_name);
                pulse_file_free(f);
        }
}

/* Looks at the claim now. */
static int look(struct audit_pulses *p, struct pulse_file *f, const struct pulse_claim *c, struct audit_why *why)
{
        uint64_t delivered = 0;
        int r;

        r = pulse_read_claims(&p->reader, f, c, 1, &delivered, why);
        if (r >= 0)
                p->delivered += delivered;
        return r;
}

/* Puts the claim off until the file is complete, or until there are many of them. */
static int put_off(struct audit_pulses *p, struct pulse_file *f, const struct pulse_claim *c)
{
        if (f->n_claims == f->n_allocated) {
                size_t wanted = f->n_allocated ? f->n_allocated * 2 : 16;
                struct pulse_claim *grown = realloc(f->claims, wanted * sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                f->claims = grown;
                f->n_allocated = wanted;
        }
        f->claims[f->n_claims++] = *c;
        f->put_off = true;
        if (c->end || f->n_claims == CLAIMS_MAX)
                pulse_jobs_hand_over(p->jobs, f);
        return 0;
}

int audit_pulses_claim(struct audit_pulses *p, const struct record *record, unsigned format, bool end, uint64_t line,
                       struct audit_why *why)
{
        char name[AUDIT_PULSE_FILE];
        struct pulse_claim c;
        struct pulse_file *f;
        int r;

        r = get_claim(record, format, name, &c, why);
        if (r < 0)
                return r;
        if (!name[0]) {
                if (end)
                        forget_session(p, record);
                return 0;
        }
        c.end = end;
        r = get_pulse_file(p, name, &f);
        if (r >= 0)
                r = p->jobs ? put_off(p, f, &c) : look(p, f, &c, why);
        if (r < 0)
                return r;
        f->line = line;
        f->ended |= end;
        f->must_be = true;
        return 0;
}

bool audit_pulses_failed(struct audit_pulses *p)
{
        return p->undecided || (p->jobs && pulse_jobs_failed(p->jobs));
}

static void hand_over_rest(const void *node, VISIT visit, void *userdata)
{
        struct pulse_file *f = *(struct pulse_file *const *)node;
        struct audit_pulses *p = userdata;

        if ((visit == postorder || visit == leaf) && f->n_claims > 0)
                pulse_jobs_hand_over(p->jobs, f);
}

bool audit_pulses_settle(struct audit_pulses *p)
{
        if (p->jobs) {
                twalk_r(p->files, hand_over_rest, p);
                pulse_jobs_finish(p->jobs);
        }
        return !audit_pulses_failed(p);
}

/* --- When all records are read ------------------------------------------------------ */

static int check_file(struct audit_pulses *p, const struct pulse_file *f, struct audit_why *why)
{
        struct tms_pulse_counts counts = f->counts;
        struct stat st;
        int fd, r = 0;

        fd = audit_open_beside(p->reader.dir_fd, f->name, &st);
        if (fd == -ENOENT && !f->must_be)
                return 0;
        if (fd < 0)
                return audit_why_open(why, f->name, fd);
        if (f->ended && (uint64_t)st.st_size != f->bytes)
                r = audit_why(why, "%s has %" PRIu64 " bytes, but its session ended with %" PRIu64, f->name,
                              (uint64_t)st.st_size, f->bytes);
        else if (!f->ended)
                r = pulse_read_rest(&p->reader, f->name, fd, f->bytes, &counts, why);
        safe_close(fd);
        return r;
}

static void check_node(const void *node, VISIT visit, void *userdata)
{
        const struct pulse_file *f = *(const struct pulse_file *const *)node;
        struct audit_pulses *p = userdata;
        struct audit_why why;
        int r;

        if ((visit != postorder && visit != leaf) || p->error < 0 || (p->bad && p->bad->line < f->line))
                return;
        r = check_file(p, f, &why);
        if (r >= 0)
                return;
        p->bad_why = why;
        if (r == -EBADMSG)
                p->bad = f;
        else
                p->error = r;
}

/* For a file that no record names: only a crash can have left it, and then it contains no pulse. */
static int check_unnamed(struct audit_pulses *p, const char *name, struct audit_why *why)
{
        struct tms_pulse_counts counts = {0};
        struct stat st;
        int fd, r;

        fd = audit_open_beside(p->reader.dir_fd, name, &st);
        if (fd < 0)
                return audit_why_open(why, name, fd);
        r = pulse_read_rest(&p->reader, name, fd, 0, &counts, why);
        safe_close(fd);
        if (r >= 0 && counts.pulse_lines > 0)
                return audit_why(why, "%s has pulses in it, but no record names it", name);
        return r;
}

static int check_directory(struct audit_pulses *p, struct audit_why *why)
{
        const struct dirent *entry;
        DIR *d;
        int r;

        r = directory_open(p->reader.dir_fd, "pulses", &d);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return audit_unknown(why, -r, "pulses/ cannot be read: %s", strerror(-r));
        while (r >= 0 && (errno = 0, entry = readdir(d))) {
                char name[sizeof("pulses/") + sizeof(entry->d_name)];

                snprintf(name, sizeof(name), "pulses/%s", entry->d_name);
                if (audit_is_pulse_file(name) && !tfind(name, &p->files, by_name))
                        r = check_unnamed(p, name, why);
        }
        if (r >= 0 && errno)
                r = audit_unknown(why, errno, "pulses/ cannot be read: %s", strerror(errno));
        closedir(d);
        return r;
}

int audit_pulses_finish(struct audit_pulses *p, bool unnamed, uint64_t *ret_line, bool *ret_unnamed,
                        struct audit_why *why)
{
        *ret_line = 0;
        *ret_unnamed = false;
        twalk_r(p->files, check_node, p);
        if (p->error < 0 || p->bad) {
                *why = p->bad_why;
                *ret_line = p->bad ? p->bad->line : 0;
                return p->error < 0 ? p->error : -EBADMSG;
        }
        *ret_unnamed = true;
        return unnamed ? check_directory(p, why) : 0;
}
