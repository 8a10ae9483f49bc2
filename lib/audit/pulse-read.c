/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a pulse file block by block: its hash, and its lines counted. One thread reads one file; see pulse-jobs.h. */
#include "pulse-jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int pulse_reader_new(struct pulse_reader *r, int dir_fd)
{
        *r = (struct pulse_reader){.dir_fd = dir_fd};
        r->block = calloc(1, AUDIT_BLOCK + AUDIT_PULSE_SLACK);
        if (r->block && audit_sha_new(&r->sha) >= 0)
                return 0;
        pulse_reader_clear(r);
        return -ENOMEM;
}

void pulse_reader_clear(struct pulse_reader *r)
{
        EVP_MD_CTX_free(r->spare);
        audit_sha_clear(&r->sha);
        free(r->block);
        *r = (struct pulse_reader){.dir_fd = -1};
}

/* A place in a file, and what was read from there on but is not looked at yet. */
struct place {
        const char *name;
        int fd;
        uint64_t at;       /* byte of the file at block[begin] */
        size_t begin, end; /* in the reader's block */
};

static ssize_t read_at(int fd, char *buf, size_t size, uint64_t at)
{
        ssize_t n;

        do
                n = pread(fd, buf, size, (off_t)at);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

/* Reads on behind what is in the block. Returns the number of bytes, 0 at the end of the file, or a negative errno. */
static ssize_t fill(struct pulse_reader *r, struct place *p)
{
        ssize_t n;

        if (p->begin > 0) {
                memmove(r->block, r->block + p->begin, p->end - p->begin);
                p->end -= p->begin;
                p->begin = 0;
        }
        n = read_at(p->fd, r->block + p->end, AUDIT_BLOCK - p->end, p->at + p->end);
        if (n > 0)
                p->end += (size_t)n;
        return n;
}

/* The block is full, without an end of line in it. 1: there is one before limit, 0: there is none, or an errno. */
static int find_line_end(struct pulse_reader *r, const struct place *p, uint64_t limit)
{
        uint64_t at = p->at + (p->end - p->begin);

        while (at < limit) {
                uint64_t wanted = limit - at < AUDIT_BLOCK ? limit - at : AUDIT_BLOCK;
                ssize_t n = read_at(p->fd, r->block, (size_t)wanted, at);

                if (n <= 0)
                        return (int)n;
                if (memchr(r->block, '\n', (size_t)n))
                        return 1;
                at += (uint64_t)n;
        }
        return 0;
}

/*
 * Reads whole lines, up to limit bytes of the file; sha may be NULL. After it p->at is behind the last line: before
 * limit if the file has no more, or if a line goes beyond limit.
 */
static int read_lines(struct pulse_reader *r, struct place *p, uint64_t limit, struct tms_pulse_counts *counts,
                      EVP_MD_CTX *sha, struct audit_why *why)
{
        while (p->at < limit) {
                uint64_t left = limit - p->at;
                size_t have = p->end - p->begin, size = left < have ? (size_t)left : have, lines;
                ssize_t n;
                int q;

                q = audit_pulse_lines(p->name, counts, r->block + p->begin, size, &lines, why);
                if (q < 0)
                        return q;
                if (lines > 0 && sha && EVP_DigestUpdate(sha, r->block + p->begin, lines) != 1)
                        return -ENOMEM;
                p->begin += lines;
                p->at += lines;
                if (left <= have)
                        return 0;
                if (p->end - p->begin == AUDIT_BLOCK) {
                        q = find_line_end(r, p, limit);
                        if (q > 0)
                                return audit_pulse_no_line(p->name, counts, why);
                        return q < 0 ? audit_why_open(why, p->name, q) : 0;
                }
                n = fill(r, p);
                if (n <= 0)
                        return n < 0 ? audit_why_open(why, p->name, (int)n) : 0;
        }
        return 0;
}

/* The hash of a file's first bytes begins again: it was complete, and then a restart has added to it. */
static int hash_again(struct pulse_reader *r, const struct pulse_file *f, int fd, EVP_MD_CTX *sha,
                      struct audit_why *why)
{
        uint64_t at = 0;

        while (at < f->bytes) {
                uint64_t wanted = f->bytes - at < AUDIT_BLOCK ? f->bytes - at : AUDIT_BLOCK;
                ssize_t n = read_at(fd, r->block, (size_t)wanted, at);

                if (n < 0)
                        return audit_why_open(why, f->name, (int)n);
                /* The file is too short now; its lines will be found missing. */
                if (n == 0)
                        return 0;
                if (EVP_DigestUpdate(sha, r->block, (size_t)n) != 1)
                        return -ENOMEM;
                at += (uint64_t)n;
        }
        return 0;
}

/* The running hash of the file, which goes on where it stopped. */
static int take_sha(struct pulse_reader *r, struct pulse_file *f, int fd, struct audit_why *why)
{
        int q;

        if (f->sha)
                return 0;
        f->sha = r->spare ? TAKE_PTR(r->spare) : EVP_MD_CTX_new();
        if (!f->sha)
                return -ENOMEM;
        q = audit_sha_begin(&r->sha, f->sha);
        return q < 0 ? q : hash_again(r, f, fd, f->sha, why);
}

static int compare(const struct pulse_file *f, const struct pulse_claim *c, const unsigned char *sha256,
                   struct audit_why *why)
{
        if (memcmp(sha256, c->sha256, sizeof(c->sha256)) != 0)
                return audit_why(why, "%s is not what was recorded: the hash of its first %" PRIu64 " bytes differs",
                                 f->name, c->bytes);
        if (f->counts.lines != c->lines)
                return audit_why(why, "%s has %" PRIu64 " lines where the log says %" PRIu64, f->name, f->counts.lines,
                                 c->lines);
        if (f->counts.delivered != c->delivered)
                return audit_why(why, "%s has %" PRIu64 " delivered pulses where the log says %" PRIu64, f->name,
                                 f->counts.delivered, c->delivered);
        if (f->counts.missed != c->missed)
                return audit_why(why, "%s has %" PRIu64 " missed pulses where the log says %" PRIu64, f->name,
                                 f->counts.missed, c->missed);
        if (c->has_unknown && f->counts.unknown != c->unknown)
                return audit_why(why, "%s has %" PRIu64 " pulses without an answer where the log says %" PRIu64,
                                 f->name, f->counts.unknown, c->unknown);
        if (c->has_next_pulse && f->counts.next_pulse != c->next_pulse)
                return audit_why(why, "%s comes to pulse %" PRIu32 " where the log says %" PRIu64, f->name,
                                 f->counts.next_pulse, c->next_pulse);
        return 0;
}

static int read_claim(struct pulse_reader *r, struct pulse_file *f, struct place *p, const struct pulse_claim *c,
                      struct audit_why *why)
{
        unsigned char sha256[AUDIT_HEX / 2];
        int q;

        if (c->bytes < f->bytes)
                return audit_why(why, "%s is said to have shrunk from %" PRIu64 " bytes to %" PRIu64, f->name, f->bytes,
                                 c->bytes);
        if (p->fd < 0) {
                struct stat st;

                p->fd = audit_open_beside(r->dir_fd, f->name, &st);
                if (p->fd < 0)
                        return audit_why_open(why, f->name, p->fd);
                q = take_sha(r, f, p->fd, why);
                if (q < 0)
                        return q;
        }
        q = read_lines(r, p, c->bytes, &f->counts, f->sha, why);
        if (q < 0)
                return q;
        f->bytes = p->at;
        if (f->bytes != c->bytes)
                return audit_why(why,
                                 "%s has no end of line at byte %" PRIu64 ", where the log says that it was synced",
                                 f->name, c->bytes);
        q = audit_sha_so_far(&r->sha, f->sha, sha256);
        return q < 0 ? q : compare(f, c, sha256, why);
}

int pulse_read_claims(struct pulse_reader *r, struct pulse_file *f, const struct pulse_claim *claims, size_t n,
                      uint64_t *ret_delivered, struct audit_why *why)
{
        struct place p = {.name = f->name, .fd = -1, .at = f->bytes};
        uint64_t before = f->counts.delivered;
        int q = 0;

        for (size_t i = 0; q >= 0 && i < n; i++)
                q = read_claim(r, f, &p, &claims[i], why);
        safe_close(p.fd);
        *ret_delivered = f->counts.delivered - before;
        /* Thousands of files have ended: each would keep a context that is not needed again. */
        if (q >= 0 && n > 0 && claims[n - 1].end) {
                EVP_MD_CTX_free(r->spare);
                r->spare = TAKE_PTR(f->sha);
        }
        return q;
}

int pulse_read_rest(struct pulse_reader *r, const char *name, int fd, uint64_t at, struct tms_pulse_counts *counts,
                    struct audit_why *why)
{
        struct place p = {.name = name, .fd = fd, .at = at};

        return read_lines(r, &p, UINT64_MAX, counts, NULL, why);
}
