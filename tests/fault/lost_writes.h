/* What a folder would hold after a power loss: what was not synced is taken back.
 *
 * The model: the bytes of a file are safe once it was fsynced, its name (that it was made, renamed or removed) once its
 * folder was. kLoseAll takes back all that is not safe; kLoseData bytes alone, as a file system does that keeps names
 * in a journal and data not; kLoseRemovals removals alone, as one that reorders names. Kernels may lose any part of
 * it: these are the extremes. One process, absolute paths; the caller sees to it that one thread at a time is here. */
#pragma once

enum what_is_lost { kLoseAll, kLoseData, kLoseRemovals };

/* Called before the call that they are named after. */
void remember_opening(const char* path, int flags);
void remember_data(int fd);
void remember_renaming(const char* from, const char* path);
void remember_name(const char* path);
void remember_removal(const char* path);

/* After a successful fsync. */
void forget_synced(int fd, const char* path);

void lose(enum what_is_lost what);
