/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit log on disk: appending, seals; see auditlog.h. Opening is in auditlog-open.c. */
#include <inttypes.h>
#include <openssl/sha.h>
#include <sys/statvfs.h>

#include "auditlog-internal.h"
#include "file.h"

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

int auditlog_pulses_fd(const struct auditlog *l)
{
        return l->pulses_fd;
}

void auditlog_hash(const char *line, size_t size, char ret[static 65])
{
        unsigned char digest[SHA256_DIGEST_LENGTH];

        (void)SHA256((const unsigned char *)line, size, digest);
        hex_encode(digest, sizeof(digest), ret);
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

/* The keys in the order that AUDIT.md gives; *ret without an end of line. */
static int compose(struct auditlog *l, const char *type, json_t *who, const char *on, json_t *data, const char *utc,
                   uint64_t mono_ns, char **ret)
{
        _cleanup_(json_decrefp) json_t *record = json_object();
        char *line;

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
        line = json_dumps(record, JSON_COMPACT);
        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

/* Writes the line and its end with one write(), so that a crash tears at most the last one. */
static int append_line(struct auditlog *l, char *line)
{
        size_t size = strlen(line);
        int r;

        line[size] = '\n';
        r = write_all(l->log_fd, line, size + 1);
        line[size] = '\0';
        if (r < 0)
                return r;
        l->dirty = true;
        auditlog_hash(line, size, l->prev);
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
        if (fdatasync(l->log_fd) < 0)
                return -errno;
        l->dirty = false;
        return 0;
}

/* The key that the seal announces: one that an interrupted seal has left, or a new one. */
static int next_key(struct auditlog *l, struct key **ret)
{
        uint64_t n = key_number(l->key) + 1;
        int r;

        r = key_load(l->keys_fd, n, ret);
        if (r == -ENOENT)
                r = key_make(l->keys_fd, n, ret);
        return r;
}

int auditlog_seal(struct auditlog *l, json_t *who, const char *nonce, uint64_t utc_ns, uint64_t mono_ns,
                  char **ret_line)
{
        _cleanup_(key_freep) struct key *next = NULL;
        _cleanup_(json_decrefp) json_t *data = NULL;
        _cleanup_(freep) char *line = NULL;
        char text[512], utc[32], sig[SIG_HEX];
        uint64_t n = key_number(l->key);
        int size, r;

        r = next_key(l, &next);
        if (r < 0)
                return r;
        utc_text(utc_ns, utc);
        size = snprintf(text, sizeof(text), "tmsd-seal-1\n%" PRIu64 "\n%s\n%" PRIu64 "\n%s\n%s\n%s\n", l->seq, l->prev,
                        n, key_public_hex(next), nonce, utc);
        if ((size_t)size >= sizeof(text))
                return -ENAMETOOLONG;
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
        r = compose(l, "seal", who, "", data, utc, mono_ns, &line);
        if (r < 0)
                return r;
        r = append_line(l, line);
        if (r < 0)
                return r;
        r = auditlog_sync(l);
        if (r < 0)
                return r;
        /* From here the old key would be a means to forge; were we killed before it is gone, opening destroys it. */
        r = key_destroy(l->keys_fd, n);
        if (r < 0)
                return r;
        key_free(l->key);
        l->key = TAKE_PTR(next);
        if (ret_line)
                *ret_line = TAKE_PTR(line);
        return 0;
}

int auditlog_keep_protocol(struct auditlog *l, const char *sha256, const char *text, size_t size)
{
        char name[80], actual[65];

        auditlog_hash(text, size, actual);
        if (!STREQ(actual, sha256))
                return -EBADMSG;
        (void)snprintf(name, sizeof(name), "%s.yaml", sha256);
        if (faccessat(l->protocols_fd, name, F_OK, 0) == 0)
                return 0;
        return write_file_synced(l->protocols_fd, name, 0600, text, size);
}

int auditlog_free_bytes(const struct auditlog *l, uint64_t *ret)
{
        struct statvfs v;

        if (fstatvfs(l->dir_fd, &v) < 0)
                return -errno;
        *ret = (uint64_t)v.f_bavail * v.f_frsize;
        return 0;
}
