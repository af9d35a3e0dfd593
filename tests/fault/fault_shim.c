/* Preloaded into the program, it counts the calls by which files below a folder are made, written, made durable and
 * named, and at one of them does what a failing machine would.
 *
 *   LD_PRELOAD=libfault_shim.so FAULT_FOLDER=/absolute/cache FAULT_TRACE=trace.txt permafrost cache build ...
 *   LD_PRELOAD=libfault_shim.so FAULT_FOLDER=/absolute/cache FAULT_AT=17 FAULT_DO=kill permafrost cache build ...
 *
 * FAULT_TRACE: a file that takes a line for each call, "NUMBER OPERATION PATH", with " !" where the fault was put in.
 * FAULT_DO, at call FAULT_AT:
 *   kill             SIGKILL before the call
 *   tear             SIGKILL after it, of a write after half of it
 *   stop             SIGSTOP before the call
 *   lose-all, lose-data, lose-removals   SIGKILL before it, and what was not synced is lost (lost_writes.h)
 *   short            from here on every write of more than one byte writes half
 *   ENOSPC, EIO      the call fails; ENOSPC, only one that can need space
 *   ENOSPC-on, EIO-on   so do all after it
 * FAULT_FREE_BYTES: what statvfs tells of room in the folder.
 * Only calls through libc's symbols are seen: those of the program, of HDF5 and of libstdc++. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fault/lost_writes.h"

enum answer { kGoOn, kFail, kHalve, kTear };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char* folder;
static const char* fault;
static int trace = -1;
static long at, count;

__attribute__((constructor)) static void read_environment(void) {
  const char* path = getenv("FAULT_TRACE");
  const char* number = getenv("FAULT_AT");
  fault = getenv("FAULT_DO");
  at = number == NULL || fault == NULL ? 0 : atol(number);
  folder = getenv("FAULT_FOLDER");
  if (path != NULL) {
    trace = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
}

static int is_watched(const char* path) {
  if (folder == NULL || path == NULL) return 0;
  const size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static int path_of(int fd, char* path, size_t bytes) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, bytes - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return is_watched(path);
}

static void note(const char* operation, const char* path, int is_fault) {
  char line[PATH_MAX + 64];
  const int bytes = snprintf(line, sizeof line, "%ld %s %s%s\n", count, operation, path, is_fault ? " !" : "");
  if (trace >= 0 && syscall(SYS_write, trace, line, (size_t)bytes) != bytes) abort();
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int is(const char* name) { return strcmp(fault, name) == 0; }

static int needs_space(const char* operation) {
  return strcmp(operation, "unlink") != 0 && strcmp(operation, "open") != 0;
}

static enum answer answer_now(const char* operation, int* is_fault) {
  const int is_here = count == at, is_from_here = count >= at;
  *is_fault = 1;
  if (is_here && is("tear")) return kTear;
  if (is_from_here && is("short")) return kHalve;
  const int is_full = needs_space(operation) && ((is_here && is("ENOSPC")) || (is_from_here && is("ENOSPC-on")));
  const int is_broken = (is_here && is("EIO")) || (is_from_here && is("EIO-on"));
  *is_fault = is_full || is_broken || (is_here && strncmp(fault, "E", 1) != 0);
  if (is_full) errno = ENOSPC;
  if (is_broken) errno = EIO;
  return is_full || is_broken ? kFail : kGoOn;
}

/* Counts a call and says what becomes of it. The caller holds the mutex. */
static enum answer meet(const char* operation, const char* path) {
  ++count;
  if (at == 0) {
    note(operation, path, 0);
    return kGoOn;
  }
  int is_fault = 0;
  const enum answer answer = answer_now(operation, &is_fault);
  const int error = errno;
  note(operation, path, is_fault);
  if (count == at) {
    if (is("kill")) die();
    if (is("stop")) kill(getpid(), SIGSTOP);
    if (is("lose-all")) lose(kLoseAll);
    if (is("lose-data")) lose(kLoseData);
    if (is("lose-removals")) lose(kLoseRemovals);
    if (strncmp(fault, "lose", 4) == 0) die();
  }
  errno = error;
  return answer;
}

/* What every call below does: counts, fails where it has to, remembers what would be lost, calls, may die after it. */
#define CALL(operation, path, remember, call)         \
  do {                                                \
    pthread_mutex_lock(&mutex);                       \
    const enum answer answer = meet(operation, path); \
    long result = -1;                                 \
    if (answer != kFail) {                            \
      remember;                                       \
      result = call;                                  \
    }                                                 \
    if (answer == kTear) die();                       \
    const int error = errno;                          \
    pthread_mutex_unlock(&mutex);                     \
    errno = error;                                    \
    return result;                                    \
  } while (0)

static size_t part_of(enum answer answer, size_t bytes) {
  return (answer == kHalve || answer == kTear) && bytes > 1 ? bytes / 2 : bytes;
}

static int open_at(int directory, const char* path, int flags, mode_t mode) {
  const int is_writing = (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
  if (!is_writing || !is_watched(path)) return (int)syscall(SYS_openat, directory, path, flags, mode);
  CALL(faccessat(directory, path, F_OK, 0) == 0 ? "open" : "create", path, remember_opening(path, flags),
       syscall(SYS_openat, directory, path, flags, mode));
}

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name, parameters, directory)          \
  int name parameters {                            \
    va_list arguments;                             \
    va_start(arguments, flags);                    \
    const mode_t mode = mode_of(flags, arguments); \
    va_end(arguments);                             \
    return open_at(directory, path, flags, mode);  \
  }
#define CREAT(name) \
  int name(const char* path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
OPEN(open, (const char* path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char* path, int flags, ...), AT_FDCWD)
OPEN(openat, (int directory, const char* path, int flags, ...), directory)
OPEN(openat64, (int directory, const char* path, int flags, ...), directory)
CREAT(creat)
CREAT(creat64)

ssize_t write(int fd, const void* data, size_t bytes) {
  char path[PATH_MAX];
  if (!path_of(fd, path, sizeof path)) return syscall(SYS_write, fd, data, bytes);
  CALL("write", path, remember_data(fd), syscall(SYS_write, fd, data, part_of(answer, bytes)));
}

static ssize_t write_at(int fd, const void* data, size_t bytes, off_t offset) {
  char path[PATH_MAX];
  if (!path_of(fd, path, sizeof path)) return syscall(SYS_pwrite64, fd, data, bytes, offset);
  CALL("write", path, remember_data(fd), syscall(SYS_pwrite64, fd, data, part_of(answer, bytes), offset));
}
ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) { return write_at(fd, data, bytes, offset); }
ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) { return write_at(fd, data, bytes, offset); }

static int resize(int fd, off_t bytes) {
  char path[PATH_MAX];
  if (!path_of(fd, path, sizeof path)) return (int)syscall(SYS_ftruncate, fd, bytes);
  CALL("resize", path, remember_data(fd), syscall(SYS_ftruncate, fd, bytes));
}
int ftruncate(int fd, off_t bytes) { return resize(fd, bytes); }
int ftruncate64(int fd, off_t bytes) { return resize(fd, bytes); }

static int allocate(int fd, int mode, off_t offset, off_t bytes) {
  char path[PATH_MAX];
  if (!path_of(fd, path, sizeof path)) return (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
  CALL("resize", path, remember_data(fd), syscall(SYS_fallocate, fd, mode, offset, bytes));
}
int fallocate(int fd, int mode, off_t offset, off_t bytes) { return allocate(fd, mode, offset, bytes); }
int fallocate64(int fd, int mode, off_t offset, off_t bytes) { return allocate(fd, mode, offset, bytes); }
int posix_fallocate(int fd, off_t offset, off_t bytes) { return allocate(fd, 0, offset, bytes) == 0 ? 0 : errno; }
int posix_fallocate64(int fd, off_t offset, off_t bytes) { return posix_fallocate(fd, offset, bytes); }

static int sync_fd(int fd, long number) {
  char path[PATH_MAX];
  if (!path_of(fd, path, sizeof path)) return (int)syscall(number, fd);
  CALL("sync", path, (void)0, syscall(number, fd) == 0 ? (forget_synced(fd, path), 0) : -1);
}
int fsync(int fd) { return sync_fd(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_fd(fd, SYS_fdatasync); }

static int rename_at(int from_directory, const char* from, int directory, const char* path, unsigned flags) {
  if (!is_watched(from) && !is_watched(path)) {
    return (int)syscall(SYS_renameat2, from_directory, from, directory, path, flags);
  }
  CALL("rename", path, remember_renaming(from, path),
       syscall(SYS_renameat2, from_directory, from, directory, path, flags));
}
int rename(const char* from, const char* path) { return rename_at(AT_FDCWD, from, AT_FDCWD, path, 0); }
int renameat(int from_directory, const char* from, int directory, const char* path) {
  return rename_at(from_directory, from, directory, path, 0);
}
int renameat2(int from_directory, const char* from, int directory, const char* path, unsigned flags) {
  return rename_at(from_directory, from, directory, path, flags);
}

int linkat(int from_directory, const char* from, int directory, const char* path, int flags) {
  if (!is_watched(path)) return (int)syscall(SYS_linkat, from_directory, from, directory, path, flags);
  CALL("link", path, remember_name(path), syscall(SYS_linkat, from_directory, from, directory, path, flags));
}
int link(const char* from, const char* path) { return linkat(AT_FDCWD, from, AT_FDCWD, path, 0); }

int unlinkat(int directory, const char* path, int flags) {
  if (!is_watched(path)) return (int)syscall(SYS_unlinkat, directory, path, flags);
  CALL("unlink", path, remember_removal(path), syscall(SYS_unlinkat, directory, path, flags));
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
int remove(const char* path) {
  if (unlinkat(AT_FDCWD, path, 0) == 0) return 0;
  return errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : -1;
}

static int tell_free(const char* path, struct statvfs* space) {
  const char* bytes = getenv("FAULT_FREE_BYTES");
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int result = fstatvfs(fd, space);
  close(fd);
  if (result == 0 && bytes != NULL && is_watched(path)) {
    space->f_bavail = space->f_bfree = (fsblkcnt_t)atoll(bytes) / space->f_frsize;
  }
  return result;
}
int statvfs(const char* path, struct statvfs* space) { return tell_free(path, space); }
int statvfs64(const char* path, struct statvfs64* space) { return tell_free(path, (struct statvfs*)space); }
