/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record as one line of JSON; see jsonline.h. */
#include "jsonline.h"

struct line {
        char *text;
        size_t size, used;
        bool failed; /* kept here, since jansson may not pass the failure on */
};

static int take(const char *part, size_t size, void *userdata)
{
        struct line *l = userdata;
        size_t wanted = l->used + size + 1, grown = l->size ? l->size : 512;
        char *text;

        while (grown < wanted)
                grown *= 2;
        if (!l->failed && grown > l->size) {
                text = realloc(l->text, grown);
                if (text) {
                        l->text = text;
                        l->size = grown;
                } else {
                        l->failed = true;
                }
        }
        if (l->failed)
                return -1;
        memcpy(l->text + l->used, part, size);
        l->used += size;
        l->text[l->used] = '\0';
        return 0;
}

int json_line(const json_t *record, char **ret)
{
        struct line l = {0};

        if (json_dump_callback(record, take, &l, JSON_COMPACT) < 0 || l.failed || !l.text) {
                free(l.text);
                return -ENOMEM;
        }
        *ret = l.text;
        return 0;
}

json_t *json_clipped(const char *text, size_t most)
{
        size_t n = most - strlen("...");

        if (strlen(text) <= most)
                return json_string(text);
        /* A byte that continues a character is 10xxxxxx. */
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
                n--;
        return json_sprintf("%.*s...", (int)n, text);
}
