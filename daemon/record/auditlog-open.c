/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens the audit log. The auditor's own reader reads it before anything is added to it, so that the daemon never writes
 * behind a log that an auditor would reject: from its newest checkpoint on (auditlog-resume.c), or where there is none,
 * all of it.
 *
 * A crash or a power cut may leave bytes without an end of line behind the last line. They are copied beside the log,
 * cut off it, and recorded. Anything else that the reader rejects is loss or tampering: the log is left exactly as it
 * is, and nothing is written behind it.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <tms.h>

#include "auditlog-internal.h"
#include "cut.h"
#include "file.h"
#include "settle.h"

struct opening {
        struct auditlog *log;
        const struct auditlog_reading *reading;
        /* Names of the pieces beside the log that were cut off, of earlier starts. */
        char **cut_names;
        size_t n_cut_names;
        struct cut cut; /* the piece that this opening has cut off */
        struct tms_audit_report report;
        char *problem;
};

static void opening_clear(struct opening *o)
{
        size_t i;

        for (i = 0; i < o->n_cut_names; i++)
                free(o->cut_names[i]);
        free(o->cut_names);
        free(o->problem);
}

static int _printf_(3, 4) problem(struct opening *o, int r, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&o->problem, format, ap) < 0)
                o->problem = NULL;
        va_end(ap);
        return o->problem ? r : -ENOMEM;
}

/* --- What an earlier daemon has left in memory ---------------------------------------- */

static int settle_problem(struct opening *o, int r, const char *dir, const char *name)
{
        if (r == -ESTALE)
                return problem(o, r,
                               "%s/%s: memory holds what the disk never took, and another program keeps it there: end "
                               "that program, which fuser -v names, then systemctl restart tmsd",
                               dir, name);
        return problem(o, r, "what was written before cannot be synced: %s", strerror(-r));
}

static int settle_one(struct opening *o, int state_fd, const char *dir)
{
        _cleanup_(closep) int fd = openat(state_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        char name[NAME_MAX + 1];
        int r;

        /*
         * A directory that does not exist is made later. One that is no directory, or may not be opened, is not read
         * later either.
         */
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : settle_problem(o, -errno, dir, "");
        r = settle_dir(fd, name);
        return r < 0 ? settle_problem(o, r, dir, name) : 0;
}

/*
 * Syncs every file of the log and drops it from memory. What an earlier daemon wrote may be in memory alone: its last
 * seal, a new key or a file's name, if it was killed before it had synced, and bytes whose sync failed, which the
 * kernel marks as written. The daemon is about to rely on all of it: it destroys an old key because a new one was
 * announced, and acknowledges the kernel's records because they are in a file. So all of it has to be on disk, and be
 * read from there. Of the pulse files, whoever reads them.
 */
static int settle(struct opening *o, int state_fd)
{
        static const char *const dirs[] = {"keys", "audit/checkpoints", "audit/protocols", "audit"};
        struct statvfs v;
        size_t i;
        int r = 0;

        if (fstatvfs(state_fd, &v) < 0)
                return -errno;
        /* On a read-only file system a sync succeeds and writes nothing. */
        if (v.f_flag & ST_RDONLY)
                return -EROFS;
        if (fsync(state_fd) < 0)
                return settle_problem(o, -errno, "", "");
        for (i = 0; r >= 0 && i < ELEMENTS(dirs); i++)
                r = settle_one(o, state_fd, dirs[i]);
        return r;
}

/* --- Reading ---------------------------------------------------------------------- */

static int on_record(uint64_t line, const char *json, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        struct opening *o = userdata;

        /* The library has found it to be a record, so that only memory can be missing. */
        record = json_loadb(json, size, 0, NULL);
        if (!record)
                return -ENOMEM;
        auditlog_see(o->log, record);
        return o->reading->found ? o->reading->found(record, o->reading->userdata) : 0;
}

static int read_all(struct opening *o, int state_fd)
{
        struct tms_error error = {0};
        char sentence[700];
        int r;

        r = settle_one(o, state_fd, "audit/pulses");
        if (r < 0)
                return r;
        r = tms_audit_read(o->log->dir_fd, on_record, o, &o->report, &o->log->at, &error);
        if (r < 0)
                return problem(o, r, "%s", tms_error_format(&error, sentence, sizeof(sentence)));
        if (o->report.result != TMS_AUDIT_PREFIX && o->report.result != TMS_AUDIT_TORN)
                return problem(o, -EBADMSG, "%s", o->report.sentence);
        return 0;
}

static int read_log(struct opening *o, int state_fd)
{
        int r;

        r = cut_list(o->log->dir_fd, &o->cut_names, &o->n_cut_names);
        if (r >= 0)
                r = history_new(o->reading->max_off_ns, &o->log->history);
        if (r >= 0)
                r = auditlog_resume(o->log, o->reading, &o->report);
        return r == 0 ? read_all(o, state_fd) : r;
}

/* --- What a crash has left ---------------------------------------------------------- */

static int open_log_file(struct opening *o)
{
        struct auditlog *l = o->log;

        tms_audit_segment_name(o->report.segment, l->file);
        l->log_fd = openat(l->dir_fd, l->file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        return l->log_fd < 0 ? problem(o, -errno, "its %s cannot be opened: %s", l->file, strerror(errno)) : 0;
}

static int cut_log(struct opening *o)
{
        struct auditlog *l = o->log;
        char what[24];
        int r;

        if (o->report.torn_bytes == 0)
                return 0;
        (void)snprintf(what, sizeof(what), "%" PRIu64, o->report.records);
        r = cut_tail(l->log_fd, o->report.good_bytes, l->dir_fd, what, &o->cut);
        if (r < 0)
                return problem(o, r, "its torn last line cannot be cut off and kept: %s", strerror(-r));
        l->cut = o->cut.bytes;
        return 0;
}

static int record_cut(struct opening *o, const struct cut *cut)
{
        _cleanup_(json_decrefp) json_t *data = json_object();

        if (!data || cut_describe(cut, data) < 0)
                return -ENOMEM;
        return auditlog_append(o->log, "recovery.log", NULL, "", data, now_ns(CLOCK_REALTIME), now_ns(CLOCK_MONOTONIC));
}

/*
 * Records every piece that no record names: the one that was cut off now, and those whose record an earlier crash has
 * prevented.
 */
static int record_cuts(struct opening *o)
{
        struct cut cut;
        size_t i;
        int r = 0;

        for (i = 0; r >= 0 && i < o->n_cut_names; i++) {
                if (history_names_cut(o->log->history, o->cut_names[i]))
                        continue;
                r = cut_measure(o->log->dir_fd, o->cut_names[i], &cut);
                if (r < 0)
                        return problem(o, r, "%s cannot be read: %s", o->cut_names[i], strerror(-r));
                r = record_cut(o, &cut);
        }
        if (r >= 0 && o->cut.bytes > 0)
                r = record_cut(o, &o->cut);
        return r < 0 ? r : auditlog_sync(o->log);
}

/* --- The two ways a log may be found -------------------------------------------------- */

static int open_named(struct opening *o, int dir_fd, const char *name, int *ret)
{
        int fd = open_dir(dir_fd, name);

        if (fd < 0)
                return problem(o, fd, "%s/ cannot be opened: %s", name, strerror(-fd));
        *ret = fd;
        return 0;
}

/* The path of the state directory, for the commands that a sentence names. */
static void state_path(int state_fd, char *ret, size_t size)
{
        char link[32];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", state_fd);
        n = readlink(link, ret, size - 1);
        if (n <= 0)
                (void)snprintf(ret, size, "/var/lib/tmsd");
        else
                ret[n] = '\0';
}

/*
 * Whoever can read a key can sign in the daemon's name, and whoever can write to its directory can put a key of his own
 * there. The daemon makes its keys with mode 0600 in a directory of mode 0700. If that is not so any more, somebody has
 * changed it and must be told before the log relies on the key.
 */
static int check_private(struct opening *o, int state_fd)
{
        char path[PATH_MAX];
        struct key_exposed e;
        unsigned wanted;
        int r;

        r = keys_find_exposed(o->log->keys_fd, &e);
        if (r < 0)
                return problem(o, r, "keys/ cannot be read: %s", strerror(-r));
        if (r == 0)
                return 0;
        state_path(state_fd, path, sizeof(path));
        wanted = *e.name ? 0600 : 0700;
        if (e.uid != geteuid())
                return problem(o, -EPERM,
                               "keys/%s belongs to user %u; expected is user %u, who tmsd is: chown %u %s/keys%s%s, "
                               "then "
                               "systemctl restart tmsd",
                               e.name, e.uid, geteuid(), geteuid(), path, *e.name ? "/" : "", e.name);
        return problem(o, -EPERM,
                       "keys/%s has mode %04o, so that others may read or change it; expected is %04o: chmod %04o "
                       "%s/keys%s%s, then systemctl restart tmsd",
                       e.name, e.mode, wanted, wanted, path, *e.name ? "/" : "", e.name);
}

static int open_dirs(struct opening *o, int state_fd)
{
        struct auditlog *l = o->log;
        int r;

        /*
         * The auditor's reader does not need the keys. Here a log that has records and no keys has lost them, and no
         * new keys are made.
         */
        if (o->report.records > 0 && faccessat(state_fd, "keys", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                return problem(o, -EBADMSG, "the log expects signing key %" PRIu64 ", but keys/ is missing",
                               o->report.seals);
        r = open_named(o, state_fd, "keys", &l->keys_fd);
        if (r >= 0)
                r = check_private(o, state_fd);
        if (r >= 0)
                r = open_named(o, l->dir_fd, "pulses", &l->pulses_fd);
        if (r >= 0)
                r = open_named(o, l->dir_fd, "protocols", &l->protocols_fd);
        return r < 0 ? r : open_named(o, l->dir_fd, "checkpoints", &l->checkpoints_fd);
}

/* Begins a log that has no record yet: makes key 0, writes its public half, then the record that announces it. */
static int begin(struct opening *o)
{
        struct auditlog *l = o->log;
        const uint64_t utc_ns = now_ns(CLOCK_REALTIME);
        _cleanup_(json_decrefp) json_t *data = NULL;
        char fingerprint[65], utc[32];
        int r;

        r = key_load(l->keys_fd, 0, &l->key);
        if (r == -ENOENT)
                r = key_make(l->keys_fd, 0, &l->key);
        if (r < 0)
                return problem(o, r, "signing key 0 in keys/ cannot be made or read: %s", strerror(-r));
        strcpy(l->at.key0, key_public_hex(l->key));
        strcpy(l->at.next_public, l->at.key0);
        r = key_fingerprint(l->at.key0, fingerprint);
        if (r >= 0)
                r = key_write_public_pem(l->dir_fd, "key0.pub", l->at.key0);
        if (r < 0)
                return r;
        (void)snprintf(l->at.origin, sizeof(l->at.origin), "tmsd/%s", fingerprint);
        auditlog_utc_text(utc_ns, utc);
        (void)snprintf(l->at.month, sizeof(l->at.month), "%.7s", utc);
        l->at.format = 2;
        data = json_object();
        if (!data || json_object_set_new(data, "format", json_integer(2)) < 0 ||
            json_object_set_new(data, "key0", json_string(l->at.key0)) < 0)
                return -ENOMEM;
        r = auditlog_append(l, "log.open", NULL, "", data, utc_ns, now_ns(CLOCK_MONOTONIC));
        if (r < 0)
                return r;
        r = auditlog_sync(l);
        if (r < 0)
                return r;
        return fsync(l->dir_fd) < 0 ? -errno : 0;
}

/* Loads the key that signs the next seal. The reader has found already that it exists and is the announced one. */
static int take_key(struct opening *o)
{
        struct auditlog *l = o->log;
        const uint64_t seals = o->report.seals;
        uint64_t lowest, highest, n;
        int r;

        r = key_load(l->keys_fd, seals, &l->key);
        if (r < 0)
                return problem(o, r, "signing key %" PRIu64 " in keys/ cannot be read: %s", seals, strerror(-r));
        if (!STREQ(key_public_hex(l->key), o->report.next_public))
                return problem(o, -EBADMSG, "signing key %" PRIu64 " in keys/ is not the one that the log announces",
                               seals);
        /* After a crash between a seal and the destruction of its key, the old key's file still exists. */
        r = keys_range(l->keys_fd, &lowest, &highest);
        if (r < 0)
                return problem(o, r, "keys/ cannot be read: %s", strerror(-r));
        for (n = lowest; n < seals; n++) {
                r = key_destroy(l->keys_fd, n);
                if (r < 0)
                        return problem(o, r, "signing key %" PRIu64 " in keys/, an old one, cannot be destroyed: %s", n,
                                       strerror(-r));
        }
        l->undestroyed = seals;
        return 0;
}

static int go_on(struct opening *o)
{
        struct auditlog *l = o->log;

        l->synced = l->at.offset;
        return l->at.records == 0 ? begin(o) : take_key(o);
}

/*
 * A log of format 1 is sealed, and goes on in a segment of format 2. A segment that was closed when the daemon or the
 * power went has no other one behind it yet. And a segment may be old, or long enough.
 */
static int go_to_next_segment(struct auditlog *l)
{
        const uint64_t utc_ns = now_ns(CLOCK_REALTIME), mono_ns = now_ns(CLOCK_MONOTONIC);
        const char *reason;
        int r = 0;

        if (l->at.format == 1 && !l->at.sealed)
                r = auditlog_seal(l, NULL, "", utc_ns, mono_ns, NULL);
        if (r >= 0 && (l->at.format == 1 || l->at.closed))
                r = auditlog_begin_segment(l, utc_ns, mono_ns);
        reason = r >= 0 ? auditlog_should_close(l, utc_ns) : NULL;
        return reason ? auditlog_close_segment(l, NULL, reason, utc_ns, mono_ns, NULL, NULL) : r;
}

static int open_all(struct opening *o, int state_fd)
{
        struct auditlog *l = o->log;
        int r;

        r = open_named(o, state_fd, "audit", &l->dir_fd);
        if (r < 0)
                return r;
        if (flock(l->dir_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        /* Nothing is made or changed before the reader has accepted the log. */
        r = settle(o, state_fd);
        if (r >= 0)
                r = read_log(o, state_fd);
        if (r >= 0)
                r = open_dirs(o, state_fd);
        if (r >= 0)
                r = open_log_file(o);
        if (r >= 0)
                r = cut_log(o);
        if (r >= 0)
                r = go_on(o);
        return r;
}

int auditlog_open(int state_fd, const char *boot, const struct auditlog_reading *reading, struct auditlog **ret,
                  char **ret_problem)
{
        static const struct auditlog_reading nobody;
        _cleanup_(auditlog_freep) struct auditlog *l = NULL;
        _cleanup_(opening_clear) struct opening o = {.reading = reading ? reading : &nobody};
        int r;

        l = malloc(sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (struct auditlog){.dir_fd = -1,
                               .log_fd = -1,
                               .keys_fd = -1,
                               .pulses_fd = -1,
                               .protocols_fd = -1,
                               .checkpoints_fd = -1};
        if ((size_t)snprintf(l->boot, sizeof(l->boot), "%s", boot) >= sizeof(l->boot))
                return -EINVAL;
        o.log = l;
        r = open_all(&o, state_fd);
        if (r >= 0)
                r = record_cuts(&o);
        if (r >= 0)
                r = go_to_next_segment(l);
        if (r >= 0)
                r = auditlog_check_disk(l);
        if (r < 0) {
                *ret_problem = TAKE_PTR(o.problem);
                return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}
