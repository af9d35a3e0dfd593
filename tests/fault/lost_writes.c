#define _GNU_SOURCE
#include "tests/fault/lost_writes.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kMost = 4096 };

/* A file's bytes when it was last synced. */
struct image {
  int fd; /* of our own, so that it is found whatever its name */
  ino_t inode;
  char* bytes;
  size_t size;
};

/* A name that was made (from is NULL), changed or, path being NULL, removed; kept: where what it replaced is kept. */
struct change {
  char *from, *path, *kept;
};

static struct image images[kMost];
static struct change changes[kMost];
static int image_count, change_count, kept_count;

static void require(int holds, const char* what) {
  if (holds) return;
  perror(what);
  abort();
}

static ino_t inode_of(int fd) {
  struct stat info;
  require(fstat(fd, &info) == 0, "fstat");
  return info.st_ino;
}

static void take_image(int fd) {
  const ino_t inode = inode_of(fd);
  for (int i = 0; i < image_count; ++i) {
    if (images[i].inode == inode) return;
  }
  require(image_count < kMost, "too many files");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct image image = {(int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0), inode, NULL, 0};
  struct stat info;
  require(image.fd >= 0 && fstat(image.fd, &info) == 0, "open again");
  image.size = (size_t)info.st_size;
  image.bytes = malloc(image.size + 1);
  require(pread(image.fd, image.bytes, image.size, 0) == info.st_size, "read");
  images[image_count++] = image;
}

static void put_image_back(const struct image* image) {
  require(syscall(SYS_ftruncate, image->fd, 0) == 0, "truncate");
  require(syscall(SYS_pwrite64, image->fd, image->bytes, image->size, 0) == (long)image->size, "write");
}

/* A second name, outside the folder, for the file that is about to lose this one; NULL where there is none. */
static char* keep(const char* path) {
  char kept[PATH_MAX];
  snprintf(kept, sizeof kept, "%s/../.kept-%d-%d", getenv("FAULT_FOLDER"), getpid(), kept_count++);
  return syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0) == 0 ? strdup(kept) : NULL;
}

static void add_change(const char* from, const char* path, char* kept) {
  require(change_count < kMost, "too many names");
  changes[change_count++] = (struct change){from ? strdup(from) : NULL, path ? strdup(path) : NULL, kept};
}

static void drop_change(int i) {
  if (changes[i].kept) syscall(SYS_unlinkat, AT_FDCWD, changes[i].kept, 0);
  free(changes[i].from);
  free(changes[i].path);
  free(changes[i].kept);
  memmove(changes + i, changes + i + 1, sizeof *changes * (size_t)(--change_count - i));
}

void remember_data(int fd) { take_image(fd); }

void remember_opening(const char* path, int flags) {
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) {
    remember_name(path);
    return;
  }
  if (flags & O_TRUNC) take_image(fd);
  close(fd);
}

void remember_name(const char* path) { add_change(NULL, path, NULL); }
void remember_renaming(const char* from, const char* path) { add_change(from, path, keep(path)); }
void remember_removal(const char* path) { add_change(path, NULL, keep(path)); }

static int is_in(const char* path, const char* folder) {
  const size_t length = strlen(folder);
  return path && strncmp(path, folder, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
}

void forget_synced(int fd, const char* path) {
  struct stat info;
  require(fstat(fd, &info) == 0, "fstat");
  if (S_ISDIR(info.st_mode)) {
    for (int i = change_count; i-- > 0;) {
      if (is_in(changes[i].path ? changes[i].path : changes[i].from, path)) drop_change(i);
    }
    return;
  }
  for (int i = image_count; i-- > 0;) {
    if (images[i].inode != info.st_ino) continue;
    close(images[i].fd);
    free(images[i].bytes);
    images[i] = images[--image_count];
  }
}

static void take_back(const struct change* change) {
  if (change->path && change->from) syscall(SYS_renameat2, AT_FDCWD, change->path, AT_FDCWD, change->from, 0);
  if (change->path && !change->from) syscall(SYS_unlinkat, AT_FDCWD, change->path, 0);
  const char* replaced = change->path ? change->path : change->from;
  if (change->kept) syscall(SYS_linkat, AT_FDCWD, change->kept, AT_FDCWD, replaced, 0);
}

void lose(enum what_is_lost what) {
  for (int i = 0; i < image_count && what != kLoseRemovals; ++i) put_image_back(&images[i]);
  while (change_count > 0) {
    const struct change* last = &changes[change_count - 1];
    if (what == kLoseAll || (what == kLoseRemovals && !last->path)) take_back(last);
    drop_change(change_count - 1);
  }
}
