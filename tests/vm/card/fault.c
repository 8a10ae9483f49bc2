/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schedule: when the card misbehaves. One line is one command:
 *
 *   [at=NS | in=NS | pulse=N | pulse=+N] [delay=NS] OPERATION[=VALUE]
 *
 * (a blank may stand for the = before the VALUE).
 *
 * at is absolute virtual time, in counts from now, pulse is just after the Nth
 * discharge since the card's power-on (+N: from now), and delay is added to
 * any of them. Without any of them it happens at once. The operations are in
 * faultop.c; README.md has the list. Commands come from the QOM property
 * "schedule" and from the lab port, and the guest's time stands still for them.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "card.h"

typedef struct TMSFaultEntry {
    const TMSFaultOp *op;
    int64_t arg[3];
    uint64_t pulse;                 /* waiting for this one; 0: for at_ns */
    int64_t delay_ns;
    int64_t at_ns;
} TMSFaultEntry;

static GArray *scheduled(TMSCard *s)
{
    if (!s->faults.scheduled) {
        s->faults.scheduled = g_array_new(false, true, sizeof(TMSFaultEntry));
    }
    return s->faults.scheduled;
}

static char *query(TMSCard *s, int64_t now)
{
    return g_strdup_printf("ok t_ns=%" PRId64 " card_ns=%" PRIu64
                           " pulses=%" PRIu64 " odometer=%" PRIu64
                           " state=%s latch=0x%04x open=0x%03x seq=%u"
                           " scheduled=%u", now, tms_clock_ns(s, now),
                           s->pulses, s->nvram.odometer,
                           s->removed ? "REMOVED" : tms_state_name(s->state),
                           s->latch, tms_interlocks(s), s->seq_expected,
                           scheduled(s)->len);
}

/* Commands that ask, or count: never scheduled. NULL: not one of them. */
static char *ask(TMSCard *s, const char *word, int64_t now)
{
    if (g_str_equal(word, "query")) {
        return query(s, now);
    }
    if (g_str_equal(word, "counts")) {
        g_autofree char *counts = tms_mmio_counts(s);

        return g_strdup_printf("ok %s", counts);
    }
    if (g_str_equal(word, "counts_reset")) {
        tms_mmio_counts_reset(s);
        return g_strdup("ok");
    }
    if (g_str_equal(word, "clear")) {
        tms_fault_clear(s);
        return g_strdup("ok");
    }
    if (g_str_equal(word, "help")) {
        GString *help = g_string_new("ok query counts counts_reset clear help");

        tms_faultop_help(help);
        return g_string_free(help, false);
    }
    return NULL;
}

/* Small enough that three of them add up. */
static bool number(const char *text, int64_t *ret)
{
    return qemu_strtoi64(text, NULL, 0, ret) == 0 && *ret >= 0 &&
           *ret <= INT64_MAX / 4;
}

/* The words before the operation. False: error says what is wrong. */
static bool parse_when(TMSCard *s, TMSFaultEntry *e, const char *word,
                       const char *value, int64_t now, GString *error)
{
    bool relative = value[0] == '+';
    int64_t n;

    if (!number(value + relative, &n) ||
        (relative && !g_str_equal(word, "pulse"))) {
        g_string_printf(error, "%s=%s: expected a whole number%s", word, value,
                        g_str_equal(word, "pulse") ? ", or + and one"
                                                   : " of nanoseconds");
        return false;
    }
    if (g_str_equal(word, "delay")) {
        e->delay_ns = n;
        return true;
    }
    if (e->pulse || e->at_ns >= 0) {
        g_string_printf(error, "%s=%s: expected only one of at, in and pulse",
                        word, value);
        return false;
    }
    if (g_str_equal(word, "pulse")) {
        e->pulse = n + (relative ? s->pulses : 0);
        if (e->pulse <= s->pulses) {
            g_string_printf(error, "pulse=%s: expected one still to come, after "
                            "number %" PRIu64, value, s->pulses);
            return false;
        }
        return true;
    }
    e->at_ns = g_str_equal(word, "in") ? now + n : n;
    if (e->at_ns < now) {
        g_string_printf(error, "%s=%s: expected a time from now on, which is %"
                        PRId64, word, value, now);
        return false;
    }
    return true;
}

static bool is_when(const char *word)
{
    return g_str_equal(word, "at") || g_str_equal(word, "in") ||
           g_str_equal(word, "pulse") || g_str_equal(word, "delay");
}

/* The next word, past any number of blanks; NULL at the end. */
static char *next_word(char **rest)
{
    char *word;

    do {
        word = strsep(rest, " ");
    } while (word && !*word);
    return word;
}

/* False: error says what is wrong. Cuts up text. */
static bool parse(TMSCard *s, TMSFaultEntry *e, char *text, int64_t now,
                  GString *error)
{
    char *word, *value;

    for (;;) {
        word = next_word(&text);
        if (!word) {
            g_string_printf(error, "no operation: expected one of those that "
                            "help lists");
            return false;
        }
        value = strchr(word, '=');
        if (value) {
            *value++ = '\0';
        }
        if (!value || !is_when(word)) {
            break;
        }
        if (!parse_when(s, e, word, value, now, error)) {
            return false;
        }
    }
    if (!value) {
        value = next_word(&text);
    }
    e->op = tms_faultop_parse(word, value, e->arg, error);
    if (!e->op) {
        return false;
    }
    word = next_word(&text);
    if (word) {
        g_string_printf(error, "'%s': expected nothing after the operation",
                        word);
        return false;
    }
    return true;
}

char *tms_fault_command(TMSCard *s, const char *line)
{
    g_autofree char *text = g_strstrip(g_strdup(line));
    g_autoptr(GString) error = g_string_new(NULL);
    TMSFaultEntry e = { .at_ns = -1 };
    int64_t now = tms_sync(s);
    char *answer = ask(s, text, now);

    if (answer) {
        tms_rearm(s);
        return answer;
    }
    if (!parse(s, &e, text, now, error)) {
        return g_strdup_printf("error: %s", error->str);
    }
    if (!e.pulse && e.at_ns < 0) {
        e.at_ns = now;
    }
    if (!e.pulse) {
        e.at_ns += e.delay_ns;
    }
    g_array_append_val(scheduled(s), e);
    tms_sync(s);
    tms_rearm(s);
    return g_strdup("ok");
}

char *tms_fault_commands(TMSCard *s, const char *lines)
{
    g_auto(GStrv) line = g_strsplit_set(lines, ";\n", -1);
    char *answer = g_strdup("ok");
    unsigned i;

    for (i = 0; line[i]; i++) {
        if (!g_strstrip(line[i])[0]) {
            continue;
        }
        g_free(answer);
        answer = tms_fault_command(s, line[i]);
        if (g_str_has_prefix(answer, "error")) {
            break;
        }
    }
    return answer;
}

/* A discharge has just taken place: what waited for it now has a time. */
void tms_fault_pulse(TMSCard *s, int64_t t_ns)
{
    GArray *list = scheduled(s);
    unsigned i;

    for (i = 0; i < list->len; i++) {
        TMSFaultEntry *e = &g_array_index(list, TMSFaultEntry, i);

        if (e->pulse && e->pulse <= s->pulses) {
            e->pulse = 0;
            e->at_ns = t_ns + e->delay_ns;
        }
    }
}

int64_t tms_fault_next(TMSCard *s)
{
    GArray *list = scheduled(s);
    int64_t t = s->faults.stuck_pulses ? s->faults.stuck_next_ns : TMS_NEVER;
    unsigned i;

    for (i = 0; i < list->len; i++) {
        TMSFaultEntry *e = &g_array_index(list, TMSFaultEntry, i);

        if (!e->pulse) {
            t = MIN(t, e->at_ns);
        }
    }
    return t;
}

/* A shorted switch lets go what the capacitor holds, if it holds anything. */
static void stuck_switch(TMSCard *s, int64_t t_ns)
{
    TMSFaults *f = &s->faults;
    uint32_t permille = tms_energy_head_permille(&s->energy);

    f->stuck_pulses--;
    f->stuck_next_ns += f->stuck_interval_ns;
    if (permille) {
        tms_unexpected(s, permille, true, t_ns);
    }
}

void tms_fault_run(TMSCard *s, int64_t t_ns)
{
    GArray *list = scheduled(s);
    unsigned i = 0;

    if (s->faults.stuck_pulses && s->faults.stuck_next_ns <= t_ns) {
        stuck_switch(s, t_ns);
    }
    /* Taken off before it is run: what it does may lengthen or empty the list. */
    while (i < list->len) {
        TMSFaultEntry e = g_array_index(list, TMSFaultEntry, i);

        if (e.pulse || e.at_ns > t_ns) {
            i++;
            continue;
        }
        g_array_remove_index(list, i);
        tms_faultop_apply(s, e.op, e.arg, t_ns);
        i = 0;
    }
}

/* Nothing is scheduled and nothing misbehaves any more; the world's levels stay. */
void tms_fault_clear(TMSCard *s)
{
    GArray *list = scheduled(s);

    memset(&s->faults, 0, sizeof(s->faults));
    g_array_set_size(list, 0);
    s->faults.scheduled = list;
    s->energy.stuck = false;
    s->magic = TMS_MAGIC;
    tms_identity_restore(s);
}
