/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checkpoint that a seal names, if it is there: its hash, and whether it says of the log what the log says. What it
 * says of the daemon's state only the daemon can tell.
 */
#include "audit-pass.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

char *tms_audit_position_text(const struct tms_audit_position *at)
{
        char tree[TMS_MERKLE_TEXT], *text;

        tms_merkle_text(&at->tree, tree, sizeof(tree));
        if (asprintf(&text,
                     "{\"format\":2,\"origin\":\"%s\",\"records\":%" PRIu64 ",\"segment\":%" PRIu64
                     ",\"offset\":%" PRIu64 ",\"prev\":\"%s\",\"seals\":%" PRIu64
                     ",\"public\":\"%s\",\"tree\":%s,\"state\":",
                     at->origin, at->records, at->segment, at->offset, at->head, at->seals, at->next_public, tree) < 0)
                return NULL;
        return text;
}

static int read_all(int fd, char *buf, size_t size)
{
        size_t have = 0;
        ssize_t n;

        while (have < size) {
                n = read(fd, buf + have, size - have);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EBADMSG;
                have += (size_t)n;
        }
        return 0;
}

int audit_checkpoint_check(struct audit_pass *v, const struct record *record, struct audit_why *why)
{
        struct record_value named = record_data(record, "checkpoint");
        _cleanup_free_ char *text = NULL, *due = NULL;
        char name[64], hash[AUDIT_HEX + 1];
        _cleanup_close_ int fd = -1;
        struct stat st;
        size_t size;
        int r;

        if (!named.text)
                return 0;
        snprintf(name, sizeof(name), "checkpoints/%" PRIu64 ".json", v->at.records);
        fd = audit_open_beside(v->reader.dir_fd, name, &st);
        /* Only the newest ones are kept. */
        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        if (fd < 0)
                return audit_why_open(why, name, fd);
        if (st.st_size > TMS_AUDIT_CHECKPOINT_MAX)
                return audit_why(why, "%s is far too long for a checkpoint", name);
        size = (size_t)st.st_size;
        text = malloc(size + 1);
        due = tms_audit_position_text(&v->at);
        if (!text || !due)
                return -ENOMEM;
        r = read_all(fd, text, size);
        if (r < 0 && r != -EBADMSG)
                return audit_why_open(why, name, r);
        if (r >= 0)
                r = audit_sha_line(&v->sha, text, size, hash);
        if (r == -EBADMSG || (r >= 0 && !record_string_is(named, hash)))
                return audit_why(why, "%s is not the checkpoint that was sealed: its hash differs", name);
        if (r < 0)
                return r;
        if (size < strlen(due) || memcmp(text, due, strlen(due)) != 0)
                return audit_why(why, "%s says of the log what it does not say", name);
        return 0;
}
