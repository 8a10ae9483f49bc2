// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An audit log of many sessions, and how long it takes to verify it.
 *
 *   audit make DIR 10hz|itbs|day|records SESSIONS [EVERY]
 *                                        writes DIR/audit and DIR/keys, as a daemon leaves them: a log of format 1, or,
 *                                        with EVERY, of format 2, whose segments are closed after so many sessions
 *   audit live DIR KIND SESSIONS EVERY PAUSE_US
 *                                        the same, as a daemon does it while somebody may look, with a pause after each
 *                                        record
 *   audit years DIR YEARS                a clinic's: 16 sessions of the kind records a day, each day, until yesterday; a
 *                                        segment is 30 days; with the checkpoints that a daemon reads on from
 *   audit verify DIR [ROUNDS]            verifies DIR/audit; prints the fastest round as JSON
 *
 * 10hz: 3000 pulses, trains of 40 every 30 s. itbs: 600 pulses, trains of 2 s every 10 s, three pulses 20 ms apart in
 * each burst. day: as itbs, with pauses, what the stimulator says of its state, and a restart in one of 16. Every 5 s
 * in which there were pulses have a session.pulses record, each pulse has a trigger and an answer. records: as many
 * records as 10hz, and pulse files with nothing in them, so that a verification is one of the records alone. seals: no
 * pulses, so that every eleventh record is a seal.
 */
#include "made-log.h"
#include "made-state.h"
#include "tms.h"

#include <err.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define DAY_S 86400ULL
#define SESSIONS_A_DAY 16
#define SEGMENT_DAYS 30
#define TRUTH_EVERY_NS (5 * MADE_NS_PER_S)

static const char protocol[] = "id: a-protocol\ntitle: any bytes will do\n";

struct kind {
        const char *name;
        unsigned pulses, train, burst; /* in the session, in a train, in a burst */
        uint64_t train_every_ns, burst_every_ns, pulse_every_ns;
        unsigned pauses; /* 0: nor does the stimulator say its state */
        bool silent;     /* its pulse files are empty */
};

static const struct kind kinds[] = {
                {"10hz", 3000, 40, 1, 30 * MADE_NS_PER_S, 100 * NS_PER_MS, 0},
                {"itbs", 600, 30, 3, 10 * MADE_NS_PER_S, 200 * NS_PER_MS, 20 * NS_PER_MS},
                {"day", 600, 30, 3, 10 * MADE_NS_PER_S, 200 * NS_PER_MS, 20 * NS_PER_MS, 2},
                {"records", 3000, 40, 1, 30 * MADE_NS_PER_S, 100 * NS_PER_MS, 0, 0, true},
                {"seals", 0, 40, 1, 30 * MADE_NS_PER_S, 100 * NS_PER_MS, 0, 0, true},
};

static char protocol_sha256[65];
static unsigned every; /* sessions in a segment; 0: the log is of format 1 */

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
        made_must(fwrite(line, 1, (size_t)n, p->file) == (size_t)n, p->name);
        made_must(EVP_DigestUpdate(p->sha, line, (size_t)n) == 1, "sha256");
        p->bytes += (uint64_t)n;
}

static void say_truth(const struct pulses *p, const char *type, const char *more)
{
        EVP_MD_CTX *copy = EVP_MD_CTX_new();
        unsigned char digest[32];
        char text[65];

        made_must(fflush(p->file) == 0, p->name);
        made_must(copy && EVP_MD_CTX_copy_ex(copy, p->sha) == 1 && EVP_DigestFinal_ex(copy, digest, NULL) == 1,
                  "sha256");
        EVP_MD_CTX_free(copy);
        made_hex(digest, sizeof(digest), text);
        made_record(type,
                    "\"session\":\"%s\",\"file\":\"%s\",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64
                    ",\"sha256\":\"%s\",\"delivered\":%" PRIu64 ",\"missed\":0,\"unknown\":0%s",
                    p->session, p->name, p->lines, p->bytes, text, p->delivered, more);
}

static void say_state(const struct kind *k, const char *before, const char *state)
{
        if (k->pauses > 0)
                made_record("stimulator.state",
                            "\"state\":\"%s\",\"cause\":\"request\",\"before\":\"%s\",\"event_ns\":%" PRIu64, state,
                            before, made_now_ns());
}

static void pause_and_resume(const struct pulses *p, const struct kind *k)
{
        made_record("session.pause", "\"session\":\"%s\",\"reason\":\"request\",\"now\":false", p->session);
        say_state(k, "running", "paused");
        made_record("session.resume.intent", "\"session\":\"%s\"", p->session);
        made_record("session.resume", "\"session\":\"%s\",\"start_ns\":%" PRIu64, p->session, made_now_ns());
        say_state(k, "paused", "running");
}

/* The columns that the daemons wrote which wrote logs of that format. */
static unsigned columns(void)
{
        return every > 0 ? TMS_PULSE_COLUMNS : TMS_PULSE_COLUMNS_1;
}

/* Its trigger and its answer. */
static void add_pulse_1(struct pulses *p, unsigned i, uint64_t at_ns)
{
        add_line(p,
                 "%" PRIu64 "\t%" PRIu64 "\t2\t1\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t0\t643\t0\t16\n"
                 "%" PRIu64 "\t%" PRIu64 "\t3\t1\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t643\t643\t0\n",
                 p->seq + 1, at_ns + 2100, i, i + 8, at_ns, at_ns + 1300 + i % 777, p->seq + 2, at_ns + 310000, i,
                 i + 8, at_ns, at_ns + 1300 + i % 777, at_ns / 1000 * 1001 + i % 5);
}

static void add_half(struct pulses *p, uint64_t seq, bool answer, unsigned i, uint64_t at_ns)
{
        uint64_t card_ns = at_ns / 1000 * 1001;
        unsigned late_ns = 1300 + i % 777;

        add_line(p,
                 "%" PRIu64 "\t%" PRIu64 "\t%u\t1\t1\t%u\t%u\t%u\t0\t0\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                 "\t-%u\t643\t%u\t%u\t0\t1\t0\t0\t0\t0\t0\t0\t0\t0\n",
                 seq, at_ns + (answer ? 310000 : 2100), answer ? 3 : 2, i, i + 8, i / 40, at_ns, at_ns + late_ns,
                 card_ns, answer ? card_ns + i % 5 : 0, late_ns, answer ? 643 : 0, answer ? 0 : 16);
}

static void add_pulse(struct pulses *p, unsigned i, uint64_t at_ns)
{
        if (columns() == TMS_PULSE_COLUMNS_1) {
                add_pulse_1(p, i, at_ns);
        } else {
                add_half(p, p->seq + 1, false, i, at_ns);
                add_half(p, p->seq + 2, true, i, at_ns);
        }
        p->seq += 2;
        p->lines += 2;
        p->delivered++;
}

static void play(struct pulses *p, const struct kind *k)
{
        uint64_t start_ns = made_now_ns(), truth_ns = start_ns + TRUTH_EVERY_NS, fired = 0, told = 0;

        for (unsigned i = 0; i < k->pulses; i++) {
                unsigned in_train = i % k->train;
                uint64_t at_ns = start_ns + i / k->train * k->train_every_ns + in_train / k->burst * k->burst_every_ns +
                                 in_train % k->burst * k->pulse_every_ns;

                for (; truth_ns < at_ns; truth_ns += TRUTH_EVERY_NS) {
                        if (told == fired)
                                continue;
                        made_at(truth_ns);
                        say_truth(p, "session.pulses", "");
                        told = fired;
                }
                fired++;
                made_at(at_ns);
                if (k->silent)
                        continue;
                add_pulse(p, i, at_ns);
                made_at(at_ns);
                if (k->pauses > 0 && i > 0 && i % (k->pulses / (k->pauses + 1)) == 0)
                        pause_and_resume(p, k);
        }
}

/* A restart, before the seal of the session's end: a piece of the log was cut off, and a pulse was still in the kernel. */
static void recover(struct pulses *p, unsigned pulse)
{
        static const char piece[] = "{\"seq\":7,\"utc\":\"2026-01-31T0", name[] = "cut-20260131T090000Z-16.part";
        char sha256[65];
        FILE *f = made_create(name);

        made_must(fputs(piece, f) >= 0 && fclose(f) == 0, name);
        made_sha256(piece, strlen(piece), sha256);
        made_record("recovery.log", "\"cut_bytes\":%zu,\"cut_file\":\"%s\",\"cut_sha256\":\"%s\"", strlen(piece), name,
                    sha256);
        made_record("recovery.pulses.intent", "\"session\":\"%s\",\"file\":\"%s\",\"card_serial\":4711", p->session,
                    p->name);
        add_pulse(p, pulse, made_now_ns());
        say_truth(p, "recovery.pulses", ",\"card_serial\":4711,\"fetched\":2");
        made_record("daemon.start", "\"version\":\"0.1.0\"");
}

static void session(const struct kind *k, unsigned number)
{
        struct pulses p = {.sha = EVP_MD_CTX_new()};
        char more[120];

        made_must(p.sha && EVP_DigestInit_ex(p.sha, EVP_sha256(), NULL) == 1, "sha256");
        snprintf(p.session, sizeof(p.session), "20260131-%012x", number);
        snprintf(p.name, sizeof(p.name), "pulses/%s.tsv", p.session);
        made_at(made_now_ns() + 1500 * MADE_NS_PER_S);
        p.file = made_create(p.name);
        made_record("session.create",
                    "\"session\":\"%s\",\"stimulator\":\"/org/tmsd1/stimulator/4711\",\"node\":\"/dev/tms0\","
                    "\"card_serial\":4711,\"coil_serial\":815,\"odometer\":%u,\"subject\":\"S-%04u\",\"records_since_"
                    "ns\":1",
                    p.session, number * k->pulses, number % 500);
        made_record("session.prepare",
                    "\"session\":\"%s\",\"protocol\":\"a-protocol\",\"sha256\":\"%s\",\"threshold_permille\":536,"
                    "\"threshold_kind\":\"resting\",\"threshold_coil\":815,\"percent_permille\":1200,\"max_permille\":"
                    "643,"
                    "\"pulses\":%u,\"trains\":%u,\"verdict\":\"allowed\",\"threshold_method\":\"ml-pest\","
                    "\"measuring\":"
                    "false,"
                    "\"treatment_today\":0,\"measuring_today\":0,\"notices\":[\"pulses are stronger than the "
                    "threshold: "
                    "120 %%\",\"the motor threshold was measured with another coil\"]",
                    p.session, protocol_sha256, k->pulses, k->pulses / k->train);
        made_record("session.confirm",
                    "\"session\":\"%s\",\"protocol\":\"a-protocol\",\"sha256\":\"%s\",\"notices\":[]", p.session,
                    protocol_sha256);
        made_record("session.arm.intent", "\"session\":\"%s\"", p.session);
        say_state(k, "idle", "charging");
        say_state(k, "charging", "armed");
        made_record("session.arm", "\"session\":\"%s\",\"fitness_max_ns\":31200", p.session);
        made_record("session.start.intent", "\"session\":\"%s\"", p.session);
        made_record("session.start", "\"session\":\"%s\",\"start_ns\":%" PRIu64 ",\"run\":1", p.session, made_now_ns());
        say_state(k, "armed", "running");
        add_line(&p, "%s", tms_pulse_head(columns()));
        play(&p, k);
        say_state(k, "running", "armed");
        say_state(k, "armed", "discharging");
        say_state(k, "discharging", "idle");
        snprintf(more, sizeof(more), ",\"reason\":\"complete\",\"text\":\"\",\"prescribed\":%u,\"odometer\":%u",
                 k->pulses, (number + 1) * k->pulses);
        say_truth(&p, "session.end", more);
        if (k->pauses > 0 && number % 16 == 14)
                recover(&p, k->pulses);
        made_must(fclose(p.file) == 0, p.name);
        EVP_MD_CTX_free(p.sha);
        made_seal(false);
}

/* --- A log -------------------------------------------------------------------------------- */

static void begin_log(const char *base)
{
        char name[100];
        FILE *f;

        made_begin(base, every > 0 ? 2 : 1);
        made_sha256(protocol, strlen(protocol), protocol_sha256);
        snprintf(name, sizeof(name), "protocols/%s.yaml", protocol_sha256);
        f = made_create(name);
        made_must(fputs(protocol, f) >= 0 && fclose(f) == 0, name);
        made_record("daemon.start", "\"version\":\"0.1.0\"");
        made_seal(false);
}

static void make_log(const char *base, const struct kind *k, unsigned sessions)
{
        begin_log(base);
        for (unsigned i = 0; i < sessions; i++) {
                if (every > 0 && i > 0 && i % every == 0)
                        made_next_segment();
                session(k, i);
        }
        made_end();
}

static void make_years(const char *base, const struct kind *k, unsigned years)
{
        const unsigned days = years * 365;

        made_epoch((uint64_t)time(NULL) - (days + 2) * DAY_S);
        made_watch(&made_state);
        every = SEGMENT_DAYS * SESSIONS_A_DAY;
        begin_log(base);
        for (unsigned day = 0; day < days; day++) {
                made_at((day + 1) * DAY_S * MADE_NS_PER_S);
                if (day > 0 && day % SEGMENT_DAYS == 0)
                        made_next_segment();
                for (unsigned i = 0; i < SESSIONS_A_DAY; i++)
                        session(k, day * SESSIONS_A_DAY + i);
        }
        made_end();
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
                ns = (uint64_t)(b.tv_sec - a.tv_sec) * MADE_NS_PER_S + (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
                best_ns = ns < best_ns ? ns : best_ns;
                if (report.result != TMS_AUDIT_PREFIX)
                        errx(1, "%s", report.sentence);
        }
        printf("{\"ns\":%" PRIu64 ",\"records\":%" PRIu64 ",\"seals\":%" PRIu64 ",\"pulses\":%" PRIu64
               ",\"log_bytes\":%" PRIu64 "}\n",
               best_ns, report.records, report.seals, report.pulses_delivered, report.good_bytes);
        return 0;
}

static const struct kind *find_kind(const char *name)
{
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(name, kinds[i].name) == 0)
                        return &kinds[i];
        errx(2, "there is no kind of session '%s', expected: 10hz, itbs, day, records or seals", name);
}

int main(int argc, char **argv)
{
        if (argc >= 3 && strcmp(argv[1], "verify") == 0)
                return verify(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 1);
        if (argc == 4 && strcmp(argv[1], "years") == 0) {
                make_years(argv[2], find_kind("records"), (unsigned)atoi(argv[3]));
                return 0;
        }
        if (argc == 7 && strcmp(argv[1], "live") == 0)
                made_live((unsigned)atoi(argv[6]));
        else if (argc < 5 || argc > 6 || strcmp(argv[1], "make") != 0)
                errx(2, "usage: audit make DIR KIND SESSIONS [EVERY] | audit live DIR KIND SESSIONS EVERY PAUSE_US | "
                        "audit years DIR YEARS | audit verify DIR [ROUNDS]");
        every = argc > 5 ? (unsigned)atoi(argv[5]) : 0;
        make_log(argv[2], find_kind(argv[3]), (unsigned)atoi(argv[4]));
        return 0;
}
