// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes what made-log.h says, with libtms's tree and OpenSSL's signatures. */
#include "made-log.h"

#include "lib/audit/merkle.h"

#include <err.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384
/* A checkpoint comes with the first seal after so many records. */
#define CHECKPOINT_EVERY 1000
#define CHECKPOINTS_KEPT 3

static struct {
        char dir[2048];
        FILE *log;
        uint64_t seq, now_ns;
        char prev[65], key0[65], origin[70];
        EVP_PKEY *key;
        unsigned number; /* of key */
        unsigned format, segment;
        bool live;
        unsigned pause_us;
        uint64_t bytes, checkpointed; /* in this segment; records at the last checkpoint */
        /* The newest checkpoints, the oldest first; the one that leaves is removed, unless it closes a segment. */
        struct {
                uint64_t number; /* 0: none */
                bool closing;
        } kept[CHECKPOINTS_KEPT];
        struct tms_merkle tree;
} w;

/* These hold for every log that is begun later. */
static uint64_t epoch_s = 1769850000;
static const struct made_watcher *watcher;

void made_hex(const unsigned char *data, size_t size, char *ret)
{
        for (size_t i = 0; i < size; i++)
                sprintf(ret + 2 * i, "%02x", data[i]);
}

void made_must(bool condition, const char *what)
{
        if (!condition)
                err(1, "%s", what);
}

FILE *made_create(const char *name)
{
        char path[4096];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", w.dir, name);
        f = fopen(path, "we");
        made_must(f, path);
        return f;
}

void made_sha256(const void *data, size_t size, char ret[65])
{
        unsigned char digest[32];

        made_must(EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) == 1, "sha256");
        made_hex(digest, sizeof(digest), ret);
}

static void public_of(EVP_PKEY *key, char ret[65])
{
        unsigned char raw[32];
        size_t size = sizeof(raw);

        made_must(EVP_PKEY_get_raw_public_key(key, raw, &size) == 1, "public key");
        made_hex(raw, size, ret);
}

/* --- Records ------------------------------------------------------------------------ */

static void utc_text(char ret[40])
{
        time_t s = (time_t)(epoch_s + w.now_ns / MADE_NS_PER_S);
        struct tm tm;

        gmtime_r(&s, &tm);
        strftime(ret, 40, "%Y-%m-%dT%H:%M:%S", &tm);
        sprintf(ret + strlen(ret), ".%06uZ", (unsigned)(w.now_ns % MADE_NS_PER_S / 1000));
}

/* The line of a record; the time goes on by as much as its number says, so that who makes it twice makes the same. */
__attribute__((format(printf, 3, 0))) static size_t make_line(char *line, const char *type, const char *format,
                                                              va_list ap)
{
        static char data[12000];
        bool plain = strcmp(type, "seal") == 0 || strncmp(type, "log.", 4) == 0;
        char utc[40], moment[80] = "";
        int n;

        vsnprintf(data, sizeof(data), format, ap);
        w.now_ns += 20011 + w.seq * 7919 % 100000;
        utc_text(utc);
        if (!plain)
                snprintf(moment, sizeof(moment), "%s\"boottime_ns\":%" PRIu64 ",\"synchronised\":true",
                         data[0] ? "," : "", w.now_ns + 77);
        n = snprintf(line, LINE_MAX_BYTES,
                     "{\"seq\":%" PRIu64 ",\"utc\":\"%s\",\"mono_ns\":%" PRIu64
                     ",\"boot\":\"0f5a4c1e-62f1-4a54-8a3d-2c5a9b1b6f00\",\"type\":\"%s\",\"who\":%s,\"on\":\"%s\","
                     "\"data\":{%s%s},\"prev\":\"%s\"}",
                     w.seq, utc, w.now_ns, type,
                     strstr(type, "intent") ? "{\"uid\":1000,\"sender\":\":1.42\",\"action\":\"org.tmsd1.treat\","
                                              "\"answer\":\"yes\"}"
                                            : "{}",
                     plain ? "" : "/org/tmsd1/session/1", data, moment, w.prev);
        made_must(n > 0 && n < LINE_MAX_BYTES, "record");
        return (size_t)n;
}

static void add_record(const char *line, size_t size)
{
        unsigned char leaf[TMS_MERKLE_HASH];

        made_must(tms_merkle_leaf(NULL, line, size, leaf) == 0 && tms_merkle_add(NULL, &w.tree, leaf) == 0, "tree");
        if (w.format == 2)
                made_hex(leaf, sizeof(leaf), w.prev);
        else
                made_sha256(line, size, w.prev);
        made_must(fwrite(line, 1, size, w.log) == size && fputc('\n', w.log) != EOF, "log.jsonl");
        if (w.live) {
                made_must(fflush(w.log) == 0, "log.jsonl");
                usleep(w.pause_us);
        }
        if (watcher)
                watcher->see(line, size);
        w.bytes += size + 1;
        w.seq++;
}

void made_record(const char *type, const char *format, ...)
{
        static char line[LINE_MAX_BYTES];
        va_list ap;
        size_t size;

        va_start(ap, format);
        size = make_line(line, type, format, ap);
        va_end(ap);
        add_record(line, size);
}

__attribute__((format(printf, 3, 4))) static size_t line_of(char *line, const char *type, const char *format, ...)
{
        va_list ap;
        size_t size;

        va_start(ap, format);
        size = make_line(line, type, format, ap);
        va_end(ap);
        return size;
}

/* --- Seals -------------------------------------------------------------------------- */

static void sign(const char *text, size_t text_size, char ret[129])
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char raw[64];
        size_t size = sizeof(raw);

        made_must(ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, w.key) == 1 &&
                                  EVP_DigestSign(ctx, raw, &size, (const unsigned char *)text, text_size) == 1,
                  "signature");
        made_hex(raw, sizeof(raw), ret);
        EVP_MD_CTX_free(ctx);
}

/* The tree as an array of texts, the largest subtree first. */
static void tree_text(char *ret)
{
        char text[65], *s = ret;

        *s++ = '[';
        for (int i = TMS_MERKLE_LEVELS - 1; i >= 0; i--) {
                if ((w.tree.size >> i & 1) == 0)
                        continue;
                made_hex(w.tree.level[i], TMS_MERKLE_HASH, text);
                s += sprintf(s, "%s\"%s\"", s > ret + 1 ? "," : "", text);
        }
        strcpy(s, "]");
}

static void keep_checkpoint(bool closing)
{
        char name[4200];

        if (w.kept[0].number > 0 && !w.kept[0].closing) {
                snprintf(name, sizeof(name), "%s/checkpoints/%" PRIu64 ".json", w.dir, w.kept[0].number);
                made_must(unlink(name) == 0, name);
        }
        memmove(w.kept, w.kept + 1, sizeof(w.kept) - sizeof(w.kept[0]));
        w.kept[CHECKPOINTS_KEPT - 1].number = w.seq;
        w.kept[CHECKPOINTS_KEPT - 1].closing = closing;
}

/* The member "checkpoint" of a seal that comes next, or "". */
static void checkpoint(bool closing, const char *public, char ret[100])
{
        char tree[TMS_MERKLE_LEVELS * 70], name[60], digest[65], *state, *text;
        FILE *f;
        int n;

        ret[0] = '\0';
        if (!closing && w.seq < w.checkpointed + CHECKPOINT_EVERY)
                return;
        tree_text(tree);
        state = watcher ? watcher->state() : strdup("{}");
        made_must(state, "state");
        n = asprintf(&text,
                     "{\"format\":2,\"origin\":\"%s\",\"records\":%" PRIu64 ",\"segment\":%u,\"offset\":%" PRIu64
                     ",\"prev\":\"%s\",\"seals\":%u,\"public\":\"%s\",\"tree\":%s,\"state\":%s}\n",
                     w.origin, w.seq, w.segment, w.bytes, w.prev, w.number, public, tree, state);
        made_must(n > 0, "checkpoint");
        free(state);
        snprintf(name, sizeof(name), "checkpoints/%" PRIu64 ".json", w.seq);
        f = made_create(name);
        made_must(fputs(text, f) >= 0 && fclose(f) == 0, name);
        made_sha256(text, (size_t)n, digest);
        free(text);
        snprintf(ret, 100, "\"checkpoint\":\"%s\",", digest);
        w.checkpointed = w.seq;
        keep_checkpoint(closing);
}

/* The file is there with all its bytes, or not at all. */
static void write_key(EVP_PKEY *key, unsigned number)
{
        char name[100], to[8400], from[8400];
        FILE *f;

        snprintf(name, sizeof(name), "../keys/.%u.pem", number);
        f = made_create(name);
        made_must(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0, name);
        snprintf(from, sizeof(from), "%s/../keys/.%u.pem", w.dir, number);
        snprintf(to, sizeof(to), "%s/../keys/%u.pem", w.dir, number);
        made_must(rename(from, to) == 0, to);
}

static void destroy_key(unsigned number)
{
        char name[4200];

        snprintf(name, sizeof(name), "%s/../keys/%u.pem", w.dir, number);
        made_must(unlink(name) == 0, name);
}

void made_seal(bool closing)
{
        static char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES + 16];
        EVP_PKEY *next_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        char public[65], next[65], sig[129], utc[40], root[65], more[100];
        unsigned char raw[TMS_MERKLE_HASH];
        uint64_t now_ns = w.now_ns;
        size_t size;

        made_must(next_key, "key");
        if (w.live)
                write_key(next_key, w.number + 1);
        public_of(w.key, public);
        public_of(next_key, next);
        if (w.format == 2) {
                static const char head[] = "tmsd-seal-2\n", open[] = "\"sig\":\"";
                char *at;

                checkpoint(closing, public, more);
                made_must(tms_merkle_root(NULL, &w.tree, raw) == 0, "root");
                made_hex(raw, sizeof(raw), root);
                strcpy(text, head);
                size = line_of(line, "seal",
                               "\"key\":%u,\"public\":\"%s\",\"next\":\"%s\",\"nonce\":\"\",\"origin\":\"%s\",\"size\":"
                               "%" PRIu64 ",\"root\":\"%s\",%s\"sig\":\"\"",
                               w.number, public, next, w.origin, w.seq, root, more);
                memcpy(text + strlen(head), line, size + 1);
                sign(text, strlen(head) + size, sig);
                at = strstr(line, open) + strlen(open);
                memmove(at + 128, at, size + 1 - (size_t)(at - line));
                memcpy(at, sig, 128);
                add_record(line, size + 128);
        } else {
                /* As made_record() will say it. */
                w.now_ns += 20011 + w.seq * 7919 % 100000;
                utc_text(utc);
                w.now_ns = now_ns;
                size = (size_t)snprintf(text, sizeof(text), "tmsd-seal-1\n%" PRIu64 "\n%s\n%u\n%s\n\n%s\n", w.seq,
                                        w.prev, w.number, next, utc);
                sign(text, size, sig);
                made_record("seal", "\"key\":%u,\"public\":\"%s\",\"next\":\"%s\",\"nonce\":\"\",\"sig\":\"%s\"",
                            w.number, public, next, sig);
        }
        if (w.live)
                destroy_key(w.number);
        EVP_PKEY_free(w.key);
        w.key = next_key;
        w.number++;
}

void made_next_segment(void)
{
        char name[40], tree[TMS_MERKLE_LEVELS * 70], public[65], from[4200], to[4200];

        made_record("log.close", "\"segment\":%u,\"reason\":\"size\"", w.segment);
        made_seal(true);
        made_must(fclose(w.log) == 0, "segment");
        w.segment++;
        w.bytes = 0;
        snprintf(name, sizeof(name), ".log-%06u.jsonl", w.segment);
        w.log = made_create(name);
        tree_text(tree);
        public_of(w.key, public);
        made_record("log.segment",
                    "\"format\":2,\"segment\":%u,\"key0\":\"%s\",\"origin\":\"%s\",\"seals\":%u,\"public\":\"%s\","
                    "\"tree\":%"
                    "s",
                    w.segment, w.key0, w.origin, w.number, public, tree);
        snprintf(from, sizeof(from), "%s/%s", w.dir, name);
        snprintf(to, sizeof(to), "%s/%s", w.dir, name + 1);
        made_must(rename(from, to) == 0, to);
}

/* --- A log -------------------------------------------------------------------------------- */

void made_live(unsigned pause_us)
{
        w.live = true;
        w.pause_us = pause_us;
}

void made_epoch(uint64_t utc_s)
{
        epoch_s = utc_s;
}

void made_watch(const struct made_watcher *its)
{
        watcher = its;
}

void made_begin(const char *base, unsigned format)
{
        static const char *const dirs[] = {
                        "", "/keys", "/audit", "/audit/pulses", "/audit/protocols", "/audit/checkpoints"};
        unsigned char raw[32];
        size_t size = sizeof(raw);
        FILE *f;

        /* There may have been one before; what made_live() said holds for all. */
        w = (typeof(w)){.live = w.live, .pause_us = w.pause_us};
        if (watcher)
                watcher->begin();
        for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) - (format == 1); i++) {
                snprintf(w.dir, sizeof(w.dir), "%s%s", base, dirs[i]);
                made_must(mkdir(w.dir, 0700) == 0, w.dir);
        }
        snprintf(w.dir, sizeof(w.dir), "%s/audit", base);
        w.format = format;
        w.log = made_create("log.jsonl");
        w.now_ns = 86400 * MADE_NS_PER_S;
        memset(w.prev, '0', 64);
        w.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        made_must(w.key, "key");
        f = made_create("key0.pub");
        made_must(PEM_write_PUBKEY(f, w.key) == 1 && fclose(f) == 0, "key0.pub");
        if (w.live)
                write_key(w.key, 0);
        public_of(w.key, w.key0);
        made_must(EVP_PKEY_get_raw_public_key(w.key, raw, &size) == 1, "public key");
        strcpy(w.origin, "tmsd/");
        made_sha256(raw, sizeof(raw), w.origin + strlen(w.origin));
        made_record("log.open", "\"format\":%u,\"key0\":\"%s\"", format, w.key0);
}

void made_end(void)
{
        made_must(fclose(w.log) == 0, "log.jsonl");
        write_key(w.key, w.number);
        EVP_PKEY_free(w.key);
}

uint64_t made_now_ns(void)
{
        return w.now_ns;
}

void made_at(uint64_t now_ns)
{
        w.now_ns = now_ns;
}
