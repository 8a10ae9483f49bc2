/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index's database: its files, its tables, and the stamp that says which log it is of and how far it has come. Only
 * the index's thread uses a store; it may wait for the disk.
 *
 * Functions return 0 or a negative errno. -ESTALE: this database is of no use and is to be thrown away. Any other error
 * says nothing of what is in it. Either way store->why is then a clause that says what was found.
 */
#ifndef TMSD_INDEX_STORE_H
#define TMSD_INDEX_STORE_H

#include <limits.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "util.h"

/* Of the tables below. Whoever changes what is in them, or how it is counted, counts this up. */
#define INDEX_SCHEMA 1

/* Another program has the database for itself for so long at most. */
#define LOCK_NS (2 * NS_PER_S)
#define INDEX_WHY 560 /* room for what the library says of the log */

enum index_statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_STAMP,
        STATEMENT_SESSION,
        STATEMENT_SESSION_BY_ID,
        STATEMENT_UNSURE,
        STATEMENT_DOSE,
        STATEMENT_ODOMETER,
        STATEMENT_SEAL,
        STATEMENTS,
};

struct index_file {
        dev_t dev;
        ino_t ino;
};

struct index_store {
        int state_fd; /* borrowed */
        char origin[65];
        sqlite3 *db; /* NULL: it is not open */
        sqlite3_stmt *statement[STATEMENTS];
        struct index_file files[3];
        uint64_t records;          /* so many records of the log are in it */
        struct tms_audit_place at; /* of the last of them, if there is one */
        char why[INDEX_WHY];
};

/* The path of a file in the state directory; it has no symbolic link in it. */
int index_path(int state_fd, const char *name, char ret[static PATH_MAX]);
/* What an SQLite result means: 0, or an errno as above. */
int index_errno(sqlite3 *db, int result);
/* The same for what the store has done last, with why filled. */
int index_result(struct index_store *s, int result);

/* Opens the database and looks whether it is sound and of that log; makes one, with *ret_made set, if there is none. */
int index_store_open(struct index_store *s, bool *ret_made);
void index_store_close(struct index_store *s);
/* Closes it and removes its files. */
int index_store_discard(struct index_store *s);
/* -ESTALE: somebody has taken a file of it away, or has put another in its place. */
int index_store_look(struct index_store *s);

/* The prepared statement, ready for its values. NULL, with the reason in *ret: there is none. */
sqlite3_stmt *index_statement(struct index_store *s, enum index_statement n, int *ret);
/* Runs it to its end, and makes it ready again. */
int index_run(struct index_store *s, sqlite3_stmt *statement);
int index_begin(struct index_store *s);
/* The transaction's rows and the new place are there together, or neither is. */
int index_commit(struct index_store *s, const struct tms_audit_place *at);
void index_rollback(struct index_store *s);

#endif
