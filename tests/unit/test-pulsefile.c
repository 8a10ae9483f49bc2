/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's pulse file: counts, hash, duplicates, a torn last line. */
#include <fcntl.h>
#include <glob.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "pulsefile.h"
#include "pulseline.h"
#include "scratch.h"

static const char head[] =
                "seq\tmono_ns\ttype\tflags\trun\tindex\tcard_seq\ttrain\tcondition\tleg\tdue_ns\t"
                "triggered_ns\tdue_card_ns\tcard_ns\tslack_ns\tset_permille\tdelivered_permille\toutcome\t"
                "cause\ttimeline_gen\tstate_to\tstate_from\tback_to\tnext_pulse\tlive\tlatched\tedge_ns\tlost\n";
static const char head_1[] = "seq\tmono_ns\ttype\trun\tpulse\tcard_seq\tscheduled_ns\ttriggered_ns\tcard_ns\t"
                             "set_permille\tdelivered_permille\tcode\n";

static int setup(void **state)
{
        struct scratch *f;

        scratch_setup(state);
        f = *state;
        assert_int_equal(mkdirat(f->fd, "pulses", 0700), 0);
        return 0;
}

static struct pulsefile *must_open(struct scratch *f, bool existing)
{
        struct pulsefile *p;

        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_string_equal(pulsefile_path(p), "pulses/s.tsv");
        assert_int_equal(pulsefile_open(p, f->fd, existing), 0);
        return p;
}

static struct tms_event event(uint64_t seq, uint32_t type, uint32_t code)
{
        struct tms_event e = {.seq = seq, .mono_ns = 1000 + seq, .type = type, .run = 1};

        if (type == TMS_EVENT_STATE)
                e.state.cause = code;
        else
                e.pulse = (struct tms_event_pulse){.index = 7, .outcome = code};
        return e;
}

/* What the log would say must be true of the file's bytes. */
static void check_described(struct scratch *f, struct pulsefile *p)
{
        json_t *data = json_object();
        unsigned char digest[32];
        char hex[65], *text;
        size_t size;

        assert_int_equal(pulsefile_describe(p, data), 0);
        text = scratch_read(f->path, "pulses/s.tsv", &size);
        (void)SHA256((unsigned char *)text, size, digest);
        hex_encode(digest, sizeof(digest), hex);
        assert_string_equal(json_get_str(data, "sha256"), hex);
        assert_int_equal(json_get_u64(data, "bytes"), size);
        assert_string_equal(json_get_str(data, "file"), "pulses/s.tsv");
        assert_int_equal(json_get_u64(data, "lines"), pulsefile_totals(p)->lines);
        free(text);
        json_decref(data);
}

static void test_lines_and_counts(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event e[] = {
                        event(5, TMS_EVENT_STATE, TMS_CAUSE_REQUEST),
                        event(6, TMS_EVENT_PULSE_DUE, TMS_PULSE_OUTCOME_TRIGGERED),
                        event(7, TMS_EVENT_PULSE_ANSWER, TMS_PULSE_OUTCOME_DELIVERED),
                        event(8, TMS_EVENT_PULSE_DUE, TMS_PULSE_OUTCOME_LATE),
                        event(9, TMS_EVENT_PULSE_DUE, TMS_PULSE_OUTCOME_SKIPPED),
                        event(10, TMS_EVENT_PULSE_ANSWER, 8),
        };
        char *text;

        assert_int_equal(pulsefile_append(p, e, ELEMENTS(e)), 0);
        assert_int_equal(pulsefile_sync(p), 0);
        assert_int_equal(pulsefile_totals(p)->lines, 6);
        assert_int_equal(pulsefile_totals(p)->delivered, 1);
        assert_int_equal(pulsefile_totals(p)->missed, 2);
        assert_int_equal(pulsefile_totals(p)->last_seq, 10);
        text = scratch_read(f->path, "pulses/s.tsv", NULL);
        assert_memory_equal(text, head, strlen(head));
        assert_non_null(strstr(
                        text,
                        "\n7\t1007\t3\t0\t1\t7\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n"));
        free(text);
        check_described(f, p);
        pulsefile_free(p);
}

static struct tms_event pulse(uint64_t seq, uint32_t type, uint64_t triggered_ns, uint32_t code)
{
        struct tms_event e = event(seq, type, code);

        e.pulse.triggered_ns = triggered_ns;
        return e;
}

/* Records one after the other, and what the file says of unknown pulses behind each. */
static void test_unknown(void **state)
{
#define TRIGGER(t, n)                                                      \
        {                                                                  \
                TMS_EVENT_PULSE_DUE, (t), TMS_PULSE_OUTCOME_TRIGGERED, (n) \
        }
#define ANSWER(t, code, n)                               \
        {                                                \
                TMS_EVENT_PULSE_ANSWER, (t), (code), (n) \
        }
        static const struct {
                uint32_t type;
                uint64_t triggered_ns;
                uint32_t code;
                unsigned unknown;
        } steps[] = {
                        TRIGGER(100, 1),
                        ANSWER(100, TMS_PULSE_OUTCOME_DELIVERED, 0),
                        /* Refused by the card: nothing was given, and that is known. */
                        TRIGGER(200, 1),
                        ANSWER(200, 5, 0),
                        /* The driver has given up. */
                        TRIGGER(300, 1),
                        ANSWER(300, TMS_PULSE_OUTCOME_UNKNOWN, 1),
                        /* A discharge that nobody asked for, and one too late: they answer nothing. */
                        ANSWER(0, 6, 1),
                        ANSWER(300, TMS_PULSE_OUTCOME_DELIVERED, 1),
                        /* The next trigger comes, and the answer to this one is in no record. */
                        TRIGGER(400, 2),
                        TRIGGER(500, 3),
                        ANSWER(400, TMS_PULSE_OUTCOME_DELIVERED, 3),
                        ANSWER(500, TMS_PULSE_OUTCOME_DELIVERED, 2),
                        /* No trigger was given. */
                        {TMS_EVENT_PULSE_DUE, 0, TMS_PULSE_OUTCOME_LATE, 2},
                        {TMS_EVENT_PULSE_DUE, 0, TMS_PULSE_OUTCOME_SKIPPED, 2},
                        {TMS_EVENT_PULSE_DUE, 0, TMS_PULSE_OUTCOME_NOT_READY, 2},
                        {TMS_EVENT_TRIGGER, 600, TMS_PULSE_OUTCOME_TRIGGERED, 2},
                        /* The file ends in the middle of a pulse. */
                        TRIGGER(700, 3),
        };
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        json_t *data = json_object();
        size_t i;

        for (i = 0; i < ELEMENTS(steps); i++) {
                struct tms_event e = pulse(i + 1, steps[i].type, steps[i].triggered_ns, steps[i].code);

                assert_int_equal(pulsefile_append(p, &e, 1), 0);
                /* The kernel gives a record again until it is acknowledged: it counts once. */
                assert_int_equal(pulsefile_append(p, &e, 1), 0);
                if (pulsefile_totals(p)->unknown != steps[i].unknown)
                        fail_msg("step %zu: %u unknown", i, pulsefile_totals(p)->unknown);
        }
        assert_true(pulsefile_totals(p)->waiting);
        assert_int_equal(pulsefile_sync(p), 0);
        assert_int_equal(pulsefile_describe(p, data), 0);
        assert_int_equal(json_get_u64(data, "unknown"), 3);
        json_decref(data);
        pulsefile_free(p);
        /* As whoever reads the file counts. */
        p = must_open(f, true);
        assert_int_equal(pulsefile_totals(p)->unknown, 3);
        assert_true(pulsefile_totals(p)->waiting);
        pulsefile_free(p);
}

/* Records one after the other, and behind each where the rest of the timeline begins. */
static void test_next_pulse(void **state)
{
#define FIRED(i, n)                                                                   \
        {                                                                             \
                TMS_EVENT_PULSE_DUE, (i), 100 + (i), TMS_PULSE_OUTCOME_TRIGGERED, (n) \
        }
#define ANSWERED(i, code, n)                                        \
        {                                                           \
                TMS_EVENT_PULSE_ANSWER, (i), 100 + (i), (code), (n) \
        }
        static const struct {
                uint32_t type, index, triggered_ns, code, next_pulse;
        } steps[] = {
                        FIRED(7, 8),
                        ANSWERED(7, TMS_PULSE_OUTCOME_DELIVERED, 8),
                        /* Withdrawn, and given when the run went on. */
                        FIRED(8, 9),
                        ANSWERED(8, TMS_PULSE_OUTCOME_CANCELLED, 8),
                        FIRED(8, 9),
                        ANSWERED(8, TMS_PULSE_OUTCOME_DELIVERED, 9),
                        /* Left out. */
                        {TMS_EVENT_PULSE_DUE, 9, 0, TMS_PULSE_OUTCOME_LATE, 10},
                        {TMS_EVENT_PULSE_DUE, 10, 0, TMS_PULSE_OUTCOME_SKIPPED, 11},
                        {TMS_EVENT_PULSE_DUE, 11, 0, TMS_PULSE_OUTCOME_NOT_READY, 12},
                        /* The card's word for late; the run goes on behind it. */
                        FIRED(12, 13),
                        ANSWERED(12, TMS_PULSE_OUTCOME_TOO_LATE, 13),
                        /* Not known, and an outcome that there is not yet: taken as given. */
                        FIRED(13, 14),
                        ANSWERED(13, TMS_PULSE_OUTCOME_UNKNOWN, 14),
                        FIRED(14, 15),
                        ANSWERED(14, 99, 15),
                        /* Nobody asked for that one. */
                        {TMS_EVENT_PULSE_ANSWER, 0, 0, TMS_PULSE_OUTCOME_UNEXPECTED, 15},
                        {TMS_EVENT_PULSE_ANSWER, 0, 0, TMS_PULSE_OUTCOME_NOT_ARMED, 15},
                        {TMS_EVENT_TRIGGER, 0, 0, 0, 15},
                        {TMS_EVENT_STATE, 0, 0, 0, 15},
                        /* Refused, each in its way: the pulse is still to be given. */
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_NOT_ARMED, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_CARD_NOT_READY, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_INTERLOCK, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_WATCHDOG, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_LOCKOUT, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_WRONG_SEQ, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_NO_DISCHARGE, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_TOO_EARLY, 15),
                        FIRED(15, 16),
                        ANSWERED(15, TMS_PULSE_OUTCOME_BUSY, 15),
                        /* The answer comes behind the record of what was left out meanwhile. */
                        FIRED(15, 16),
                        {TMS_EVENT_PULSE_DUE, 16, 0, TMS_PULSE_OUTCOME_LATE, 17},
                        ANSWERED(15, TMS_PULSE_OUTCOME_NOT_ARMED, 17),
                        /* The file ends in the middle of a pulse. */
                        FIRED(17, 18),
        };
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        json_t *data = json_object();
        size_t i;

        assert_int_equal(pulsefile_totals(p)->next_pulse, 0);
        for (i = 0; i < ELEMENTS(steps); i++) {
                struct tms_event e = pulse(i + 1, steps[i].type, steps[i].triggered_ns, steps[i].code);

                if (e.type == TMS_EVENT_PULSE_DUE || e.type == TMS_EVENT_PULSE_ANSWER)
                        e.pulse.index = steps[i].index;
                assert_int_equal(pulsefile_append(p, &e, 1), 0);
                assert_int_equal(pulsefile_append(p, &e, 1), 0);
                if (pulsefile_totals(p)->next_pulse != steps[i].next_pulse)
                        fail_msg("step %zu: pulse %u is next", i, pulsefile_totals(p)->next_pulse);
        }
        assert_int_equal(pulsefile_sync(p), 0);
        assert_int_equal(pulsefile_describe(p, data), 0);
        assert_int_equal(json_get_u64(data, "next_pulse"), 18);
        json_decref(data);
        pulsefile_free(p);
        p = must_open(f, true);
        assert_int_equal(pulsefile_totals(p)->next_pulse, 18);
        pulsefile_free(p);
}

static void test_widest_line_fits(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event e;
        char *text;

        memset(&e, 0xff, sizeof(e));
        e.type = TMS_EVENT_PULSE_ANSWER;
        e.pulse.slack_ns = INT32_MIN;
        assert_int_equal(pulsefile_append(p, &e, 1), 0);
        text = scratch_read(f->path, "pulses/s.tsv", NULL);
        assert_non_null(strstr(text, "\n18446744073709551615\t18446744073709551615\t3\t65535\t4294967295\t"));
        assert_non_null(strstr(text, "\t-2147483648\t"));
        /* The end of the text is counted, since snprintf() writes it. */
        assert_true(strlen(text) - strlen(head) + 1 <= PULSELINE_MAX);
        free(text);
        pulsefile_free(p);
        p = must_open(f, true);
        assert_int_equal(pulsefile_totals(p)->lines, 1);
        assert_true(pulsefile_totals(p)->last_seq == UINT64_MAX);
        pulsefile_free(p);
}

static const struct tms_event kinds[] = {
                {.seq = 1, .mono_ns = 100, .type = TMS_EVENT_STATE, .run = 2, .state = {4, 3, 1, 8, 9, 5}},
                {.seq = 2,
                 .mono_ns = 101,
                 .type = TMS_EVENT_PULSE_ANSWER,
                 .flags = TMS_EVENT_COMPUTED,
                 .run = 2,
                 .pulse = {.index = 5,
                           .card_seq = 6,
                           .due_ns = 90,
                           .triggered_ns = 91,
                           .due_card_ns = 70,
                           .card_ns = 71,
                           .slack_ns = -1,
                           .set_permille = 300,
                           .delivered_permille = 301,
                           .outcome = TMS_PULSE_OUTCOME_NO_DISCHARGE,
                           .cause = 33,
                           .condition = 44,
                           .leg = 1,
                           .train = 2,
                           .timeline_gen = 9}},
                {.seq = 3, .mono_ns = 102, .type = TMS_EVENT_INTERLOCK, .run = 2, .interlock = {16, 48}},
                {.seq = 4,
                 .mono_ns = 103,
                 .type = TMS_EVENT_TRIGGER,
                 .run = 2,
                 .trigger = {.card_ns = 80, .edge_ns = 95, .next_pulse = 6}},
                {.seq = 5, .mono_ns = 104, .type = TMS_EVENT_LOST, .run = 2, .lost = {.count = 1ULL << 40}},
                {.seq = 6, .mono_ns = 105, .type = 77, .run = 2, .pulse = {.index = 5, .outcome = 3}},
};

/* Each kind of record has its own members; where each goes in the line is what the auditor reads. */
static void test_columns(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        char *text;

        assert_int_equal(pulsefile_append(p, kinds, ELEMENTS(kinds)), 0);
        text = scratch_read(f->path, "pulses/s.tsv", NULL);
        assert_string_equal(
                        text + strlen(head),
                        "1\t100\t1\t0\t2\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t1\t9\t4\t3\t8\t5\t0\t0\t0\t0\n"
                        "2\t101\t3\t1\t2\t5\t6\t2\t44\t1\t90\t91\t70\t71\t-1\t300\t301\t8\t33\t9\t0\t0\t0\t0\t0\t0\t0"
                        "\t0\n"
                        "3\t102\t4\t0\t2\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t16\t48\t0\t0\n"
                        "4\t103\t5\t0\t2\t0\t0\t0\t0\t0\t0\t0\t0\t80\t0\t0\t0\t0\t0\t0\t0\t0\t0\t6\t0\t0\t95\t0\n"
                        "5\t104\t6\t0\t2\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0"
                        "\t1099511627776\n"
                        "6\t105\t77\t0\t2\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n");
        free(text);
        pulsefile_free(p);
}

/* A file that an earlier daemon has begun goes on in its columns: a file has one kind of line, which its first line says. */
static void test_goes_on_in_old_columns(void **state)
{
        struct scratch *f = *state;
        struct tms_event trigger = pulse(7, TMS_EVENT_PULSE_DUE, 500, TMS_PULSE_OUTCOME_TRIGGERED);
        struct pulsefile *p;
        char text[600], *after;

        (void)snprintf(text, sizeof(text), "%s0\t99\t3\t2\t4\t5\t80\t81\t61\t300\t300\t0\n7\t1", head_1);
        scratch_write(f->path, "pulses/s.tsv", text, strlen(text));
        p = must_open(f, true);
        assert_int_equal(pulsefile_totals(p)->delivered, 1);
        assert_int_equal(pulsefile_totals(p)->cut, 3);
        assert_int_equal(pulsefile_append(p, kinds, ELEMENTS(kinds)), 0);
        assert_int_equal(pulsefile_append(p, &trigger, 1), 0);
        assert_int_equal(pulsefile_totals(p)->unknown, 1);
        check_described(f, p);
        after = scratch_read(f->path, "pulses/s.tsv", NULL);
        assert_memory_equal(after, head_1, strlen(head_1));
        assert_string_equal(after + strlen(head_1), "0\t99\t3\t2\t4\t5\t80\t81\t61\t300\t300\t0\n"
                                                    "1\t100\t1\t2\t4\t3\t0\t0\t0\t0\t0\t1\n"
                                                    "2\t101\t3\t2\t5\t6\t90\t91\t71\t300\t301\t8\n"
                                                    "3\t102\t4\t2\t16\t48\t0\t0\t0\t0\t0\t0\n"
                                                    "4\t95\t5\t2\t6\t0\t0\t0\t80\t0\t0\t0\n"
                                                    "5\t104\t6\t2\t4294967295\t0\t0\t0\t0\t0\t0\t0\n"
                                                    "6\t105\t77\t2\t0\t0\t0\t0\t0\t0\t0\t0\n"
                                                    "7\t1007\t2\t1\t7\t0\t0\t500\t0\t0\t0\t16\n");
        free(after);
        pulsefile_free(p);
        /* As whoever reads the file counts. */
        p = must_open(f, true);
        assert_int_equal(pulsefile_totals(p)->lines, 8);
        assert_int_equal(pulsefile_totals(p)->unknown, 1);
        pulsefile_free(p);
}

/* Lines of the one kind behind the first line of the other: that is no pulse file, and stays as it is. */
static void test_mixed_columns_are_refused(void **state)
{
        static const char line_1[] = "1\t99\t3\t2\t4\t5\t80\t81\t61\t300\t300\t0\n";
        static const char line[] =
                        "1\t99\t3\t0\t2\t4\t5\t0\t0\t0\t80\t81\t0\t61\t-1\t300\t300\t0\t0\t1\t0\t0\t0\t0\t0\t0\t0\t0\n";
        static const struct {
                const char *head, *line;
                int r;
        } files[] = {
                        {head, line, 0},
                        {head_1, line_1, 0},
                        {head, line_1, -EBADMSG},
                        {head_1, line, -EBADMSG},
                        {"seq\tmono_ns\n", line, -EBADMSG},
        };
        struct scratch *f = *state;

        for (size_t i = 0; i < ELEMENTS(files); i++) {
                char text[600], *after;
                struct pulsefile *p;

                (void)snprintf(text, sizeof(text), "%s%s", files[i].head, files[i].line);
                scratch_write(f->path, "pulses/s.tsv", text, strlen(text));
                assert_int_equal(pulsefile_new("s", &p), 0);
                assert_int_equal(pulsefile_open(p, f->fd, true), files[i].r);
                if (files[i].r < 0) {
                        after = scratch_read(f->path, "pulses/s.tsv", NULL);
                        assert_string_equal(after, text);
                        free(after);
                }
                pulsefile_free(p);
        }
}

static void test_duplicates_count_once(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event e[] = {event(1, TMS_EVENT_PULSE_ANSWER, 0), event(2, TMS_EVENT_PULSE_ANSWER, 0),
                                event(3, TMS_EVENT_PULSE_ANSWER, 0)};

        assert_int_equal(pulsefile_append(p, e, 2), 0);
        assert_int_equal(pulsefile_append(p, e, 3), 0);
        assert_int_equal(pulsefile_totals(p)->delivered, 3);
        assert_int_equal(pulsefile_totals(p)->lines, 3);
        check_described(f, p);
        pulsefile_free(p);
}

static void test_large_batches(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event *e = calloc(5000, sizeof(*e));
        size_t i;

        for (i = 0; i < 5000; i++)
                e[i] = event(i, TMS_EVENT_PULSE_ANSWER, 0);
        assert_int_equal(pulsefile_append(p, e, 5000), 0);
        assert_int_equal(pulsefile_totals(p)->delivered, 5000);
        check_described(f, p);
        pulsefile_free(p);
        p = must_open(f, true);
        assert_int_equal(pulsefile_totals(p)->delivered, 5000);
        assert_int_equal(pulsefile_totals(p)->cut, 0);
        check_described(f, p);
        pulsefile_free(p);
        free(e);
}

/* Cut at every byte of the last two lines: whole lines stay, the torn one goes, writing goes on. */
/* What was cut off is kept, byte for byte; taken away again for the next. */
static void check_piece(struct scratch *f, const char *bytes, size_t size)
{
        char pattern[256], *kept;
        size_t kept_size;
        glob_t g;

        if (size == 0)
                return;
        (void)snprintf(pattern, sizeof(pattern), "%s/cut-*-s.part", f->path);
        assert_int_equal(glob(pattern, 0, NULL, &g), 0);
        assert_int_equal(g.gl_pathc, 1);
        kept = scratch_read(f->path, strrchr(g.gl_pathv[0], '/') + 1, &kept_size);
        assert_int_equal(kept_size, size);
        assert_memory_equal(kept, bytes, size);
        assert_int_equal(unlink(g.gl_pathv[0]), 0);
        free(kept);
        globfree(&g);
}

static void test_torn_line_is_cut(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event e[] = {event(11, TMS_EVENT_PULSE_ANSWER, 0), event(12, TMS_EVENT_PULSE_ANSWER, 0)};
        size_t size, at, first_end;
        char *text;

        assert_int_equal(pulsefile_append(p, e, 2), 0);
        pulsefile_free(p);
        text = scratch_read(f->path, "pulses/s.tsv", &size);
        first_end = (size_t)(strchr(text + strlen(head), '\n') + 1 - text);
        for (at = strlen(head) - 3; at < size; at++) {
                unsigned whole = at < strlen(head) ? 0 : at < first_end ? 0 : 1;
                size_t kept = at < strlen(head) ? 0 : at < first_end ? strlen(head) : first_end;

                scratch_write(f->path, "pulses/s.tsv", text, at);
                p = must_open(f, true);
                assert_int_equal(pulsefile_totals(p)->delivered, whole);
                assert_int_equal(pulsefile_totals(p)->cut, at - kept);
                check_piece(f, text + kept, at - kept);
                assert_int_equal(pulsefile_append(p, e, 2), 0);
                assert_int_equal(pulsefile_totals(p)->delivered, 2);
                check_described(f, p);
                pulsefile_free(p);
        }
        free(text);
}

/* A whole line that is no record is nobody's to cut off, nor is what follows it. */
static void test_bad_line_is_refused(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event e[] = {event(11, TMS_EVENT_PULSE_ANSWER, 0), event(12, TMS_EVENT_PULSE_ANSWER, 0)};
        size_t size, after_size;
        char *text, *after;

        assert_int_equal(pulsefile_append(p, e, 2), 0);
        pulsefile_free(p);
        text = scratch_read(f->path, "pulses/s.tsv", &size);
        text[strlen(head) + 1] = 'x';
        scratch_write(f->path, "pulses/s.tsv", text, size);
        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_int_equal(pulsefile_open(p, f->fd, true), -EBADMSG);
        assert_int_equal(pulsefile_append(p, e, 2), -EBADMSG);
        pulsefile_free(p);
        after = scratch_read(f->path, "pulses/s.tsv", &after_size);
        assert_int_equal(after_size, size);
        assert_memory_equal(after, text, size);
        free(after);
        free(text);
}

/* While it is open the file has room ahead, where its file system keeps any; afterwards none is taken from the disk. */
static void test_room_is_given_back(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);
        struct tms_event e = event(11, TMS_EVENT_PULSE_ANSWER, 0);
        struct stat st;

        assert_int_equal(pulsefile_append(p, &e, 1), 0);
        pulsefile_named(p);
        pulsefile_finish(p, f->fd);
        check_described(f, p);
        assert_int_equal(fstatat(f->fd, "pulses/s.tsv", &st, 0), 0);
        assert_true(st.st_blocks * 512 <= 8192);
        pulsefile_free(p);
}

static void test_names(void **state)
{
        struct pulsefile *p;

        assert_int_equal(pulsefile_new("../s", &p), -EINVAL);
        assert_int_equal(pulsefile_new(".s", &p), -EINVAL);
        assert_int_equal(pulsefile_new("", &p), -EINVAL);
        assert_int_equal(pulsefile_new("a b", &p), -EINVAL);
}

static void test_never_overwrites(void **state)
{
        struct scratch *f = *state;
        struct pulsefile *p = must_open(f, false);

        pulsefile_free(p);
        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_int_equal(pulsefile_open(p, f->fd, false), -EEXIST);
        pulsefile_free(p);
        assert_int_equal(pulsefile_new("other", &p), 0);
        assert_int_equal(pulsefile_open(p, f->fd, true), -ENOENT);
        pulsefile_free(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_lines_and_counts, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_unknown, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_next_pulse, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_widest_line_fits, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_columns, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_goes_on_in_old_columns, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_mixed_columns_are_refused, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_duplicates_count_once, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_large_batches, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_torn_line_is_cut, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_bad_line_is_refused, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_room_is_given_back, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_names, setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_never_overwrites, setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
