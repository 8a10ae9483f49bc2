/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration; see config.h. */
#include <assert.h>
#include <fcntl.h>
#include <tms.h>

#include "config-files.h"
#include "config.h"
#include "util.h"

/* As in the file. */
#define AUDIT_FREE_MIN_DEFAULT 16M
#define MAX_OFF_DEFAULT 31d
#define MAX_OFF_DAYS_MAX 3660
#define HOLD_MINUTES_DEFAULT 10
#define HOLD_MINUTES_MAX 59 /* the driver ends a run that was discharged for an hour */
#define SECTION_SIZE 32
#define DAY_NS (86400 * NS_PER_S)

/* --- The keys ------------------------------------------------------------------------------ */

/* "16M", "1G", "4096"; binary multiples. */
static bool parse_size(const char *s, uint64_t *ret)
{
        static const char units[] = "KMGT";
        unsigned long long v;
        unsigned shift = 0;
        char *end;

        if (*s < '0' || *s > '9')
                return false;
        errno = 0;
        v = strtoull(s, &end, 10);
        if (errno != 0)
                return false;
        if (*end) {
                const char *unit = strchr(units, *end);

                if (!unit || end[1])
                        return false;
                shift = 10 * (unsigned)(unit - units + 1);
        }
        if (v > UINT64_MAX >> shift)
                return false;
        *ret = (uint64_t)v << shift;
        return true;
}

/* "31d", "12h" */
static bool parse_span(const char *s, uint64_t *ret)
{
        unsigned long long v, unit;
        char *end;

        if (*s < '0' || *s > '9')
                return false;
        errno = 0;
        v = strtoull(s, &end, 10);
        unit = STREQ(end, "d") ? DAY_NS : STREQ(end, "h") ? DAY_NS / 24 : 0;
        if (errno != 0 || unit == 0 || v == 0 || v > MAX_OFF_DAYS_MAX * DAY_NS / unit)
                return false;
        *ret = v * unit;
        return true;
}

/* "10" */
static bool parse_minutes(const char *s, uint64_t *ret)
{
        unsigned long v;
        char *end;

        if (*s < '0' || *s > '9')
                return false;
        errno = 0;
        v = strtoul(s, &end, 10);
        if (errno != 0 || *end || v == 0 || v > HOLD_MINUTES_MAX)
                return false;
        *ret = v * 60 * NS_PER_S;
        return true;
}

#define QUOTED(x) #x
#define TEXT(x) QUOTED(x)
/* The place of a member, which must be a number of 64 bits. */
#define MEMBER(name) \
        (offsetof(struct config, name) + 0 * sizeof(char[_Generic(&((struct config *)0)->name, uint64_t * : 1)]))

const struct config_key config_keys[CONFIG_KEYS] = {
                {"Audit", "MinimumFree", TEXT(AUDIT_FREE_MIN_DEFAULT), "bytes, or a number with K, M, G or T behind it",
                 parse_size, MEMBER(audit_free_min)},
                {"Clock", "MaxOff", TEXT(MAX_OFF_DEFAULT), "days or hours, such as 31d or 72h, up to ten years",
                 parse_span, MEMBER(max_off_ns)},
                {"Session", "HoldMinutes", TEXT(HOLD_MINUTES_DEFAULT), "minutes, 1 to 59", parse_minutes,
                 MEMBER(hold_ns)},
};

static uint64_t *member_of(struct config *c, const struct config_key *k)
{
        return (uint64_t *)((char *)c + k->member);
}

/* --- The files ------------------------------------------------------------------------------ */

static char *strip(char *s)
{
        size_t n;

        s += strspn(s, " \t");
        n = strlen(s);
        while (n > 0 && strchr(" \t\r\n", s[n - 1]))
                s[--n] = '\0';
        return s;
}

/* Always false. */
static bool wrong(const char *path, unsigned line, const char *what)
{
        log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_number("CONFIG_LINE", line)), "%s:%u: %s",
                  path, line, what);
        return false;
}

/* It was found a moment ago: what is not there now is a link that leads nowhere. */
static int unreadable(const char *path, int r)
{
        if (r == -ENOENT)
                log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_errno(r)),
                          "%s: a link that leads nowhere; mend or remove it, then: systemctl restart tmsd", path);
        else
                log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_errno(r)), "%s: %s; %s", path,
                          strerror(-r), CONFIG_READABLE);
        return r;
}

static bool set(struct config *c, const char *path, unsigned line, const char *section, const char *key,
                const char *value)
{
        char known[1024] = "unknown key; known are";
        size_t i, n = strlen(known);

        for (i = 0; i < CONFIG_KEYS; i++) {
                const struct config_key *k = config_keys + i;

                if (STREQ(section, k->section) && STREQ(key, k->key)) {
                        if (k->parse(value, member_of(c, k)))
                                return true;
                        (void)snprintf(known, sizeof(known), "%s= wants %s", k->key, k->wants);
                        return wrong(path, line, known);
                }
                n += (size_t)snprintf(known + n, sizeof(known) - n, "%s %s= in section [%s]", i > 0 ? "," : "", k->key,
                                      k->section);
                assert(n < sizeof(known));
        }
        return wrong(path, line, known);
}

/* One line. False: it is wrong, and has been logged. section has the size SECTION_SIZE. */
static bool take_line(struct config *c, const char *path, unsigned line, char *s, char *section)
{
        const size_t n = strlen(s);
        char *eq;

        if (n == 0 || *s == '#' || *s == ';')
                return true;
        if (*s == '[') {
                /* What follows belongs to no section that is known. */
                *section = '\0';
                if (s[n - 1] != ']' || n - 2 >= SECTION_SIZE)
                        return wrong(path, line, "not a section head such as [Audit]");
                s[n - 1] = '\0';
                strcpy(section, s + 1);
                return true;
        }
        eq = strchr(s, '=');
        if (!eq)
                return wrong(path, line, "expected Key=Value");
        *eq = '\0';
        return set(c, path, line, section, strip(s), strip(eq + 1));
}

/* Takes what is right; -EINVAL: some line was wrong. */
static int load_file(const char *path, struct config *c)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_(freep) char *text = NULL;
        char section[SECTION_SIZE] = "", sentence[1024], *rest, *next;
        struct tms_error error = {0};
        unsigned line = 0;
        size_t size;
        int r;

        if (fd < 0)
                return unreadable(path, -errno);
        /* tms_text_read() refuses characters that an editor does not show: such a character must not set anything. */
        r = tms_text_read(fd, path, &text, &size, &error);
        if (r < 0) {
                log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_errno(r)), "%s",
                          tms_error_format(&error, sentence, sizeof(sentence)));
                return r;
        }
        for (rest = text; rest; rest = next) {
                next = strchr(rest, '\n');
                if (next)
                        *next++ = '\0';
                if (!take_line(c, path, ++line, strip(rest), section))
                        r = -EINVAL;
        }
        return r < 0 ? r : 0;
}

static void set_defaults(struct config *c)
{
        size_t i;

        *c = (struct config){0};
        for (i = 0; i < CONFIG_KEYS; i++) {
                bool is_one = config_keys[i].parse(config_keys[i].standard, member_of(c, config_keys + i));

                assert(is_one);
        }
}

/* Every file is read, so that all that is wrong is told at once. */
static int load(const struct config_files *files, struct config *ret)
{
        struct config c;
        int first = 0;
        size_t i;

        set_defaults(&c);
        for (i = 0; i < files->n; i++) {
                int r = load_file(files->paths[i], &c);

                if (first == 0)
                        first = r;
        }
        if (first < 0)
                return first;
        *ret = c;
        return 0;
}

int config_load(const char *const *dirs, struct config *ret)
{
        struct config_files files;
        int r;

        r = config_files_find(dirs, &files);
        if (r < 0)
                return r;
        r = load(&files, ret);
        config_files_clear(&files);
        return r;
}

int config_check(const char *const *dirs, FILE *out)
{
        struct config_files files;
        struct config c;
        size_t i;
        int r;

        r = config_files_find(dirs, &files);
        if (r < 0)
                return r;
        r = load(&files, &c);
        for (i = 0; r >= 0 && i < files.n; i++)
                (void)fprintf(out, "%s\n", files.paths[i]);
        if (r >= 0)
                (void)fprintf(out, "%s\n",
                              files.n > 0 ? "Nothing is wrong. These files were read, in this order; of two lines with "
                                            "one key "
                                            "the last holds."
                                          : "Nothing is wrong: there is no file, and the defaults hold.");
        config_files_clear(&files);
        return r;
}
