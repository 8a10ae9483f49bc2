/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that tmsctl prints goes through here; see tmsctl.h. */
#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "tmsctl.h"
#include "wrap.h"

#define COLUMNS_DEFAULT 80
#define OUT_OF_MEMORY "out of memory; end other programs and try again"

/* What follows the first line of a sentence on standard error begins in this column. */
#define MARGIN 4

static bool said;     /* a failure was printed on standard error */
static int out_error; /* errno of a write to standard output that failed */

static unsigned columns_of(int fd)
{
        struct winsize w;

        if (ioctl(fd, TIOCGWINSZ, &w) < 0 || w.ws_col < 20)
                return COLUMNS_DEFAULT;
        return w.ws_col;
}

/* Line feeds and control characters, of a file's name say, are written as escapes. */
static void write_escaped(FILE *f, const char *s)
{
        (void)fputs("tmsctl: ", f);
        for (; *s; s++) {
                if (*s == '\n')
                        (void)fputs("\\n", f);
                else if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        (void)fprintf(f, "\\x%02x", (unsigned char)*s);
                else
                        (void)fputc(*s, f);
        }
}

/* One line; on a terminal as many as it takes there. */
static void print_line(const char *s)
{
        const bool fits = isatty(STDERR_FILENO);
        const unsigned width = columns_of(STDERR_FILENO);
        _cleanup_(freep) char *line = NULL;
        unsigned margin = 0;
        const char *rest;
        size_t n = 0;
        FILE *f;

        f = fits ? open_memstream(&line, &n) : NULL;
        write_escaped(f ? f : stderr, s);
        if (!f) {
                (void)fputc('\n', stderr);
                return;
        }
        if (fclose(f) != 0) {
                /* Without memory nothing is broken. */
                write_escaped(stderr, s);
                (void)fputc('\n', stderr);
                return;
        }
        for (rest = line; *rest; margin = MARGIN) {
                const char *next;

                n = wrap_line(rest, width - margin, &next);
                (void)fprintf(stderr, "%*s%.*s\n", (int)margin, "", (int)n, rest);
                rest = next;
        }
}

/* A failure as JSON. A refused dose also gets the keys that a verdict has. */
static json_t *failure_json(int status, const char *name, const char *message)
{
        const char *class = status == STATUS_NEVER      ? tms_safety_class_name(TMS_SAFETY_NEVER)
                            : status == STATUS_OVERRIDE ? tms_safety_class_name(TMS_SAFETY_OVERRIDE)
                                                        : NULL;
        json_t *j = json_pack("{s:{s:s, s:s}}", "error", "name", name, "message", message);

        if (!j || !class)
                return j;
        (void)json_object_set_new(j, "verdict", json_string(class));
        (void)json_object_set_new(j, "reasons",
                                  json_pack("[{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}]", "class", class, "layer",
                                            "", "table", "", "row", "", "column", "", "limit", "", "actual", "",
                                            "source", "", "sentence", message));
        return j;
}

int fail(int status, const char *name, const char *format, ...)
{
        _cleanup_(freep) char *message = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&message, format, ap) < 0)
                message = NULL;
        va_end(ap);
        if (!opt.json) {
                print_line(message ? message : OUT_OF_MEMORY);
                said = true;
                return status;
        }
        /* The message may quote an argument or a file's name, which may contain any byte. */
        if (message)
                (void)tms_text_repair(message);
        return print_json(failure_json(status, name, message ? message : OUT_OF_MEMORY), status);
}

int fail_tms(int status, const char *name, const struct tms_error *e)
{
        char text[1024];

        return fail(status, name, "%s", tms_error_format(e, text, sizeof(text)));
}

void note(const char *format, ...)
{
        _cleanup_(freep) char *message = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&message, format, ap) < 0)
                message = NULL;
        va_end(ap);
        print_line(message ? message : OUT_OF_MEMORY);
}

int out_end(int status)
{
        bool lost = ferror(stdout);

        if (fflush(stdout) != 0) {
                out_error = errno;
                lost = true;
        }
        /* Only the first failure is printed. */
        if (!lost || said)
                return status;
        note("standard output cannot be written%s%s; write elsewhere, and ask again", out_error ? ": " : "",
             out_error ? strerror(out_error) : "");
        return STATUS_FAILED;
}

int fail_memory(void)
{
        return fail(STATUS_FAILED, FAILURE_FAILED, OUT_OF_MEMORY);
}

const char *colour(enum colour c)
{
        static const char *const sequences[] = {
                        [COLOUR_NONE] = "\033[0m",    [COLOUR_RED] = "\033[31m", [COLOUR_GREEN] = "\033[32m",
                        [COLOUR_YELLOW] = "\033[33m", [COLOUR_BOLD] = "\033[1m", [COLOUR_DIM] = "\033[2m",
        };
        static int wanted = -1;

        if (wanted < 0) {
                const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

                wanted = !opt.json && isatty(STDOUT_FILENO) && (!no || !*no) && term && *term && !STREQ(term, "dumb");
        }
        return wanted ? sequences[c] : "";
}

bool is_utf8(void)
{
        return STREQ(nl_langinfo(CODESET), "UTF-8");
}

unsigned columns(void)
{
        return columns_of(STDOUT_FILENO);
}

int print_json(json_t *j, int status)
{
        int r;

        if (!j)
                return STATUS_FAILED;
        r = json_dumpf(j, stdout, JSON_COMPACT);
        json_decref(j);
        (void)putchar('\n');
        if (r < 0)
                return STATUS_FAILED;
        /* A program that reads the output gets each line at once. out_end() reports an error. */
        if (fflush(stdout) != 0)
                out_error = errno;
        return ferror(stdout) ? STATUS_FAILED : status;
}

/* --- Numbers ------------------------------------------------------------------------ */

static const char *minutes_text(uint64_t tenths, bool with_tenths, char buf[static CLOCK_TEXT])
{
        uint64_t s = tenths / 10;
        char fraction[4] = "";

        if (with_tenths && tenths % 10 != 0)
                (void)snprintf(fraction, sizeof(fraction), ".%u", (unsigned)(tenths % 10));
        if (s >= 3600)
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "%s", s / 3600, s / 60 % 60,
                               s % 60, fraction);
        else
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 ":%02" PRIu64 "%s", s / 60, s % 60, fraction);
        return buf;
}

/* 1840 thousandths become "1.84 s": three decimals, without trailing zeros. */
static const char *decimal_text(uint64_t thousandths, const char *unit, char buf[static CLOCK_TEXT])
{
        unsigned rest = (unsigned)(thousandths % 1000), digits = 3;

        for (; digits > 0 && rest % 10 == 0; digits--)
                rest /= 10;
        if (digits == 0)
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 " %s", thousandths / 1000, unit);
        else
                (void)snprintf(buf, CLOCK_TEXT, "%" PRIu64 ".%0*u %s", thousandths / 1000, (int)digits, rest, unit);
        return buf;
}

const char *clock_text(uint64_t ns, char buf[static CLOCK_TEXT])
{
        if (ns < NS_PER_S)
                return decimal_text((ns + 500) / 1000, "ms", buf);
        if (ns < 60 * NS_PER_S)
                return decimal_text((uint64_t)((ns + NS_PER_MS / 2) / NS_PER_MS), "s", buf);
        return minutes_text((uint64_t)((ns + 50 * NS_PER_MS) / (100 * NS_PER_MS)), true, buf);
}

const char *countdown_text(uint64_t ns, char buf[static CLOCK_TEXT])
{
        return minutes_text((ns + NS_PER_S - 1) / NS_PER_S * 10, false, buf);
}

const char *permille_text(uint32_t permille, char buf[static CLOCK_TEXT])
{
        if (permille % 10 == 0)
                (void)snprintf(buf, CLOCK_TEXT, "%u", permille / 10);
        else
                (void)snprintf(buf, CLOCK_TEXT, "%u.%u", permille / 10, permille % 10);
        return buf;
}
