/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the value of a key of a map. If a required key is missing, the sentence says what was expected. */
#include "tree.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 2000
#define TITLE_MAX 120

int map_text(const struct reader *reader, const struct node *map, const char *key, bool required, char **ret)
{
        const struct node *n = node_get(map, key);

        if (n)
                return read_text(reader, n, TEXT_MAX, ret);
        return required ? node_missing(reader, map, key, "words") : 0;
}

int map_line(const struct reader *reader, const struct node *map, const char *key, bool required, char **ret)
{
        const struct node *n = node_get(map, key);

        if (n)
                return read_line(reader, n, TITLE_MAX, ret);
        return required ? node_missing(reader, map, key, "words") : 0;
}

int map_choice(const struct reader *reader, const struct node *map, const char *key, const char *const *choices,
               unsigned *ret)
{
        const struct node *n = node_get(map, key);
        char list[160] = "one of: ";

        if (n)
                return read_choice(reader, n, choices, ret);
        for (size_t i = 0; choices[i]; i++)
                snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", choices[i]);
        return node_missing(reader, map, key, list);
}

int map_number(const struct reader *reader, const struct node *map, const char *key, uint64_t min, uint64_t max,
               uint32_t *ret)
{
        const struct node *n = node_get(map, key);
        uint64_t v;
        int r;

        if (!n)
                return 0;
        r = read_count(reader, n, min, max, &v);
        if (r < 0)
                return r;
        *ret = (uint32_t)v;
        return 0;
}
