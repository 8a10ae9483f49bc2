/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a sentence to a person say what to do next? See next-step.h. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "next-step.h"

/* What a clause that asks for something begins with, or has in it. */
static const char *const verbs[] = {
                "ask",       "begin",   "call",    "change", "check",    "choose",   "close",   "compare",
                "copy",      "correct", "connect", "do",     "end",      "expected", "find",    "free",
                "give",      "have",    "install", "leave",  "lengthen", "let",      "look",    "lower",
                "make",      "measure", "mend",    "mount",  "name",     "plug",     "number",  "prepare",
                "prescribe", "press",   "put",     "record", "release",  "report",   "restore", "run",
                "save",      "say",     "see",     "set",    "shorten",  "split",    "start",   "stop",
                "switch",    "take",    "to be",   "try",    "unplug",   "use",      "wait",    "when all may go on",
};
static const char *const phrases[] = {
                "comes first",  "comes next", "would help",   "charges it", "goes on with",
                "known are",    "known is",   "wants ",       "must be ",   "needs a prescriber's override",
                "may override", "says more",  "there may be", "tmsctl ",    "systemctl ",
};

static bool asks(const char *clause)
{
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                size_t n = strlen(verbs[i]);

                if (strncasecmp(clause, verbs[i], n) == 0 && !isalpha((unsigned char)clause[n]))
                        return true;
        }
        return false;
}

bool names_next_step(const char *sentence)
{
        for (const char *p = sentence; *p; p++)
                if ((*p == '.' || *p == ';' || *p == ':' || *p == ',') && p[1] == ' ' && asks(p + 2))
                        return true;
        for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
                if (strstr(sentence, phrases[i]))
                        return true;
        return false;
}

void tells_next_step(const char *sentence)
{
        if (!names_next_step(sentence))
                fail_msg("no next step: %s", sentence);
}
