/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log on disk: hash-chained lines, seals, recovery of an unfinished last line. lib/AUDIT.md is its format.
 * Blocking. It belongs to one thread at a time: the one that starts the daemon, then the audit writer's.
 */
#ifndef TMSD_AUDITLOG_H
#define TMSD_AUDITLOG_H

#include "util.h"

#define NONCE_MAX 128

struct auditlog;

/*
 * Called for each record that the log has, in order, while it is opened. If it returns a negative errno, opening fails
 * with that.
 */
typedef int (*auditlog_record_fn)(const json_t *record, void *userdata);

/* What reading an existing log is for. */
struct auditlog_reading {
        auditlog_record_fn found; /* may be NULL */
        /*
         * Called before any record with the state that a checkpoint has (history_state()); then only the records behind
         * that are found. Not called when all records are. NULL: the caller wants all of them.
         */
        int (*restore)(const json_t *state, void *userdata);
        void *userdata;
        uint64_t max_off_ns; /* as for history_new() */
};

/*
 * Opens the log under the state directory, or begins a new one. boot: this boot's id. reading may be NULL.
 *
 * -EBADMSG: the auditor's own reader rejects the log or a file beside it; nothing was changed. -EBUSY: another process
 * writes the log. Any other error: something could not be read or written, and nothing is known of the log.
 * *ret_problem (malloc'd) then says what and where, or is not touched.
 */
int auditlog_open(int state_fd, const char *boot, const struct auditlog_reading *reading, struct auditlog **ret,
                  char **ret_problem);
struct auditlog *auditlog_free(struct auditlog *l); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct auditlog *, auditlog_free)

/* Bytes of an unfinished last line that opening has cut off, kept beside the log and recorded. */
uint64_t auditlog_cut(const struct auditlog *l);
const char *auditlog_key0(const struct auditlog *l); /* raw public key, hex */
uint64_t auditlog_records(const struct auditlog *l);
const char *auditlog_head(const struct auditlog *l); /* hash of the last record */
int auditlog_dir_fd(const struct auditlog *l);       /* audit/ */
const char *auditlog_file(const struct auditlog *l); /* the last segment's name */
/* The checkpoint from which the log was read on, so that what is older is still to be verified; NULL: there is none. */
struct tms_audit_checkpoint;
const struct tms_audit_checkpoint *auditlog_older(const struct auditlog *l);

/*
 * False after a failed sync, after a half-written line that could not be cut off, or when a file of the log was found
 * changed: nothing may be added then. After any other failure of a call below the log is as it was before the call.
 */
bool auditlog_is_sound(const struct auditlog *l);

/*
 * Appends one record, which is on disk only after auditlog_sync(). who and data may be NULL. -EPROTO: the record does
 * not match its type (schema.h), and is not written; auditlog_misfit() says why.
 */
int auditlog_append(struct auditlog *l, const char *type, json_t *who, const char *on, json_t *data, uint64_t utc_ns,
                    uint64_t mono_ns);
const char *auditlog_misfit(const struct auditlog *l);
int auditlog_sync(struct auditlog *l);
/*
 * Writes a seal over all records so far and goes on with the next key; the seal is synced when this returns. ret_line
 * (may be NULL): the seal's record, malloc'd.
 */
int auditlog_seal(struct auditlog *l, json_t *who, const char *nonce, uint64_t utc_ns, uint64_t mono_ns,
                  char **ret_line);

/* Why the segment should be closed now: "month" or "size"; NULL: it should not. */
const char *auditlog_should_close(const struct auditlog *l, uint64_t utc_ns);
/*
 * Closes the segment: a log.close with that reason, a seal, and the first record of the next segment; all of it is on disk
 * when this returns. After a failure the log goes on in the old segment, as long as it is sound. *ret: the seal's number
 * and hash, *ret_line: its record, malloc'd; both may be NULL.
 */
struct audit_seal {
        uint64_t seq;
        char hash[65];
};
int auditlog_close_segment(struct auditlog *l, json_t *who, const char *reason, uint64_t utc_ns, uint64_t mono_ns,
                           struct audit_seal *ret, char **ret_line);

/*
 * Writes a protocol into a file that is named by its hash; synced when this returns. -EINVAL: it has another hash.
 * -EBADMSG: a file of that name is there with other content, and the log is not sound any more.
 */
int auditlog_keep_protocol(struct auditlog *l, const char *sha256, const char *text, size_t size);

/*
 * Looks whether the last segment is still the file that is written, whether another program has changed it, and whether the
 * file system has become read-only. Reserves room for the records that come when the disk is full.
 */
int auditlog_check_disk(struct auditlog *l);
/*
 * False: little is free on the disk, or it had no room to reserve. What is reserved already is enough for the records
 * of an end.
 */
bool auditlog_has_room(const struct auditlog *l);
int auditlog_free_bytes(const struct auditlog *l, uint64_t *ret);

#endif
