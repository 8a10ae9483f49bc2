/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this audit log what was written? A pass goes over the lines and checks
 * each against the one before, each seal against the key announced before it,
 * and each file beside the log against its record. The first thing that is
 * wrong ends the pass.
 *
 * Then the log is compared with the anchors: the caller keeps them where
 * whoever controls the machine cannot change them. Without an anchor the best
 * result is TMS_AUDIT_PREFIX.
 */
#include "audit-pass.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* From this size on, a log is first read with two threads. In a smaller one there is nothing to gain. */
#define FAST_BYTES 131072

#define ATTEMPTS 20 /* passes over a log that grows while it is read; must be more than two */

static void verify_clear(struct audit_pass *v)
{
        audit_reader_close(&v->reader);
        audit_sha_clear(&v->sha);
        tms_hasher_clear(&v->hasher);
        v->files = audit_files_free(v->files);
        v->pulses = audit_pulses_free(v->pulses);
}

static int read_all(struct audit_pass *v, struct tms_error *error)
{
        int r;

        while ((r = audit_reader_next(&v->reader, error)) > 0) {
                r = audit_check_line(v, error);
                if (r < 0)
                        return r;
                if (audit_pulses_failed(v->pulses))
                        return 0;
        }
        v->report.torn_bytes = v->reader.torn;
        return r;
}

/*
 * Has the log grown since this pass began? A pass may then have seen half a line, or a seal without its keys. The
 * caller asks after it has read everything else: if the log has not grown by then, nothing of what was read had.
 */
static bool grew(const struct audit_pass *v)
{
        /* If the torn line is one that is being written, this gives the writer time to end it. */
        if (v->reader.torn)
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        return audit_reader_grew(&v->reader);
}

/*
 * A bad verdict is believed when two passes come to the same one, because
 * libcrypto does not always report that it had no memory: a key may seem to be
 * no key.
 */
static bool agree(const struct tms_audit_report *a, const struct tms_audit_report *b)
{
        return a->result == b->result && a->bad_segment == b->bad_segment && a->bad_line == b->bad_line &&
               strcmp(a->sentence, b->sentence) == 0;
}

static void tell_position(struct audit_pass *v)
{
        v->report.records = v->at.records;
        v->report.seals = v->at.seals;
        v->report.segment = v->reader.segment;
        v->report.good_bytes = v->at.offset;
        strcpy(v->report.head, v->at.head);
        strcpy(v->report.key0, v->at.key0);
        strcpy(v->report.next_public, v->at.next_public);
}

/* Begins a pass behind what a checkpoint says. The line that comes next is not the first one of its segment. */
static int go_to_checkpoint(struct audit_pass *v, struct tms_error *error)
{
        int r = audit_reader_go_to(&v->reader, v->from->at.segment, v->from->at.offset);

        if (r < 0)
                return tms_error_set(error, -r, "audit", 0, 0, NULL, "segment %" PRIu64 " cannot be opened: %s; %s",
                                     v->from->at.segment, strerror(-r), tms_errno_step(-r));
        v->reader.line = 1;
        v->at = v->from->at;
        v->first_record = v->at.records;
        v->closing = v->from->closing;
        strcpy(v->report.key0_fingerprint, v->at.origin + strlen("tmsd/"));
        return 0;
}

/* One pass, with the reader already open. After 0 and -EBADMSG the verdict is in the report. */
static int attempt(struct audit_pass *v, struct tms_error *error)
{
        int r = 0;

        memset(v->at.head, '0', AUDIT_HEX);
        if (v->from)
                r = go_to_checkpoint(v, error);
        if (r < 0)
                return r;
        v->begins_late = v->reader.first > 0 && !v->from;
        v->tree_kept |= v->begins_late || audit_has_next(&v->reader);
        r = audit_sha_new(&v->sha);
        if (r >= 0)
                r = audit_files_new(v->reader.dir_fd, &v->files);
        if (r >= 0)
                r = audit_pulses_new(v->reader.dir_fd, v->fast, &v->pulses);
        if (r < 0)
                return tms_error_set(error, ENOMEM, NULL, 0, 0, NULL, "no memory to verify the log; %s",
                                     tms_errno_step(ENOMEM));
        r = read_all(v, error);
        tell_position(v);
        v->settled = audit_pulses_settle(v->pulses);
        v->report.pulses_delivered = audit_pulses_delivered(v->pulses);
        if (r >= 0 && v->settled)
                r = audit_check_end(v, error);
        if (r >= 0)
                audit_conclude_good(v);
        return r;
}

/*
 * Did a fast pass find out nothing but that something is wrong? Of two things that are wrong it does not know which
 * the log says first, so that its verdict is not used: what it could not find good is read again, one record after
 * the other. An error of its own counts only if no pulse file was bad before it.
 */
static bool must_read_again(const struct audit_pass *v, int r)
{
        return v->fast && !v->refused && (!v->settled || r == -EBADMSG);
}

static bool is_large(const struct audit_pass *v)
{
        char next[TMS_AUDIT_SEGMENT_NAME];
        struct stat st;

        if (v->reader.fd < 0 || fstat(v->reader.fd, &st) < 0)
                return false;
        if (st.st_size >= FAST_BYTES || v->reader.segment == TMS_AUDIT_SEGMENTS_MAX)
                return st.st_size >= FAST_BYTES;
        tms_audit_segment_name(v->reader.segment + 1, next);
        return fstatat(v->reader.dir_fd, next, &st, AT_SYMLINK_NOFOLLOW) >= 0 && st.st_size >= FAST_BYTES;
}

/* --- For auditors, and for the writer ------------------------------------------------ */

/* Reads a log that may grow meanwhile. *like is how each pass begins; dir NULL: dir_fd is the log's directory. */
static int read_growing(const struct audit_pass *like, const char *dir, int dir_fd, struct tms_audit_report *ret,
                        struct tms_error *error)
{
        struct tms_audit_report before = {.result = TMS_AUDIT_VERIFIED};
        bool fast = like->fast;
        int r;

        for (int i = 1;; i++) {
                _cleanup_(verify_clear) struct audit_pass v = *like;

                r = dir ? audit_reader_open(&v.reader, dir, error) : audit_reader_open_at(&v.reader, dir_fd, error);
                v.fast = r >= 0 && fast && is_large(&v);
                if (r >= 0)
                        r = attempt(&v, error);
                if (must_read_again(&v, r)) {
                        fast = false;
                        continue;
                }
                if (r == -EAGAIN && i < ATTEMPTS)
                        continue;
                if (r < 0 && (r != -EBADMSG || v.refused))
                        return r;
                if (v.report.result != TMS_AUDIT_VERIFIED && v.report.result != TMS_AUDIT_PREFIX) {
                        bool grown = grew(&v), agreed = agree(&v.report, &before);

                        if (i < ATTEMPTS && (grown || !agreed)) {
                                before = v.report;
                                continue;
                        }
                        /* Each pass was overtaken, and no two of them found the same: what they found is the growing. */
                        if (grown && !agreed)
                                return tms_error_set(error, EAGAIN, dir, 0, 0, NULL,
                                                     "the audit log grows faster than it can be verified; try again "
                                                     "when no session runs");
                }
                *ret = v.report;
                return 0;
        }
}

int tms_audit_verify(const char *dir, const struct tms_audit_anchor *anchor, struct tms_audit_report *ret,
                     struct tms_error *error)
{
        static const struct tms_audit_anchor none;
        struct audit_held held = {0};
        int r;

        if (!anchor)
                anchor = &none;
        if (anchor->key0_fingerprint && (strlen(anchor->key0_fingerprint) != AUDIT_HEX ||
                                         strspn(anchor->key0_fingerprint, "0123456789abcdefABCDEF") != AUDIT_HEX))
                return tms_error_set(error, EINVAL, NULL, 0, 0, "key0",
                                     "not a fingerprint: expected 64 hexadecimal digits");
        if (anchor->nonce && !anchor->nonce[0])
                return tms_error_set(error, EINVAL, NULL, 0, 0, "nonce",
                                     "empty: expected the nonce that a fresh seal was asked for with");
        if (anchor->seal) {
                r = audit_held_parse(anchor->seal, &held, error);
                if (r < 0)
                        return r;
        }
        return read_growing(
                        &(struct audit_pass){.anchor = anchor, .held = held, .fast = true, .reader = AUDIT_READER_NONE},
                        dir, -1, ret, error);
}

int tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                        void *userdata, struct tms_audit_report *ret, struct tms_error *error)
{
        static const struct tms_audit_anchor none;

        return read_growing(&(struct audit_pass){.anchor = &none,
                                                 .record = record,
                                                 .userdata = userdata,
                                                 .reader = AUDIT_READER_NONE},
                            NULL, dir_fd, ret, error);
}

int tms_audit_read_from(int dir_fd, const struct tms_audit_checkpoint *from,
                        int (*record)(uint64_t line, const char *json, size_t size, void *userdata), void *userdata,
                        struct tms_audit_report *ret, struct tms_audit_position *ret_position, struct tms_error *error)
{
        static const struct tms_audit_anchor none;
        _cleanup_(verify_clear) struct audit_pass v = {.anchor = &none,
                                                       .record = record,
                                                       .userdata = userdata,
                                                       .from = from,
                                                       .tree_kept = true,
                                                       .reader = AUDIT_READER_NONE};
        int r;

        r = audit_reader_open_at(&v.reader, dir_fd, error);
        if (r >= 0)
                r = attempt(&v, error);
        if (r < 0 && (r != -EBADMSG || v.refused))
                return r;
        /* The keys are the writer's own: where it may not read them, nothing proves the seals. */
        if (v.keys_hidden && r >= 0)
                audit_conclude(&v, TMS_AUDIT_LOST, 0, "the signing keys cannot be read");
        *ret = v.report;
        *ret_position = v.at;
        return 0;
}

int tms_audit_read(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                   void *userdata, struct tms_audit_report *ret, struct tms_audit_position *ret_position,
                   struct tms_error *error)
{
        static const struct tms_audit_anchor none;
        struct tms_audit_report before;
        bool bad = false, fast = true;

        for (;;) {
                _cleanup_(verify_clear) struct audit_pass v = {.anchor = &none,
                                                               .record = record,
                                                               .userdata = userdata,
                                                               .tree_kept = true,
                                                               .reader = AUDIT_READER_NONE};
                int r;

                r = audit_reader_open_at(&v.reader, dir_fd, error);
                v.fast = r >= 0 && fast && is_large(&v);
                if (r >= 0)
                        r = attempt(&v, error);
                if (must_read_again(&v, r)) {
                        /* The records up to there were given. A log that is not bad then is one with two results. */
                        record = NULL;
                        fast = false;
                        continue;
                }
                if (r < 0 && r != -EBADMSG)
                        return r;
                if ((bad && !agree(&v.report, &before)) || (!bad && !fast && r >= 0))
                        return tms_error_set(error, ENOMEM, "log.jsonl", 0, 0, NULL,
                                             "was read twice, with two results: there may be too little memory; %s",
                                             tms_errno_step(ENOMEM));
                if (r >= 0 || bad) {
                        *ret = v.report;
                        if (ret_position)
                                *ret_position = v.at;
                        return 0;
                }
                /* The first pass has given every record; the second one only confirms the verdict. */
                before = v.report;
                record = NULL;
                bad = true;
        }
}
