/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a protocol's numbers come from, and whether that was checked. */
#include "protocol.h"

#include <errno.h>

#define CITATIONS_MAX 32

static int citation_read(const struct reader *reader, const struct node *n, struct citation *ret)
{
        static const char *const keys[] = {"text", "supports", "basis", "verified", NULL};
        const struct node *verified;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = map_text(reader, n, "text", true, &ret->text);
        if (r < 0)
                return r;
        r = map_text(reader, n, "supports", true, &ret->supports);
        if (r < 0)
                return r;
        r = map_choice(reader, n, "basis", citation_bases, &ret->basis);
        if (r < 0)
                return r;

        verified = node_get(n, "verified");
        if (!verified)
                return node_missing(reader, n, "verified", "\"true\" or \"false\"");
        r = read_bool(reader, verified, &ret->verified);
        if (r < 0)
                return r;
        if (ret->verified && ret->basis == BASIS_GENERAL_KNOWLEDGE)
                return node_fail(reader, verified,
                                 "general knowledge has no source to be verified against; expected \"false\" or "
                                 "another basis");
        return 0;
}

int citations_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        const struct node *n = node_get(root, "citations"), *verified = node_get(root, "verified");
        bool all = true;
        int r;

        if (!n && p->status == STATUS_RESEARCH) {
                /* A research protocol may have no citations, but then nothing has been verified. */
                r = verified ? read_bool(reader, verified, &p->verified) : 0;
                if (r >= 0 && p->verified)
                        return node_fail(reader, verified, "there are no citations; expected \"false\"");
                return r;
        }
        if (!n)
                return node_missing(reader, root, "citations", "a list that says where the numbers come from");
        r = node_check_list(reader, n, 1, CITATIONS_MAX, "citations, each with text, supports, basis and verified");
        if (r < 0)
                return r;
        p->citations = calloc(n->n, sizeof(*p->citations));
        if (!p->citations)
                return -ENOMEM;
        for (size_t i = 0; i < n->n; i++) {
                p->n_citations = i + 1;
                r = citation_read(reader, n->children[i], &p->citations[i]);
                if (r < 0)
                        return r;
                all &= p->citations[i].verified;
        }

        if (!verified)
                return node_missing(reader, root, "verified", "\"true\" if every citation is, else \"false\"");
        r = read_bool(reader, verified, &p->verified);
        if (r < 0)
                return r;
        if (p->verified != all)
                return node_fail(reader, verified, "expected \"%s\", since %s", all ? "true" : "false",
                                 all ? "every citation is verified" : "not every citation is verified");
        return 0;
}
