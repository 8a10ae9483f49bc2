/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The top level of a protocol file: its keys, in the order in which they are
 * checked, and the object that is made of them. tms-protocol(5) describes the
 * file for people.
 */
#include "protocol.h"

#include <errno.h>
#include <string.h>

static int format_read(const struct reader *reader, const struct node *root)
{
        const struct node *n = node_get(root, "format");

        if (!n)
                return node_missing(reader, root, "format", "\"format: 1\"");
        if (n->kind != NODE_TEXT || n->escaped || strcmp(n->text, "1") != 0)
                return node_fail(reader, n, "this format is not known; expected \"1\"");
        return 0;
}

/* An id has a-z, 0-9 and single dashes only, so that it is safe as a file name and in an object path. */
static int id_read(const struct reader *reader, const struct node *root, char **ret)
{
        const struct node *n = node_get(root, "id");
        _cleanup_free_ char *id = NULL;
        int r;

        if (!n)
                return node_missing(reader, root, "id", "the file's name without \".yaml\"");
        r = read_line(reader, n, 63, &id);
        if (r >= 0)
                r = node_check_spelling(reader, n, "expected small letters, digits and single dashes between them");
        if (r < 0)
                return r;
        for (const char *c = id; *c; c++) {
                bool word = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

                if (!word && (*c != '-' || c == id || !c[1] || c[1] == '-'))
                        return node_fail(reader, n,
                                         "\"%.63s\" cannot be an id; expected small letters, digits and single dashes "
                                         "between them",
                                         id);
        }
        *ret = TAKE_PTR(id);
        return 0;
}

static int age_read(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        static const char *const keys[] = {"from", "to", NULL};
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = map_number(reader, n, "from", 1, 120, &p->age_from);
        if (r < 0)
                return r;
        r = map_number(reader, n, "to", 1, 120, &p->age_to);
        if (r < 0)
                return r;
        if (p->age_from && p->age_to && p->age_from > p->age_to)
                return node_fail(reader, node_get(n, "to"), "expected an age not below \"from\"");
        return 0;
}

static int all_totals_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        const struct node *n = node_get(root, "totals"), *legs = node_get(root, "legs");
        int r;

        if (!n)
                return node_missing(reader, root, "totals", "pulses, trains and first_to_last");
        for (size_t i = 0; legs && i < legs->n; i++) {
                const struct node *k = node_get(legs->children[i], "totals");

                r = k ? totals_read(reader, k, p, &p->legs[i], NULL) : 0;
                if (r < 0)
                        return r;
        }
        return totals_read(reader, n, p, NULL, &p->stated);
}

static int protocol_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        static const char *const keys[] = {
                        "format", "id",       "title",  "indication", "age",       "target",
                        "coil",   "waveform", "status", "verified",   "intensity", "pattern",
                        "legs",   "totals",   "course", "citations",  "notes",     NULL,
        };
        const struct node *n;
        int r;

        r = node_check_keys(reader, root, keys);
        if (r < 0)
                return r;
        r = format_read(reader, root);
        if (r < 0)
                return r;
        r = id_read(reader, root, &p->id);
        if (r < 0)
                return r;
        r = map_line(reader, root, "title", true, &p->title);
        if (r < 0)
                return r;
        r = map_line(reader, root, "indication", true, &p->indication);
        if (r < 0)
                return r;
        r = map_line(reader, root, "target", true, &p->target);
        if (r < 0)
                return r;
        r = map_text(reader, root, "notes", false, &p->notes);
        if (r < 0)
                return r;
        n = node_get(root, "age");
        if (n) {
                r = age_read(reader, n, p);
                if (r < 0)
                        return r;
        }
        r = map_choice(reader, root, "coil", coil_names + TMS_COIL_TYPE_FIGURE8, &p->coil);
        if (r < 0)
                return r;
        p->coil += TMS_COIL_TYPE_FIGURE8;
        r = map_choice(reader, root, "waveform", waveform_names, &p->waveform);
        if (r < 0)
                return r;
        r = map_choice(reader, root, "status", protocol_statuses, &p->status);
        if (r < 0)
                return r;

        n = node_get(root, "intensity");
        if (!n)
                return node_missing(reader, root, "intensity", "reference and percent");
        r = main_intensity_read(reader, n, p);
        if (r < 0)
                return r;

        r = legs_read(reader, root, p);
        if (r < 0)
                return r;
        r = legs_finish(reader, root, p);
        if (r < 0)
                return r;
        r = all_totals_read(reader, root, p);
        if (r < 0)
                return r;

        n = node_get(root, "course");
        if (n) {
                r = course_read(reader, n, p);
                if (r < 0)
                        return r;
        }
        return citations_read(reader, root, p);
}

int tms_protocol_parse(const char *name, const char *text, size_t size, struct tms_protocol **ret,
                       struct tms_error *error)
{
        _cleanup_(tms_protocol_freep) struct tms_protocol *p = NULL;
        _cleanup_(node_freep) struct node *root = NULL;
        struct tms_error own = {};
        struct reader reader = {name, error ?: &own};
        int r;

        r = tree_parse(&reader, text, size, &root);
        if (r < 0)
                return r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return error_memory(error, name);

        r = protocol_read(&reader, root, p);
        if (r == -ENOMEM)
                return error_memory(error, name);
        if (r < 0)
                return r;

        p->text = malloc(size + 1);
        if (!p->text || tms_sha256_hex(text, size, p->sha256) < 0)
                return error_memory(error, name);
        memcpy(p->text, text, size);
        p->text[size] = 0;
        p->size = size;

        *ret = TAKE_PTR(p);
        return 0;
}

struct tms_protocol *tms_protocol_free(struct tms_protocol *p)
{
        if (!p)
                return NULL;

        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                leg_clear(&p->legs[i]);
        for (size_t i = 0; i < p->n_citations; i++) {
                free(p->citations[i].text);
                free(p->citations[i].supports);
        }
        free(p->citations);
        free(p->text);
        free(p->id);
        free(p->title);
        free(p->indication);
        free(p->target);
        free(p->notes);
        free(p->muscle);
        free(p->adjustment);
        free(p->maintenance);
        free(p);
        return NULL;
}
