/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checkpoint from which a daemon may read its log on. What is read here only says what the log should be: the
 * reading from there on proves that the log's keys have sealed it.
 */
#include "audit-internal.h"
#include "directory.h"
#include "read-at.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define TRIES 4                         /* so many of the newest files are looked at */
#define LINE_MAX_BYTES ((size_t)524288) /* a longer line before the seal is not looked for */
#define SEAL_MAX_BYTES ((size_t)16384)

/* --- Names ------------------------------------------------------------------------ */

void tms_audit_checkpoint_name(uint64_t records, char ret[static TMS_AUDIT_CHECKPOINT_NAME])
{
        snprintf(ret, TMS_AUDIT_CHECKPOINT_NAME, "%" PRIu64 ".json", records);
}

bool tms_audit_checkpoint_parse_name(const char *name, uint64_t *ret_records)
{
        char again[TMS_AUDIT_CHECKPOINT_NAME];

        *ret_records = strtoull(name, NULL, 10);
        tms_audit_checkpoint_name(*ret_records, again);
        return strcmp(name, again) == 0;
}

/* The highest number below that of a file. 1; 0: there is none; or a negative errno. */
static int find_below(int dir_fd, uint64_t limit, uint64_t *ret)
{
        const struct dirent *entry;
        bool any = false;
        uint64_t n;
        DIR *d;
        int r;

        r = directory_open(dir_fd, "checkpoints", &d);
        if (r < 0)
                return r == -ENOENT || r == -ENOTDIR ? 0 : r;
        while (errno = 0, (entry = readdir(d))) {
                if (!tms_audit_checkpoint_parse_name(entry->d_name, &n) || n >= limit || (any && n <= *ret))
                        continue;
                *ret = n;
                any = true;
        }
        r = -errno;
        closedir(d);
        return r < 0 ? r : any;
}

/* --- Reading ---------------------------------------------------------------------- */

static int read_text(int dir_fd, uint64_t number, struct tms_audit_checkpoint *c)
{
        _cleanup_close_ int fd = -1;
        struct stat st;
        char name[64];
        ssize_t n;

        snprintf(name, sizeof(name), "checkpoints/%" PRIu64 ".json", number);
        fd = audit_open_beside(dir_fd, name, &st);
        if (fd < 0)
                return fd;
        if (st.st_size > TMS_AUDIT_CHECKPOINT_MAX)
                return -EBADMSG;
        c->text = malloc((size_t)st.st_size + 1);
        if (!c->text)
                return -ENOMEM;
        n = read_at(fd, 0, c->text, (size_t)st.st_size);
        if (n < 0)
                return (int)n;
        c->size = (size_t)n;
        c->text[c->size] = '\0';
        return 0;
}

/* What it says of the log. A text in which anything stands otherwise than it is written here says nothing. */
static int parse_text(struct tms_audit_checkpoint *c)
{
        static const char state[] = ",\"state\":", end[] = "}\n";
        struct tms_audit_position *at = &c->at;
        _cleanup_free_ char *due = NULL;
        const char *tree, *tree_end;
        int tree_at = 0;

        if (sscanf(c->text,
                   "{\"format\":2,\"origin\":\"%69[tmsd/0-9a-f]\",\"records\":%" SCNu64 ",\"segment\":%" SCNu64
                   ",\"offset\":%" SCNu64 ",\"prev\":\"%64[0-9a-f]\",\"seals\":%" SCNu64
                   ",\"public\":\"%64[0-9a-f]\",\"tree\":%n",
                   at->origin, &at->records, &at->segment, &at->offset, at->head, &at->seals, at->next_public,
                   &tree_at) != 7 ||
            tree_at == 0 || strlen(at->head) != AUDIT_HEX || at->segment > TMS_AUDIT_SEGMENTS_MAX ||
            at->offset > INT64_MAX)
                return -EBADMSG;
        tree = c->text + tree_at;
        tree_end = strstr(tree, state);
        if (!tree_end || tms_merkle_parse(tree, (size_t)(tree_end - tree), at->records, &at->tree) < 0)
                return -EBADMSG;
        due = tms_audit_position_text(at);
        if (!due)
                return -ENOMEM;
        c->state = tree_end + strlen(state);
        if (strncmp(c->text, due, strlen(due)) != 0 || strlen(c->text) != c->size || strlen(c->state) <= strlen(end) ||
            strcmp(c->text + c->size - strlen(end), end) != 0)
                return -EBADMSG;
        c->state_size = c->size - (size_t)(c->state - c->text) - strlen(end);
        at->format = 2;
        audit_unhex(at->head, sizeof(at->leaf), at->leaf);
        return 0;
}

/* --- What stands around it in the log --------------------------------------------- */

/* The line at that byte. *ret_size: without its end. -EBADMSG: it is no record, or too long. */
static int scan_at(int fd, uint64_t offset, char *buf, size_t room, size_t *ret_size, struct record_scan *ret)
{
        struct audit_why why;
        ssize_t n = read_at(fd, offset, buf, room);
        char *end;

        if (n < 0)
                return (int)n;
        end = memchr(buf, '\n', (size_t)n);
        if (!end)
                return -EBADMSG;
        *end = '\0';
        *ret_size = (size_t)(end - buf);
        return audit_record_scan(buf, *ret_size, ret, &why);
}

/* The first record of the segment says the rest of what is known there: the log's name has to be that of its key 0. */
static int take_first(int fd, struct tms_audit_position *at, char *buf)
{
        struct record_value key0;
        unsigned char raw[AUDIT_HEX / 2];
        struct record_scan scan;
        char hash[AUDIT_HEX + 1];
        struct audit_sha sha;
        int64_t format = 0;
        size_t size;
        int r;

        r = scan_at(fd, 0, buf, LINE_MAX_BYTES, &size, &scan);
        if (r < 0)
                return r;
        key0 = record_data(&scan.record, "key0");
        if (!record_string_is(scan.record.type, at->segment == 0 ? "log.open" : "log.segment") ||
            !audit_is_hex(key0, AUDIT_HEX) || !record_int64(record_data(&scan.record, "format"), &format) ||
            format != 2 || scan.record.utc.size <= 8)
                return -EBADMSG;
        snprintf(at->month, sizeof(at->month), "%.7s", scan.record.utc.text + 1);
        audit_hex_copy(key0, at->key0);
        audit_unhex(at->key0, sizeof(raw), raw);
        r = audit_sha_new(&sha);
        if (r >= 0)
                r = audit_sha_line(&sha, (const char *)raw, sizeof(raw), hash);
        audit_sha_clear(&sha);
        if (r < 0)
                return r;
        return strncmp(at->origin, "tmsd/", 5) == 0 && strcmp(at->origin + 5, hash) == 0 ? 0 : -EBADMSG;
}

/* The record before the seal: its hash is the seal's prev, and a log.close lets the seal close the segment. */
static int take_before(int fd, struct tms_audit_checkpoint *c, char *buf)
{
        const size_t want = c->at.offset < LINE_MAX_BYTES ? (size_t)c->at.offset : LINE_MAX_BYTES;
        unsigned char leaf[TMS_MERKLE_HASH];
        struct record_scan scan;
        struct audit_why why;
        char *line;
        ssize_t n;
        int r;

        n = read_at(fd, c->at.offset - want, buf, want);
        if (n < 0)
                return (int)n;
        if ((size_t)n != want || want < 2 || buf[want - 1] != '\n')
                return -EBADMSG;
        buf[want - 1] = '\0';
        line = memrchr(buf, '\n', want - 1);
        if (!line && want < c->at.offset)
                return -EBADMSG;
        line = line ? line + 1 : buf;
        r = tms_merkle_leaf(NULL, line, (size_t)(buf + want - 1 - line), leaf);
        if (r < 0)
                return r;
        if (memcmp(leaf, c->at.leaf, sizeof(leaf)) != 0)
                return -EBADMSG;
        r = audit_record_scan(line, (size_t)(buf + want - 1 - line), &scan, &why);
        c->closing = r >= 0 && record_string_is(scan.record.type, "log.close");
        return r;
}

/* The record that is due there has to be a seal that names this file. *ret_end: the byte behind it. */
static int take_seal(int fd, struct tms_audit_checkpoint *c, char *buf, uint64_t *ret_end)
{
        struct record_scan scan;
        char hash[AUDIT_HEX + 1];
        struct audit_sha sha;
        size_t size;
        int r;

        r = scan_at(fd, c->at.offset, buf, SEAL_MAX_BYTES, &size, &scan);
        if (r < 0)
                return r;
        if (!record_string_is(scan.record.type, "seal") || (uint64_t)scan.record.number != c->at.records)
                return -EBADMSG;
        r = audit_sha_new(&sha);
        if (r >= 0)
                r = audit_sha_line(&sha, c->text, c->size, hash);
        if (r >= 0 && !record_string_is(record_data(&scan.record, "checkpoint"), hash))
                r = -EBADMSG;
        if (r >= 0)
                r = audit_sha_line(&sha, buf, size, c->seal_sha256);
        audit_sha_clear(&sha);
        *ret_end = c->at.offset + size + 1;
        return r;
}

/* Is the seal in the last segment, or the last record of the one before? */
static int check_place(int dir_fd, int fd, const struct tms_audit_checkpoint *c, uint64_t end)
{
        struct audit_segments there;
        struct stat st;
        int r;

        r = audit_segments_look(dir_fd, &there);
        if (r < 0)
                return r;
        if (there.any && there.highest == c->at.segment)
                return 0;
        if (!there.any || there.highest != c->at.segment + 1)
                return -EBADMSG;
        if (fstat(fd, &st) < 0)
                return -errno;
        return (uint64_t)st.st_size == end ? 0 : -EBADMSG;
}

static int load(int dir_fd, uint64_t number, struct tms_audit_checkpoint *c, char *buf)
{
        _cleanup_close_ int fd = -1;
        uint64_t end = 0;
        int r;

        r = read_text(dir_fd, number, c);
        if (r >= 0)
                r = parse_text(c);
        if (r >= 0 && c->at.records != number)
                r = -EBADMSG;
        if (r < 0)
                return r;
        fd = audit_segment_open(dir_fd, c->at.segment);
        if (fd < 0)
                return fd;
        r = take_first(fd, &c->at, buf);
        if (r >= 0)
                r = take_before(fd, c, buf);
        if (r >= 0)
                r = take_seal(fd, c, buf, &end);
        return r < 0 ? r : check_place(dir_fd, fd, c, end);
}

void tms_audit_checkpoint_clear(struct tms_audit_checkpoint *c)
{
        free(c->text);
        *c = (struct tms_audit_checkpoint){0};
}

int tms_audit_checkpoint_find(int dir_fd, struct tms_audit_checkpoint *ret)
{
        _cleanup_free_ char *buf = malloc(LINE_MAX_BYTES);
        uint64_t number = UINT64_MAX;
        int r = 1;

        if (!buf)
                return -ENOMEM;
        for (unsigned i = 0; i < TRIES && r > 0; i++) {
                struct tms_audit_checkpoint c = {0};

                r = find_below(dir_fd, number, &number);
                if (r <= 0)
                        return r;
                r = load(dir_fd, number, &c, buf);
                if (r >= 0) {
                        *ret = c;
                        return 1;
                }
                tms_audit_checkpoint_clear(&c);
                /* A file that is no checkpoint of this log may have a good one before it. */
                r = r == -ENOMEM || r == -EMFILE || r == -ENFILE ? r : 1;
        }
        return r < 0 ? r : 0;
}
