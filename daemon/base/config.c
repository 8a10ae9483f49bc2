/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration; see config.h. */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <tms.h>

#include "config.h"
#include "util.h"

/* As in the file. */
#define AUDIT_FREE_MIN_DEFAULT 16M
#define MAX_OFF_DEFAULT 31d
#define MAX_OFF_DAYS_MAX 3660
#define HOLD_MINUTES_DEFAULT 10
#define HOLD_MINUTES_MAX 59 /* the driver ends a run that was discharged for an hour */
#define DAY_NS (86400 * NS_PER_S)

#define READABLE "let the user tmsd read it (chmod a+r), then: systemctl restart tmsd"

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

static int wrong(const char *path, unsigned line, const char *what)
{
        log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_number("CONFIG_LINE", line)), "%s:%u: %s",
                  path, line, what);
        return -EINVAL;
}

static int unreadable(const char *path, int r)
{
        log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_errno(r)), "%s: %s; %s", path,
                  strerror(-r), READABLE);
        return r;
}

static int set(struct config *c, const char *path, unsigned line, const char *section, const char *key,
               const char *value)
{
        char known[1024] = "unknown key; known are";
        size_t i, n = strlen(known);

        for (i = 0; i < CONFIG_KEYS; i++) {
                const struct config_key *k = config_keys + i;

                if (STREQ(section, k->section) && STREQ(key, k->key)) {
                        if (k->parse(value, member_of(c, k)))
                                return 0;
                        (void)snprintf(known, sizeof(known), "%s= wants %s", k->key, k->wants);
                        return wrong(path, line, known);
                }
                n += (size_t)snprintf(known + n, sizeof(known) - n, "%s %s= in section [%s]", i > 0 ? "," : "", k->key,
                                      k->section);
                assert(n < sizeof(known));
        }
        return wrong(path, line, known);
}

static int load_file(const char *path, struct config *c)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_(freep) char *text = NULL;
        char section[32] = "", sentence[1024], *rest, *next;
        struct tms_error error = {0};
        unsigned line = 0;
        size_t size;
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : unreadable(path, -errno);
        /* tms_text_read() refuses characters that an editor does not show: such a character must not set anything. */
        r = tms_text_read(fd, path, &text, &size, &error);
        if (r < 0) {
                log_event(CONFIG_WRONG, FIELDS(field_text("CONFIG_FILE", path), field_errno(r)), "%s",
                          tms_error_format(&error, sentence, sizeof(sentence)));
                return r;
        }
        for (rest = text; rest; rest = next) {
                char *s, *eq;
                size_t n;

                next = strchr(rest, '\n');
                if (next)
                        *next++ = '\0';
                s = strip(rest);
                n = strlen(s);
                line++;
                if (n == 0 || *s == '#' || *s == ';')
                        continue;
                if (*s == '[') {
                        if (s[n - 1] != ']' || n - 2 >= sizeof(section))
                                return wrong(path, line, "not a section head such as [Audit]");
                        s[n - 1] = '\0';
                        strcpy(section, s + 1);
                        continue;
                }
                eq = strchr(s, '=');
                if (!eq)
                        return wrong(path, line, "expected Key=Value");
                *eq = '\0';
                r = set(c, path, line, section, strip(s), strip(eq + 1));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int is_conf(const struct dirent *de)
{
        size_t n = strlen(de->d_name);

        return de->d_name[0] != '.' && n > 5 && STREQ(de->d_name + n - 5, ".conf");
}

int config_load(const char *dir, struct config *ret)
{
        struct config c = {0};
        struct dirent **entries;
        char path[PATH_MAX];
        int i, n, r;

        for (i = 0; i < CONFIG_KEYS; i++) {
                bool is_one = config_keys[i].parse(config_keys[i].standard, member_of(&c, config_keys + i));

                assert(is_one);
        }
        (void)snprintf(path, sizeof(path), "%s/tmsd.conf", dir);
        r = load_file(path, &c);
        if (r < 0)
                return r;
        (void)snprintf(path, sizeof(path), "%s/tmsd.conf.d", dir);
        n = scandir(path, &entries, is_conf, alphasort);
        if (n < 0 && errno != ENOENT)
                return unreadable(path, -errno);
        for (i = 0; i < n; i++) {
                (void)snprintf(path, sizeof(path), "%s/tmsd.conf.d/%s", dir, entries[i]->d_name);
                if (r >= 0)
                        r = load_file(path, &c);
                free(entries[i]);
        }
        if (n >= 0)
                free(entries);
        if (r < 0)
                return r;
        *ret = c;
        return 0;
}
