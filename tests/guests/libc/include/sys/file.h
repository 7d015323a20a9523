#pragma once
#include <wali.h>

int flock(int fd, int operation);
