/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One log, spoiled in every way that a log can be, and left in every way that
 * a crash leaves one: what the auditor says and what the daemon does agree.
 * What the auditor rejects the daemon refuses, says why, and changes no byte.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "audit-forge.h"
#include "scratch-log.h"
#include "auditlog.h"
#include "tms.h"

#define BOOT "0123456789abcdef0123456789abcdef"
#define PULSES "pulses/T-1.tsv"

/* --- The log on disk ---------------------------------------------------------------- */

struct copy {
        char *text;
        size_t size;
};

static char *path_of(const struct forge *f, const char *name)
{
        char *path;

        assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
        return path;
}

static struct copy read_copy(const struct forge *f, const char *name)
{
        struct copy c = {0};
        char *path = path_of(f, name);
        FILE *file = fopen(path, "re");

        assert_non_null(file);
        c.text = calloc(1, 1 << 20);
        c.size = fread(c.text, 1, (1 << 20) - 1, file);
        fclose(file);
        free(path);
        return c;
}

static void write_copy(const struct forge *f, const char *name, struct copy c)
{
        forge_file(f, name, c.text, c.size);
        free(c.text);
}

/* Everything below the directory as text: names, sizes, contents. So that nothing changes unseen. */
static void add_dir(FILE *m, int dir_fd, const char *name, int depth)
{
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n, i;
        struct dirent **list;

        assert_true(fd >= 0);
        n = scandirat(fd, ".", &list, NULL, alphasort);
        assert_true(n >= 0);
        for (i = 0; i < n; i++) {
                const char *entry = list[i]->d_name;
                struct stat st;

                if (strcmp(entry, ".") != 0 && strcmp(entry, "..") != 0) {
                        assert_int_equal(fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW), 0);
                        fprintf(m, "%d %s %o %lld\n", depth, entry, st.st_mode,
                                S_ISREG(st.st_mode) ? (long long)st.st_size : 0);
                        if (S_ISDIR(st.st_mode)) {
                                add_dir(m, fd, entry, depth + 1);
                        } else if (S_ISREG(st.st_mode)) {
                                char buf[4096];
                                int in = openat(fd, entry, O_RDONLY | O_CLOEXEC);
                                ssize_t k;

                                while ((k = read(in, buf, sizeof(buf))) > 0)
                                        fwrite(buf, 1, (size_t)k, m);
                                close(in);
                        }
                }
                free(list[i]);
        }
        free(list);
        close(fd);
}

static struct copy whole_tree(const struct forge *f)
{
        struct copy c = {0};
        FILE *m = open_memstream(&c.text, &c.size);

        add_dir(m, AT_FDCWD, f->base, 0);
        fclose(m);
        return c;
}

/* --- Ways to spoil it ------------------------------------------------------------------ */

static void rewrite(struct forge *f)
{
        forge_write(f);
}

/* Every later record follows from the changed one; no key was needed. The last seal stands at from or before. */
static void rechain(struct forge *f, size_t from)
{
        for (size_t i = from; i < f->lines; i++) {
                char hash[65];
                char *prev = strstr(f->line[i], "\"prev\":\"");

                forge_sha256(f->line[i - 1], strlen(f->line[i - 1]), hash);
                memcpy(prev + 8, hash, 64);
        }
}

static void replace(char *line, const char *old, const char *new)
{
        char *s = strstr(line, old);

        assert_non_null(s);
        assert_int_equal(strlen(old), strlen(new));
        memcpy(s, new, strlen(new));
}

static void record_changed(struct forge *f)
{
        replace(f->line[2], "4711", "4712");
        rewrite(f);
}

static void record_rechained(struct forge *f)
{
        replace(f->line[1], "0.1.0", "9.9.9");
        rechain(f, 2);
        rewrite(f);
}

static void last_record_changed(struct forge *f)
{
        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        replace(f->line[f->lines - 1], "daemon", "d\3emon");
        rewrite(f);
}

static void last_record_no_json(struct forge *f)
{
        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        replace(f->line[f->lines - 1], "{\"seq\"", "x\"seq\"");
        rewrite(f);
}

static void garbage_line(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        memcpy(c.text + c.size, "nonsense\n", 9);
        c.size += 9;
        write_copy(f, "log.jsonl", c);
}

static void blank_line(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.text[c.size++] = '\n';
        write_copy(f, "log.jsonl", c);
}

static void record_dropped(struct forge *f)
{
        free(f->line[4]);
        memmove(f->line + 4, f->line + 5, (f->lines - 5) * sizeof(*f->line));
        f->lines--;
        rewrite(f);
}

static void record_dropped_and_rechained(struct forge *f)
{
        free(f->line[1]);
        memmove(f->line + 1, f->line + 2, (f->lines - 2) * sizeof(*f->line));
        f->lines--;
        for (size_t i = 1; i < f->lines; i++) {
                char *rest = strchr(f->line[i], ','), *new;

                assert_true(asprintf(&new, "{\"seq\":%zu%s", i, rest) > 0);
                free(f->line[i]);
                f->line[i] = new;
        }
        rechain(f, 1);
        rewrite(f);
}

static void record_doubled(struct forge *f)
{
        memmove(f->line + 6, f->line + 5, (f->lines - 5) * sizeof(*f->line));
        f->line[6] = strdup(f->line[5]);
        f->lines++;
        rewrite(f);
}

static void records_swapped(struct forge *f)
{
        char *line = f->line[6];

        f->line[6] = f->line[7];
        f->line[7] = line;
        rewrite(f);
}

static void signature_flipped(struct forge *f)
{
        char *sig = strstr(f->line[f->lines - 1], "\"sig\":\"");

        sig[10] = sig[10] == '0' ? '1' : '0';
        rewrite(f);
}

static void early_signature_flipped(struct forge *f)
{
        char *sig = strstr(f->line[3], "\"sig\":\"");

        sig[10] = sig[10] == '0' ? '1' : '0';
        rechain(f, 4);
        rewrite(f);
}

static void other_format(struct forge *f)
{
        replace(f->line[0], "\"format\":1", "\"format\":7");
        rechain(f, 1);
        rewrite(f);
}

static void more_keys_in_a_record(struct forge *f)
{
        forge_record(f, "daemon.stop", "{},\"more\":1");
        rewrite(f);
}

static void key0_changed(struct forge *f)
{
        struct forge other;
        struct copy c;

        rewrite(f);
        forge_init(&other);
        c = read_copy(&other, "key0.pub");
        write_copy(f, "key0.pub", c);
        forge_clear(&other);
}

static void key0_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, "key0.pub");
}

static void pulses_changed(struct forge *f)
{
        f->pulses[f->pulses_size - 5] ^= 1;
        rewrite(f);
}

static void pulses_shortened(struct forge *f)
{
        f->pulses_size -= 30;
        rewrite(f);
}

static void pulses_shortened_by_a_line(struct forge *f)
{
        f->pulses[f->pulses_size - 1] = '\0';
        f->pulses_size = (size_t)(strrchr(f->pulses, '\n') + 1 - f->pulses);
        rewrite(f);
}

static void pulses_grown(struct forge *f)
{
        forge_pulses(f, 6, 7);
        rewrite(f);
}

static void pulses_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, PULSES);
}

static void pulses_a_link(struct forge *f)
{
        char *path = path_of(f, PULSES);

        rewrite(f);
        forge_remove(f, PULSES);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        free(path);
}

static void pulses_extra(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", f->pulses, f->pulses_size);
}

static void pulses_extra_nonsense(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", "nonsense\n", 9);
}

/* A session that runs: create only, its file there. */
static void begin_session(struct forge *f)
{
        forge_record(f, "session.create", "{\"session\":\"T-2\",\"stimulator\":\"/dev/tms0\",\"card_serial\":4711}");
        rewrite(f);
        forge_file(f, "pulses/T-2.tsv", f->pulses, f->pulses_size);
}

static void open_session_file_gone(struct forge *f)
{
        begin_session(f);
        forge_remove(f, "pulses/T-2.tsv");
}

static void open_session_bad_line(struct forge *f)
{
        struct copy c;

        begin_session(f);
        c = read_copy(f, "pulses/T-2.tsv");
        c.text[c.size - 3] = 'x';
        write_copy(f, "pulses/T-2.tsv", c);
}

static void protocol_name(const struct forge *f, char name[96])
{
        (void)snprintf(name, 96, "protocols/%s.yaml", f->protocol_sha256);
}

static void protocol_changed(struct forge *f)
{
        char name[96];

        rewrite(f);
        protocol_name(f, name);
        forge_file(f, name, "id: another\n", 12);
}

static void protocol_gone(struct forge *f)
{
        char name[96];

        rewrite(f);
        protocol_name(f, name);
        forge_remove(f, name);
}

static void cut_before_the_last_seal(struct forge *f)
{
        free(f->line[--f->lines]);
        rewrite(f);
}

static void cut_in_the_last_seal(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.size -= 40;
        write_copy(f, "log.jsonl", c);
}

static void log_emptied(struct forge *f)
{
        rewrite(f);
        forge_file(f, "log.jsonl", "", 0);
}

static void log_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, "log.jsonl");
}

static void log_and_keys_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, "log.jsonl");
        forge_remove_key_file(f, f->number);
}

static void key_gone(struct forge *f)
{
        rewrite(f);
        forge_remove_key_file(f, f->number);
}

static void key_behind(struct forge *f)
{
        rewrite(f);
        forge_remove_key_file(f, f->number);
        f->number--;
        forge_key_file(f);
        f->number++;
}

static void key_ahead(struct forge *f)
{
        rewrite(f);
        forge_remove_key_file(f, f->number);
        f->number++;
        forge_key_file(f);
        f->number--;
}

static void key_far_ahead(struct forge *f)
{
        rewrite(f);
        f->number += 2;
        forge_key_file(f);
        f->number -= 2;
}

static void key_of_another(struct forge *f)
{
        EVP_PKEY *own = f->key;

        rewrite(f);
        f->key = forge_new_key();
        forge_key_file(f);
        EVP_PKEY_free(f->key);
        f->key = own;
}

static void key_no_key(struct forge *f)
{
        char name[64];

        rewrite(f);
        (void)snprintf(name, sizeof(name), "../keys/%u.pem", f->number);
        forge_file(f, name, "no key\n", 7);
}

static void next_key_no_key(struct forge *f)
{
        char name[64];

        rewrite(f);
        (void)snprintf(name, sizeof(name), "../keys/%u.pem", f->number + 1);
        forge_file(f, name, "no key\n", 7);
}

static void piece(struct forge *f, const char *text)
{
        char data[300], sha256[65];

        forge_sha256("{\"seq\"", 6, sha256);
        (void)snprintf(data, sizeof(data),
                       "{\"cut_bytes\":6,\"cut_file\":\"cut-20260131T090000Z-16.part\",\"cut_sha256\":\"%s\"}", sha256);
        forge_record(f, "recovery.log", data);
        rewrite(f);
        if (text)
                forge_file(f, "cut-20260131T090000Z-16.part", text, strlen(text));
}

static void piece_gone(struct forge *f)
{
        piece(f, NULL);
}

static void piece_changed(struct forge *f)
{
        piece(f, "{\"sea\"");
}

/* --- What a crash leaves ------------------------------------------------------------------ */

static void torn(struct forge *f)
{
        struct copy c;

        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.size -= 20;
        write_copy(f, "log.jsonl", c);
}

static void torn_by_its_newline(struct forge *f)
{
        struct copy c;

        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.size--;
        write_copy(f, "log.jsonl", c);
}

static void torn_zeros(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        memset(c.text + c.size, 0, 4096);
        c.size += 4096;
        write_copy(f, "log.jsonl", c);
}

static void unsealed_records(struct forge *f)
{
        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        forge_record(f, "stimulator.add", "{\"node\":\"/dev/tms0\",\"card_serial\":4711,\"odometer\":0}");
        rewrite(f);
}

static void open_session_ahead(struct forge *f)
{
        begin_session(f);
}

static void open_session_torn(struct forge *f)
{
        struct copy c;

        begin_session(f);
        c = read_copy(f, "pulses/T-2.tsv");
        c.size -= 7;
        write_copy(f, "pulses/T-2.tsv", c);
}

static void open_session_no_head(struct forge *f)
{
        begin_session(f);
        forge_file(f, "pulses/T-2.tsv", "seq\tmon", 7);
}

static void recovery_cut_off(struct forge *f)
{
        forge_record(f, "recovery.pulses.intent", "{\"session\":\"T-1\",\"file\":\"" PULSES "\"}");
        forge_pulses(f, 6, 8);
        rewrite(f);
}

static void recovery_cut_off_before_its_file(struct forge *f)
{
        forge_record(f, "recovery.pulses.intent", "{\"session\":\"outside_1\",\"file\":\"pulses/outside_1.tsv\"}");
        rewrite(f);
}

static void unnamed_empty(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", "", 0);
}

static void unnamed_head(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", f->pulses, (size_t)(strchr(f->pulses, '\n') + 1 - f->pulses));
}

static void unnamed_protocol(struct forge *f)
{
        rewrite(f);
        forge_file(f, "protocols/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml", "abc", 3);
}

static void half_written_protocol(struct forge *f)
{
        rewrite(f);
        forge_file(f, "protocols/.ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml.new", "a", 1);
}

static void old_key_left(struct forge *f)
{
        EVP_PKEY *own = f->key;

        rewrite(f);
        f->key = forge_new_key();
        f->number--;
        forge_key_file(f);
        f->number++;
        EVP_PKEY_free(f->key);
        f->key = own;
}

static void next_key_made(struct forge *f)
{
        EVP_PKEY *own = f->key;

        rewrite(f);
        f->key = forge_new_key();
        f->number++;
        forge_key_file(f);
        f->number--;
        EVP_PKEY_free(f->key);
        f->key = own;
}

static void piece_recorded(struct forge *f)
{
        piece(f, "{\"seq\"");
}

static void piece_not_recorded(struct forge *f)
{
        rewrite(f);
        forge_file(f, "cut-20260131T090000Z-16.part", "{\"seq\"", 6);
}

static void only_the_first_record(struct forge *f)
{
        char name[96];

        while (f->lines > 1)
                free(f->line[--f->lines]);
        EVP_PKEY_free(f->key);
        f->key = forge_new_key();
        rewrite(f);
        forge_remove(f, PULSES);
        protocol_name(f, name);
        forge_remove(f, name);
        /* Key 0 is not kept by the forge, so the log is made anew. */
        forge_clear(f);
        forge_init(f);
        forge_key_file(f);
        {
                char *path = path_of(f, "log.jsonl");
                FILE *file = fopen(path, "we");

                fprintf(file, "%s\n", f->line[0]);
                fclose(file);
                free(path);
        }
}

/* Killed at the very first start: key 0 is there, and perhaps its public half, and a part of the first line. */
static void first_start_cut_off(struct forge *f)
{
        only_the_first_record(f);
        forge_file(f, "log.jsonl", f->line[0], 30);
}

static void first_start_cut_off_early(struct forge *f)
{
        only_the_first_record(f);
        forge_file(f, "log.jsonl", "", 0);
        forge_remove(f, "key0.pub");
}

/* --- The table -------------------------------------------------------------------------------- */

#define PREFIX TMS_AUDIT_PREFIX
#define TORN TMS_AUDIT_TORN
#define TAMPERED TMS_AUDIT_TAMPERED
#define LOST TMS_AUDIT_LOST
#define UNREADABLE (-1)

static const struct state {
        const char *name;
        void (*make)(struct forge *f);
        int auditor;          /* the verdict without an anchor */
        const char *words;    /* that the auditor's sentence has, and, if it rejects, the daemon's too */
        uint64_t cut, pieces; /* if the daemon opens: bytes cut off, recovery.log records of this opening */
} states[] = {
                {"whole", rewrite, PREFIX, "16 records", 0, 0},
                {"a record changed", record_changed, TAMPERED, "log.jsonl:4: does not follow", 0, 0},
                {"a record changed and rechained", record_rechained, TAMPERED, "log.jsonl:4: a seal whose signature", 0,
                 0},
                {"the last record changed", last_record_changed, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"the last record no JSON", last_record_no_json, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"a line of garbage at the end", garbage_line, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"a blank line at the end", blank_line, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"a record dropped", record_dropped, TAMPERED, "log.jsonl:5: record 5 stands where record 4 was due", 0,
                 0},
                {"a record dropped and rechained", record_dropped_and_rechained, TAMPERED, "signature does not hold", 0,
                 0},
                {"a record doubled", record_doubled, TAMPERED, "log.jsonl:7: record 5 stands", 0, 0},
                {"records swapped", records_swapped, TAMPERED, "log.jsonl:7: record 7 stands", 0, 0},
                {"the last signature flipped", signature_flipped, TAMPERED, "log.jsonl:16: a seal whose signature", 0,
                 0},
                {"an early signature flipped", early_signature_flipped, TAMPERED, "log.jsonl:4: a seal whose signature",
                 0, 0},
                {"another format", other_format, TAMPERED, "log.jsonl:1: the log's format is neither 1 nor 2", 0, 0},
                {"a record of another shape", more_keys_in_a_record, TAMPERED, "log.jsonl:17: not a record", 0, 0},
                {"key0.pub changed", key0_changed, TAMPERED, "key0.pub is not the key", 0, 0},
                {"key0.pub gone", key0_gone, TAMPERED, "key0.pub is missing", 0, 0},
                {"a pulse file changed", pulses_changed, TAMPERED, "session.end of session T-1: " PULSES " is not what",
                 0, 0},
                {"a pulse file shortened", pulses_shortened, TAMPERED,
                 "session.end of session T-1: " PULSES " has no end of line", 0, 0},
                {"a pulse file shortened by a line", pulses_shortened_by_a_line, TAMPERED, PULSES " has no end of line",
                 0, 0},
                {"an ended pulse file grown", pulses_grown, TAMPERED, "log.jsonl:13: " PULSES " has", 0, 0},
                {"a pulse file gone", pulses_gone, TAMPERED,
                 "log.jsonl:11: session.pulses of session T-1: " PULSES " is missing", 0, 0},
                {"a pulse file a link", pulses_a_link, TAMPERED, PULSES " is not a regular file", 0, 0},
                {"a pulse file extra", pulses_extra, LOST, "pulses/T-9.tsv has pulses in it, but no record names it", 0,
                 0},
                {"a pulse file extra, nonsense", pulses_extra_nonsense, LOST, "pulses/T-9.tsv does not begin", 0, 0},
                {"an open session's file gone", open_session_file_gone, TAMPERED,
                 "log.jsonl:17: pulses/T-2.tsv is missing", 0, 0},
                {"an open session's file with a bad line", open_session_bad_line, TAMPERED,
                 "pulses/T-2.tsv:13: not 12 decimal columns", 0, 0},
                {"a protocol changed", protocol_changed, TAMPERED,
                 "log.jsonl:6: session.prepare of session T-1: protocols/", 0, 0},
                {"a protocol gone", protocol_gone, TAMPERED, "log.jsonl:6: session.prepare of session T-1: protocols/",
                 0, 0},
                {"cut before the last seal", cut_before_the_last_seal, LOST, "its signing key has moved on", 0, 0},
                {"cut in the last seal", cut_in_the_last_seal, LOST, "its signing key has moved on", 0, 0},
                {"the log emptied", log_emptied, LOST, "no whole record, but the signing key has followed seals", 0, 0},
                {"the log gone", log_gone, UNREADABLE, "no whole record, but the signing key has followed seals", 0, 0},
                {"log and keys gone", log_and_keys_gone, UNREADABLE, "no whole record, but key0.pub is there", 0, 0},
                {"the key gone", key_gone, LOST, "signing key 3, which is not in keys/", 0, 0},
                {"the key behind", key_behind, LOST, "signing key 3, which is not in keys/", 0, 0},
                {"the key ahead", key_ahead, LOST, "its signing key has moved on to number 4", 0, 0},
                {"a key far ahead", key_far_ahead, LOST, "its signing key has moved on to number 5", 0, 0},
                {"the key another's", key_of_another, TAMPERED, "signing key 3 in keys/ is not the one", 0, 0},
                {"the key no key", key_no_key, TAMPERED, "keys/3.pem holds no Ed25519 key", 0, 0},
                {"the next key no key", next_key_no_key, TAMPERED, "keys/4.pem holds no Ed25519 key", 0, 0},
                {"a piece that was cut off gone", piece_gone, TAMPERED,
                 "log.jsonl:17: recovery.log: cut-20260131T090000Z-16.part is missing", 0, 0},
                {"a piece that was cut off changed", piece_changed, TAMPERED,
                 "cut-20260131T090000Z-16.part is not what was cut off", 0, 0},

                {"crash: a torn line", torn, TORN, "torn last line", 1, 1},
                {"crash: a line without its end", torn_by_its_newline, TORN, "torn last line", 1, 1},
                {"crash: a length without its bytes", torn_zeros, TORN, "torn last line", 4096, 1},
                {"crash: records behind the last seal", unsealed_records, PREFIX, "18 records", 0, 0},
                {"crash: a pulse file ahead of the log", open_session_ahead, PREFIX, "2 sessions", 0, 0},
                {"crash: a pulse file torn", open_session_torn, PREFIX, "2 sessions", 0, 0},
                {"crash: a pulse file without its head", open_session_no_head, PREFIX, "2 sessions", 0, 0},
                {"crash: in the recovery of an ended session", recovery_cut_off, PREFIX, "17 records", 0, 0},
                {"crash: before a recovery makes its file", recovery_cut_off_before_its_file, PREFIX, "17 records", 0,
                 0},
                {"crash: an empty pulse file without a record", unnamed_empty, PREFIX, "16 records", 0, 0},
                {"crash: a pulse file's head without a record", unnamed_head, PREFIX, "16 records", 0, 0},
                {"crash: a protocol without its record", unnamed_protocol, PREFIX, "16 records", 0, 0},
                {"crash: half a protocol", half_written_protocol, PREFIX, "16 records", 0, 0},
                {"crash: the old key not destroyed", old_key_left, PREFIX, "16 records", 0, 0},
                {"crash: the next key made", next_key_made, PREFIX, "16 records", 0, 0},
                {"crash: a piece kept and recorded", piece_recorded, PREFIX, "17 records", 0, 0},
                {"crash: a piece kept, its record not written", piece_not_recorded, PREFIX, "16 records", 0, 1},
                {"crash: behind the first record", only_the_first_record, PREFIX, "1 records", 0, 0},
                {"crash: in the first record", first_start_cut_off, TORN, "no record yet", 30, 1},
                {"crash: before the first record", first_start_cut_off_early, TORN, "no record yet", 0, 0},
};

static unsigned recovered; /* recovery.log records in the whole log */

static int count_record(uint64_t line, const char *json, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(json, size, 0, NULL);

        recovered += STREQ(json_get_str(record, "type"), "recovery.log");
        return 0;
}

static unsigned count_recoveries(const struct forge *f)
{
        struct tms_audit_report report;
        int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        recovered = 0;
        assert_int_equal(tms_audit_read(fd, count_record, NULL, &report, NULL, NULL), 0);
        close(fd);
        return recovered;
}

static bool rejects(int verdict)
{
        return verdict != TMS_AUDIT_PREFIX && verdict != TMS_AUDIT_TORN && verdict != TMS_AUDIT_VERIFIED;
}

/* One row; returns false after it has said what does not agree. */
static bool check(const struct state *s, struct forge *f)
{
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};
        struct copy before = whole_tree(f), after;
        struct auditlog *l = NULL;
        char *problem = NULL;
        int state_fd = open(f->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC), verdict, r;
        unsigned old;
        bool good = true;

        r = tms_audit_verify(f->dir, NULL, &report, &error);
        verdict = r < 0 ? UNREADABLE : (int)report.result;
        old = rejects(s->auditor) ? 0 : count_recoveries(f);
        if (verdict != s->auditor || (verdict != UNREADABLE && !strstr(report.sentence, s->words))) {
                print_message("%s: the auditor says %d, %s\n", s->name, verdict,
                              r < 0 ? error.message : report.sentence);
                good = false;
        }
        r = auditlog_open(state_fd, BOOT, NULL, &l, &problem);
        if (rejects(s->auditor)) {
                after = whole_tree(f);
                if (r != -EBADMSG || !problem || !strstr(problem, s->words)) {
                        print_message("%s: rejected by the auditor, and the daemon: %d, %s\n", s->name, r,
                                      problem ? problem : "-");
                        good = false;
                } else if (before.size != after.size || memcmp(before.text, after.text, after.size) != 0) {
                        print_message("%s: the daemon refuses it, but has changed it\n", s->name);
                        good = false;
                }
                free(after.text);
        } else if (r < 0) {
                print_message("%s: accepted by the auditor, and the daemon: %d, %s\n", s->name, r,
                              problem ? problem : "-");
                good = false;
        } else if ((s->cut == 1 ? auditlog_cut(l) < 100 : auditlog_cut(l) != s->cut)) {
                print_message("%s: %llu bytes were cut off\n", s->name, (unsigned long long)auditlog_cut(l));
                good = false;
        }
        if (l) {
                json_t *data = scratch_data("daemon.start");

                assert_int_equal(auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), 1), 0);
                json_decref(data);
                assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 2, NULL), 0);
        }
        auditlog_free(l);
        /* What the daemon goes on with is good for its auditor, and for the next start. */
        if (l && (tms_audit_verify(f->dir, NULL, &report, &error) < 0 || report.result != TMS_AUDIT_PREFIX)) {
                print_message("%s: what the daemon made of it: %s%s\n", s->name, error.message, report.sentence);
                good = false;
        } else if (l && count_recoveries(f) != old + s->pieces) {
                print_message("%s: %u pieces on record, %u before\n", s->name, recovered, old);
                good = false;
        }
        free(problem);
        free(before.text);
        close(state_fd);
        return good;
}

static void test_auditor_and_daemon_agree(void **state)
{
        unsigned bad = 0;

        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
                struct forge f;

                forge_init(&f);
                forge_session(&f);
                forge_key_file(&f);
                states[i].make(&f);
                if (!check(&states[i], &f))
                        bad++;
                forge_clear(&f);
        }
        if (bad > 0)
                fail_msg("%u of %zu states", bad, sizeof(states) / sizeof(states[0]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_auditor_and_daemon_agree),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
