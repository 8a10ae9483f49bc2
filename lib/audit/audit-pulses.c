/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pulse files, compared with what the log says of them.
 *
 * A pulse file grows, and several records of the log give its hash so far.
 * Each file is read once: the running hash and the counts are kept from record
 * to record, so that the time for a session grows with its file's size only.
 *
 * After a crash, a file may be longer than the log says if its session had not
 * ended, or if a recovery.pulses.intent record had announced that the file
 * would grow. There may also be a file that no record names, but it contains
 * no pulse: the record that names a file comes before the file's first pulse.
 */
#include "audit-internal.h"
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <search.h>
#include <string.h>

struct pulse_file {
        char name[AUDIT_PULSE_FILE];
        EVP_MD_CTX *sha;
        uint64_t bytes; /* read and hashed so far */
        struct tms_pulse_counts counts;
        bool ended;    /* the file may not be longer than bytes */
        bool must_be;  /* the file must exist: its session has begun */
        uint64_t line; /* of the last record that names it */
};

struct audit_pulses {
        int dir_fd;  /* of the log; its owner closes it */
        void *files; /* tsearch() tree of struct pulse_file */
        uint64_t delivered;
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
        free(f);
}

int audit_pulses_new(int dir_fd, struct audit_pulses **ret)
{
        struct audit_pulses *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->dir_fd = dir_fd;
        *ret = p;
        return 0;
}

struct audit_pulses *audit_pulses_free(struct audit_pulses *p)
{
        if (!p)
                return NULL;
        tdestroy(p->files, pulse_file_free);
        free(p);
        return NULL;
}

uint64_t audit_pulses_delivered(const struct audit_pulses *p)
{
        return p->delivered;
}

static int open_file(const struct audit_pulses *p, const char *name, FILE **ret)
{
        struct stat st;
        int fd;

        fd = audit_open_beside(p->dir_fd, name, &st);
        if (fd < 0)
                return fd;
        *ret = fdopen(fd, "re");
        if (!*ret) {
                close(fd);
                return -ENOMEM;
        }
        return 0;
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
        f->sha = EVP_MD_CTX_new();
        if (!f->sha || EVP_DigestInit_ex(f->sha, EVP_sha256(), NULL) != 1 || !tsearch(f, &p->files, by_name)) {
                pulse_file_free(f);
                return -ENOMEM;
        }
        *ret = f;
        return 0;
}

/* Reads on in the file until exactly that many bytes are read, which must be the end of a line. */
static int read_up_to(struct audit_pulses *p, struct pulse_file *f, uint64_t bytes, struct audit_why *why)
{
        _cleanup_free_ char *text = NULL;
        size_t allocated = 0;
        FILE *file;
        int r;

        if (bytes < f->bytes)
                return audit_why(why, "%s is said to have shrunk from %" PRIu64 " bytes to %" PRIu64, f->name, f->bytes,
                                 bytes);
        r = open_file(p, f->name, &file);
        if (r < 0)
                return audit_why_open(why, f->name, r);
        if (fseeko(file, (off_t)f->bytes, SEEK_SET) < 0)
                r = audit_why_open(why, f->name, -errno);
        while (r >= 0 && f->bytes < bytes) {
                ssize_t n;

                errno = 0;
                n = getline(&text, &allocated, file);
                if (ferror(file) || (n < 0 && !feof(file)))
                        r = audit_why_open(why, f->name, errno ? -errno : -EIO);
                else if (n <= 0 || f->bytes + (uint64_t)n > bytes || text[n - 1] != '\n')
                        r = audit_why(why,
                                      "%s has no end of line at byte %" PRIu64
                                      ", where the log says that it was synced",
                                      f->name, bytes);
                else
                        r = audit_pulse_line(f->name, f->bytes, &f->counts, text, (size_t)n, why);
                if (r >= 0 && EVP_DigestUpdate(f->sha, text, (size_t)n) != 1)
                        r = -ENOMEM;
                if (r >= 0)
                        f->bytes += (uint64_t)n;
        }
        fclose(file);
        return r;
}

static int sha_so_far(const struct pulse_file *f, char ret[AUDIT_HEX + 1])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        EVP_MD_CTX *copy = EVP_MD_CTX_new();
        unsigned size = 0;
        bool ok;

        ok = copy && EVP_MD_CTX_copy_ex(copy, f->sha) == 1 && EVP_DigestFinal_ex(copy, digest, &size) == 1;
        EVP_MD_CTX_free(copy);
        if (!ok || size * 2 != AUDIT_HEX)
                return -ENOMEM;
        hex_encode(digest, size, ret);
        return 0;
}

/* --- What records say ------------------------------------------------------------- */

int audit_pulses_begin(struct audit_pulses *p, const json_t *data, uint64_t line)
{
        const char *session = json_string_value(json_object_get(data, "session"));
        char name[AUDIT_PULSE_FILE];
        struct pulse_file *f;
        int r;

        if (!session || strlen(session) > sizeof(name) - sizeof("pulses/.tsv"))
                return 0;
        snprintf(name, sizeof(name), "pulses/%s.tsv", session);
        if (!audit_is_pulse_file(name))
                return 0;
        r = get_pulse_file(p, name, &f);
        if (r < 0)
                return r;
        f->must_be = true;
        f->line = line;
        return 0;
}

int audit_pulses_reopen(struct audit_pulses *p, const json_t *data, uint64_t line, struct audit_why *why)
{
        const char *name = json_string_value(json_object_get(data, "file"));
        struct pulse_file *f;
        int r;

        if (!audit_is_pulse_file(name))
                return audit_why(why, "names '%.60s', which is no pulse file's name", name ? name : "");
        r = get_pulse_file(p, name, &f);
        if (r < 0)
                return r;
        f->ended = false;
        f->line = line;
        return 0;
}

/* Reads a count. An absent one is 0, and is an error if it is wanted. */
static bool get_count(const json_t *data, const char *key, bool wanted, uint64_t *ret)
{
        const json_t *v = json_object_get(data, key);

        if (!v && !wanted) {
                *ret = 0;
                return true;
        }
        if (!json_is_integer(v) || json_integer_value(v) < 0)
                return false;
        *ret = (uint64_t)json_integer_value(v);
        return true;
}

/* What a record says of a pulse file. */
struct claim {
        const char *file, *sha256;
        uint64_t lines, bytes, delivered, missed;
};

static int get_claim(const json_t *data, struct claim *ret, struct audit_why *why)
{
        const json_t *file = json_object_get(data, "file");
        bool wanted = file != NULL;
        struct claim c = {
                        .file = json_string_value(file),
                        .sha256 = json_string_value(json_object_get(data, "sha256")),
        };

        if (!get_count(data, "lines", wanted, &c.lines) || !get_count(data, "bytes", wanted, &c.bytes) ||
            !get_count(data, "delivered", wanted, &c.delivered) || !get_count(data, "missed", false, &c.missed) ||
            (wanted && !audit_is_hex(c.sha256, AUDIT_HEX)))
                return audit_why(why, "without its pulse file's lines, bytes, sha256 and delivered");
        if (wanted && !audit_is_pulse_file(c.file))
                return audit_why(why, "names '%.60s', which is no pulse file's name", c.file ? c.file : "");
        if (!wanted && (c.lines || c.bytes || c.delivered || c.missed))
                return audit_why(why, "counts pulses but names no pulse file");
        *ret = c;
        return 0;
}

/* A session whose end names no file wrote none. A file with that session's name then counts as named by no record. */
static void forget_session(struct audit_pulses *p, const json_t *data)
{
        const char *session = json_string_value(json_object_get(data, "session"));
        char name[AUDIT_PULSE_FILE];
        void **node;

        if (!session || strlen(session) > sizeof(name) - sizeof("pulses/.tsv"))
                return;
        snprintf(name, sizeof(name), "pulses/%s.tsv", session);
        node = tfind(name, &p->files, by_name);
        if (node && ((struct pulse_file *)*node)->bytes == 0) {
                struct pulse_file *f = *node;

                tdelete(name, &p->files, by_name);
                pulse_file_free(f);
        }
}

int audit_pulses_claim(struct audit_pulses *p, const json_t *data, bool end, uint64_t line, struct audit_why *why)
{
        struct pulse_file *f;
        char sha256[AUDIT_HEX + 1];
        uint64_t delivered_before;
        struct claim c = {0};
        int r;

        r = get_claim(data, &c, why);
        if (r < 0)
                return r;
        if (!c.file) {
                if (end)
                        forget_session(p, data);
                return 0;
        }
        r = get_pulse_file(p, c.file, &f);
        if (r < 0)
                return r;
        delivered_before = f->counts.delivered;
        r = read_up_to(p, f, c.bytes, why);
        if (r < 0)
                return r;
        r = sha_so_far(f, sha256);
        if (r < 0)
                return r;
        if (strcmp(sha256, c.sha256) != 0)
                return audit_why(why, "%s is not what was recorded: the hash of its first %" PRIu64 " bytes differs",
                                 f->name, c.bytes);
        if (f->counts.lines != c.lines)
                return audit_why(why, "%s has %" PRIu64 " lines where the log says %" PRIu64, f->name, f->counts.lines,
                                 c.lines);
        if (f->counts.delivered != c.delivered)
                return audit_why(why, "%s has %" PRIu64 " delivered pulses where the log says %" PRIu64, f->name,
                                 f->counts.delivered, c.delivered);
        if (json_object_get(data, "missed") && f->counts.missed != c.missed)
                return audit_why(why, "%s has %" PRIu64 " missed pulses where the log says %" PRIu64, f->name,
                                 f->counts.missed, c.missed);
        assert(f->bytes == c.bytes && f->counts.delivered >= delivered_before);
        p->delivered += f->counts.delivered - delivered_before;
        f->line = line;
        f->ended |= end;
        f->must_be = true;
        return 0;
}

/* --- When all records are read ------------------------------------------------------ */

/* Reads what follows the first at bytes, of which the log speaks: whole lines, then perhaps a torn one. */
static int read_rest(const char *name, FILE *file, uint64_t at, struct tms_pulse_counts *counts, struct audit_why *why)
{
        _cleanup_free_ char *text = NULL;
        size_t allocated = 0;
        ssize_t n = 0;
        int r = 0;

        if (fseeko(file, (off_t)at, SEEK_SET) < 0)
                return audit_why_open(why, name, -errno);
        while (r >= 0 && (errno = 0, n = getline(&text, &allocated, file)) > 0 && text[n - 1] == '\n') {
                r = audit_pulse_line(name, at, counts, text, (size_t)n, why);
                at += (uint64_t)n;
        }
        if (r >= 0 && (ferror(file) || (n < 0 && !feof(file))))
                r = audit_why_open(why, name, errno ? -errno : -EIO);
        return r;
}

static int check_file(const struct audit_pulses *p, const struct pulse_file *f, struct audit_why *why)
{
        struct tms_pulse_counts counts = f->counts;
        struct stat st;
        FILE *file;
        int r;

        r = open_file(p, f->name, &file);
        if (r == -ENOENT && !f->must_be)
                return 0;
        if (r < 0)
                return audit_why_open(why, f->name, r);
        if (fstat(fileno(file), &st) < 0)
                r = audit_why_open(why, f->name, -errno);
        else if (f->ended && (uint64_t)st.st_size != f->bytes)
                r = audit_why(why, "%s has %" PRIu64 " bytes, but its session ended with %" PRIu64, f->name,
                              (uint64_t)st.st_size, f->bytes);
        else if (!f->ended)
                r = read_rest(f->name, file, f->bytes, &counts, why);
        fclose(file);
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
static int check_unnamed(const struct audit_pulses *p, const char *name, struct audit_why *why)
{
        struct tms_pulse_counts counts = {0};
        FILE *file;
        int r;

        r = open_file(p, name, &file);
        if (r < 0)
                return audit_why_open(why, name, r);
        r = read_rest(name, file, 0, &counts, why);
        fclose(file);
        if (r >= 0 && counts.pulse_lines > 0)
                return audit_why(why, "%s has pulses in it, but no record names it", name);
        return r;
}

static int check_directory(const struct audit_pulses *p, struct audit_why *why)
{
        const struct dirent *entry;
        DIR *d;
        int r;

        r = directory_open(p->dir_fd, "pulses", &d);
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

int audit_pulses_finish(struct audit_pulses *p, uint64_t *ret_line, bool *ret_unnamed, struct audit_why *why)
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
        return check_directory(p, why);
}
