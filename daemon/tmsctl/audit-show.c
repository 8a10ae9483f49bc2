/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit show: the log's records in plain lines, or with --json as they are in the log. Nothing is checked. */
#include <fnmatch.h>
#include <inttypes.h>

#include "audit-verbs.h"

/* With --lines: the last lines read so far, printed at the end. */
struct tail {
        char **line;
        size_t n, next;
};

static void tail_clear(struct tail *t)
{
        size_t i;

        for (i = 0; t->line && i < t->n; i++)
                free(t->line[i]);
        free(t->line);
}

/* Is this record one that the options ask for? As text, two times in UTC are in the order of time. */
static bool is_wanted(const json_t *record)
{
        const json_t *data = json_object_get(record, "data");
        const char *utc = json_get_str(record, "utc");

        if (opt.type && fnmatch(opt.type, json_get_str(record, "type"), 0) != 0)
                return false;
        if (opt.session && !STREQ(opt.session, json_get_str(data, "session")))
                return false;
        if (opt.since && strncmp(utc, opt.since, strlen(opt.since)) < 0)
                return false;
        return !opt.until || strncmp(utc, opt.until, strlen(opt.until)) <= 0;
}

/*
 * The text of a log must not control the terminal: a character that steers it, turns the direction of writing or
 * cannot be seen is printed as '?'. With --json everything is printed as it is in the log.
 */
static void print_text(const char *text)
{
        _cleanup_(freep) char *line = strdup(text);

        printf("%s", line ? tms_text_line(line) : "?");
}

static void print_who(const json_t *who)
{
        const json_t *uid = json_object_get(who, "uid");
        const char *action = json_get_str(who, "action"), *answer = json_get_str(who, "answer");

        if (uid)
                printf("  uid %" JSON_INTEGER_FORMAT, json_integer_value(uid));
        if (*action) {
                (void)putchar(' ');
                print_text(action);
                printf("%s", *answer ? "=" : "");
                print_text(answer);
        }
}

/* Of hashes, keys and signatures only the first digits are printed, which people compare. Programs use --json. */
static void print_value(const json_t *value)
{
        const char *text = json_string_value(value);
        _cleanup_(freep) char *dump = NULL;

        if (text && strlen(text) >= 64 && text[strspn(text, "0123456789abcdef")] == '\0') {
                printf("%.12s%s", text, is_utf8() ? "…" : "...");
                return;
        }
        dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        print_text(dump ? dump : "?");
}

static void print_record(const json_t *record)
{
        const char *key;
        json_t *value;

        printf("%6" PRIu64 "  ", json_get_u64(record, "seq"));
        print_text(json_get_str(record, "utc"));
        printf("  %s", colour(COLOUR_BOLD));
        print_text(json_get_str(record, "type"));
        printf("%s", colour(COLOUR_NONE));
        json_object_foreach(json_object_get(record, "data"), key, value) {
                printf(" %s", colour(COLOUR_DIM));
                print_text(key);
                printf("=%s", colour(COLOUR_NONE));
                print_value(value);
        }
        print_who(json_object_get(record, "who"));
        (void)putchar('\n');
}

static void print_line(uint64_t line, const char *text)
{
        _cleanup_(json_decrefp) json_t *record = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

        if (opt.json)
                puts(text);
        else if (record)
                print_record(record);
        else
                printf("log.jsonl:%" PRIu64 ": %snot a record%s; see: tmsctl audit verify\n", line, colour(COLOUR_RED),
                       colour(COLOUR_NONE));
}

static int keep_line(struct tail *t, const char *text)
{
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(t->line[t->next]);
        t->line[t->next] = copy;
        t->next = (t->next + 1) % t->n;
        return 0;
}

static int on_record(uint64_t line, const char *text, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
        struct tail *t = userdata;

        /* A line that is not a record is always shown, because it should not be there. */
        if (record && !is_wanted(record))
                return 0;
        if (t->n > 0)
                return keep_line(t, text);
        print_line(line, text);
        return 0;
}

int verb_audit_show(int argc, char **argv)
{
        _cleanup_(tail_clear) struct tail t = {.n = (size_t)opt.lines};
        struct tms_error error = {0};
        size_t i;
        int r;

        if (t.n > 0) {
                t.line = calloc(t.n, sizeof(*t.line));
                if (!t.line)
                        return fail_memory();
        }
        r = tms_audit_foreach(opt.dir ? opt.dir : AUDIT_DIR, on_record, &t, &error);
        if (r < 0)
                return error.message[0] ? fail_tms(STATUS_FAILED, FAILURE_FAILED, &error) : fail_memory();
        for (i = 0; i < t.n; i++) {
                const char *text = t.line[(t.next + i) % t.n];

                if (text)
                        print_line(0, text);
        }
        return STATUS_OK;
}
