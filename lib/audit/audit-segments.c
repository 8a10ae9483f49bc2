/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of a log's files: segment 0 is log.jsonl, segment 7 is log-000007.jsonl. */
#include "audit-internal.h"
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

void tms_audit_segment_name(uint64_t segment, char ret[static TMS_AUDIT_SEGMENT_NAME])
{
        assert(segment <= TMS_AUDIT_SEGMENTS_MAX);
        if (segment == 0)
                strcpy(ret, "log.jsonl");
        else
                snprintf(ret, TMS_AUDIT_SEGMENT_NAME, "log-%06" PRIu64 ".jsonl", segment);
}

/* 1: it is a segment's name. 0: it is not. -EINVAL: no segment has it, but it looks like the name of one. */
static int parse_name(const char *name, uint64_t *ret)
{
        static const char begin[] = "log-", end[] = ".jsonl";
        char again[TMS_AUDIT_SEGMENT_NAME];
        size_t size = strlen(name);

        if (strcmp(name, "log.jsonl") == 0) {
                *ret = 0;
                return 1;
        }
        if (size < strlen(begin) + strlen(end) || strncmp(name, begin, strlen(begin)) != 0 ||
            strcmp(name + size - strlen(end), end) != 0)
                return 0;
        if (size != sizeof(again) - 1 || strspn(name + strlen(begin), "0123456789") != 6)
                return -EINVAL;
        *ret = strtoull(name + strlen(begin), NULL, 10);
        tms_audit_segment_name(*ret, again);
        return strcmp(name, again) == 0 ? 1 : -EINVAL;
}

int audit_segments_look(int dir_fd, struct audit_segments *ret)
{
        const struct dirent *entry;
        uint64_t n;
        DIR *d;
        int r;

        *ret = (struct audit_segments){.lowest = UINT64_MAX};
        r = directory_open(dir_fd, ".", &d);
        if (r < 0)
                return r;
        while (errno = 0, (entry = readdir(d))) {
                r = parse_name(entry->d_name, &n);
                if (r < 0)
                        snprintf(ret->odd, sizeof(ret->odd), "%s", entry->d_name);
                if (r <= 0)
                        continue;
                ret->any = true;
                ret->lowest = n < ret->lowest ? n : ret->lowest;
                ret->highest = n > ret->highest ? n : ret->highest;
        }
        r = -errno;
        closedir(d);
        return r;
}

int audit_segment_open(int dir_fd, uint64_t segment)
{
        char name[TMS_AUDIT_SEGMENT_NAME];
        struct stat st;

        if (segment > TMS_AUDIT_SEGMENTS_MAX)
                return -ENOENT;
        tms_audit_segment_name(segment, name);
        return audit_open_beside(dir_fd, name, &st);
}
