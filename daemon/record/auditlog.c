/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log on disk: appending; see auditlog.h. Opening is in auditlog-open.c, seals are in auditlog-seal.c, segments
 * in auditlog-segment.c.
 */
#include <openssl/sha.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "append.h"
#include "auditlog-internal.h"
#include "file.h"
#include "jsonline.h"

/* Reserved for the records of the end of sessions that end because the disk is full. */
#define ROOM (256 * 1024)
/* With less than this free, sessions are ended: every file still finds room for its last records. */
#define LOW (1024 * 1024)
#define PROTOCOL_MAX (16 * 1024 * 1024)

struct auditlog *auditlog_free(struct auditlog *l)
{
        if (!l)
                return NULL;
        safe_close(l->log_fd);
        safe_close(l->keys_fd);
        safe_close(l->pulses_fd);
        safe_close(l->protocols_fd);
        safe_close(l->checkpoints_fd);
        safe_close(l->dir_fd);
        key_free(l->key);
        history_free(l->history);
        tms_audit_checkpoint_clear(&l->older);
        tms_hasher_clear(&l->hasher);
        free(l);
        return NULL;
}

uint64_t auditlog_cut(const struct auditlog *l)
{
        return l->cut;
}

const char *auditlog_key0(const struct auditlog *l)
{
        return l->at.key0;
}

uint64_t auditlog_records(const struct auditlog *l)
{
        return l->at.records;
}

const char *auditlog_head(const struct auditlog *l)
{
        return l->at.head;
}

int auditlog_dir_fd(const struct auditlog *l)
{
        return l->dir_fd;
}

const char *auditlog_file(const struct auditlog *l)
{
        return l->file;
}

const struct tms_audit_checkpoint *auditlog_older(const struct auditlog *l)
{
        return l->older.text ? &l->older : NULL;
}

void auditlog_see(struct auditlog *l, const json_t *record)
{
        history_see(record, l->history);
        if (STREQ(json_get_str(record, "type"), "seal") &&
            json_object_get(json_object_get(record, "data"), "checkpoint"))
                l->checkpointed = json_get_u64(record, "seq");
}

const char *auditlog_misfit(const struct auditlog *l)
{
        return l->misfit;
}

bool auditlog_is_sound(const struct auditlog *l)
{
        return !l->unsound;
}

int auditlog_hash(const char *line, size_t size, char ret[static 65])
{
        unsigned char digest[SHA256_DIGEST_LENGTH];

        /* SHA256() of OpenSSL 3 needs memory to look up the algorithm, so it can fail. */
        if (!SHA256((const unsigned char *)line, size, digest))
                return -ENOMEM;
        hex_encode(digest, sizeof(digest), ret);
        return 0;
}

void auditlog_utc_text(uint64_t utc_ns, char ret[static 32])
{
        time_t s = (time_t)(utc_ns / NS_PER_S);
        struct tm tm;
        size_t n;

        (void)gmtime_r(&s, &tm);
        n = strftime(ret, 32, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(ret + n, 32 - n, ".%06uZ", (unsigned)(utc_ns % NS_PER_S / 1000));
}

/* Every record passes here. */
int auditlog_compose(struct auditlog *l, const struct tms_audit_position *at, const char *type, json_t *who,
                     const char *on, json_t *data, const char *utc, uint64_t mono_ns, char **ret, json_t **ret_record)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        int r;

        r = schema_check(type, who, on, data, l->misfit);
        if (r < 0)
                return r;
        record = json_object();
        if (!record || json_object_set_new(record, "seq", json_u64(at->records)) < 0 ||
            json_object_set_new(record, "utc", json_string(utc)) < 0 ||
            json_object_set_new(record, "mono_ns", json_u64(mono_ns)) < 0 ||
            json_object_set_new(record, "boot", json_string(l->boot)) < 0 ||
            json_object_set_new(record, "type", json_string(type)) < 0 ||
            json_object_set_new(record, "who", who ? json_incref(who) : json_object()) < 0 ||
            json_object_set_new(record, "on", json_string(on)) < 0 ||
            json_object_set_new(record, "data", data ? json_incref(data) : json_object()) < 0 ||
            json_object_set_new(record, "prev", json_string(at->head)) < 0)
                return -ENOMEM;
        r = json_line(record, ret);
        if (r >= 0)
                *ret_record = TAKE_PTR(record);
        return r;
}

int auditlog_advance(struct auditlog *l, struct tms_audit_position *at, const char *line, size_t size)
{
        int r;

        r = tms_merkle_leaf(&l->hasher, line, size, at->leaf);
        if (r >= 0)
                r = tms_merkle_add(&l->hasher, &at->tree, at->leaf);
        if (r >= 0 && at->format == 1)
                r = auditlog_hash(line, size, at->head);
        else if (r >= 0)
                hex_encode(at->leaf, sizeof(at->leaf), at->head);
        if (r < 0)
                return r;
        at->records++;
        at->offset += size + 1;
        at->sealed = at->closed = false;
        return 0;
}

/*
 * Appends one line. A crash or a power cut leaves at most the last line unfinished. If the disk took only a part of the
 * line, the part is cut off.
 */
int auditlog_append_line(struct auditlog *l, char *line, const json_t *record)
{
        struct tms_audit_position next = l->at;
        size_t size = strlen(line);
        bool sound;
        int r;

        /* The hashes are computed before the line is written: without them no other line could follow. */
        r = auditlog_advance(l, &next, line, size);
        if (r < 0)
                return r;
        line[size] = '\n';
        l->dirty = true;
        r = append_lines(l->log_fd, l->at.offset, &l->synced, line, size + 1, &sound);
        line[size] = '\0';
        if (!sound)
                l->unsound = true;
        if (r < 0)
                return r;
        l->at = next;
        history_see(record, l->history);
        return 0;
}

int auditlog_append(struct auditlog *l, const char *type, json_t *who, const char *on, json_t *data, uint64_t utc_ns,
                    uint64_t mono_ns)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        _cleanup_(freep) char *line = NULL;
        char utc[32];
        int r;

        auditlog_utc_text(utc_ns, utc);
        r = auditlog_compose(l, &l->at, type, who, on, data, utc, mono_ns, &line, &record);
        if (r < 0)
                return r;
        return auditlog_append_line(l, line, record);
}

int auditlog_sync(struct auditlog *l)
{
        if (!l->dirty)
                return 0;
        if (fdatasync(l->log_fd) < 0) {
                l->unsound = true;
                return -errno;
        }
        l->dirty = false;
        l->synced = l->at.offset;
        return 0;
}

/* A file of that name exists already: looks whether its content has the hash that the name states. */
static int check_kept(struct auditlog *l, const char *name, const char *sha256)
{
        _cleanup_(freep) char *text = NULL;
        char actual[65];
        size_t size;
        int r;

        r = read_file_settled(l->protocols_fd, name, PROTOCOL_MAX, &text, &size);
        if (r < 0)
                return r;
        r = auditlog_hash(text, size, actual);
        if (r < 0)
                return r;
        if (STREQ(actual, sha256))
                return 0;
        /* Every reader would reject a record that names this file. */
        l->unsound = true;
        return -EBADMSG;
}

int auditlog_keep_protocol(struct auditlog *l, const char *sha256, const char *text, size_t size)
{
        char name[80], actual[65];
        int r;

        r = auditlog_hash(text, size, actual);
        if (r < 0)
                return r;
        if (!STREQ(actual, sha256))
                return -EINVAL;
        (void)snprintf(name, sizeof(name), "%s.yaml", sha256);
        r = check_kept(l, name, sha256);
        return r == -ENOENT ? write_file_synced(l->protocols_fd, name, 0600, text, size) : r;
}

/*
 * Looks whether the last segment is still the open file and has the size that was written. If somebody has taken it away, put
 * a copy in its place or changed it, what is added would be lost or rejected by every reader.
 */
static int check_place(struct auditlog *l)
{
        struct stat own, there;
        int r = 0;

        if (fstat(l->log_fd, &own) < 0)
                return -errno;
        if (fstatat(l->dir_fd, l->file, &there, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        else if (there.st_dev != own.st_dev || there.st_ino != own.st_ino || (uint64_t)own.st_size != l->at.offset)
                r = -EBADMSG;
        if (r == -ENOENT || r == -EBADMSG)
                l->unsound = true;
        return r;
}

/*
 * After an emergency remount (sysrq u), or an error that made the file system read-only, fdatasync() of ext4 returns 0
 * and has written nothing. Only the file system's flags tell.
 */
int auditlog_check_disk(struct auditlog *l)
{
        struct statvfs v;
        int r;

        r = check_place(l);
        if (r < 0)
                return r;
        if (fstatvfs(l->dir_fd, &v) < 0)
                return -errno;
        if (v.f_flag & ST_RDONLY) {
                l->unsound = true;
                return -EROFS;
        }
        l->low = v.f_bavail < LOW / v.f_frsize;
        if (l->room >= l->at.offset + ROOM / 2)
                return 0;
        r = reserve_room(l->log_fd, l->at.offset, ROOM);
        if (r >= 0)
                l->room = l->at.offset + ROOM;
        return r == -ENOSPC || r == -EDQUOT ? 0 : r;
}

bool auditlog_has_room(const struct auditlog *l)
{
        return !l->low && l->room >= l->at.offset + ROOM / 2;
}

int auditlog_free_bytes(const struct auditlog *l, uint64_t *ret)
{
        struct statvfs v;

        if (fstatvfs(l->dir_fd, &v) < 0)
                return -errno;
        *ret = (uint64_t)v.f_bavail * v.f_frsize;
        return 0;
}
