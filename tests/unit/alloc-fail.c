/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail when the test says so; see alloc-fail.h. The program's
 * own malloc() comes before the sanitizer's, to which it passes what does not
 * fail: memory is freed and watched over as usual.
 */
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc-fail.h"
#include "fake-device.h"

#define CALLER ((uintptr_t)__builtin_return_address(0))

static struct {
        atomic_long at, seen, failed;
        atomic_bool forever, everybodys;
} * shared;

static bool here;
static uintptr_t jansson_begin, jansson_end;
static __thread int by_us; /* within a function of libc's that allocates for us */

extern char __executable_start, etext;

void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t n, size_t size);
void *__interceptor_realloc(void *p, size_t size);
void *__interceptor_reallocarray(void *p, size_t n, size_t size);
char *__interceptor_strdup(const char *s);
char *__interceptor_strndup(const char *s, size_t size);
int __real_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_vasprintf(char **ret, const char *format, va_list ap);
int __wrap_asprintf(char **ret, const char *format, ...);
FILE *__real_open_memstream(char **ret, size_t *size);
FILE *__wrap_open_memstream(char **ret, size_t *size);

static bool is_ours(uintptr_t caller)
{
        return by_us > 0 || (caller >= (uintptr_t)&__executable_start && caller < (uintptr_t)&etext) ||
               (caller >= jansson_begin && caller < jansson_end);
}

static bool fails(uintptr_t caller)
{
        long n, at;

        if (!here || fake_looks > 0 || (!atomic_load(&shared->everybodys) && !is_ours(caller)))
                return false;
        n = atomic_fetch_add(&shared->seen, 1) + 1;
        at = atomic_load(&shared->at);
        if (at == 0 || n < at || (n > at && !atomic_load(&shared->forever)))
                return false;
        atomic_fetch_add(&shared->failed, 1);
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size)
{
        return fails(CALLER) ? NULL : __interceptor_malloc(size);
}

void *calloc(size_t n, size_t size)
{
        return fails(CALLER) ? NULL : __interceptor_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
        return fails(CALLER) ? NULL : __interceptor_realloc(p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
        return fails(CALLER) ? NULL : __interceptor_reallocarray(p, n, size);
}

char *strdup(const char *s)
{
        return fails(CALLER) ? NULL : __interceptor_strdup(s);
}

char *strndup(const char *s, size_t size)
{
        return fails(CALLER) ? NULL : __interceptor_strndup(s, size);
}

int __wrap_vasprintf(char **ret, const char *format, va_list ap)
{
        int r;

        by_us++;
        r = __real_vasprintf(ret, format, ap);
        by_us--;
        return r;
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = __wrap_vasprintf(ret, format, ap);
        va_end(ap);
        return r;
}

FILE *__wrap_open_memstream(char **ret, size_t *size)
{
        FILE *f;

        by_us++;
        f = __real_open_memstream(ret, size);
        by_us--;
        return f;
}

static int find_jansson(struct dl_phdr_info *info, size_t size, void *userdata)
{
        int i;

        if (!strstr(info->dlpi_name, "libjansson"))
                return 0;
        for (i = 0; i < info->dlpi_phnum; i++) {
                if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
                        jansson_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
                        jansson_end = jansson_begin + info->dlpi_phdr[i].p_memsz;
                }
        }
        return 1;
}

void alloc_fail_new(void)
{
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED || dl_iterate_phdr(find_jansson, NULL) != 1)
                abort();
}

void alloc_fail_free(void)
{
        (void)munmap(shared, sizeof(*shared));
}

void alloc_fail_here(void)
{
        here = true;
}

void alloc_fail_at(long n, bool forever, bool everybodys)
{
        atomic_store(&shared->at, 0);
        atomic_store(&shared->forever, forever);
        atomic_store(&shared->everybodys, everybodys);
        atomic_store(&shared->failed, 0);
        atomic_store(&shared->seen, 0);
        atomic_store(&shared->at, n);
}

long alloc_fail_seen(void)
{
        return atomic_load(&shared->seen);
}

long alloc_fail_failed(void)
{
        return atomic_load(&shared->failed);
}
