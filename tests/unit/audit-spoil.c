/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs that somebody has spoiled; see audit-spoil.h. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "audit-spoil.h"

char *path_of(const struct forge *f, const char *name)
{
        char *path;

        assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
        return path;
}

struct copy read_copy(const struct forge *f, const char *name)
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

void write_copy(const struct forge *f, const char *name, struct copy c)
{
        forge_file(f, name, c.text, c.size);
        free(c.text);
}

void rewrite(struct forge *f)
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

void record_changed(struct forge *f)
{
        replace(f->line[2], "4711", "4712");
        rewrite(f);
}

void record_rechained(struct forge *f)
{
        replace(f->line[1], "0.1.0", "9.9.9");
        rechain(f, 2);
        rewrite(f);
}

void last_record_changed(struct forge *f)
{
        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        replace(f->line[f->lines - 1], "daemon", "d\3emon");
        rewrite(f);
}

void last_record_no_json(struct forge *f)
{
        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        replace(f->line[f->lines - 1], "{\"seq\"", "x\"seq\"");
        rewrite(f);
}

void garbage_line(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        memcpy(c.text + c.size, "nonsense\n", 9);
        c.size += 9;
        write_copy(f, "log.jsonl", c);
}

void blank_line(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.text[c.size++] = '\n';
        write_copy(f, "log.jsonl", c);
}

void record_dropped(struct forge *f)
{
        free(f->line[4]);
        memmove(f->line + 4, f->line + 5, (f->lines - 5) * sizeof(*f->line));
        f->lines--;
        rewrite(f);
}

void record_dropped_and_rechained(struct forge *f)
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

void record_doubled(struct forge *f)
{
        memmove(f->line + 6, f->line + 5, (f->lines - 5) * sizeof(*f->line));
        f->line[6] = strdup(f->line[5]);
        f->lines++;
        rewrite(f);
}

void records_swapped(struct forge *f)
{
        char *line = f->line[6];

        f->line[6] = f->line[7];
        f->line[7] = line;
        rewrite(f);
}

void signature_flipped(struct forge *f)
{
        char *sig = strstr(f->line[f->lines - 1], "\"sig\":\"");

        sig[10] = sig[10] == '0' ? '1' : '0';
        rewrite(f);
}

void early_signature_flipped(struct forge *f)
{
        char *sig = strstr(f->line[3], "\"sig\":\"");

        sig[10] = sig[10] == '0' ? '1' : '0';
        rechain(f, 4);
        rewrite(f);
}

void other_format(struct forge *f)
{
        replace(f->line[0], "\"format\":1", "\"format\":7");
        rechain(f, 1);
        rewrite(f);
}

void more_keys_in_a_record(struct forge *f)
{
        forge_record(f, "daemon.stop", "{},\"more\":1");
        rewrite(f);
}

void key0_changed(struct forge *f)
{
        struct forge other;
        struct copy c;

        rewrite(f);
        forge_init(&other);
        c = read_copy(&other, "key0.pub");
        write_copy(f, "key0.pub", c);
        forge_clear(&other);
}

void key0_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, "key0.pub");
}

void pulses_changed(struct forge *f)
{
        f->pulses[f->pulses_size - 5] ^= 1;
        rewrite(f);
}

void pulses_shortened(struct forge *f)
{
        f->pulses_size -= 30;
        rewrite(f);
}

void pulses_shortened_by_a_line(struct forge *f)
{
        f->pulses[f->pulses_size - 1] = '\0';
        f->pulses_size = (size_t)(strrchr(f->pulses, '\n') + 1 - f->pulses);
        rewrite(f);
}

void pulses_grown(struct forge *f)
{
        forge_pulses(f, 6, 7);
        rewrite(f);
}

void pulses_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, PULSES);
}

void pulses_a_link(struct forge *f)
{
        char *path = path_of(f, PULSES);

        rewrite(f);
        forge_remove(f, PULSES);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        free(path);
}

void pulses_extra(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", f->pulses, f->pulses_size);
}

void pulses_extra_nonsense(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", "nonsense\n", 9);
}

/* A session that runs: create only, its file there. */
void begin_session(struct forge *f)
{
        forge_record(f, "session.create", "{\"session\":\"T-2\",\"stimulator\":\"/dev/tms0\",\"card_serial\":4711}");
        rewrite(f);
        forge_file(f, "pulses/T-2.tsv", f->pulses, f->pulses_size);
}

void open_session_file_gone(struct forge *f)
{
        begin_session(f);
        forge_remove(f, "pulses/T-2.tsv");
}

void open_session_bad_line(struct forge *f)
{
        struct copy c;

        begin_session(f);
        c = read_copy(f, "pulses/T-2.tsv");
        c.text[c.size - 3] = 'x';
        write_copy(f, "pulses/T-2.tsv", c);
}

void protocol_name(const struct forge *f, char name[96])
{
        (void)snprintf(name, 96, "protocols/%s.yaml", f->protocol_sha256);
}

void protocol_changed(struct forge *f)
{
        char name[96];

        rewrite(f);
        protocol_name(f, name);
        forge_file(f, name, "id: another\n", 12);
}

void protocol_gone(struct forge *f)
{
        char name[96];

        rewrite(f);
        protocol_name(f, name);
        forge_remove(f, name);
}

void cut_before_the_last_seal(struct forge *f)
{
        free(f->line[--f->lines]);
        rewrite(f);
}

void cut_in_the_last_seal(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.size -= 40;
        write_copy(f, "log.jsonl", c);
}

void log_emptied(struct forge *f)
{
        rewrite(f);
        forge_file(f, "log.jsonl", "", 0);
}

void log_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, "log.jsonl");
}

void log_and_keys_gone(struct forge *f)
{
        rewrite(f);
        forge_remove(f, "log.jsonl");
        forge_remove_key_file(f, f->number);
}

void key_gone(struct forge *f)
{
        rewrite(f);
        forge_remove_key_file(f, f->number);
}

void key_behind(struct forge *f)
{
        rewrite(f);
        forge_remove_key_file(f, f->number);
        f->number--;
        forge_key_file(f);
        f->number++;
}

void key_ahead(struct forge *f)
{
        rewrite(f);
        forge_remove_key_file(f, f->number);
        f->number++;
        forge_key_file(f);
        f->number--;
}

void key_far_ahead(struct forge *f)
{
        rewrite(f);
        f->number += 2;
        forge_key_file(f);
        f->number -= 2;
}

void key_of_another(struct forge *f)
{
        EVP_PKEY *own = f->key;

        rewrite(f);
        f->key = forge_new_key();
        forge_key_file(f);
        EVP_PKEY_free(f->key);
        f->key = own;
}

void key_no_key(struct forge *f)
{
        char name[64];

        rewrite(f);
        (void)snprintf(name, sizeof(name), "../keys/%u.pem", f->number);
        forge_file(f, name, "no key\n", 7);
}

void next_key_no_key(struct forge *f)
{
        char name[64];

        rewrite(f);
        (void)snprintf(name, sizeof(name), "../keys/%u.pem", f->number + 1);
        forge_file(f, name, "no key\n", 7);
}

void piece(struct forge *f, const char *text)
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

void piece_gone(struct forge *f)
{
        piece(f, NULL);
}

void piece_changed(struct forge *f)
{
        piece(f, "{\"sea\"");
}
