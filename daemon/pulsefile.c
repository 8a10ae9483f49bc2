/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's pulse file; see pulsefile.h and AUDIT.md. */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "file.h"
#include "pulsefile.h"

#define COLUMNS 12

DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_MD_CTX *, EVP_MD_CTX_free)

static const char head[] = "seq\tmono_ns\ttype\trun\tpulse\tcard_seq\tscheduled_ns\ttriggered_ns\tcard_ns\t"
                           "set_permille\tdelivered_permille\tcode\n";

struct pulsefile {
        char path[128];
        int fd;
        bool dirty;
        EVP_MD_CTX *sha;
        struct pulse_totals totals;
        /* One write a batch: a batch is at most what the kernel gave in a few ticks. */
        char buf[64 * 1024];
};

int pulsefile_new(const char *name, struct pulsefile **ret)
{
        _cleanup_(pulsefile_freep) struct pulsefile *p = NULL;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->fd = -1;
        if ((size_t)snprintf(p->path, sizeof(p->path), "pulses/%s.tsv", name) >= sizeof(p->path))
                return -ENAMETOOLONG;
        p->sha = EVP_MD_CTX_new();
        if (!p->sha || EVP_DigestInit_ex(p->sha, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        *ret = TAKE_PTR(p);
        return 0;
}

struct pulsefile *pulsefile_free(struct pulsefile *p)
{
        if (!p)
                return NULL;
        safe_close(p->fd);
        EVP_MD_CTX_free(p->sha);
        free(p);
        return NULL;
}

const char *pulsefile_path(const struct pulsefile *p)
{
        return p->path;
}

static void count(struct pulse_totals *t, uint64_t seq, unsigned type, unsigned code)
{
        t->lines++;
        t->last_seq = seq;
        if (type == TMS_EVENT_PULSE_ANSWER && code == TMS_PULSE_OUTCOME_DELIVERED)
                t->delivered++;
        else if (type == TMS_EVENT_PULSE_FIRED &&
                 (code == TMS_PULSE_OUTCOME_LATE || code == TMS_PULSE_OUTCOME_SKIPPED ||
                  code == TMS_PULSE_OUTCOME_NOT_READY))
                t->missed++;
}

static int hash(struct pulsefile *p, const char *data, size_t size)
{
        if (EVP_DigestUpdate(p->sha, data, size) != 1)
                return -EIO;
        p->totals.bytes += size;
        return 0;
}

/* One line without its end of line; false if it is not a record. */
static bool parse_line(const char *line, uint64_t ret_value[static COLUMNS])
{
        const char *s = line;
        int i;

        for (i = 0; i < COLUMNS; i++) {
                char *end;

                if (*s < '0' || *s > '9')
                        return false;
                errno = 0;
                ret_value[i] = strtoull(s, &end, 10);
                if (errno != 0 || *end != (i == COLUMNS - 1 ? '\n' : '\t'))
                        return false;
                s = end + 1;
        }
        return *s == '\0';
}

/* Counts and hashes what is there; *ret_good: bytes up to the end of the last whole line. */
static int scan(struct pulsefile *p, FILE *f, uint64_t *ret_good)
{
        _cleanup_(freep) char *line = NULL;
        size_t allocated = 0;
        bool first = true;
        ssize_t n;
        int r;

        while ((n = getline(&line, &allocated, f)) > 0) {
                uint64_t v[COLUMNS];

                if (first ? !STREQ(line, head) : (strlen(line) != (size_t)n || !parse_line(line, v)))
                        break;
                r = hash(p, line, (size_t)n);
                if (r < 0)
                        return r;
                if (!first)
                        count(&p->totals, v[0], (unsigned)v[2], (unsigned)v[11]);
                first = false;
        }
        if (ferror(f))
                return -EIO;
        *ret_good = p->totals.bytes;
        return 0;
}

static int reopen(struct pulsefile *p, int dir_fd, const char *name)
{
        _cleanup_(fclosep) FILE *f = NULL;
        struct stat st;
        uint64_t good;
        int fd, r;

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "re");
        if (!f) {
                r = -errno;
                safe_close(fd);
                return r;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        r = scan(p, f, &good);
        if (r < 0)
                return r;
        p->fd = openat(dir_fd, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
        if (p->fd < 0)
                return -errno;
        if ((uint64_t)st.st_size > good && ftruncate(p->fd, (off_t)good) < 0)
                return -errno;
        p->totals.cut = (uint64_t)st.st_size - good;
        return 0;
}

int pulsefile_open(struct pulsefile *p, int dir_fd, bool existing)
{
        const char *name = p->path + strlen("pulses/");
        int r;

        if (existing) {
                r = reopen(p, dir_fd, name);
                if (r < 0)
                        return r;
        } else {
                p->fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (p->fd < 0)
                        return -errno;
        }
        if (p->totals.bytes == 0) {
                r = write_all(p->fd, head, strlen(head));
                if (r < 0)
                        return r;
                r = hash(p, head, strlen(head));
                if (r < 0)
                        return r;
        }
        if (fsync(p->fd) < 0 || fsync(dir_fd) < 0)
                return -errno;
        return 0;
}

static int flush(struct pulsefile *p, size_t used)
{
        int r;

        if (used == 0)
                return 0;
        p->dirty = true;
        r = write_all(p->fd, p->buf, used);
        if (r < 0)
                return r;
        return hash(p, p->buf, used);
}

int pulsefile_append(struct pulsefile *p, const struct tms_event *events, size_t n)
{
        size_t used = 0, i;

        for (i = 0; i < n; i++) {
                const struct tms_event *e = events + i;

                if (p->totals.lines > 0 && e->seq <= p->totals.last_seq)
                        continue;
                if (sizeof(p->buf) - used <= PULSEFILE_LINE_MAX) {
                        int r = flush(p, used);

                        if (r < 0)
                                return r;
                        used = 0;
                }
                used += (size_t)snprintf(p->buf + used, sizeof(p->buf) - used,
                                         "%" PRIu64 "\t%" PRIu64 "\t%u\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                                         "\t%u\t%u\t%u\n",
                                         (uint64_t)e->seq, (uint64_t)e->mono_ns, e->type, e->run, e->pulse, e->card_seq,
                                         (uint64_t)e->scheduled_ns, (uint64_t)e->triggered_ns, (uint64_t)e->card_ns,
                                         e->set_permille, e->delivered_permille, e->code);
                count(&p->totals, e->seq, e->type, e->code);
        }
        return flush(p, used);
}

int pulsefile_sync(struct pulsefile *p)
{
        if (!p->dirty)
                return 0;
        if (fdatasync(p->fd) < 0)
                return -errno;
        p->dirty = false;
        return 0;
}

const struct pulse_totals *pulsefile_totals(const struct pulsefile *p)
{
        return &p->totals;
}

static int digest_so_far(const struct pulsefile *p, char ret_hex[static 65])
{
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *copy = EVP_MD_CTX_new();
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size;

        if (!copy)
                return -ENOMEM;
        if (EVP_MD_CTX_copy_ex(copy, p->sha) != 1 || EVP_DigestFinal_ex(copy, digest, &size) != 1)
                return -EIO;
        hex_encode(digest, size, ret_hex);
        return 0;
}

int pulsefile_describe(struct pulsefile *p, json_t *data)
{
        const struct pulse_totals *t = &p->totals;
        char sha256[65];
        int r;

        r = digest_so_far(p, sha256);
        if (r < 0)
                return r;
        if (json_object_set_new(data, "file", json_string(p->path)) < 0 ||
            json_object_set_new(data, "lines", json_u64(t->lines)) < 0 ||
            json_object_set_new(data, "bytes", json_u64(t->bytes)) < 0 ||
            json_object_set_new(data, "sha256", json_string(sha256)) < 0 ||
            json_object_set_new(data, "delivered", json_u64(t->delivered)) < 0 ||
            json_object_set_new(data, "missed", json_u64(t->missed)) < 0)
                return -ENOMEM;
        if (t->cut > 0 && json_object_set_new(data, "cut_bytes", json_u64(t->cut)) < 0)
                return -ENOMEM;
        return 0;
}
