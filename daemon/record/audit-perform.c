/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out the audit writer's entries, on its thread.
 *
 * There are two kinds of failure. After a failed sync, a half-written line that cannot be cut off, an I/O error, or a
 * file system that has become read-only, nobody knows what is on disk: the log has failed for good. It has failed for
 * good too when a record does not match its type, as what happened cannot be recorded then. Without a
 * descriptor, memory or room nothing was written and the log is as it was: the entry fails and its caller is told why.
 * But if the entry has no caller who is told (a record that is not refusable), a record would be missing without
 * anybody knowing, so the log has failed for good too.
 *
 * Room is kept for what a full disk must not keep from being recorded. The log and pulse files have theirs for the
 * records of an end. What else such a record or a seal wants is there once reserve.h has given its file back.
 */
#include <assert.h>

#include "audit-entry.h"

/* --- Entries ---------------------------------------------------------------------- */

/* What begins needs its own room, what must stay free, and the reserve, which is made again here once there is room. */
static int check_room(struct audit_writer *w, const struct entry *e)
{
        uint64_t room;
        int r;

        if (e->need_bytes == 0)
                return 0;
        r = auditlog_free_bytes(w->log, &room);
        if (r < 0)
                return r;
        return room < w->free_min + e->need_bytes || reserve_take(&w->reserve) < 0 ? -ENOSPC : 0;
}

static int describe(struct entry *e)
{
        int r;

        /* The record states the pulse file's count and hash, so the pulse file is on disk before it. */
        r = pulsefile_sync(e->pulses);
        if (r < 0)
                return r;
        if (!e->data)
                e->data = json_object();
        return pulsefile_describe(e->pulses, e->data);
}

static int perform_record(struct audit_writer *w, struct entry *e)
{
        int r;

        r = check_room(w, e);
        if (r < 0)
                return r;
        /*
         * The record names a protocol that could not be kept. Every reader would reject such a record, so it is not
         * written.
         */
        if (w->protocol_error < 0 && STREQ(json_get_str(e->data, "sha256"), w->protocol))
                return w->protocol_error;
        if (e->begins && pulsefile_error(e->begins) < 0)
                return pulsefile_error(e->begins);
        if (e->pulses) {
                r = describe(e);
                if (r < 0)
                        return r;
        }
        r = auditlog_append(w->log, e->type, e->who, e->on, e->data, e->utc_ns, e->mono_ns);
        /* The record that names the pulse file is on disk before the first pulse is written to that file. */
        if (r >= 0 && e->begins) {
                r = auditlog_sync(w->log);
                pulsefile_named(e->begins);
        }
        return r;
}

static void keep_seal(struct entry *e, char *line)
{
        free(e->text);
        e->text = line;
        e->result.line = line;
}

static int perform_seal(struct audit_writer *w, struct entry *e)
{
        char *line;
        int r;

        r = auditlog_seal(w->log, e->who, e->text, e->utc_ns, e->mono_ns, &line);
        if (r < 0)
                return r;
        keep_seal(e, line);
        e->seal_seq = auditlog_records(w->log) - 1;
        strcpy(e->seal_hash, auditlog_head(w->log));
        return 0;
}

static int perform_close(struct audit_writer *w, struct entry *e)
{
        const char *reason = e->text ? e->text : auditlog_should_close(w->log, e->utc_ns);
        struct audit_seal seal;
        char *line;
        int r;

        if (!reason)
                return 0;
        r = auditlog_close_segment(w->log, e->who, reason, e->utc_ns, e->mono_ns, &seal, &line);
        if (r < 0)
                return r;
        keep_seal(e, line);
        e->seal_seq = seal.seq;
        strcpy(e->seal_hash, seal.hash);
        return 0;
}

static int perform_protocol(struct audit_writer *w, const struct entry *e)
{
        int r;

        r = auditlog_keep_protocol(w->log, e->type, e->text, e->size);
        w->protocol_error = r < 0 ? r : 0;
        (void)snprintf(w->protocol, sizeof(w->protocol), "%s", r < 0 ? e->type : "");
        return r;
}

/* Records before this entry say that the file will grow, so they are on disk before it is opened and changed. */
static int perform_open(struct audit_writer *w, struct entry *e)
{
        int r;

        r = auditlog_sync(w->log);
        return r < 0 ? r : pulsefile_open(e->pulses, auditlog_dir_fd(w->log), e->existing);
}

static int perform_append(struct entry *e)
{
        int r;

        r = pulsefile_append(e->pulses, e->events, e->n_events);
        return r < 0 ? r : pulsefile_sync(e->pulses);
}

/* What is noted is on disk: nobody is given what a power cut may take away again. */
static int perform_snapshot(struct audit_writer *w, const struct entry *e)
{
        int r;

        r = auditlog_sync(w->log);
        if (r >= 0)
                r = snapshot_take(e->snapshot, auditlog_dir_fd(w->log));
        if (r >= 0)
                e->snapshot->records = auditlog_records(w->log);
        return r;
}

static int perform_once(struct audit_writer *w, struct entry *e)
{
        switch (e->kind) {
        case ENTRY_RECORD:
                return perform_record(w, e);
        case ENTRY_SEAL:
                return perform_seal(w, e);
        case ENTRY_CLOSE_SEGMENT:
                return perform_close(w, e);
        case ENTRY_PROTOCOL:
                return perform_protocol(w, e);
        case ENTRY_PULSES_OPEN:
                return perform_open(w, e);
        case ENTRY_PULSES_APPEND:
                return perform_append(e);
        case ENTRY_PULSES_CLOSE:
                pulsefile_finish(e->pulses, auditlog_dir_fd(w->log));
                return 0;
        case ENTRY_SNAPSHOT:
                return perform_snapshot(w, e);
        case ENTRY_BARRIER:
                return 0;
        }
        return -EINVAL;
}

/* Nobody could refuse it, and a full disk must not keep it from being recorded. */
static bool is_of_an_end(const struct entry *e)
{
        return e->kind == ENTRY_SEAL || (e->kind == ENTRY_RECORD && !e->refusable && e->need_bytes == 0);
}

static int perform(struct audit_writer *w, struct entry *e)
{
        int r = perform_once(w, e);

        /* What was half written is taken back by then, or the log is not sound. */
        if ((r == -ENOSPC || r == -EDQUOT) && is_of_an_end(e) && auditlog_is_sound(w->log) && reserve_give(&w->reserve))
                r = perform_once(w, e);
        return r;
}

/* --- Failures --------------------------------------------------------------------- */

/* With one of these errors nothing was written, and nothing is wrong with the disk. */
static bool is_shortage(int error)
{
        return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -ENOSPC || error == -EDQUOT;
}

static bool is_final(const struct audit_writer *w, const struct entry *e, int error)
{
        if (!auditlog_is_sound(w->log) || (e->pulses && !pulsefile_is_sound(e->pulses)))
                return true;
        switch (e->kind) {
        case ENTRY_RECORD:
                return !(e->refusable || e->need_bytes > 0) || !is_shortage(error);
        case ENTRY_SEAL:
                return error != -EINVAL && !is_shortage(error);
        case ENTRY_CLOSE_SEGMENT:
                /* -ERANGE: there are as many segments as there can be, and the last one goes on. */
                return error != -ERANGE && !is_shortage(error);
        case ENTRY_SNAPSHOT:
                /* Nothing was to be written. */
                return false;
        case ENTRY_PULSES_OPEN:
                return error != -EEXIST && !is_shortage(error);
        default:
                /*
                 * No failure of the log: the record that names the protocol is refused later, and so is each later
                 * entry for a pulse file that failed.
                 */
                return !is_shortage(error);
        }
}

/* What the entry is about, in words for a log line. */
static const char *subject(const struct audit_writer *w, const struct entry *e)
{
        if (e && e->pulses)
                return pulsefile_path(e->pulses);
        if (e && e->kind == ENTRY_SEAL)
                return "its seal";
        if (e && e->kind == ENTRY_CLOSE_SEGMENT)
                return "its next segment";
        if (e && e->kind == ENTRY_PROTOCOL)
                return "a file in protocols/";
        return auditlog_file(w->log);
}

static void fail(struct audit_writer *w, const struct entry *e, int error)
{
        if (*w->failure)
                return;
        if (error == -EPROTO)
                (void)snprintf(w->failure, sizeof(w->failure),
                               "the audit log cannot be written: %s; that is a mistake in tmsd: report it, then: "
                               "systemctl restart tmsd",
                               auditlog_misfit(w->log));
        else
                (void)snprintf(w->failure, sizeof(w->failure),
                               "the audit log cannot be written: %s: %s; mend that, then: systemctl restart tmsd",
                               subject(w, e), audit_error_text(error));
        w->failure_error = error;
}

static void perform_one(struct audit_writer *w, struct entry *e)
{
        int r = *w->failure ? -EIO : perform(w, e);

        if (r < 0) {
                e->result.error = r;
                if (!*w->failure && is_final(w, e, r))
                        fail(w, e, r);
        }
        if (e->pulses && e->kind != ENTRY_PULSES_CLOSE && !*w->failure)
                e->result.totals = *pulsefile_totals(e->pulses);
}

/* --- A batch ------------------------------------------------------------------------ */

static int sync_all(struct audit_writer *w)
{
        int r;

        r = auditlog_sync(w->log);
        return r < 0 ? r : auditlog_check_disk(w->log);
}

/*
 * Reserves room for the records with which sessions end. If the disk has none, sessions are ended now, by the handler
 * no_room.
 */
static void look_for_room(struct audit_writer *w, const struct entry_list *batch)
{
        bool full = !auditlog_has_room(w->log);
        const struct entry *e;
        int reserve = 0;

        /* While the log itself is short of room, the reserve takes none away again. */
        if (!full && !w->reserve.held)
                reserve = reserve_take(&w->reserve);
        full = full || reserve == -ENOSPC || reserve == -EDQUOT;

        TAILQ_FOREACH(e, batch, link) {
                int r = e->result.error;

                if (r >= 0 && e->kind == ENTRY_PULSES_APPEND)
                        r = pulsefile_replenish(e->pulses);
                /*
                 * An entry that was refused because it wanted much room (need_bytes) does not mean that the disk is
                 * full, and must not end another session.
                 */
                full = full || ((r == -ENOSPC || r == -EDQUOT) && e->need_bytes == 0 && !e->begins);
        }
        if (full)
                (void)snprintf(w->no_room, sizeof(w->no_room), "the disk of the audit log is full: make room on it");
        else if (reserve < 0)
                (void)snprintf(w->no_room, sizeof(w->no_room),
                               "no room can be kept on the disk of the audit log: %s: %s; mend that",
                               "/var/lib/tmsd/" RESERVE_FILE, audit_error_text(reserve));
        else
                w->no_room[0] = '\0';
}

void audit_perform(struct audit_writer *w, struct entry_list *batch)
{
        struct entry *e;
        int r;

        TAILQ_FOREACH(e, batch, link)
                perform_one(w, e);
        r = *w->failure ? -EIO : sync_all(w);
        if (r < 0) {
                fail(w, NULL, r);
                TAILQ_FOREACH(e, batch, link) {
                        if (e->result.error == 0)
                                e->result.error = r;
                }
                return;
        }
        look_for_room(w, batch);
}
