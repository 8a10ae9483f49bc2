/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters of audit show; see audit-filter.h. */
#include <fnmatch.h>

#include "audit-filter.h"
#include "audit-sentence.h"
#include "when.h"

#define NEAR_MAX 3   /* names that a refusal proposes */
#define NAMES_MAX 96 /* types and patterns of types */
#define NAME_SIZE 48

/* --- Types ------------------------------------------------------------------------------ */

static bool is_known(const char *glob)
{
        const struct audit_type *w;

        for (w = audit_types; w->type; w++)
                if (fnmatch(glob, w->type, 0) == 0)
                        return true;
        return false;
}

/* The types, and for each noun the pattern of its types, such as "session.*". Returns how many there are. */
static size_t names_of(char names[NAMES_MAX][NAME_SIZE])
{
        const struct audit_type *w;
        size_t n = 0, noun;

        for (w = audit_types; w->type && n + 2 <= NAMES_MAX; w++) {
                noun = strcspn(w->type, ".");
                if (w->type[noun] && (w == audit_types || strncmp(w->type, w[-1].type, noun + 1) != 0))
                        (void)snprintf(names[n++], NAME_SIZE, "%.*s.*", (int)noun, w->type);
                (void)snprintf(names[n++], NAME_SIZE, "%s", w->type);
        }
        return n;
}

/* For a person who has mistyped a type or a pattern. */
static int fail_type(const char *glob)
{
        char names[NAMES_MAX][NAME_SIZE], near[NEAR_MAX * (NAME_SIZE + 8)] = "";
        size_t n = names_of(names), i, used = 0, found = 0;
        unsigned least = SLIP_MAX;

        for (i = 0; i < n; i++)
                if (word_distance(glob, names[i]) < least)
                        least = word_distance(glob, names[i]);
        for (i = 0; i < n && found < NEAR_MAX; i++)
                if (word_distance(glob, names[i]) == least)
                        used += (size_t)snprintf(near + used, sizeof(near) - used, "%s'%s'", found++ > 0 ? " or " : "",
                                                 names[i]);
        if (found > 0)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "--type is '%s', which no type of record matches; did you mean %s?", glob, near);
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                    "--type is '%s', which no type of record matches; expected a type such as session.end, or a "
                    "pattern "
                    "such as 'session.*', 'stimulator.*', 'daemon.*' or '*.intent'; tmsctl(1) has all",
                    glob);
}

/* --- Times -------------------------------------------------------------------------------- */

static int read_time(const char *text, const char *option, bool last, int64_t now_usec, bool *ret_has,
                     int64_t *ret_usec)
{
        char why[WHEN_WHY];

        *ret_has = text;
        if (!text || when_parse(text, last, now_usec, ret_usec, why) >= 0)
                return STATUS_OK;
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "--%s is '%s'; %s", option, text, why);
}

int audit_filter_read(struct audit_filter *f)
{
        const int64_t now_usec = (int64_t)(now_ns(CLOCK_REALTIME) / 1000);
        char since[WHEN_TEXT], until[WHEN_TEXT];
        int status;

        if (opt.type && !is_known(opt.type))
                return fail_type(opt.type);
        /* An hour that comes twice belongs to what is asked for both times. */
        status = read_time(opt.since, "since", false, now_usec, &f->has_since, &f->since_usec);
        if (status == STATUS_OK)
                status = read_time(opt.until, "until", true, now_usec, &f->has_until, &f->until_usec);
        if (status != STATUS_OK || !f->has_since || !f->has_until || f->since_usec <= f->until_usec)
                return status;
        return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                    "--since is %s, which is after --until, %s; give --until a time that is not before --since, or "
                    "leave it "
                    "out",
                    when_text(f->since_usec, since), when_text(f->until_usec, until));
}

/* --- Records ------------------------------------------------------------------------------- */

bool audit_filter_wants(struct audit_filter *f, const json_t *record)
{
        int64_t usec;

        if (opt.session) {
                if (!STREQ(opt.session, json_get_str(json_object_get(record, "data"), "session")))
                        return false;
                f->session_records++;
        }
        if (opt.type && fnmatch(opt.type, json_get_str(record, "type"), 0) != 0)
                return false;
        /* A record whose time cannot be read is not hidden by a time. */
        if ((f->has_since || f->has_until) && when_parse_utc(json_get_str(record, "utc"), &usec) >= 0 &&
            ((f->has_since && usec < f->since_usec) || (f->has_until && usec > f->until_usec)))
                return false;
        f->wanted++;
        return true;
}

/* Adds " from …", " to …". The times are told as they were understood. */
static void add_time(char *buf, size_t size, const char *word, bool has, int64_t usec)
{
        char text[WHEN_TEXT];

        if (has)
                (void)snprintf(buf + strlen(buf), size - strlen(buf), "%s %s", word, when_text(usec, text));
}

void audit_filter_end(const struct audit_filter *f)
{
        char times[2 * WHEN_TEXT + 16] = "";

        if (f->wanted > 0)
                return;
        add_time(times, sizeof(times), " from", f->has_since, f->since_usec);
        add_time(times, sizeof(times), " to", f->has_until, f->until_usec);
        if (opt.session && f->session_records == 0)
                note("no record of the log is of a session '%s'; tmsctl audit show --type session.create shows which "
                     "there "
                     "are",
                     opt.session);
        else if (opt.session || opt.type || *times)
                note("the log has no record%s%s%s%s%s; see that the options say what you mean",
                     opt.session ? " of session " : "", opt.session ? opt.session : "", opt.type ? " of type " : "",
                     opt.type ? opt.type : "", times);
        else
                note("the log has no record yet");
}
