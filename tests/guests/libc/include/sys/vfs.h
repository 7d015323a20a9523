#pragma once
#include <wali.h>

int statfs(const char *path, struct statfs *st);
int fstatfs(int fd, struct statfs *st);
