// Types of the guest's data model: 32-bit pointers, sizes and ids; 64-bit offsets and times.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int ssize_t;
typedef long long off_t;
typedef long long time_t;
typedef unsigned long long ino_t;
typedef unsigned long long dev_t;
typedef unsigned long long nlink_t;
typedef unsigned mode_t;
typedef unsigned uid_t;
typedef unsigned gid_t;
typedef int pid_t;
typedef int clockid_t;
