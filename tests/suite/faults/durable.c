/*
 * Loaded before the C library (LD_PRELOAD) by the tests of power cuts and of migrations that die.
 *
 * DURABLE=folder: keeps there each database file as it was when it was last synced, which is all
 * that a disk has promised to hold when the power goes.
 * DIE_AT=n: SIGKILL at the nth write to a database file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* The name of a database file, or NULL for any other. */
static const char *database_file(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    return name && strstr(name, ".db") ? name + 1 : NULL;
}

static void keep(int fd) {
    char path[PATH_MAX], copy[PATH_MAX], part[PATH_MAX], bytes[65536];
    const char *folder = getenv("DURABLE"), *name = database_file(fd, path);
    if (!folder || !name) return;
    snprintf(copy, sizeof copy, "%s/%s", folder, name);
    snprintf(part, sizeof part, "%s/%s.part", folder, name);
    pthread_mutex_lock(&one_at_a_time);
    int to = open(part, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    off_t at = 0;
    ssize_t count;
    while (to >= 0 && (count = pread(fd, bytes, sizeof bytes, at)) > 0) {
        if (write(to, bytes, count) != count) abort();
        at += count;
    }
    if (to < 0 || close(to) || rename(part, copy)) abort();
    pthread_mutex_unlock(&one_at_a_time);
}

static void maybe_die(int fd) {
    static int writes;
    char path[PATH_MAX];
    const char *at = getenv("DIE_AT");
    if (at && database_file(fd, path) && __sync_add_and_fetch(&writes, 1) == atoi(at)) kill(getpid(), SIGKILL);
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    maybe_die(fd);
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    maybe_die(fd);
    return real(fd, bytes, count, at);
}
