/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files beside the log: pulse files and protocols, held against what the
 * log says of them.
 *
 * A pulse file grows, and the log names its hash again and again on the way.
 * Each is read once: the running hash and counts stay between two records, so
 * that a long session costs what its file costs.
 */
#include "audit-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

#define COLUMNS 12
#define COLUMN_SEQ 0
#define COLUMN_TYPE 2
#define COLUMN_CODE 11

static const char head_line[] = "seq\tmono_ns\ttype\trun\tpulse\tcard_seq\tscheduled_ns\ttriggered_ns\tcard_ns\t"
                                "set_permille\tdelivered_permille\tcode\n";

struct pulse_file {
        char name[160];
        EVP_MD_CTX *sha;
        uint64_t bytes, lines, delivered, missed, last_seq;
        bool ended;
        uint64_t line; /* of the last record that names it */
};

struct audit_files {
        int dir_fd;        /* the log's, not ours to close */
        void *pulse_files; /* tsearch() tree of struct pulse_file */
        void *protocols;   /* tsearch() tree of hashes that were found good */
        uint64_t delivered;
};

/* The name comes first in struct pulse_file, so that one comparison serves both trees. */
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

int audit_files_new(int dir_fd, struct audit_files **ret)
{
        struct audit_files *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->dir_fd = dir_fd;
        *ret = f;
        return 0;
}

struct audit_files *audit_files_free(struct audit_files *f)
{
        if (!f)
                return NULL;
        tdestroy(f->pulse_files, pulse_file_free);
        tdestroy(f->protocols, free);
        free(f);
        return NULL;
}

uint64_t audit_files_delivered(const struct audit_files *f)
{
        return f->delivered;
}

/* A regular file below the log's directory; names in a log lead nowhere else. */
static int open_beside(const struct audit_files *f, const char *name, struct stat *ret_st)
{
        _cleanup_close_ int fd = -1;
        int taken;

        fd = openat(f->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, ret_st) < 0)
                return -errno;
        if (!S_ISREG(ret_st->st_mode))
                return -EINVAL;
        taken = fd;
        fd = -1;
        return taken;
}

static int why_open(struct audit_why *why, const char *name, int r)
{
        if (r == -ENOENT)
                return audit_why(why, "%s is missing", name);
        if (r == -EINVAL || r == -ELOOP)
                return audit_why(why, "%s is not a regular file", name);
        return audit_why(why, "%s cannot be read: %s", name, strerror(-r));
}

/* --- Pulse files ---------------------------------------------------------------- */

static bool is_pulse_file_name(const char *s)
{
        static const char dir[] = "pulses/", end[] = ".tsv";
        size_t n;

        if (!s || strncmp(s, dir, strlen(dir)) != 0)
                return false;
        s += strlen(dir);
        n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
        return s[n] == 0 && n > strlen(end) && s[0] != '.' && strcmp(s + n - strlen(end), end) == 0;
}

/* A tab-separated line of decimal numbers, with its end of line. */
static bool parse_line(const char *s, uint64_t ret[COLUMNS])
{
        for (int i = 0; i < COLUMNS; i++) {
                char *end;

                if (*s < '0' || *s > '9')
                        return false;
                errno = 0;
                ret[i] = strtoull(s, &end, 10);
                if (errno != 0 || *end != (i == COLUMNS - 1 ? '\n' : '\t'))
                        return false;
                s = end + 1;
        }
        return *s == 0;
}

static int take_line(struct pulse_file *p, const char *text, size_t size, struct audit_why *why)
{
        uint64_t v[COLUMNS];

        if (p->bytes == 0) {
                if (strcmp(text, head_line) != 0)
                        return audit_why(why, "%s does not begin with the names of its columns", p->name);
        } else {
                if (strlen(text) != size || !parse_line(text, v))
                        return audit_why(why, "%s:%" PRIu64 ": not %d decimal columns", p->name, p->lines + 2, COLUMNS);
                p->lines++;
                /* The kernel gives a record again until it is acknowledged; it counts once. */
                if (p->lines == 1 || v[COLUMN_SEQ] > p->last_seq) {
                        p->last_seq = v[COLUMN_SEQ];
                        p->delivered += v[COLUMN_TYPE] == TMS_EVENT_PULSE_ANSWER &&
                                        v[COLUMN_CODE] == TMS_PULSE_OUTCOME_DELIVERED;
                        p->missed += v[COLUMN_TYPE] == TMS_EVENT_PULSE_FIRED &&
                                     (v[COLUMN_CODE] == TMS_PULSE_OUTCOME_LATE ||
                                      v[COLUMN_CODE] == TMS_PULSE_OUTCOME_SKIPPED ||
                                      v[COLUMN_CODE] == TMS_PULSE_OUTCOME_NOT_READY);
                }
        }
        if (EVP_DigestUpdate(p->sha, text, size) != 1)
                return -ENOMEM;
        p->bytes += size;
        return 0;
}

/* Takes the file's next lines, up to exactly that many bytes. */
static int read_up_to(struct audit_files *f, struct pulse_file *p, uint64_t bytes, struct audit_why *why)
{
        _cleanup_free_ char *text = NULL;
        size_t allocated = 0;
        struct stat st;
        FILE *file;
        int fd, r;

        if (bytes < p->bytes)
                return audit_why(why, "%s is said to have shrunk from %" PRIu64 " bytes to %" PRIu64, p->name, p->bytes,
                                 bytes);
        fd = open_beside(f, p->name, &st);
        if (fd < 0)
                return why_open(why, p->name, fd);
        file = fdopen(fd, "re");
        if (!file) {
                close(fd);
                return -ENOMEM;
        }
        r = fseeko(file, (off_t)p->bytes, SEEK_SET) < 0 ? audit_why(why, "%s cannot be read", p->name) : 0;
        while (r >= 0 && p->bytes < bytes) {
                ssize_t n = getline(&text, &allocated, file);

                if (n <= 0 || p->bytes + (uint64_t)n > bytes || text[n - 1] != '\n')
                        r = audit_why(why,
                                      "%s has no end of line at byte %" PRIu64
                                      ", where the log says that it was synced",
                                      p->name, bytes);
                else
                        r = take_line(p, text, (size_t)n, why);
        }
        fclose(file);
        return r;
}

static int sha_so_far(const struct pulse_file *p, char ret[AUDIT_HEX + 1])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        EVP_MD_CTX *copy = EVP_MD_CTX_new();
        unsigned size = 0;
        bool ok;

        ok = copy && EVP_MD_CTX_copy_ex(copy, p->sha) == 1 && EVP_DigestFinal_ex(copy, digest, &size) == 1;
        EVP_MD_CTX_free(copy);
        if (!ok || size * 2 != AUDIT_HEX)
                return -ENOMEM;
        audit_hex(digest, size, ret);
        return 0;
}

static int get_pulse_file(struct audit_files *f, const char *name, struct pulse_file **ret)
{
        struct pulse_file *p;
        void **node = tfind(name, &f->pulse_files, by_name);

        if (node) {
                *ret = *node;
                return 0;
        }
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        snprintf(p->name, sizeof(p->name), "%s", name);
        p->sha = EVP_MD_CTX_new();
        if (!p->sha || EVP_DigestInit_ex(p->sha, EVP_sha256(), NULL) != 1 || !tsearch(p, &f->pulse_files, by_name)) {
                pulse_file_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

/* A count that must be there; wanted: optional, absent means 0. */
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
        if (wanted && (!is_pulse_file_name(c.file) || strlen(c.file) >= sizeof(((struct pulse_file *)NULL)->name)))
                return audit_why(why, "names '%.60s', which is no pulse file's name", c.file ? c.file : "");
        if (!wanted && (c.lines || c.bytes || c.delivered || c.missed))
                return audit_why(why, "counts pulses but names no pulse file");
        *ret = c;
        return 0;
}

int audit_files_pulses(struct audit_files *f, const json_t *data, bool end, uint64_t line, struct audit_why *why)
{
        struct pulse_file *p;
        char sha256[AUDIT_HEX + 1];
        uint64_t delivered_before;
        struct claim c = {0};
        int r;

        r = get_claim(data, &c, why);
        if (r < 0 || !c.file)
                return r;
        r = get_pulse_file(f, c.file, &p);
        if (r < 0)
                return r;
        delivered_before = p->delivered;
        r = read_up_to(f, p, c.bytes, why);
        if (r < 0)
                return r;
        r = sha_so_far(p, sha256);
        if (r < 0)
                return r;
        if (strcmp(sha256, c.sha256) != 0)
                return audit_why(why, "%s is not what was recorded: the hash of its first %" PRIu64 " bytes differs",
                                 p->name, c.bytes);
        if (p->lines != c.lines)
                return audit_why(why, "%s has %" PRIu64 " lines where the log says %" PRIu64, p->name, p->lines,
                                 c.lines);
        if (p->delivered != c.delivered)
                return audit_why(why, "%s has %" PRIu64 " delivered pulses where the log says %" PRIu64, p->name,
                                 p->delivered, c.delivered);
        if (json_object_get(data, "missed") && p->missed != c.missed)
                return audit_why(why, "%s has %" PRIu64 " missed pulses where the log says %" PRIu64, p->name,
                                 p->missed, c.missed);
        f->delivered += p->delivered - delivered_before;
        p->line = line;
        p->ended |= end;
        return 0;
}

/* twalk_r() hands this along: the first ended file, in the order of the log, that is longer than recorded. */
struct growth {
        struct audit_files *files;
        const struct pulse_file *grown;
        uint64_t size;
        int r;
};

static void look_for_growth(const void *node, VISIT visit, void *userdata)
{
        const struct pulse_file *p = *(const struct pulse_file *const *)node;
        struct growth *g = userdata;
        struct stat st;
        int fd;

        if ((visit != postorder && visit != leaf) || !p->ended || (g->grown && g->grown->line < p->line))
                return;
        fd = open_beside(g->files, p->name, &st);
        if (fd >= 0)
                close(fd);
        if (fd < 0 || (uint64_t)st.st_size != p->bytes) {
                g->grown = p;
                g->size = fd < 0 ? 0 : (uint64_t)st.st_size;
                g->r = fd < 0 ? fd : 0;
        }
}

int audit_files_finish(struct audit_files *f, uint64_t *ret_line, struct audit_why *why)
{
        struct growth g = {.files = f};

        twalk_r(f->pulse_files, look_for_growth, &g);
        if (!g.grown)
                return 0;
        *ret_line = g.grown->line;
        if (g.r < 0)
                return why_open(why, g.grown->name, g.r);
        return audit_why(why, "%s has %" PRIu64 " bytes, but its session ended with %" PRIu64, g.grown->name, g.size,
                         g.grown->bytes);
}

/* --- Protocols -------------------------------------------------------------------- */

static int hash_file(int fd, char ret[AUDIT_HEX + 1])
{
        unsigned char buf[16384], digest[EVP_MAX_MD_SIZE];
        EVP_MD_CTX *sha = EVP_MD_CTX_new();
        unsigned size = 0;
        ssize_t n = -1;
        bool ok;

        ok = sha && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1;
        while (ok && (n = read(fd, buf, sizeof(buf))) > 0)
                ok = EVP_DigestUpdate(sha, buf, (size_t)n) == 1;
        ok = ok && n == 0 && EVP_DigestFinal_ex(sha, digest, &size) == 1;
        EVP_MD_CTX_free(sha);
        if (!ok)
                return -EIO;
        audit_hex(digest, size, ret);
        return 0;
}

int audit_files_protocol(struct audit_files *f, const json_t *data, struct audit_why *why)
{
        const char *sha256 = json_string_value(json_object_get(data, "sha256"));
        _cleanup_free_ char *known = NULL;
        char name[sizeof("protocols/") + AUDIT_HEX + sizeof(".yaml")], actual[AUDIT_HEX + 1];
        struct stat st;
        int fd, r;

        if (!audit_is_hex(sha256, AUDIT_HEX))
                return audit_why(why, "without its protocol's sha256");
        if (tfind(sha256, &f->protocols, by_name))
                return 0;
        snprintf(name, sizeof(name), "protocols/%s.yaml", sha256);
        fd = open_beside(f, name, &st);
        if (fd < 0)
                return why_open(why, name, fd);
        r = hash_file(fd, actual);
        close(fd);
        if (r < 0)
                return audit_why(why, "%s cannot be read: %s", name, strerror(-r));
        if (strcmp(actual, sha256) != 0)
                return audit_why(why, "%s is not the protocol that was prepared: its hash differs", name);
        known = strdup(sha256);
        if (!known || !tsearch(known, &f->protocols, by_name))
                return -ENOMEM;
        known = NULL;
        return 0;
}
