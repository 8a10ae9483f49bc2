/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log on disk: hash-chained lines, seals, recovery of a torn tail.
 * lib/AUDIT.md is its format. Blocking; belongs to one thread at a time: the
 * one that starts the daemon, then the audit writer's.
 */
#ifndef TMSD_AUDITLOG_H
#define TMSD_AUDITLOG_H

#include "util.h"

#define NONCE_MAX 128

struct auditlog;

/* Called for each record that the log has, in order, while it is opened. Below 0: opening fails with that. */
typedef int (*auditlog_record_fn)(const json_t *record, void *userdata);

/*
 * Opens or starts the log under the state directory. boot: this boot's id.
 *
 * -EBADMSG: the log or what lies beside it does not hold, by the auditor's own
 * reader; nothing was changed. -EBUSY: another process writes it. Any other
 * failure: something could not be read or written, and nothing is known.
 * *ret_problem (malloc'd) then says what and where, or is not touched.
 */
int auditlog_open(int state_fd, const char *boot, auditlog_record_fn found, void *userdata, struct auditlog **ret,
                  char **ret_problem);
struct auditlog *auditlog_free(struct auditlog *l); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct auditlog *, auditlog_free)

/* What opening found: bytes of a torn last line that were cut off, kept and recorded. */
uint64_t auditlog_cut(const struct auditlog *l);
const char *auditlog_key0(const struct auditlog *l); /* raw public key, hex */
uint64_t auditlog_records(const struct auditlog *l);
const char *auditlog_head(const struct auditlog *l); /* hash of the last record */
int auditlog_dir_fd(const struct auditlog *l);       /* audit/ */

/*
 * False after a failed sync, a line that was half written and could not be
 * taken back, or a file of the log found changed: nothing may be added. Any
 * other failure of a call below has left the log as it was before it.
 */
bool auditlog_is_sound(const struct auditlog *l);

/* Appends one record; on disk only after auditlog_sync(). who and data may be NULL. */
int auditlog_append(struct auditlog *l, const char *type, json_t *who, const char *on, json_t *data, uint64_t utc_ns,
                    uint64_t mono_ns);
int auditlog_sync(struct auditlog *l);
/* Seals what is there and moves on to the next key; synced on return. ret_line (optional): malloc'd, the record. */
int auditlog_seal(struct auditlog *l, json_t *who, const char *nonce, uint64_t utc_ns, uint64_t mono_ns,
                  char **ret_line);

/*
 * Keeps a protocol's bytes under their hash; synced on return. -EINVAL if that is not their hash. -EBADMSG, and the
 * log is not sound: a file of that name is there, and is not what its name says.
 */
int auditlog_keep_protocol(struct auditlog *l, const char *sha256, const char *text, size_t size);

/*
 * Is log.jsonl still the file that is written, and no other program's work in it? Has the file system become read-only?
 * And has room kept for records that come when the disk is full.
 */
int auditlog_check_disk(struct auditlog *l);
/* False: little is free, or the disk had none to keep; what is left may do for the records of an end. */
bool auditlog_has_room(const struct auditlog *l);
int auditlog_free_bytes(const struct auditlog *l, uint64_t *ret);

#endif
