/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is checked after all lines were found good: the anchors that the caller
 * holds, the files of the keys, and the pulse files up to their ends.
 */
#include "audit-pass.h"

#include <errno.h>
#include <inttypes.h>
#include <strings.h>

/* A log without a record is what a first start leaves that was cut off. Then there is no file beside it either. */
static int check_unused(struct audit_pass *v, struct audit_why *why)
{
        char name[300];
        int r;

        r = audit_keys_unused(v->reader.dir_fd, why);
        if (r >= 0)
                r = audit_dir_has_names(v->reader.dir_fd, "pulses", name, sizeof(name), why);
        if (r == 0)
                r = audit_dir_has_names(v->reader.dir_fd, "protocols", name, sizeof(name), why);
        if (r > 0)
                r = audit_why(why, "%s is there", name);
        if (r == -EBADMSG)
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "log.jsonl has no whole record, but %s: records were lost or taken away", why->text);
        return r;
}

static int check_keys(struct audit_pass *v, struct audit_why *why)
{
        enum audit_keys keys;
        int r;

        r = audit_key0_check(v->reader.dir_fd, v->at.key0, why);
        if (r == -EBADMSG)
                audit_conclude(v, TMS_AUDIT_TAMPERED, 0, "%s", why->text);
        if (r < 0)
                return r;
        r = audit_keys_check(v->reader.dir_fd, v->at.seals, v->at.next_public, &keys, why);
        if (r == -EBADMSG)
                audit_conclude(v, keys == AUDIT_KEYS_LOST ? TMS_AUDIT_LOST : TMS_AUDIT_TAMPERED, 0, "%s", why->text);
        v->keys_hidden = keys == AUDIT_KEYS_HIDDEN;
        return r;
}

static int check_anchors(struct audit_pass *v)
{
        const struct tms_audit_anchor *a = v->anchor;

        if (v->at.records == 0 && (a->key0_fingerprint || a->seal || a->nonce)) {
                audit_conclude(v, TMS_AUDIT_LOST, 0, "log.jsonl has no whole record: records were lost or taken away");
                return -EBADMSG;
        }
        if (a->key0_fingerprint && strcasecmp(a->key0_fingerprint, v->report.key0_fingerprint) != 0) {
                audit_conclude(v, TMS_AUDIT_TAMPERED, 1,
                               "key 0 has another fingerprint (%.16s…) than the one held (%.16s…)",
                               v->report.key0_fingerprint, a->key0_fingerprint);
                return -EBADMSG;
        }
        if (v->held.text && v->held.seq < v->first_record) {
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "the held seal (record %" PRIu64 ") is among the %" PRIu64
                               " records that were moved out: hold them against it together, or a later seal against "
                               "this",
                               v->held.seq, v->first_record);
                return -EBADMSG;
        }
        if (v->held.text && !v->held.found) {
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "the log ends with record %" PRIu64 ", before the held seal (record %" PRIu64
                               "): records were lost or taken away",
                               v->at.records - 1, v->held.seq);
                return -EBADMSG;
        }
        if (a->nonce && !v->nonce_found) {
                audit_conclude(v, TMS_AUDIT_LOST, 0,
                               "no seal over the given nonce is in the log: this is not the log that is being written; "
                               "expected the "
                               "daemon's own, /var/lib/tmsd/audit");
                return -EBADMSG;
        }
        return 0;
}

static int check_files_at_end(struct audit_pass *v, struct audit_why *why)
{
        bool unnamed;
        uint64_t line;
        int r;

        r = audit_pulses_finish(v->pulses, !v->begins_late && !v->from, &line, &unnamed, why);
        if (r == -EBADMSG && unnamed)
                audit_conclude(v, TMS_AUDIT_LOST, 0, "%s: records were lost or taken away, or the file was put there",
                               why->text);
        else if (r == -EBADMSG)
                audit_conclude(v, TMS_AUDIT_TAMPERED, line, "%s", why->text);
        return r;
}

int audit_check_end(struct audit_pass *v, struct tms_error *error)
{
        struct audit_why why = {0};
        int r;

        r = audit_segment_end(v, &why);
        if (r >= 0)
                r = check_anchors(v);
        if (r >= 0 && v->at.records == 0) {
                r = check_unused(v, &why);
        } else if (r >= 0) {
                r = check_keys(v, &why);
                if (r >= 0)
                        r = check_files_at_end(v, &why);
        }
        return r < 0 && r != -EBADMSG ? audit_fail_read(v, &why, r, 0, error) : r;
}
