/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's pulse file; see pulsefile.h and AUDIT.md. */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <tms.h>

#include "append.h"
#include "cut.h"
#include "file.h"
#include "pulsefile.h"
#include "pulseline.h"
#include "settle.h"

/* Reserved for the records of a session's last seconds when the disk is full. */
#define ROOM (64 * 1024)

DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_MD_CTX *, EVP_MD_CTX_free)

struct pulsefile {
        char path[128];
        int fd;
        int error; /* of the opening or write that failed: nothing is added after it, since records are missing there */
        bool unsound; /* nobody knows what the disk has of the file */
        bool dirty;
        bool made;       /* this process has made the file, and no record names it yet */
        uint64_t synced; /* bytes that are on disk */
        uint64_t room;   /* the file system has reserved room for the file up to this size */
        EVP_MD_CTX *sha;
        struct tms_pulse_counts counts;
        struct pulse_totals totals;
        struct cut cut;
        /* A batch is written at once; it has no more records than the kernel gives in a few ticks. */
        char buf[64 * 1024];
};

/* Do the readers of the log accept it as the name of a pulse file? */
static bool is_name(const char *s)
{
        size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

        return n > 0 && s[n] == '\0' && s[0] != '.';
}

int pulsefile_new(const char *name, struct pulsefile **ret)
{
        _cleanup_(pulsefile_freep) struct pulsefile *p = NULL;

        if (!is_name(name))
                return -EINVAL;
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->fd = -1;
        p->error = -EBADF;
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

bool pulsefile_is_sound(const struct pulsefile *p)
{
        return !p->unsound;
}

static void set_totals(struct pulsefile *p, const struct tms_pulse_counts *c)
{
        p->counts = *c;
        p->totals.lines = c->lines;
        p->totals.last_seq = c->last_seq;
        p->totals.delivered = (uint32_t)c->delivered;
        p->totals.missed = (uint32_t)c->missed;
        p->totals.unknown = (uint32_t)c->unknown;
        p->totals.next_pulse = c->next_pulse;
        p->totals.waiting = c->waiting;
}

static int hash(struct pulsefile *p, const char *data, size_t size)
{
        if (EVP_DigestUpdate(p->sha, data, size) != 1)
                return -ENOMEM;
        p->totals.bytes += size;
        return 0;
}

/* --- Opening ---------------------------------------------------------------------- */

/* Counts and hashes the whole lines of the file, behind which there may be an unfinished one. */
static int scan(struct pulsefile *p, FILE *f)
{
        _cleanup_(freep) char *line = NULL;
        struct tms_pulse_counts counts = {0};
        size_t allocated = 0;
        ssize_t n;
        int r = 0;

        while (r >= 0 && (errno = 0, n = getline(&line, &allocated, f)) > 0 && line[n - 1] == '\n') {
                /* A whole line that is no record is refused, as the log's reader does too. */
                r = tms_pulse_line(&counts, line, (size_t)n);
                if (r >= 0)
                        r = hash(p, line, (size_t)n);
        }
        if (r >= 0 && (ferror(f) || (n < 0 && !feof(f))))
                r = errno ? -errno : -EIO;
        set_totals(p, &counts);
        return r;
}

static int read_existing(struct pulsefile *p, int dir_fd)
{
        _cleanup_(fclosep) FILE *f = NULL;
        int fd, r;

        fd = openat(dir_fd, p->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        /* The kernel is told to forget the records that are counted here, so they have to be on disk. */
        r = settle_file(fd);
        if (r >= 0) {
                f = fdopen(fd, "re");
                r = f ? 0 : -ENOMEM;
        }
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        return scan(p, f);
}

static int reopen(struct pulsefile *p, int dir_fd)
{
        char what[sizeof(p->path)];
        struct stat st;
        int r;

        r = read_existing(p, dir_fd);
        if (r < 0)
                return r;
        p->fd = openat(dir_fd, p->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
        if (p->fd < 0 || fstat(p->fd, &st) < 0)
                return -errno;
        if ((uint64_t)st.st_size == p->totals.bytes)
                return 0;
        /* The session's id: the file's name without its directory and its ending. */
        (void)snprintf(what, sizeof(what), "%.*s", (int)(strlen(p->path) - strlen("pulses/.tsv")),
                       p->path + strlen("pulses/"));
        r = cut_tail(p->fd, p->totals.bytes, dir_fd, what, &p->cut);
        p->totals.cut = p->cut.bytes;
        return r;
}

static int sync_dir(int dir_fd)
{
        _cleanup_(closep) int fd = openat(dir_fd, "pulses", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Appends and hashes size bytes; afterwards the totals are those given. */
static int put(struct pulsefile *p, const char *data, size_t size, const struct tms_pulse_counts *counts)
{
        bool sound;
        int r;

        p->dirty = true;
        r = append_lines(p->fd, p->totals.bytes, &p->synced, data, size, &sound);
        if (!sound)
                p->unsound = true;
        if (r < 0)
                return r;
        r = hash(p, data, size);
        /* The bytes are written and not in the hash, so what a record would say of the file would be wrong. */
        if (r < 0)
                p->unsound = true;
        set_totals(p, counts);
        return r;
}

static int open_file(struct pulsefile *p, int dir_fd, bool existing)
{
        const char *head = tms_pulse_head(TMS_PULSE_COLUMNS);
        int r;

        if (existing) {
                r = reopen(p, dir_fd);
        } else {
                p->fd = openat(dir_fd, p->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
                r = p->fd < 0 ? -errno : 0;
                p->made = r >= 0;
        }
        if (r >= 0 && p->totals.bytes == 0)
                r = put(p, head, strlen(head), &(struct tms_pulse_counts){.columns = TMS_PULSE_COLUMNS});
        /* Room is reserved before the opening is reported as done, and so before any record is accepted. */
        if (r >= 0)
                r = reserve_room(p->fd, p->totals.bytes, ROOM);
        if (r >= 0)
                p->room = p->totals.bytes + ROOM;
        return r;
}

void pulsefile_take_back(struct pulsefile *p, int dir_fd)
{
        if (!p->made || p->counts.lines > 0)
                return;
        /*
         * If the file cannot be removed, it may stay: the log's readers accept a file without a pulse that no record
         * names.
         */
        (void)unlinkat(dir_fd, p->path, 0);
        p->fd = safe_close(p->fd);
        p->error = -EBADF;
        p->made = false;
}

void pulsefile_finish(struct pulsefile *p, int dir_fd)
{
        struct stat st;

        pulsefile_take_back(p, dir_fd);
        /*
         * Gives the reserved room back to the disk. The file's size is compared first, so that no byte of its content
         * is cut off.
         */
        if (p->room > 0 && p->fd >= 0 && !p->unsound && fstat(p->fd, &st) >= 0 &&
            (uint64_t)st.st_size == p->totals.bytes)
                (void)!ftruncate(p->fd, st.st_size);
}

int pulsefile_open(struct pulsefile *p, int dir_fd, bool existing)
{
        int r;

        r = open_file(p, dir_fd, existing);
        if (r >= 0) {
                if (fsync(p->fd) < 0) {
                        r = -errno;
                } else {
                        p->synced = p->totals.bytes;
                        r = sync_dir(dir_fd);
                }
                if (r == -EIO || r == -EROFS)
                        p->unsound = true;
        }
        if (r < 0)
                pulsefile_take_back(p, dir_fd);
        p->error = r;
        return r;
}

/* --- Adding ------------------------------------------------------------------------- */

static int flush(struct pulsefile *p, size_t used, const struct tms_pulse_counts *counts)
{
        return used == 0 ? 0 : put(p, p->buf, used, counts);
}

static int append(struct pulsefile *p, const struct tms_event *events, size_t n)
{
        struct tms_pulse_counts counts = p->counts;
        size_t used = 0, i;

        for (i = 0; i < n; i++) {
                struct tms_pulse_values v;

                if (counts.lines > 0 && events[i].seq <= counts.last_seq)
                        continue;
                if (sizeof(p->buf) - used < PULSELINE_MAX) {
                        int r = flush(p, used, &counts);

                        if (r < 0)
                                return r;
                        used = 0;
                }
                used += pulse_line(events + i, counts.columns, p->buf + used, &v);
                tms_pulse_count(&counts, &v);
        }
        return flush(p, used, &counts);
}

int pulsefile_append(struct pulsefile *p, const struct tms_event *events, size_t n)
{
        /* Nothing is written after an error: a later record would acknowledge those that are missing. */
        if (p->error >= 0)
                p->error = append(p, events, n);
        return p->error;
}

int pulsefile_replenish(struct pulsefile *p)
{
        int r;

        if (p->fd < 0 || p->room >= p->totals.bytes + ROOM / 2)
                return 0;
        r = reserve_room(p->fd, p->totals.bytes, ROOM);
        if (r >= 0)
                p->room = p->totals.bytes + ROOM;
        return r;
}

int pulsefile_sync(struct pulsefile *p)
{
        if (!p->dirty)
                return 0;
        if (fdatasync(p->fd) < 0) {
                p->unsound = true;
                return -errno;
        }
        p->dirty = false;
        p->synced = p->totals.bytes;
        return 0;
}

void pulsefile_named(struct pulsefile *p)
{
        p->made = false;
}

int pulsefile_error(const struct pulsefile *p)
{
        return p->error;
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
                return -ENOMEM;
        hex_encode(digest, size, ret_hex);
        return 0;
}

int pulsefile_describe(struct pulsefile *p, json_t *data)
{
        const struct pulse_totals *t = &p->totals;
        char sha256[65];
        int r;

        /* Nothing is known of a file that could not be opened. */
        if (p->fd < 0)
                return p->error;
        r = digest_so_far(p, sha256);
        if (r < 0)
                return r;
        if (json_object_set_new(data, "file", json_string(p->path)) < 0 ||
            json_object_set_new(data, "lines", json_u64(t->lines)) < 0 ||
            json_object_set_new(data, "bytes", json_u64(t->bytes)) < 0 ||
            json_object_set_new(data, "sha256", json_string(sha256)) < 0 ||
            json_object_set_new(data, "delivered", json_u64(t->delivered)) < 0 ||
            json_object_set_new(data, "missed", json_u64(t->missed)) < 0 ||
            json_object_set_new(data, "unknown", json_u64(t->unknown)) < 0 ||
            json_object_set_new(data, "next_pulse", json_u64(t->next_pulse)) < 0)
                return -ENOMEM;
        return t->cut > 0 ? cut_describe(&p->cut, data) : 0;
}
