#pragma once
#include <sys/types.h>
#include <wali.h>

int open(const char *path, int flags, ...);
int openat(int dirfd, const char *path, int flags, ...);
int creat(const char *path, mode_t mode);
int fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned flags);
ssize_t tee(int in, int out, size_t length, unsigned flags);
