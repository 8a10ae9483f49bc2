/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A course's code and its check character; see code.h. */
#include "code.h"
#include "util.h"

/* ISO 7064, MOD 37,36: the alphabet has 36 characters, and the carry is kept modulo 37. */
#define ALPHABET "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define MODULUS 36U

/* The value of a character in either case, or MODULUS if it has none. Not toupper(): its result depends on the locale. */
static unsigned value_of(char c)
{
        if (c >= '0' && c <= '9')
                return (unsigned)(c - '0');
        if (c >= 'A' && c <= 'Z')
                return (unsigned)(c - 'A') + 10;
        if (c >= 'a' && c <= 'z')
                return (unsigned)(c - 'a') + 10;
        return MODULUS;
}

static char check_of(const char *s, size_t n)
{
        unsigned carry = MODULUS;
        size_t i;

        for (i = 0; i < n; i++) {
                unsigned sum = (carry + value_of(s[i])) % MODULUS;

                carry = (sum ? sum : MODULUS) * 2 % (MODULUS + 1);
        }
        return ALPHABET[(MODULUS + 1 - carry) % MODULUS];
}

/* Are the n characters of s, which are all of it, of the alphabet, with a digit among the first n_body? */
static int look(const char *s, size_t n, size_t n_body, char why[static COURSE_WHY])
{
        bool digit = false;
        size_t i;

        for (i = 0; i < n; i++) {
                if (value_of(s[i]) == MODULUS) {
                        (void)snprintf(why, COURSE_WHY,
                                       "character %zu of the course's code is neither a digit nor a letter from A to "
                                       "Z; give the code as it is written on the course's papers, without blanks and "
                                       "signs",
                                       i + 1);
                        return -EINVAL;
                }
                digit |= i < n_body && value_of(s[i]) < 10;
        }
        if (!digit) {
                (void)snprintf(why, COURSE_WHY,
                               "a course's code has a digit before its check character, so that no name is taken for a "
                               "code; number the course instead of naming the person");
                return -EINVAL;
        }
        return 0;
}

int course_code_read(const char *typed, char ret[static COURSE_CODE_LONGEST + 1], char why[static COURSE_WHY])
{
        const size_t n = strlen(typed);
        size_t i;
        int r;

        if (n < COURSE_CODE_LEAST || n > COURSE_CODE_LONGEST) {
                (void)snprintf(why, COURSE_WHY,
                               "a course's code has %d to %d characters, the check character included, and this one "
                               "has %zu; give the whole code",
                               COURSE_CODE_LEAST, COURSE_CODE_LONGEST, n);
                return -EINVAL;
        }
        r = look(typed, n, n - 1, why);
        if (r < 0)
                return r;
        /* Which character would be right is not said: it would turn each slip into the code of another course. */
        if (ALPHABET[value_of(typed[n - 1])] != check_of(typed, n - 1)) {
                (void)snprintf(why, COURSE_WHY,
                               "the check character at the end of the course's code does not fit the rest: a character "
                               "is wrong, or two are exchanged; compare the code with the course's papers");
                return -EINVAL;
        }
        for (i = 0; i < n; i++)
                ret[i] = ALPHABET[value_of(typed[i])];
        ret[n] = '\0';
        return 0;
}

int course_code_make(const char *body, char ret[static COURSE_CODE_LONGEST + 1], char why[static COURSE_WHY])
{
        const size_t n = strlen(body);
        size_t i;
        int r;

        if (n < COURSE_CODE_LEAST - 1 || n > COURSE_CODE_LONGEST - 1) {
                (void)snprintf(why, COURSE_WHY,
                               "a course's number has %d to %d characters before its check character, and this one has "
                               "%zu; give another number",
                               COURSE_CODE_LEAST - 1, COURSE_CODE_LONGEST - 1, n);
                return -EINVAL;
        }
        r = look(body, n, n, why);
        if (r < 0)
                return r;
        for (i = 0; i < n; i++)
                ret[i] = ALPHABET[value_of(body[i])];
        ret[n] = check_of(body, n);
        ret[n + 1] = '\0';
        return 0;
}
