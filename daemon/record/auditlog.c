/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit log on disk: appending, seals; see auditlog.h. Opening is in auditlog-open.c. */
#include <inttypes.h>
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
        safe_close(l->dir_fd);
        key_free(l->key);
        free(l);
        return NULL;
}

uint64_t auditlog_cut(const struct auditlog *l)
{
        return l->cut;
}

const char *auditlog_key0(const struct auditlog *l)
{
        return l->key0;
}

uint64_t auditlog_records(const struct auditlog *l)
{
        return l->seq;
}

const char *auditlog_head(const struct auditlog *l)
{
        return l->prev;
}

int auditlog_dir_fd(const struct auditlog *l)
{
        return l->dir_fd;
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

static void utc_text(uint64_t utc_ns, char ret[static 32])
{
        time_t s = (time_t)(utc_ns / NS_PER_S);
        struct tm tm;
        size_t n;

        (void)gmtime_r(&s, &tm);
        n = strftime(ret, 32, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(ret + n, 32 - n, ".%06uZ", (unsigned)(utc_ns % NS_PER_S / 1000));
}

/*
 * Writes the record's keys in the order that AUDIT.md gives, if the record matches its type. Every record passes here.
 * *ret has no end of line.
 */
static int compose(struct auditlog *l, const char *type, json_t *who, const char *on, json_t *data, const char *utc,
                   uint64_t mono_ns, char **ret)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        int r;

        r = schema_check(type, who, on, data, l->misfit);
        if (r < 0)
                return r;
        record = json_object();
        if (!record || json_object_set_new(record, "seq", json_u64(l->seq)) < 0 ||
            json_object_set_new(record, "utc", json_string(utc)) < 0 ||
            json_object_set_new(record, "mono_ns", json_u64(mono_ns)) < 0 ||
            json_object_set_new(record, "boot", json_string(l->boot)) < 0 ||
            json_object_set_new(record, "type", json_string(type)) < 0 ||
            json_object_set_new(record, "who", who ? json_incref(who) : json_object()) < 0 ||
            json_object_set_new(record, "on", json_string(on)) < 0 ||
            json_object_set_new(record, "data", data ? json_incref(data) : json_object()) < 0 ||
            json_object_set_new(record, "prev", json_string(l->prev)) < 0)
                return -ENOMEM;
        return json_line(record, ret);
}

/*
 * Appends one line. A crash or a power cut leaves at most the last line unfinished. If the disk took only a part of the
 * line, the part is cut off.
 */
static int append_line(struct auditlog *l, char *line)
{
        size_t size = strlen(line);
        char hash[65];
        bool sound;
        int r;

        /* The hash is computed before the line is written: without it no other line could follow. */
        r = auditlog_hash(line, size, hash);
        if (r < 0)
                return r;
        line[size] = '\n';
        l->dirty = true;
        r = append_lines(l->log_fd, l->bytes, &l->synced, line, size + 1, &sound);
        line[size] = '\0';
        if (!sound)
                l->unsound = true;
        if (r < 0)
                return r;
        l->bytes += size + 1;
        strcpy(l->prev, hash);
        l->seq++;
        return 0;
}

int auditlog_append(struct auditlog *l, const char *type, json_t *who, const char *on, json_t *data, uint64_t utc_ns,
                    uint64_t mono_ns)
{
        _cleanup_(freep) char *line = NULL;
        char utc[32];
        int r;

        utc_text(utc_ns, utc);
        r = compose(l, type, who, on, data, utc, mono_ns, &line);
        if (r < 0)
                return r;
        return append_line(l, line);
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
        l->synced = l->bytes;
        return 0;
}

/* The key that the next seal announces: the one that an interrupted seal has left, or a new one. */
static int next_key(struct auditlog *l, struct key **ret)
{
        uint64_t n = key_number(l->key) + 1;
        int r;

        r = key_load(l->keys_fd, n, ret);
        if (r == -ENOENT)
                r = key_make(l->keys_fd, n, ret);
        return r;
}

static bool is_nonce(const char *s)
{
        const char *c;

        for (c = s; *c; c++) {
                if (*c < 0x20 || *c > 0x7e)
                        return false;
        }
        return c - s <= NONCE_MAX;
}

/*
 * After the seal, whoever finds an old key could forge the records before it. A key file that cannot be opened now,
 * without a descriptor, is tried again at the next seal. If the daemon is killed before, opening the log destroys it.
 */
static int destroy_old_keys(struct auditlog *l)
{
        int r = 0;

        while (l->undestroyed < key_number(l->key)) {
                r = key_destroy(l->keys_fd, l->undestroyed);
                if (r < 0)
                        break;
                l->undestroyed++;
        }
        if (r == -EMFILE || r == -ENFILE || r == -ENOMEM) {
                log_event(SIGNING_KEY_KEPT, FIELDS(field_number("KEY_NUMBER", l->undestroyed), field_errno(r)),
                          "signing key %" PRIu64 " cannot be destroyed yet: %s", l->undestroyed, strerror(-r));
                return 0;
        }
        if (r < 0)
                l->unsound = true;
        return r;
}

/* Writes the record of a seal that the log's key signs and that announces next. *ret has no end of line. */
static int compose_seal(struct auditlog *l, const struct key *next, json_t *who, const char *nonce, uint64_t utc_ns,
                        uint64_t mono_ns, char **ret)
{
        _cleanup_(json_decrefp) json_t *data = NULL;
        char text[512], utc[32], sig[SIG_HEX];
        uint64_t n = key_number(l->key);
        int size, r;

        utc_text(utc_ns, utc);
        size = snprintf(text, sizeof(text), "tmsd-seal-1\n%" PRIu64 "\n%s\n%" PRIu64 "\n%s\n%s\n%s\n", l->seq, l->prev,
                        n, key_public_hex(next), nonce, utc);
        if ((size_t)size >= sizeof(text))
                return -EINVAL;
        r = key_sign(l->key, text, (size_t)size, sig);
        if (r < 0)
                return r;
        data = json_object();
        if (!data || json_object_set_new(data, "key", json_u64(n)) < 0 ||
            json_object_set_new(data, "public", json_string(key_public_hex(l->key))) < 0 ||
            json_object_set_new(data, "next", json_string(key_public_hex(next))) < 0 ||
            json_object_set_new(data, "nonce", json_string(nonce)) < 0 ||
            json_object_set_new(data, "sig", json_string(sig)) < 0)
                return -ENOMEM;
        return compose(l, "seal", who, "", data, utc, mono_ns, ret);
}

int auditlog_seal(struct auditlog *l, json_t *who, const char *nonce, uint64_t utc_ns, uint64_t mono_ns,
                  char **ret_line)
{
        _cleanup_(key_freep) struct key *next = NULL;
        _cleanup_(freep) char *line = NULL;
        int r;

        /* The reader rejects a seal with any other nonce. */
        if (!is_nonce(nonce))
                return -EINVAL;
        r = next_key(l, &next);
        if (r >= 0)
                r = compose_seal(l, next, who, nonce, utc_ns, mono_ns, &line);
        if (r >= 0)
                r = append_line(l, line);
        if (r >= 0)
                r = auditlog_sync(l);
        if (r < 0)
                return r;
        key_free(l->key);
        l->key = TAKE_PTR(next);
        r = destroy_old_keys(l);
        if (r < 0)
                return r;
        if (ret_line)
                *ret_line = TAKE_PTR(line);
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
 * Looks whether log.jsonl is still the open file and has the size that was written. If somebody has taken it away, put
 * a copy in its place or changed it, what is added would be lost or rejected by every reader.
 */
static int check_place(struct auditlog *l)
{
        struct stat own, there;
        int r = 0;

        if (fstat(l->log_fd, &own) < 0)
                return -errno;
        if (fstatat(l->dir_fd, "log.jsonl", &there, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        else if (there.st_dev != own.st_dev || there.st_ino != own.st_ino || (uint64_t)own.st_size != l->bytes)
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
        if (l->room >= l->bytes + ROOM / 2)
                return 0;
        r = reserve_room(l->log_fd, l->bytes, ROOM);
        if (r >= 0)
                l->room = l->bytes + ROOM;
        return r == -ENOSPC || r == -EDQUOT ? 0 : r;
}

bool auditlog_has_room(const struct auditlog *l)
{
        return !l->low && l->room >= l->bytes + ROOM / 2;
}

int auditlog_free_bytes(const struct auditlog *l, uint64_t *ret)
{
        struct statvfs v;

        if (fstatvfs(l->dir_fd, &v) < 0)
                return -errno;
        *ret = (uint64_t)v.f_bavail * v.f_frsize;
        return 0;
}
