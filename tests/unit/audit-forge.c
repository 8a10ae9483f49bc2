/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An audit log made by hand; see audit-forge.h. */
#include "audit-forge.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define PULSE_FILE "pulses/T-1.tsv"

static const char protocol[] = "id: a-protocol\ntitle: any bytes will do\n";
/* Of a daemon that writes format 1, and of today's. */
static const char head_1[] = "seq\tmono_ns\ttype\trun\tpulse\tcard_seq\tscheduled_ns\ttriggered_ns\tcard_ns\t"
                             "set_permille\tdelivered_permille\tcode\n";
static const char head_2[] =
                "seq\tmono_ns\ttype\tflags\trun\tindex\tcard_seq\ttrain\tcondition\tleg\tdue_ns\t"
                "triggered_ns\tdue_card_ns\tcard_ns\tslack_ns\tset_permille\tdelivered_permille\toutcome\t"
                "cause\ttimeline_gen\tstate_to\tstate_from\tback_to\tnext_pulse\tlive\tlatched\tedge_ns\tlost\n";

static void hex(const unsigned char *data, size_t size, char *ret)
{
        for (size_t i = 0; i < size; i++)
                sprintf(ret + 2 * i, "%02x", data[i]);
}

void forge_sha256(const void *data, size_t size, char ret[65])
{
        unsigned char digest[32];
        unsigned n;

        assert_int_equal(EVP_Digest(data, size, digest, &n, EVP_sha256(), NULL), 1);
        hex(digest, n, ret);
}

EVP_PKEY *forge_new_key(void)
{
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

        assert_non_null(key);
        return key;
}

void forge_public(EVP_PKEY *key, char ret[65])
{
        unsigned char raw[32];
        size_t size = sizeof(raw);

        assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &size), 1);
        hex(raw, size, ret);
}

static void sign(EVP_PKEY *key, const char *text, char ret[129])
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char sig[64];
        size_t size = sizeof(sig);

        assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
        assert_int_equal(EVP_DigestSign(ctx, sig, &size, (const unsigned char *)text, strlen(text)), 1);
        EVP_MD_CTX_free(ctx);
        hex(sig, size, ret);
}

static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text_of(const char *format, ...)
{
        char *s = NULL;
        va_list ap;

        va_start(ap, format);
        assert_true(vasprintf(&s, format, ap) >= 0);
        va_end(ap);
        return s;
}

/* --- The tree, as RFC 6962 defines it ------------------------------------------------- */

static void hash_of(unsigned char kind, const void *a, size_t a_size, const void *b, size_t b_size,
                    unsigned char ret[32])
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned n;

        assert_int_equal(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), 1);
        assert_int_equal(EVP_DigestUpdate(ctx, &kind, 1), 1);
        assert_int_equal(EVP_DigestUpdate(ctx, a, a_size), 1);
        assert_int_equal(EVP_DigestUpdate(ctx, b, b_size), 1);
        assert_int_equal(EVP_DigestFinal_ex(ctx, ret, &n), 1);
        EVP_MD_CTX_free(ctx);
}

static void tree_hash(const struct forge *f, size_t from, size_t n, unsigned char ret[32])
{
        unsigned char left[32], right[32];
        size_t k = 1;

        if (n == 1) {
                memcpy(ret, f->leaf[from], 32);
                return;
        }
        while (2 * k < n)
                k *= 2;
        tree_hash(f, from, k, left);
        tree_hash(f, from + k, n - k, right);
        hash_of(1, left, 32, right, 32, ret);
}

void forge_root(const struct forge *f, size_t n, char ret[65])
{
        unsigned char root[32];

        tree_hash(f, 0, n, root);
        hex(root, 32, ret);
}

/* The largest complete subtrees of all lines, from left to right. */
static char *tree_text(const struct forge *f)
{
        char *text = NULL, root[65];
        size_t size, at = 0;
        FILE *m = open_memstream(&text, &size);

        fputc('[', m);
        for (size_t n = (size_t)1 << 20; n > 0; n /= 2) {
                unsigned char hash[32];

                if (!(f->lines & n))
                        continue;
                tree_hash(f, at, n, hash);
                hex(hash, 32, root);
                fprintf(m, "%s\"%s\"", at > 0 ? "," : "", root);
                at += n;
        }
        fputc(']', m);
        fclose(m);
        return text;
}

/* --- Records -------------------------------------------------------------------------- */

static char *line_of(const struct forge *f, const char *type, const char *data)
{
        return text_of("{\"seq\":%zu,\"utc\":\"2026-01-31T09:00:%02zu.000000Z\",\"mono_ns\":%zu,\"boot\":\"b-1\","
                       "\"type\":\"%s\","
                       "\"who\":{\"uid\":1000,\"sender\":\":1.42\"},\"on\":\"/org/tmsd1/session/"
                       "1\",\"data\":%s,\"prev\":\"%s\"}",
                       f->lines, f->lines % 60, 1000000000 + f->lines, type, data, f->prev);
}

static void add_line(struct forge *f, char *line)
{
        assert_true(f->lines < FORGE_LINES);
        hash_of(0, line, strlen(line), "", 0, f->leaf[f->lines]);
        if (f->format == 1)
                forge_sha256(line, strlen(line), f->prev);
        else
                hex(f->leaf[f->lines], 32, f->prev);
        f->line[f->lines++] = line;
}

void forge_record(struct forge *f, const char *type, const char *data)
{
        add_line(f, line_of(f, type, data));
}

static char *seal_1(const struct forge *f, const char *public, const char *next, const char *nonce)
{
        char *text, *data, *line, sig[129];

        text = text_of("tmsd-seal-1\n%zu\n%s\n%u\n%s\n%s\n2026-01-31T09:00:%02zu.000000Z\n", f->lines, f->prev,
                       f->number, next, nonce, f->lines % 60);
        sign(f->key, text, sig);
        free(text);
        data = text_of("{\"key\":%u,\"public\":\"%s\",\"next\":\"%s\",\"nonce\":\"%s\",\"sig\":\"%s\"}", f->number,
                       public, next, nonce, sig);
        line = line_of(f, "seal", data);
        free(data);
        return line;
}

/* Signs the line of a seal of format 2 whose sig is empty, and puts the signature there. */
static char *sign_line(EVP_PKEY *key, char *line)
{
        char *text = text_of("tmsd-seal-2\n%s", line), sig[129], *at;

        sign(key, text, sig);
        free(text);
        at = strstr(line, "\"sig\":\"") + strlen("\"sig\":\"");
        text = text_of("%.*s%s%s", (int)(at - line), line, sig, at);
        free(line);
        return text;
}

static char *seal_2(struct forge *f, const char *public, const char *next, const char *nonce)
{
        const bool named = f->checkpoint[0];
        char root[65], *data, *line;

        forge_root(f, f->lines, root);
        data = text_of("{\"key\":%u,\"public\":\"%s\",\"next\":\"%s\",\"nonce\":\"%s\",\"origin\":\"%s\",\"size\":%zu,"
                       "\"root\":\"%s\"%s%s%s,\"sig\":\"\"}",
                       f->number, public, next, nonce, f->origin, f->lines, root, named ? ",\"checkpoint\":\"" : "",
                       f->checkpoint, named ? "\"" : "");
        f->checkpoint[0] = 0;
        line = sign_line(f->key, line_of(f, "seal", data));
        free(data);
        return line;
}

char *forge_resign(const struct forge *f, const char *from, const char *to)
{
        const char *line = f->line[f->lines - 1], *sig = strstr(line, "\"sig\":\"") + strlen("\"sig\":\""),
                   *at = strstr(line, from);

        assert_true(at && at < sig);
        return sign_line(f->last_key, text_of("%.*s%s%.*s%s", (int)(at - line), line, to,
                                              (int)(sig - at - (ptrdiff_t)strlen(from)), at + strlen(from), sig + 128));
}

void forge_seal(struct forge *f, const char *nonce)
{
        EVP_PKEY *next_key = forge_new_key();
        char public[65], next[65];

        forge_public(f->key, public);
        forge_public(next_key, next);
        add_line(f, f->format == 1 ? seal_1(f, public, next, nonce) : seal_2(f, public, next, nonce));
        EVP_PKEY_free(f->last_key);
        f->last_key = f->key;
        f->key = next_key;
        f->number++;
}

/* --- Segments ------------------------------------------------------------------------- */

void forge_segment_name(size_t n, char ret[32])
{
        if (n == 0)
                strcpy(ret, "log.jsonl");
        else
                sprintf(ret, "log-%06zu.jsonl", n);
}

static const char *data_text(const struct forge *f, const char *key)
{
        static char value[65];
        char wanted[80];
        const char *at;

        snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
        at = strstr(f->line[0], wanted);
        assert_non_null(at);
        snprintf(value, sizeof(value), "%.64s", at + strlen(wanted));
        return value;
}

void forge_segment(struct forge *f)
{
        char *tree = tree_text(f), *data, public[65];

        assert_true(f->segments < FORGE_SEGMENTS);
        f->format = 2;
        hex(f->leaf[f->lines - 1], 32, f->prev);
        forge_public(f->key, public);
        f->segment_at[f->segments++] = f->lines;
        data = text_of("{\"format\":2,\"segment\":%zu,\"key0\":\"%s\",\"origin\":\"%s\",\"seals\":%u,\"public\":\"%s\","
                       "\"tree\":%s}",
                       f->segments, data_text(f, "key0"), f->origin, f->number, public, tree);
        forge_record(f, "log.segment", data);
        free(data);
        free(tree);
}

void forge_close(struct forge *f)
{
        char *data = text_of("{\"segment\":%zu,\"reason\":\"size\"}", f->segments);

        forge_record(f, "log.close", data);
        free(data);
        forge_seal(f, "");
        forge_segment(f);
}

char *forge_position(const struct forge *f)
{
        size_t first = f->segments > 0 ? f->segment_at[f->segments - 1] : 0, bytes = 0;
        char *tree = tree_text(f), *text, public[65];

        for (size_t i = first; i < f->lines; i++)
                bytes += strlen(f->line[i]) + 1;
        forge_public(f->key, public);
        text = text_of("{\"format\":2,\"origin\":\"%s\",\"records\":%zu,\"segment\":%zu,\"offset\":%zu,\"prev\":\"%s\","
                       "\"seals\":%u,\"public\":\"%s\",\"tree\":%s,\"state\":",
                       f->origin, f->lines, f->segments, bytes, f->prev, f->number, public, tree);
        free(tree);
        return text;
}

/* --- A session ------------------------------------------------------------------------ */

static void append(struct forge *f, const char *text)
{
        size_t n = strlen(text);

        f->pulses = realloc(f->pulses, f->pulses_size + n + 1);
        assert_non_null(f->pulses);
        memcpy(f->pulses + f->pulses_size, text, n + 1);
        f->pulses_size += n;
}

void forge_pulse_line(struct forge *f, const struct forge_pulse *p)
{
        char *text;

        if (f->first_format == 1)
                text = text_of("%u\t%u\t%u\t1\t%u\t%u\t%u\t%u\t%u\t500\t%u\t%u\n", p->seq, p->mono_ns, p->type,
                               p->index, p->index + 7, p->due_ns, p->due_ns + 1, p->card_ns, p->delivered_permille,
                               p->outcome);
        else
                text = text_of("%u\t%u\t%u\t1\t1\t%u\t%u\t2\t7\t0\t%u\t%u\t%u\t%u\t-1\t500\t%u\t%u\t0\t3\t0\t0\t0\t0\t0"
                               "\t0\t0\t0\n",
                               p->seq, p->mono_ns, p->type, p->index, p->index + 7, p->due_ns, p->due_ns + 1,
                               p->due_ns + 70, p->card_ns, p->delivered_permille, p->outcome);
        append(f, text);
        free(text);
}

void forge_pulses(struct forge *f, unsigned from, unsigned to)
{
        for (unsigned i = from; i < to; i++) {
                forge_pulse_line(f, &(struct forge_pulse){.seq = 2 * i + 1,
                                                          .mono_ns = 100 * i,
                                                          .type = 2,
                                                          .index = i,
                                                          .due_ns = 100 * i,
                                                          .outcome = 16});
                forge_pulse_line(f, &(struct forge_pulse){.seq = 2 * i + 2,
                                                          .mono_ns = 100 * i + 9,
                                                          .type = 3,
                                                          .index = i,
                                                          .due_ns = 100 * i,
                                                          .card_ns = 77 + 100 * i,
                                                          .delivered_permille = 500});
        }
}

static unsigned count_lines(const char *s)
{
        unsigned n = 0;

        for (; *s; s++)
                n += *s == '\n';
        return n;
}

char *forge_pulses_data(const struct forge *f, unsigned delivered, const char *more)
{
        char sha256[65];

        forge_sha256(f->pulses, f->pulses_size, sha256);
        return text_of("{\"session\":\"T-1\",\"file\":\"" PULSE_FILE "\",\"lines\":%u,\"bytes\":%zu,\"sha256\":\"%s\","
                       "\"delivered\":%u,\"missed\":0%s}",
                       count_lines(f->pulses) - 1, f->pulses_size, sha256, delivered, more);
}

void forge_pulses_record(struct forge *f, const char *type, unsigned delivered)
{
        char *data = forge_pulses_data(f, delivered, f->format == 2 ? ",\"unknown\":0" : "");

        forge_record(f, type, data);
        free(data);
}

void forge_session(struct forge *f)
{
        char *data;

        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        forge_record(f, "stimulator.add",
                     "{\"node\":\"/dev/tms0\",\"card_serial\":4711,\"coil_serial\":815,\"odometer\":0}");
        forge_seal(f, "");
        forge_record(f, "session.create", "{\"session\":\"T-1\",\"stimulator\":\"/dev/tms0\"}");
        data = text_of("{\"session\":\"T-1\",\"protocol\":\"a-protocol\",\"sha256\":\"%s\",\"threshold_permille\":500,"
                       "\"pulses\":6}",
                       f->protocol_sha256);
        forge_record(f, "session.prepare", data);
        free(data);
        forge_record(f, "session.arm.intent", "{\"session\":\"T-1\"}");
        forge_record(f, "session.arm", "{\"session\":\"T-1\",\"fitness_max_ns\":312}");
        forge_record(f, "session.start.intent", "{\"session\":\"T-1\"}");
        forge_record(f, "session.start", "{\"session\":\"T-1\",\"start_ns\":1,\"run\":1}");
        forge_pulses(f, 0, 2);
        forge_pulses_record(f, "session.pulses", 2);
        forge_pulses(f, 2, 4);
        forge_pulses_record(f, "session.pulses", 4);
        forge_pulses(f, 4, 6);
        forge_pulses_record(f, "session.end", 6);
        forge_seal(f, "nonce-1");
        forge_record(f, "daemon.stop", "{\"version\":\"0.1.0\"}");
        forge_seal(f, "nonce-2");
}

void forge_file(const struct forge *f, const char *name, const void *text, size_t size)
{
        char *path = text_of("%s/%s", f->dir, name);
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fchmod(fileno(file), 0600), 0);
        assert_int_equal(fwrite(text, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        free(path);
}

void forge_remove(const struct forge *f, const char *name)
{
        char *path = text_of("%s/%s", f->dir, name);

        assert_int_equal(unlink(path), 0);
        free(path);
}

static void write_segment(const struct forge *f, size_t n)
{
        const size_t from = n > 0 ? f->segment_at[n - 1] : 0, to = n < f->segments ? f->segment_at[n] : f->lines;
        char name[32], *text = NULL;
        size_t size;
        FILE *m = open_memstream(&text, &size);

        for (size_t i = from; i < to; i++)
                assert_true(fprintf(m, "%s\n", f->line[i]) > 0);
        fclose(m);
        forge_segment_name(n, name);
        forge_file(f, name, text, size);
        free(text);
}

void forge_write(const struct forge *f)
{
        char *name = text_of("protocols/%s.yaml", f->protocol_sha256);

        for (size_t n = 0; n <= f->segments; n++)
                write_segment(f, n);
        forge_file(f, PULSE_FILE, f->pulses, f->pulses_size);
        forge_file(f, name, protocol, strlen(protocol));
        free(name);
}

void forge_append(const struct forge *f)
{
        char name[32], *path, *line = text_of("%s\n", f->line[f->lines - 1]);
        int fd;

        forge_segment_name(f->segments, name);
        path = text_of("%s/%s", f->dir, name);
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, line, strlen(line)), strlen(line));
        close(fd);
        free(line);
        free(path);
}

void forge_remove_key_file(const struct forge *f, unsigned number)
{
        char *path = text_of("%s/keys/%u.pem", f->base, number);

        assert_int_equal(unlink(path), 0);
        free(path);
}

/* As the daemon does it: whoever reads while it is written finds no key or a whole one. */
void forge_key_file(const struct forge *f)
{
        char *keys = text_of("%s/keys", f->base), *path = text_of("%s/keys/%u.pem", f->base, f->number),
             *made = text_of("%s/keys/.%u.pem", f->base, f->number);
        FILE *file;

        assert_true(mkdir(keys, 0700) == 0 || errno == EEXIST);
        file = fopen(made, "we");
        assert_non_null(file);
        assert_int_equal(fchmod(fileno(file), 0600), 0);
        assert_int_equal(PEM_write_PKCS8PrivateKey(file, f->key, NULL, NULL, 0, NULL, NULL), 1);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(rename(made, path), 0);
        free(made);
        free(path);
        free(keys);
}

static void init(struct forge *f, unsigned format)
{
        unsigned char raw[32];
        size_t size = sizeof(raw);
        char public[65];
        char *path, *data;
        FILE *file;

        /* Thousands of small files are written again and again: in memory where there is such a place. */
        *f = (struct forge){.format = format, .first_format = format};
        snprintf(f->base, sizeof(f->base), "%s/audit-forge-XXXXXX",
                 access("/dev/shm", W_OK) >= 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(f->base));
        snprintf(f->dir, sizeof(f->dir), "%s/audit", f->base);
        assert_int_equal(mkdir(f->dir, 0700), 0);
        path = text_of("%s/pulses", f->dir);
        assert_int_equal(mkdir(path, 0700), 0);
        free(path);
        path = text_of("%s/protocols", f->dir);
        assert_int_equal(mkdir(path, 0700), 0);
        free(path);

        f->key = forge_new_key();
        assert_int_equal(EVP_PKEY_get_raw_public_key(f->key, raw, &size), 1);
        forge_sha256(raw, size, f->key0_fingerprint);
        forge_public(f->key, public);
        path = text_of("%s/key0.pub", f->dir);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(PEM_write_PUBKEY(file, f->key), 1);
        fclose(file);
        free(path);

        memset(f->prev, '0', 64);
        forge_sha256(protocol, strlen(protocol), f->protocol_sha256);
        append(f, format == 1 ? head_1 : head_2);
        snprintf(f->origin, sizeof(f->origin), "tmsd/%s", f->key0_fingerprint);
        data = text_of("{\"format\":%u,\"key0\":\"%s\"}", format, public);
        forge_record(f, "log.open", data);
        free(data);
}

void forge_init(struct forge *f)
{
        init(f, 1);
}

void forge_init_2(struct forge *f)
{
        init(f, 2);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st, (void)flag, (void)ftw;
        return remove(path);
}

void forge_forget(struct forge *f)
{
        for (size_t i = 0; i < f->lines; i++)
                free(f->line[i]);
        free(f->pulses);
        EVP_PKEY_free(f->key);
        EVP_PKEY_free(f->last_key);
}

void forge_clear(struct forge *f)
{
        forge_forget(f);
        (void)nftw(f->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
