/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs as a crash leaves them; see audit-spoil.h. */
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

void torn(struct forge *f)
{
        struct copy c;

        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.size -= 20;
        write_copy(f, "log.jsonl", c);
}

void torn_by_its_newline(struct forge *f)
{
        struct copy c;

        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        rewrite(f);
        c = read_copy(f, "log.jsonl");
        c.size--;
        write_copy(f, "log.jsonl", c);
}

void torn_zeros(struct forge *f)
{
        struct copy c;

        rewrite(f);
        c = read_copy(f, "log.jsonl");
        memset(c.text + c.size, 0, 4096);
        c.size += 4096;
        write_copy(f, "log.jsonl", c);
}

void unsealed_records(struct forge *f)
{
        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        forge_record(f, "stimulator.add", "{\"node\":\"/dev/tms0\",\"card_serial\":4711,\"odometer\":0}");
        rewrite(f);
}

void open_session_ahead(struct forge *f)
{
        begin_session(f);
}

void open_session_torn(struct forge *f)
{
        struct copy c;

        begin_session(f);
        c = read_copy(f, "pulses/T-2.tsv");
        c.size -= 7;
        write_copy(f, "pulses/T-2.tsv", c);
}

void open_session_no_head(struct forge *f)
{
        begin_session(f);
        forge_file(f, "pulses/T-2.tsv", "seq\tmon", 7);
}

void recovery_cut_off(struct forge *f)
{
        forge_record(f, "recovery.pulses.intent", "{\"session\":\"T-1\",\"file\":\"" PULSES "\"}");
        forge_pulses(f, 6, 8);
        rewrite(f);
}

void recovery_cut_off_before_its_file(struct forge *f)
{
        forge_record(f, "recovery.pulses.intent", "{\"session\":\"outside_1\",\"file\":\"pulses/outside_1.tsv\"}");
        rewrite(f);
}

void unnamed_empty(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", "", 0);
}

void unnamed_head(struct forge *f)
{
        rewrite(f);
        forge_file(f, "pulses/T-9.tsv", f->pulses, (size_t)(strchr(f->pulses, '\n') + 1 - f->pulses));
}

void unnamed_protocol(struct forge *f)
{
        rewrite(f);
        forge_file(f, "protocols/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml", "abc", 3);
}

void half_written_protocol(struct forge *f)
{
        rewrite(f);
        forge_file(f, "protocols/.ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml.new", "a", 1);
}

void old_key_left(struct forge *f)
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

void next_key_made(struct forge *f)
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

void piece_recorded(struct forge *f)
{
        piece(f, "{\"seq\"");
}

void piece_not_recorded(struct forge *f)
{
        rewrite(f);
        forge_file(f, "cut-20260131T090000Z-16.part", "{\"seq\"", 6);
}

void only_the_first_record(struct forge *f)
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
void first_start_cut_off(struct forge *f)
{
        only_the_first_record(f);
        forge_file(f, "log.jsonl", f->line[0], 30);
}

void first_start_cut_off_early(struct forge *f)
{
        only_the_first_record(f);
        forge_file(f, "log.jsonl", "", 0);
        forge_remove(f, "key0.pub");
}
