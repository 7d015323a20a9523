// What the programs share that show what an emulator does otherwise than Linux. Each ends with 0
// if all is as on Linux, with 1 if not, and with 77 on ISAs of which it says nothing.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int gap_found;

// What must hold, and on Linux does.
#define LINUX(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) gap_found = 1, printf("not so: %s\n", #condition), fflush(stdout);           \
  } while (0)

// The error's number, or 0.
#define ERROR_OF(call) (errno = 0, (call) == -1 ? errno : 0)

#define BAD ((void *)16)

// How a child ends that does this: its status as wait tells it.
#define IN_CHILD(does)                                                                             \
  ({                                                                                               \
    int gap_status = -1;                                                                           \
    fflush(stdout);                                                                                \
    pid_t gap_child = fork();                                                                      \
    if (gap_child == 0) {                                                                          \
      alarm(20);                                                                                   \
      does;                                                                                        \
      fflush(stdout);                                                                              \
      _exit(gap_found);                                                                            \
    }                                                                                              \
    waitpid(gap_child, &gap_status, 0);                                                            \
    gap_status;                                                                                    \
  })
