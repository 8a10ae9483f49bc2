/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the segments of a log begin and end with. A segment that another one follows was closed, by a seal: nothing was
 * added to it afterwards.
 */
#include "audit-pass.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FORMAT 2 /* the newest one that is known */

int audit_segment_begin(struct audit_pass *v, struct audit_why *why)
{
        const struct audit_reader *r = &v->reader;
        char before[TMS_AUDIT_SEGMENT_NAME];
        bool closed = v->at.format == 1 ? v->at.sealed : v->at.closed;

        if (r->segment == r->first)
                return 0;
        tms_audit_segment_name(r->segment - 1, before);
        if (r->before == 0)
                return audit_why(why, "%s, before it, has no whole record", before);
        if (r->before_torn)
                return audit_why(why, "%s, before it, ends without an end of line", before);
        if (!closed)
                return audit_why(why, "%s, before it, does not end with %s", before,
                                 v->at.format == 1 ? "a seal" : "a log.close and its seal");
        v->at.segment = r->segment;
        v->at.offset = 0;
        v->at.month[0] = '\0';
        if (v->at.format == 1) {
                /* From here on a record's prev is the leaf hash of the record before. */
                v->at.format = FORMAT;
                hex_encode(v->at.leaf, sizeof(v->at.leaf), v->at.head);
        }
        return 0;
}

/* What only key 0 gives: the name of the log. */
static int set_key0(struct audit_pass *v, struct record_value key0)
{
        unsigned char raw[AUDIT_HEX / 2];
        int r;

        audit_hex_copy(key0, v->at.key0);
        audit_unhex(v->at.key0, sizeof(raw), raw);
        r = audit_sha_line(&v->sha, raw, sizeof(raw), v->report.key0_fingerprint);
        if (r >= 0)
                snprintf(v->at.origin, sizeof(v->at.origin), "tmsd/%s", v->report.key0_fingerprint);
        return r;
}

static int check_open(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        struct record_value key0 = record_data(record, "key0");
        int64_t format = 0;
        int r;

        if (!record_string_is(record->type, "log.open") || !audit_is_hex(key0, AUDIT_HEX))
                return audit_why(why, "the first record is not log.open with key 0");
        if (!record_int64(record_data(record, "format"), &format) || format < 1 || format > FORMAT)
                return audit_why(why, "the log's format is neither 1 nor %d, the only ones known", FORMAT);
        v->at.format = (unsigned)format;
        v->tree_kept |= format > 1;
        r = set_key0(v, key0);
        strcpy(v->at.next_public, v->at.key0);
        return r;
}

/* The first record of a log whose beginning was moved out: what it says of that is taken as it stands. */
static int take_beginning(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        struct record_value key0 = record_data(record, "key0"), public = record_data(record, "public");
        struct record_value tree = record_data(record, "tree");
        int64_t seals = -1;

        if (!audit_is_hex(key0, AUDIT_HEX) || !audit_is_hex(public, AUDIT_HEX) || record->number <= 0 ||
            !audit_is_hex(record->prev, AUDIT_HEX) || !record_int64(record_data(record, "seals"), &seals) ||
            seals < 1 || !tree.text ||
            tms_merkle_parse(tree.text, tree.size, (uint64_t)record->number, &v->at.tree) < 0)
                return audit_why(why, "a log.segment without its key0, seals, public or tree");
        v->at.format = FORMAT;
        v->at.segment = v->reader.segment;
        v->at.records = v->first_record = (uint64_t)record->number;
        v->at.seals = (uint64_t)seals;
        audit_hex_copy(public, v->at.next_public);
        v->tree_kept = true;
        return set_key0(v, key0);
}

static int check_segment(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        const struct tms_audit_position *at = &v->at;
        struct record_value tree_is = record_data(record, "tree");
        char tree[TMS_MERKLE_TEXT];
        int64_t n = -1;
        size_t size;
        int r;

        if (!record_string_is(record->type, "log.segment"))
                return audit_why(why, "the first record of %s is not log.segment", v->reader.file);
        if (!record_int64(record_data(record, "format"), &n) || n != FORMAT)
                return audit_why(why, "the segment's format is not %d", FORMAT);
        if (!record_int64(record_data(record, "segment"), &n) || n < 0 || (uint64_t)n != v->reader.segment)
                return audit_why(why, "segment %" PRId64 " is in %s", n, v->reader.file);
        if (v->reader.lines == 1) {
                r = take_beginning(v, record, why);
                if (r < 0)
                        return r;
        } else if (!v->tree_kept) {
                return -EAGAIN;
        }
        if (!record_string_is(record_data(record, "key0"), at->key0) ||
            !record_string_is(record_data(record, "origin"), at->origin))
                return audit_why(why, "a segment of another log: its key0 or its origin is not this log's");
        if (!record_int64(record_data(record, "seals"), &n) || n < 0 || (uint64_t)n != at->seals ||
            !record_string_is(record_data(record, "public"), at->next_public))
                return audit_why(why,
                                 "another key is to sign the segment's first seal than the one announced before it");
        size = tms_merkle_text(&at->tree, tree, sizeof(tree));
        if (tree_is.size != size || memcmp(tree_is.text, tree, size) != 0)
                return audit_why(why, "its tree is not that of the records before it");
        return 0;
}

int audit_segment_first(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        int r = v->reader.segment == 0 ? check_open(v, record, why) : check_segment(v, record, why);

        if (r >= 0 && record->utc.size > 8)
                snprintf(v->at.month, sizeof(v->at.month), "%.7s", record->utc.text + 1);
        return r;
}

int audit_segment_note(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        const bool retire = record_string_is(record->type, "log.retire");
        int64_t n = -1, records = -1;

        if (v->at.format == 1)
                return 0;
        if (!retire) {
                if (!record_int64(record_data(record, "segment"), &n) || n < 0 || (uint64_t)n != v->reader.segment)
                        return audit_why(why, "a log.close of segment %" PRId64 " in %s", n, v->reader.file);
                return 0;
        }
        if (!record_int64(record_data(record, "segments"), &n) || n < 1 || (uint64_t)n > v->reader.segment ||
            !record_int64(record_data(record, "records"), &records) || records < 1)
                return audit_why(why, "a log.retire without the segments and records that were moved out");
        if (v->begins_late && (uint64_t)n == v->reader.first && (uint64_t)records != v->first_record)
                return audit_why(why, "%" PRId64 " records were moved out, but %" PRIu64 " are missing", records,
                                 v->first_record);
        v->retired_segments = (uint64_t)n > v->retired_segments ? (uint64_t)n : v->retired_segments;
        return 0;
}

int audit_segment_advance(struct audit_pass *v, const struct record *record)
{
        struct tms_audit_position *at = &v->at;
        const bool seal = record_string_is(record->type, "seal");
        int r = 0;

        if (v->tree_kept) {
                r = tms_merkle_leaf(&v->hasher, v->reader.text, v->reader.size, at->leaf);
                if (r >= 0)
                        r = tms_merkle_add(&v->hasher, &at->tree, at->leaf);
        }
        if (r >= 0 && at->format == 1)
                r = audit_sha_line(&v->sha, v->reader.text, v->reader.size, at->head);
        else if (r >= 0)
                hex_encode(at->leaf, sizeof(at->leaf), at->head);
        if (r < 0)
                return r;
        at->records++;
        assert(at->records == v->reader.lines + v->first_record && at->offset < v->reader.bytes);
        at->offset = v->reader.bytes;
        at->closed = seal && v->closing;
        at->sealed = seal;
        v->closing = record_string_is(record->type, "log.close");
        return 0;
}

/* Finds files that belong to no segment that was read. */
static int check_others(struct audit_pass *v, struct audit_why *why)
{
        char missing[TMS_AUDIT_SEGMENT_NAME], there[TMS_AUDIT_SEGMENT_NAME];
        struct audit_segments s;
        int r;

        r = audit_segments_look(v->reader.dir_fd, &s);
        if (r < 0)
                return audit_unknown(why, -r, "the log's directory cannot be read: %s", strerror(-r));
        if (s.odd[0]) {
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "%s is there, which is no segment's name: segments were renamed, or it was put there",
                               s.odd);
                return -EBADMSG;
        }
        if (s.any && s.highest > v->reader.segment) {
                tms_audit_segment_name(v->reader.segment + 1, missing);
                tms_audit_segment_name(s.highest, there);
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "%s is there, but the log ends before %s: records were lost or taken away", there,
                               missing);
                return -EBADMSG;
        }
        return 0;
}

int audit_segment_end(struct audit_pass *v, struct audit_why *why)
{
        const struct audit_reader *r = &v->reader;
        char first[TMS_AUDIT_SEGMENT_NAME];

        if (r->line == 0 && r->segment > 0) {
                audit_conclude(v, TMS_AUDIT_TAMPERED, 0,
                               "%s has no whole record, but no crash leaves a segment without its first one", r->file);
                return -EBADMSG;
        }
        if (v->begins_late && v->retired_segments < r->first) {
                tms_audit_segment_name(r->first, first);
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "the log begins with %s, and no record says that what was before it was moved out: "
                               "records were lost or taken away",
                               first);
                return -EBADMSG;
        }
        return check_others(v, why);
}
