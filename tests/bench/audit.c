// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An audit log of many sessions, and how long it takes to verify it.
 *
 *   audit make DIR 10hz|itbs SESSIONS    writes DIR/audit and DIR/keys, as a daemon leaves them
 *   audit verify DIR [ROUNDS]            verifies DIR/audit; prints the fastest round as JSON
 *
 * 10hz: 3000 pulses, trains of 40 every 30 s. itbs: 600 pulses, trains of 2 s every 10 s, three pulses 20 ms apart in
 * each burst. Every 5 s in which there were pulses have a session.pulses record, each pulse has a trigger and an answer.
 */
#include "tms.h"

#include <err.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
#define TRUTH_EVERY_NS (5 * NS_PER_S)

static const char protocol[] = "id: a-protocol\ntitle: any bytes will do\n";

struct kind {
        const char *name;
        unsigned pulses, train, burst; /* in the session, in a train, in a burst */
        uint64_t train_every_ns, burst_every_ns, pulse_every_ns;
};

static const struct kind kinds[] = {
                {"10hz", 3000, 40, 1, 30 * NS_PER_S, 100 * NS_PER_MS, 0},
                {"itbs", 600, 30, 3, 10 * NS_PER_S, 200 * NS_PER_MS, 20 * NS_PER_MS},
};

static struct {
        const char *dir;
        FILE *log;
        uint64_t seq, now_ns;
        char prev[65], protocol_sha256[65];
        EVP_PKEY *key;
        unsigned number; /* of key */
} w;

static void hex(const unsigned char *data, size_t size, char *ret)
{
        for (size_t i = 0; i < size; i++)
                sprintf(ret + 2 * i, "%02x", data[i]);
}

static void must(bool condition, const char *what)
{
        if (!condition)
                err(1, "%s", what);
}

static FILE *create(const char *name)
{
        char path[4096];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", w.dir, name);
        f = fopen(path, "we");
        must(f, path);
        return f;
}

static void sha256(const void *data, size_t size, char ret[65])
{
        unsigned char digest[32];

        must(EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) == 1, "sha256");
        hex(digest, sizeof(digest), ret);
}

static void public_of(EVP_PKEY *key, char ret[65])
{
        unsigned char raw[32];
        size_t size = sizeof(raw);

        must(EVP_PKEY_get_raw_public_key(key, raw, &size) == 1, "public key");
        hex(raw, size, ret);
}

/* --- Records ------------------------------------------------------------------------ */

static void utc_text(char ret[40])
{
        time_t s = (time_t)(1769850000 + w.now_ns / NS_PER_S);
        struct tm tm;

        gmtime_r(&s, &tm);
        strftime(ret, 40, "%Y-%m-%dT%H:%M:%S", &tm);
        sprintf(ret + strlen(ret), ".%06uZ", (unsigned)(w.now_ns % NS_PER_S / 1000));
}

__attribute__((format(printf, 2, 3))) static void record(const char *type, const char *format, ...)
{
        static char line[8192], data[6000];
        bool plain = strcmp(type, "seal") == 0 || strcmp(type, "log.open") == 0;
        char utc[40], moment[80] = "";
        va_list ap;
        int n;

        va_start(ap, format);
        vsnprintf(data, sizeof(data), format, ap);
        va_end(ap);
        w.now_ns += 20011 + w.seq * 7919 % 100000;
        utc_text(utc);
        if (!plain)
                snprintf(moment, sizeof(moment), "%s\"boottime_ns\":%" PRIu64 ",\"synchronised\":true",
                         data[0] ? "," : "", w.now_ns + 77);
        n = snprintf(line, sizeof(line),
                     "{\"seq\":%" PRIu64 ",\"utc\":\"%s\",\"mono_ns\":%" PRIu64
                     ",\"boot\":\"0f5a4c1e-62f1-4a54-8a3d-2c5a9b1b6f00\",\"type\":\"%s\",\"who\":%s,\"on\":\"%s\","
                     "\"data\":{%s%s},\"prev\":\"%s\"}",
                     w.seq, utc, w.now_ns, type,
                     strstr(type, "intent") ? "{\"uid\":1000,\"sender\":\":1.42\",\"action\":\"org.tmsd1.treat\","
                                              "\"answer\":\"yes\"}"
                                            : "{}",
                     plain ? "" : "/org/tmsd1/session/1", data, moment, w.prev);
        must(n > 0 && (size_t)n < sizeof(line), "record");
        sha256(line, (size_t)n, w.prev);
        must(fprintf(w.log, "%s\n", line) == n + 1, "log.jsonl");
        w.seq++;
}

static void seal(void)
{
        EVP_PKEY *next_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        char public[65], next[65], sig[129], utc[40], text[400];
        unsigned char raw[64];
        size_t size = sizeof(raw);
        uint64_t now_ns = w.now_ns;
        int n;

        must(next_key && ctx, "key");
        public_of(w.key, public);
        public_of(next_key, next);
        /* As record() will say it. */
        w.now_ns += 20011 + w.seq * 7919 % 100000;
        utc_text(utc);
        w.now_ns = now_ns;
        n = snprintf(text, sizeof(text), "tmsd-seal-1\n%" PRIu64 "\n%s\n%u\n%s\n\n%s\n", w.seq, w.prev, w.number, next,
                     utc);
        must(EVP_DigestSignInit(ctx, NULL, NULL, NULL, w.key) == 1 &&
                             EVP_DigestSign(ctx, raw, &size, (const unsigned char *)text, (size_t)n) == 1,
             "signature");
        hex(raw, sizeof(raw), sig);
        record("seal", "\"key\":%u,\"public\":\"%s\",\"next\":\"%s\",\"nonce\":\"\",\"sig\":\"%s\"", w.number, public,
               next, sig);
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(w.key);
        w.key = next_key;
        w.number++;
}

/* --- A session ------------------------------------------------------------------------ */

struct pulses {
        char session[40], name[80];
        FILE *file;
        EVP_MD_CTX *sha;
        uint64_t bytes, lines, delivered, seq;
};

__attribute__((format(printf, 2, 3))) static void add_line(struct pulses *p, const char *format, ...)
{
        char line[300];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        must(fwrite(line, 1, (size_t)n, p->file) == (size_t)n, p->name);
        must(EVP_DigestUpdate(p->sha, line, (size_t)n) == 1, "sha256");
        p->bytes += (uint64_t)n;
}

static void say_truth(const struct pulses *p, const char *type, const char *more)
{
        EVP_MD_CTX *copy = EVP_MD_CTX_new();
        unsigned char digest[32];
        char text[65];

        must(copy && EVP_MD_CTX_copy_ex(copy, p->sha) == 1 && EVP_DigestFinal_ex(copy, digest, NULL) == 1, "sha256");
        EVP_MD_CTX_free(copy);
        hex(digest, sizeof(digest), text);
        record(type,
               "\"session\":\"%s\",\"file\":\"%s\",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"sha256\":\"%s\",\"delivered\":%" PRIu64 ",\"missed\":0%s",
               p->session, p->name, p->lines, p->bytes, text, p->delivered, more);
}

static void play(struct pulses *p, const struct kind *k)
{
        uint64_t start_ns = w.now_ns, truth_ns = start_ns + TRUTH_EVERY_NS, told = 0;

        for (unsigned i = 0; i < k->pulses; i++) {
                unsigned in_train = i % k->train;
                uint64_t at_ns = start_ns + i / k->train * k->train_every_ns + in_train / k->burst * k->burst_every_ns +
                                 in_train % k->burst * k->pulse_every_ns;

                for (; truth_ns < at_ns; truth_ns += TRUTH_EVERY_NS) {
                        if (told == p->lines)
                                continue;
                        w.now_ns = truth_ns;
                        say_truth(p, "session.pulses", "");
                        told = p->lines;
                }
                add_line(p,
                         "%" PRIu64 "\t%" PRIu64 "\t2\t1\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t0\t643\t0\t16\n"
                         "%" PRIu64 "\t%" PRIu64 "\t3\t1\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t643\t643\t0\n",
                         p->seq + 1, at_ns + 2100, i, i + 8, at_ns, at_ns + 1300 + i % 777, p->seq + 2, at_ns + 310000,
                         i, i + 8, at_ns, at_ns + 1300 + i % 777, at_ns / 1000 * 1001 + i % 5);
                p->seq += 2;
                p->lines += 2;
                p->delivered++;
                w.now_ns = at_ns;
        }
}

static void session(const struct kind *k, unsigned number)
{
        struct pulses p = {.sha = EVP_MD_CTX_new()};
        char more[120];

        must(p.sha && EVP_DigestInit_ex(p.sha, EVP_sha256(), NULL) == 1, "sha256");
        snprintf(p.session, sizeof(p.session), "20260131-%012x", number);
        snprintf(p.name, sizeof(p.name), "pulses/%s.tsv", p.session);
        w.now_ns += 1500 * NS_PER_S;
        record("session.create",
               "\"session\":\"%s\",\"stimulator\":\"/org/tmsd1/stimulator/4711\",\"node\":\"/dev/tms0\","
               "\"card_serial\":4711,\"coil_serial\":815,\"odometer\":%u,\"subject\":\"S-%04u\",\"records_since_ns\":1",
               p.session, number * k->pulses, number % 500);
        record("session.prepare",
               "\"session\":\"%s\",\"protocol\":\"a-protocol\",\"sha256\":\"%s\",\"threshold_permille\":536,"
               "\"threshold_kind\":\"resting\",\"threshold_coil\":815,\"percent_permille\":1200,\"max_permille\":643,"
               "\"pulses\":%u,\"trains\":%u,\"verdict\":\"allowed\",\"threshold_method\":\"ml-pest\",\"measuring\":"
               "false,"
               "\"treatment_today\":0,\"measuring_today\":0,\"notices\":[\"pulses are stronger than the threshold: "
               "120 %%\",\"the motor threshold was measured with another coil\"]",
               p.session, w.protocol_sha256, k->pulses, k->pulses / k->train);
        record("session.confirm", "\"session\":\"%s\",\"protocol\":\"a-protocol\",\"sha256\":\"%s\",\"notices\":[]",
               p.session, w.protocol_sha256);
        record("session.arm.intent", "\"session\":\"%s\"", p.session);
        record("session.arm", "\"session\":\"%s\",\"fitness_max_ns\":31200", p.session);
        record("session.start.intent", "\"session\":\"%s\"", p.session);
        record("session.start", "\"session\":\"%s\",\"start_ns\":%" PRIu64 ",\"run\":1", p.session, w.now_ns);
        p.file = create(p.name);
        add_line(&p, "%s", tms_pulse_head());
        play(&p, k);
        snprintf(more, sizeof(more), ",\"reason\":\"complete\",\"text\":\"\",\"prescribed\":%u,\"odometer\":%u",
                 k->pulses, (number + 1) * k->pulses);
        say_truth(&p, "session.end", more);
        must(fclose(p.file) == 0, p.name);
        EVP_MD_CTX_free(p.sha);
        seal();
}

/* --- A log -------------------------------------------------------------------------------- */

static void make_log(const char *base, const struct kind *k, unsigned sessions)
{
        char path[4096], name[100];
        static const char *const dirs[] = {"", "/keys", "/audit", "/audit/pulses", "/audit/protocols"};
        FILE *f;

        for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
                snprintf(path, sizeof(path), "%s%s", base, dirs[i]);
                must(mkdir(path, 0700) == 0, path);
        }
        snprintf(path, sizeof(path), "%s/audit", base);
        w.dir = path;
        w.log = create("log.jsonl");
        w.now_ns = 86400 * NS_PER_S;
        memset(w.prev, '0', 64);
        w.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        must(w.key, "key");
        f = create("key0.pub");
        must(PEM_write_PUBKEY(f, w.key) == 1 && fclose(f) == 0, "key0.pub");
        public_of(w.key, name);
        record("log.open", "\"format\":1,\"key0\":\"%s\"", name);
        sha256(protocol, strlen(protocol), w.protocol_sha256);
        snprintf(name, sizeof(name), "protocols/%s.yaml", w.protocol_sha256);
        f = create(name);
        must(fputs(protocol, f) >= 0 && fclose(f) == 0, name);
        record("daemon.start", "\"version\":\"0.1.0\"");
        seal();
        for (unsigned i = 0; i < sessions; i++)
                session(k, i);
        must(fclose(w.log) == 0, "log.jsonl");
        snprintf(name, sizeof(name), "../keys/%u.pem", w.number);
        f = create(name);
        must(PEM_write_PKCS8PrivateKey(f, w.key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0, name);
        EVP_PKEY_free(w.key);
}

static int verify(const char *base, unsigned rounds)
{
        struct tms_audit_report report;
        struct tms_error error = {0};
        uint64_t best_ns = UINT64_MAX;
        char path[4096], buf[1200];

        snprintf(path, sizeof(path), "%s/audit", base);
        for (unsigned i = 0; i < rounds; i++) {
                struct timespec a, b;
                uint64_t ns;

                clock_gettime(CLOCK_MONOTONIC, &a);
                if (tms_audit_verify(path, NULL, &report, &error) < 0)
                        errx(1, "%s", tms_error_format(&error, buf, sizeof(buf)));
                clock_gettime(CLOCK_MONOTONIC, &b);
                ns = (uint64_t)(b.tv_sec - a.tv_sec) * NS_PER_S + (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
                best_ns = ns < best_ns ? ns : best_ns;
                if (report.result != TMS_AUDIT_PREFIX)
                        errx(1, "%s", report.sentence);
        }
        printf("{\"ns\":%" PRIu64 ",\"records\":%" PRIu64 ",\"seals\":%" PRIu64 ",\"pulses\":%" PRIu64
               ",\"log_bytes\":%" PRIu64 "}\n",
               best_ns, report.records, report.seals, report.pulses_delivered, report.good_bytes);
        return 0;
}

int main(int argc, char **argv)
{
        if (argc >= 3 && strcmp(argv[1], "verify") == 0)
                return verify(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 1);
        for (size_t i = 0; argc == 5 && strcmp(argv[1], "make") == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                if (strcmp(argv[3], kinds[i].name) == 0) {
                        make_log(argv[2], &kinds[i], (unsigned)atoi(argv[4]));
                        return 0;
                }
        }
        errx(2, "usage: audit make DIR 10hz|itbs SESSIONS | audit verify DIR [ROUNDS]");
}
