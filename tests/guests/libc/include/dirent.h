// Directory entries as the kernel packs them; glibc has the same call and struct.
#pragma once
#include <sys/types.h>

struct dirent64 {
  ino_t d_ino;
  off_t d_off;
  unsigned short d_reclen;
  unsigned char d_type;
  char d_name[256];
};

ssize_t getdents64(int fd, void *buf, size_t size);
