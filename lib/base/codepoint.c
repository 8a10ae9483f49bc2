/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codepoint.h"

#include "unassigned.h"

#include <inttypes.h>

/* --- Classes ------------------------------------------------------------------------------ */

/*
 * Sorted, without overlap. Names in capitals are Unicode's own.
 *
 * CODE_INVISIBLE contains the characters that Unicode calls format characters
 * or "default ignorable", except those of them that are drawn (U+0600...), and
 * the blanks that Unicode classes as letters or signs.
 */
static const struct {
        uint32_t first, last;
        enum code_class class_;
        const char *name;
} ranges[] = {
                {0x00, 0x1f, CODE_CONTROL, NULL},
                {0x7f, 0x84, CODE_CONTROL, NULL},
                {0x85, 0x85, CODE_LINE_END, "NEXT LINE"},
                {0x86, 0x9f, CODE_CONTROL, NULL},
                {0xa0, 0xa0, CODE_SPACE, "NO-BREAK SPACE"},
                {0xad, 0xad, CODE_INVISIBLE, "SOFT HYPHEN"},
                {0x34f, 0x34f, CODE_INVISIBLE, "COMBINING GRAPHEME JOINER"},
                {0x61c, 0x61c, CODE_DIRECTION, "ARABIC LETTER MARK"},
                {0x115f, 0x115f, CODE_INVISIBLE, "HANGUL CHOSEONG FILLER"},
                {0x1160, 0x1160, CODE_INVISIBLE, "HANGUL JUNGSEONG FILLER"},
                {0x1680, 0x1680, CODE_SPACE, "OGHAM SPACE MARK"},
                {0x17b4, 0x17b5, CODE_INVISIBLE, "an inherent Khmer vowel"},
                {0x180b, 0x180d, CODE_INVISIBLE, "a Mongolian variation selector"},
                {0x180e, 0x180e, CODE_INVISIBLE, "MONGOLIAN VOWEL SEPARATOR"},
                {0x180f, 0x180f, CODE_INVISIBLE, "a Mongolian variation selector"},
                {0x2000, 0x2000, CODE_SPACE, "EN QUAD"},
                {0x2001, 0x2001, CODE_SPACE, "EM QUAD"},
                {0x2002, 0x2002, CODE_SPACE, "EN SPACE"},
                {0x2003, 0x2003, CODE_SPACE, "EM SPACE"},
                {0x2004, 0x2004, CODE_SPACE, "THREE-PER-EM SPACE"},
                {0x2005, 0x2005, CODE_SPACE, "FOUR-PER-EM SPACE"},
                {0x2006, 0x2006, CODE_SPACE, "SIX-PER-EM SPACE"},
                {0x2007, 0x2007, CODE_SPACE, "FIGURE SPACE"},
                {0x2008, 0x2008, CODE_SPACE, "PUNCTUATION SPACE"},
                {0x2009, 0x2009, CODE_SPACE, "THIN SPACE"},
                {0x200a, 0x200a, CODE_SPACE, "HAIR SPACE"},
                {0x200b, 0x200b, CODE_INVISIBLE, "ZERO WIDTH SPACE"},
                {0x200c, 0x200c, CODE_INVISIBLE, "ZERO WIDTH NON-JOINER"},
                {0x200d, 0x200d, CODE_INVISIBLE, "ZERO WIDTH JOINER"},
                {0x200e, 0x200e, CODE_DIRECTION, "LEFT-TO-RIGHT MARK"},
                {0x200f, 0x200f, CODE_DIRECTION, "RIGHT-TO-LEFT MARK"},
                {0x2028, 0x2028, CODE_LINE_END, "LINE SEPARATOR"},
                {0x2029, 0x2029, CODE_LINE_END, "PARAGRAPH SEPARATOR"},
                {0x202a, 0x202a, CODE_DIRECTION, "LEFT-TO-RIGHT EMBEDDING"},
                {0x202b, 0x202b, CODE_DIRECTION, "RIGHT-TO-LEFT EMBEDDING"},
                {0x202c, 0x202c, CODE_DIRECTION, "POP DIRECTIONAL FORMATTING"},
                {0x202d, 0x202d, CODE_DIRECTION, "LEFT-TO-RIGHT OVERRIDE"},
                {0x202e, 0x202e, CODE_DIRECTION, "RIGHT-TO-LEFT OVERRIDE"},
                {0x202f, 0x202f, CODE_SPACE, "NARROW NO-BREAK SPACE"},
                {0x205f, 0x205f, CODE_SPACE, "MEDIUM MATHEMATICAL SPACE"},
                {0x2060, 0x2060, CODE_INVISIBLE, "WORD JOINER"},
                {0x2061, 0x2064, CODE_INVISIBLE, "an invisible sign of mathematics"},
                {0x2065, 0x2065, CODE_INVISIBLE, NULL},
                {0x2066, 0x2066, CODE_DIRECTION, "LEFT-TO-RIGHT ISOLATE"},
                {0x2067, 0x2067, CODE_DIRECTION, "RIGHT-TO-LEFT ISOLATE"},
                {0x2068, 0x2068, CODE_DIRECTION, "FIRST STRONG ISOLATE"},
                {0x2069, 0x2069, CODE_DIRECTION, "POP DIRECTIONAL ISOLATE"},
                {0x206a, 0x206f, CODE_DIRECTION, "a deprecated format character"},
                {0x2800, 0x2800, CODE_INVISIBLE, "BRAILLE PATTERN BLANK"},
                {0x3000, 0x3000, CODE_SPACE, "IDEOGRAPHIC SPACE"},
                {0x3164, 0x3164, CODE_INVISIBLE, "HANGUL FILLER"},
                {0xe000, 0xf8ff, CODE_PRIVATE, "private use"},
                {0xfe00, 0xfe0f, CODE_INVISIBLE, "a variation selector"},
                {0xfeff, 0xfeff, CODE_INVISIBLE, "ZERO WIDTH NO-BREAK SPACE, the byte order mark"},
                {0xffa0, 0xffa0, CODE_INVISIBLE, "HALFWIDTH HANGUL FILLER"},
                {0xfff0, 0xfff8, CODE_INVISIBLE, NULL},
                {0xfff9, 0xfffb, CODE_INVISIBLE, "an interlinear annotation character"},
                {0x13430, 0x1343f, CODE_INVISIBLE, "an Egyptian hieroglyph format control"},
                {0x16fe4, 0x16fe4, CODE_INVISIBLE, "KHITAN SMALL SCRIPT FILLER"},
                {0x1bca0, 0x1bca3, CODE_INVISIBLE, "a shorthand format control"},
                {0x1d159, 0x1d159, CODE_INVISIBLE, "MUSICAL SYMBOL NULL NOTEHEAD"},
                {0x1d173, 0x1d17a, CODE_INVISIBLE, "a musical format control"},
                {0xe0000, 0xe007f, CODE_INVISIBLE, "a tag character"},
                {0xe0080, 0xe00ff, CODE_INVISIBLE, NULL},
                {0xe0100, 0xe01ef, CODE_INVISIBLE, "a variation selector"},
                {0xe01f0, 0xe0fff, CODE_INVISIBLE, NULL},
                {0xf0000, 0xffffd, CODE_PRIVATE, "private use"},
                {0x100000, 0x10fffd, CODE_PRIVATE, "private use"},
};

static size_t range_of(uint32_t code)
{
        size_t i = 0;

        while (i < ELEMENTS(ranges) && ranges[i].last < code)
                i++;
        return i < ELEMENTS(ranges) && ranges[i].first <= code ? i : SIZE_MAX;
}

static bool is_unassigned(uint32_t code)
{
        size_t low = 0, high = ELEMENTS(unassigned);

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (unassigned[middle].last < code)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < ELEMENTS(unassigned) && unassigned[low].first <= code;
}

enum code_class code_class(uint32_t code)
{
        size_t i;

        if (code >= 0x20 && code < 0x7f)
                return CODE_SHOWN;
        i = range_of(code);
        if (i != SIZE_MAX)
                return ranges[i].class_;
        return code > 0x10ffff || is_unassigned(code) ? CODE_UNASSIGNED : CODE_SHOWN;
}

const char *code_class_sentence(enum code_class c)
{
        switch (c) {
        case CODE_SHOWN:
                return NULL;
        case CODE_SPACE:
                return "which looks like a space and is none; expected a plain space (only inside quotation marks may "
                       "it stand)";
        case CODE_CONTROL:
                return "a control character; expected text without it: delete it";
        case CODE_LINE_END:
                return "where some programs end the line and others do not, so that they read two different files; "
                       "expected a plain line end, or nothing: delete it";
        case CODE_DIRECTION:
                return "which changes the order in which the line is shown; expected text without it: delete it";
        case CODE_INVISIBLE:
                return "which cannot be seen; expected text without it: delete it";
        case CODE_PRIVATE:
                return "which each font shows in its own way; expected a character with an agreed form: replace it";
        case CODE_UNASSIGNED:
                return "which Unicode 15.0 does not know; expected a character that every reader shows: replace it";
        }
        return NULL;
}

/* --- Words -------------------------------------------------------------------------------- */

static const char *const control_names[] = {
                "NULL",
                "START OF HEADING",
                "START OF TEXT",
                "END OF TEXT",
                "END OF TRANSMISSION",
                "ENQUIRY",
                "ACKNOWLEDGE",
                "BELL",
                "BACKSPACE",
                "TAB",
                "LINE FEED",
                "LINE TABULATION",
                "FORM FEED",
                "CARRIAGE RETURN",
                "SHIFT OUT",
                "SHIFT IN",
                "DATA LINK ESCAPE",
                "DEVICE CONTROL ONE",
                "DEVICE CONTROL TWO",
                "DEVICE CONTROL THREE",
                "DEVICE CONTROL FOUR",
                "NEGATIVE ACKNOWLEDGE",
                "SYNCHRONOUS IDLE",
                "END OF TRANSMISSION BLOCK",
                "CANCEL",
                "END OF MEDIUM",
                "SUBSTITUTE",
                "ESCAPE",
                "INFORMATION SEPARATOR FOUR",
                "INFORMATION SEPARATOR THREE",
                "INFORMATION SEPARATOR TWO",
                "INFORMATION SEPARATOR ONE",
};

static const char *control_name(uint32_t code)
{
        if (code < ELEMENTS(control_names))
                return control_names[code];
        switch (code) {
        case 0x7f:
                return "DELETE";
        case 0x90:
                return "DEVICE CONTROL STRING";
        case 0x98:
                return "START OF STRING";
        case 0x9b:
                return "CONTROL SEQUENCE INTRODUCER";
        case 0x9c:
                return "STRING TERMINATOR";
        case 0x9d:
                return "OPERATING SYSTEM COMMAND";
        default:
                return "C1 CONTROL";
        }
}

/* Scripts with letters, digits or signs that look like those of ASCII. All of them are CODE_SHOWN. */
static const struct {
        uint32_t first, last;
        const char *words;
} scripts[] = {
                {0xb2, 0xb3, "a superscript digit"},
                {0xb5, 0xb5, "MICRO SIGN"},
                {0xb7, 0xb7, "MIDDLE DOT"},
                {0xb9, 0xb9, "a superscript digit"},
                {0xc0, 0x24f, "a Latin letter beyond a to z"},
                {0x300, 0x36f, "a combining mark"},
                {0x370, 0x3ff, "a Greek letter"},
                {0x400, 0x52f, "a Cyrillic letter"},
                {0x530, 0x58f, "an Armenian letter"},
                {0x590, 0x5ff, "a Hebrew letter"},
                {0x660, 0x669, "an Arabic digit"},
                {0x66a, 0x66a, "ARABIC PERCENT SIGN"},
                {0x6f0, 0x6f9, "an Arabic digit"},
                {0x966, 0x96f, "a Devanagari digit"},
                {0x13a0, 0x13ff, "a Cherokee letter"},
                {0x2010, 0x2015, "a dash that is not the hyphen of a keyboard"},
                {0x2018, 0x201f, "a curly quotation mark"},
                {0x2024, 0x2026, "dots that are not a full stop"},
                {0x2030, 0x2031, "a sign that is not the per cent sign"},
                {0x2044, 0x2044, "FRACTION SLASH"},
                {0x2070, 0x209f, "a superscript or subscript"},
                {0x2150, 0x218f, "a sign for a number"},
                {0x2212, 0x2212, "MINUS SIGN"},
                {0x2215, 0x2215, "DIVISION SLASH"},
                {0x2236, 0x2236, "RATIO"},
                {0x2460, 0x24ff, "an enclosed letter or number"},
                {0xfe50, 0xfe6f, "a small form of another sign"},
                {0xff01, 0xff5e, "a fullwidth form"},
                {0x1d400, 0x1d7ff, "a letter or digit of mathematics"},
                {0x1fbf0, 0x1fbf9, "a segmented digit"},
};

static const char *script_words(uint32_t code)
{
        for (size_t i = 0; i < ELEMENTS(scripts); i++)
                if (code >= scripts[i].first && code <= scripts[i].last)
                        return scripts[i].words;
        return NULL;
}

const char *code_words(uint32_t code, char buf[CODE_WORDS])
{
        const size_t i = range_of(code);
        const char *name = i != SIZE_MAX ? ranges[i].name : script_words(code);

        if (i != SIZE_MAX && ranges[i].class_ == CODE_CONTROL)
                name = control_name(code);
        if (name)
                snprintf(buf, CODE_WORDS, "U+%04" PRIX32 " (%s)", code, name);
        else
                snprintf(buf, CODE_WORDS, "U+%04" PRIX32, code);
        return buf;
}

/* --- Reading ------------------------------------------------------------------------------ */

uint32_t code_at(const char *text, int length)
{
        const unsigned char *s = (const unsigned char *)text;
        uint32_t code = length == 1 ? s[0] : s[0] & (0x7fu >> length);

        for (int i = 1; i < length; i++)
                code = code << 6 | (s[i] & 0x3f);
        return code;
}

const char *code_find_foreign(const char *text)
{
        while (*text >= 0x20 && *text < 0x7f)
                text++;
        return *text ? text : NULL;
}
