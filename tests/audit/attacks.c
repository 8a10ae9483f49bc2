// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attacks on the audit log of a day. The library's verifier has to detect each and to name the record; the second
 * one, lib/verify_log.py, has to say the same of every 64th, and of each of which the library says something
 * else than of the one before.
 *
 *   attacks [--sample N] [--seed S] [--from CASE] [--seconds T] [--kind TEXT] DAY OTHER VERIFY_LOG
 *
 * DAY and OTHER: logs of the same sessions that `audit make` has made, in memory rather than on a disk; DAY is spoiled
 * and put back. --sample: at most N cases of each kind, spread evenly, the first by the seed. Without it all cases
 * have a number; --from goes on at one, and a line "next CASE of CASES" says where the next call has to go on after T seconds.
 * ATTACKS_BLIND=signatures in the environment makes the library take every signature for good: see tests/audit/check.
 */
#include "day.h"
#include "kinds.h"

#include "tests/bench/made-log.h"

#include <err.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVERY_SECOND 64
#define SAID_AT_MOST 20
#define KINDS 32

/* What a verifier says. */
struct said {
        int result; /* enum tms_audit_result, -1: neither good nor bad */
        char place[64], sentence[2200];
};

static const char *const results[] = {"verified", "prefix", "torn", "tampered", "lost"};

static struct {
        const char *script;
        FILE *to, *from; /* one that takes directories, without anchors */
        uint64_t asked;
} second;

static uint64_t passed, failed;

int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_size, const unsigned char *text,
                            size_t size);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_size, const unsigned char *text,
                            size_t size);

int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_size, const unsigned char *text,
                            size_t size)
{
        static int blind = -1;

        if (blind < 0)
                blind = getenv("ATTACKS_BLIND") != NULL;
        return blind ? 1 : __real_EVP_DigestVerify(ctx, sig, sig_size, text, size);
}

/* --- The two verifiers ------------------------------------------------------------------ */

/* The place in a sentence that begins with one, or "". */
static void place_in(const char *sentence, char ret[64])
{
        const char *colon = strchr(sentence, ':');
        size_t n = colon ? (size_t)(colon - sentence) + 1 : 0;

        n += n > 0 ? strspn(sentence + n, "0123456789") : 0;
        if (strncmp(sentence, "log", 3) != 0 || n == 0 || n > 60 || sentence[n - 1] == ':')
                n = 0;
        memcpy(ret, sentence, n);
        ret[n] = '\0';
}

static void ask_library(const struct expected *e, struct said *ret)
{
        struct tms_audit_anchor anchor = {.key0_fingerprint = e->key0, .seal = e->seal};
        struct tms_audit_report report;
        struct tms_error error = {0};
        char text[1200];

        if (tms_audit_verify(day.dir, &anchor, &report, &error) < 0) {
                ret->result = -1;
                snprintf(ret->sentence, sizeof(ret->sentence), "%s", tms_error_format(&error, text, sizeof(text)));
                ret->place[0] = '\0';
                return;
        }
        ret->result = (int)report.result;
        snprintf(ret->sentence, sizeof(ret->sentence), "%s", report.sentence);
        place_in(ret->sentence, ret->place);
}

/* "DIR: RESULT: SENTENCE" */
static void read_second(FILE *from, struct said *ret)
{
        char line[4096], *s, *sentence;

        if (!fgets(line, sizeof(line), from))
                errx(1, "%s has ended", second.script);
        line[strcspn(line, "\n")] = '\0';
        s = strstr(line, ": ");
        sentence = s ? strstr(s + 2, ": ") : NULL;
        if (!sentence)
                errx(1, "%s says: %s", second.script, line);
        ret->result = -1;
        for (int i = 0; i < 5; i++) {
                if (strncmp(s + 2, results[i], (size_t)(sentence - s) - 2) == 0)
                        ret->result = i;
        }
        snprintf(ret->sentence, sizeof(ret->sentence), "%s", sentence + 2);
        place_in(ret->sentence, ret->place);
}

static void begin_second(const char *script)
{
        int to[2], from[2];
        pid_t pid;

        made_must(pipe(to) == 0 && pipe(from) == 0, "pipe");
        pid = fork();
        made_must(pid >= 0, "fork");
        if (pid == 0) {
                dup2(to[0], 0);
                dup2(from[1], 1);
                for (int i = 0; i < 2; i++) {
                        close(to[i]);
                        close(from[i]);
                }
                execl("/usr/bin/python3", "python3", "-B", script, "-", NULL);
                _exit(127);
        }
        close(to[0]);
        close(from[1]);
        second.script = script;
        second.to = fdopen(to[1], "w");
        second.from = fdopen(from[0], "r");
        made_must(second.to && second.from, "pipe");
}

static void ask_second(const struct expected *e, struct said *ret)
{
        char command[4096], name[600];
        FILE *f;

        second.asked++;
        if (!e->seal && !e->key0) {
                fprintf(second.to, "%s\n", day.dir);
                fflush(second.to);
                read_second(second.from, ret);
                return;
        }
        /* Anchors are for one call. */
        snprintf(name, sizeof(name), "%s/../anchor", day.dir);
        f = fopen(name, "we");
        made_must(f && fprintf(f, "%s\n", e->seal ? e->seal : "") > 0 && fclose(f) == 0, name);
        snprintf(command, sizeof(command), "python3 -B '%s' %s '%s' '%s'", second.script, e->seal ? "--seal" : "--key0",
                 e->seal ? name : e->key0, day.dir);
        f = popen(command, "re");
        made_must(f, command);
        read_second(f, ret);
        pclose(f);
}

/* --- A case -------------------------------------------------------------------------------- */

static bool named(const struct expected *e, const struct said *said)
{
        if (said->result != TMS_AUDIT_TAMPERED)
                return true;
        if (e->unnamed)
                return strcmp(said->place, "") == 0;
        for (unsigned i = 0; i < e->places; i++) {
                if (strcmp(e->place[i], said->place) == 0)
                        return true;
        }
        return e->places == 0 && strcmp(said->place, "") != 0;
}

static bool same(const struct said *a, const struct said *b)
{
        return a->result == b->result && strcmp(a->place, b->place) == 0;
}

static const char *word(int result)
{
        return result < 0 ? "unreadable" : results[result];
}

static void tell(const struct kind *k, size_t i, const struct expected *e, const struct said *first,
                 const struct said *other)
{
        if (failed > SAID_AT_MOST)
                return;
        printf("not ok - %s, case %zu: the library: %s: %s\n", k->name, i, word(first->result), first->sentence);
        for (int r = 0; r < 5; r++) {
                if (e->results & BIT_OF(r))
                        printf("#   expected: %s\n", results[r]);
        }
        for (unsigned p = 0; p < e->places; p++)
                printf("#   at: %s\n", e->place[p]);
        if (other)
                printf("#   the second: %s: %s\n", word(other->result), other->sentence);
        fflush(stdout);
}

static void attack(const struct kind *k, size_t i, struct said *before)
{
        struct expected e = {0};
        struct said first, other;
        bool good, ask;

        k->spoil(i, &e);
        ask_library(&e, &first);
        good = first.result >= 0 && (e.results & BIT_OF(first.result)) && named(&e, &first);
        ask = i % EVERY_SECOND == 0 || !same(&first, before) || !good;
        if (ask)
                ask_second(&e, &other);
        if (good && (!ask || same(&first, &other))) {
                passed++;
        } else {
                failed++;
                tell(k, i, &e, &first, ask ? &other : NULL);
        }
        *before = first;
        if (k->restore)
                k->restore(i);
        else
                day_restore();
}

/* --- All of them ----------------------------------------------------------------------------- */

static struct {
        uint64_t sample, seed, from, seconds;
        const char *kind;
} options = {.seed = 1, .seconds = UINT32_MAX};

static bool over(void)
{
        static time_t end;

        if (end == 0)
                end = time(NULL) + (time_t)options.seconds;
        return time(NULL) > end;
}

/* Some cases of each kind in turns, so that no kind goes without where there is little time. */
static void sample(void)
{
        struct said before[KINDS] = {0};
        uint64_t done[KINDS] = {0}, bad[KINDS] = {0};

        for (uint64_t round = 0; round < options.sample; round++) {
                for (size_t n = 0; n < kinds_n && (round == 0 || !over()); n++) {
                        const struct kind *k = &kinds[n];
                        uint64_t count = k->count(), was_failed = failed;
                        uint64_t step = (count > options.sample ? count / options.sample : 1) | 1;
                        uint64_t i = options.seed * 2654435761U % step + round * step;

                        if (i >= count || (options.kind && strcmp(options.kind, k->name) != 0))
                                continue;
                        attack(k, i, &before[n]);
                        done[n]++;
                        bad[n] += failed - was_failed;
                }
        }
        for (size_t n = 0; n < kinds_n; n++) {
                if (done[n] > 0)
                        printf("%s - %s: %llu of %zu\n", bad[n] > 0 ? "not ok" : "ok", kinds[n].name,
                               (unsigned long long)done[n], kinds[n].count());
        }
}

/* Goes on at a case; returns the next one. */
static uint64_t go_on(uint64_t from)
{
        uint64_t first = 0;

        for (const struct kind *k = kinds; k < kinds + kinds_n; first += k->count(), k++) {
                struct said before = {0};

                for (uint64_t i = from > first ? from - first : 0; i < k->count(); i++) {
                        if (over() || failed > SAID_AT_MOST)
                                return first + i;
                        attack(k, i, &before);
                }
        }
        return first;
}

static void whole_first(void)
{
        struct expected e = {0};
        struct said first, other;

        ask_library(&e, &first);
        ask_second(&e, &other);
        if (first.result != TMS_AUDIT_PREFIX || other.result != TMS_AUDIT_PREFIX)
                errx(1, "the log as it was made: %s: %s; the second: %s: %s", word(first.result), first.sentence,
                     word(other.result), other.sentence);
}

int main(int argc, char **argv)
{
        static const struct option known[] = {
                        {"sample", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'},
                        {"from", required_argument, NULL, 'f'},   {"seconds", required_argument, NULL, 't'},
                        {"kind", required_argument, NULL, 'k'},   {},
        };
        struct day other;
        int c;

        while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
                uint64_t *to = c == 'n'   ? &options.sample
                               : c == 's' ? &options.seed
                               : c == 'f' ? &options.from
                               : c == 't' ? &options.seconds
                                          : NULL;

                if (c == 'k')
                        options.kind = optarg;
                else if (to)
                        *to = strtoull(optarg, NULL, 10);
                else
                        return 2;
        }
        if (argc - optind != 3)
                errx(2, "usage: attacks [OPTIONS] DAY OTHER VERIFY_LOG");
        day_load(argv[optind + 1]);
        other = day;
        memset(&day, 0, sizeof(day));
        day_load(argv[optind]);
        kinds_init(other.line, other.lines);
        made_must(kinds_n <= KINDS, "kinds");
        begin_second(argv[optind + 2]);
        whole_first();
        if (options.sample > 0) {
                sample();
        } else {
                uint64_t cases = 0, next = go_on(options.from);

                for (size_t i = 0; i < kinds_n; i++)
                        cases += kinds[i].count();
                printf("next %llu of %llu\n", (unsigned long long)next, (unsigned long long)cases);
        }
        fclose(second.to);
        wait(NULL);
        printf("attacks: format %u, %zu records, %zu bytes: the second was asked %llu times\n", day.format, day.lines,
               day.size, (unsigned long long)second.asked);
        printf("attacks: %llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
        return failed > 0 || passed == 0;
}
