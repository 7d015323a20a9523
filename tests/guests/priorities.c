// Priorities, policies and processors of the process itself.
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "common.h"

#ifndef SCHED_NORMAL
// The C library calls it SCHED_OTHER.
#define SCHED_NORMAL SCHED_OTHER
#endif

int main(void) {
  int priority = -1;
  RAW(raw(setpriority, PRIO_PROCESS, 0, 5));
  RAW(raw(getpriority, PRIO_PROCESS, 0));
  RAW(raw(setpriority, PRIO_PROCESS, 0, 100));
  RAW(raw(getpriority, PRIO_PROCESS, 0));
  RAW(raw(getpriority, 99, 0));
  RAW(raw(setpriority, 99, 0, 0));
  RAW(raw(getpriority, PRIO_PROCESS, 0x7ffffff0));
  for (int policy = -1; policy < 8; policy++) {
    RAW(raw(sched_get_priority_min, policy));
    RAW(raw(sched_get_priority_max, policy));
  }
  RAW(raw(sched_getscheduler, 0));
  RAW(raw(sched_getscheduler, -1));
  RAW(raw(sched_getparam, 0, &priority));
  CHECK(priority == 0);
  RAW(raw(sched_getparam, 0, NULL));
  RAW(raw(sched_getparam, 0, BAD));
  RAW(raw(sched_getparam, -1, &priority));
  RAW(raw(sched_setparam, 0, &priority));
  RAW(raw(sched_setparam, 0, NULL));
  RAW(raw(sched_setparam, 0, BAD));
  priority = 1;
  RAW(raw(sched_setparam, 0, &priority));
  RAW(raw(sched_setscheduler, 0, SCHED_NORMAL, &priority));
  priority = 0;
  RAW(raw(sched_setscheduler, 0, SCHED_BATCH, &priority));
  RAW(raw(sched_getscheduler, 0));
  RAW(raw(sched_setscheduler, 0, 77, &priority));
  RAW(raw(sched_setscheduler, 0, SCHED_NORMAL, BAD));
  RAW(raw(sched_setscheduler, 0, SCHED_NORMAL, NULL));
  struct timespec interval;
  RAW(raw(sched_rr_get_interval, 0, &interval));
  RAW(raw(sched_rr_get_interval, 0, BAD));
  RAW(raw(sched_rr_get_interval, -1, &interval));

  unsigned long long processors[16] = {0};
  CHECK(raw(sched_getaffinity, 0, sizeof processors, processors) > 0);
  CHECK(processors[0] != 0);
  RAW(raw(sched_getaffinity, 0, 0, processors));
  RAW(raw(sched_getaffinity, 0, 3, processors));
  RAW(raw(sched_getaffinity, 0, sizeof processors, NULL));
  RAW(raw(sched_setaffinity, 0, sizeof processors, processors));
  RAW(raw(sched_setaffinity, 0, sizeof processors, BAD));
  memset(processors, 0, sizeof processors);
  RAW(raw(sched_setaffinity, 0, sizeof processors, processors));
  RAW(raw(sched_setaffinity, 0, 0, processors));
  unsigned cpu = ~0u, node = ~0u;
  RAW(raw(getcpu, &cpu, &node, 0));
  CHECK(cpu != ~0u && node != ~0u);
  RAW(raw(getcpu, NULL, NULL, 0));
  RAW(raw(getcpu, BAD, NULL, 0));
  return 0;
}
