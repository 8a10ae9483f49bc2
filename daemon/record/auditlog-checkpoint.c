/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints of the audit log: what the records before a seal have come to, in a file that the seal names; see
 * lib/AUDIT.md. A checkpoint lets a start be quick and is needed for nothing else. So a seal for which none can be
 * written is written without one, and the next seal tries again.
 */
#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "auditlog-internal.h"
#include "base/directory.h"
#include "file.h"
#include "jsonline.h"

#define CHECKPOINT_EVERY 1000
#define KEPT 3
#define SEAL_MAX_BYTES 16384

/* The whole text, or NULL: there was no memory for it, or for a record before. */
static char *compose(const struct auditlog *l)
{
        _cleanup_(json_decrefp) json_t *state = history_state(l->history);
        _cleanup_(freep) char *position = NULL, *told = NULL;
        char *text;

        if (!state || json_line(state, &told) < 0)
                return NULL;
        position = tms_audit_position_text(&l->at);
        if (!position || asprintf(&text, "%s%s}\n", position, told) < 0)
                return NULL;
        return text;
}

bool auditlog_write_checkpoint(struct auditlog *l, bool closing, char ret_hash[static 65])
{
        _cleanup_(freep) char *text = NULL;
        char name[TMS_AUDIT_CHECKPOINT_NAME];
        size_t size;

        if (l->at.format < 2 || l->low || (!closing && l->at.records < l->checkpointed + CHECKPOINT_EVERY))
                return false;
        text = compose(l);
        if (!text)
                return false;
        size = strlen(text);
        tms_audit_checkpoint_name(l->at.records, name);
        return (off_t)size <= TMS_AUDIT_CHECKPOINT_MAX && auditlog_hash(text, size, ret_hash) >= 0 &&
               write_file_synced(l->checkpoints_fd, name, 0600, text, size) >= 0;
}

/* --- Which are kept --------------------------------------------------------------- */

/* Is it the checkpoint of the seal that closed its segment? What cannot be read is kept. */
static bool is_of_closing(const struct auditlog *l, const char *name)
{
        char head[512], file[TMS_AUDIT_SEGMENT_NAME], line[SEAL_MAX_BYTES];
        uint64_t segment, offset;
        _cleanup_(closep) int fd = -1;
        const char *at, *end;
        struct stat st;
        ssize_t n;

        fd = openat(l->checkpoints_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
        if (n < 0)
                return true;
        head[n] = '\0';
        at = strstr(head, "\"segment\":");
        if (!at || sscanf(at, "\"segment\":%" SCNu64 ",\"offset\":%" SCNu64, &segment, &offset) != 2)
                return false;
        if (segment >= l->at.segment)
                return false;
        tms_audit_segment_name(segment, file);
        safe_close(fd);
        fd = openat(l->dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return true;
        n = pread(fd, line, sizeof(line), (off_t)offset);
        end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;
        return end && offset + (uint64_t)(end - line) + 1 == (uint64_t)st.st_size;
}

/* The lowest number of those that are kept for being the newest. */
static uint64_t find_newest(DIR *d)
{
        uint64_t newest[KEPT] = {0}, n;
        const struct dirent *entry;
        size_t i;

        while ((entry = readdir(d))) {
                if (!tms_audit_checkpoint_parse_name(entry->d_name, &n))
                        continue;
                for (i = 0; i < KEPT; i++) {
                        if (n <= newest[i])
                                continue;
                        memmove(newest + i + 1, newest + i, (KEPT - 1 - i) * sizeof(*newest));
                        newest[i] = n;
                        break;
                }
        }
        return newest[KEPT - 1];
}

/* A file that cannot be removed now is removed with the next checkpoint. */
void auditlog_tidy_checkpoints(struct auditlog *l)
{
        const struct dirent *entry;
        uint64_t least, n;
        DIR *d;

        if (directory_open(l->checkpoints_fd, ".", &d) < 0)
                return;
        least = find_newest(d);
        rewinddir(d);
        while ((entry = readdir(d))) {
                if (tms_audit_checkpoint_parse_name(entry->d_name, &n) && n < least && !is_of_closing(l, entry->d_name))
                        (void)unlinkat(l->checkpoints_fd, entry->d_name, 0);
        }
        (void)closedir(d);
}
