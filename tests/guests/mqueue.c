// POSIX message queues: made, filled, emptied by priority, watched, removed.
//
// cases:
//   all: {}
#ifndef __wasm__
#include <mqueue.h>
#include <signal.h>
#include <time.h>
#endif

#include "common.h"

#ifdef __wasm__
#define VALUE(event, v) ((event).sigev_value = (unsigned)(uintptr_t)(v))
#else
#define VALUE(event, v) ((event).sigev_value.sival_ptr = (void *)(v))
#endif

static char name[32];

static void attributes(int q) {
  struct mq_attr attr;
  memset(&attr, 0xff, sizeof attr);
  RAW(raw(mq_getsetattr, q, NULL, &attr));
  printf("%lld %lld %lld %lld\n", (long long)attr.mq_flags, (long long)attr.mq_maxmsg,
         (long long)attr.mq_msgsize, (long long)attr.mq_curmsgs);
}

static void opening(void) {
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
  RAW(raw(mq_open, name, O_RDWR, 0, NULL));
  RAW(raw(mq_open, "", O_RDWR | O_CREAT, 0600, NULL));
  RAW(raw(mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL));
  RAW(raw(mq_open, BAD, O_RDWR | O_CREAT, 0600, NULL));
  RAW(raw(mq_open, NULL, O_RDWR, 0, NULL));
  RAW(raw(mq_open, name, O_RDWR | O_CREAT, 0600, BAD));
  attr.mq_maxmsg = 0;
  RAW(raw(mq_open, name, O_RDWR | O_CREAT, 0600, &attr));
  attr.mq_maxmsg = -1;
  RAW(raw(mq_open, name, O_RDWR | O_CREAT, 0600, &attr));
  attr.mq_maxmsg = 4;
  int q = (int)raw(mq_open, name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
  CHECK(q >= 0);
  RAW(raw(mq_open, name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  attributes(q);
  RAW(raw(mq_getsetattr, q, BAD, NULL));
  RAW(raw(mq_getsetattr, q, NULL, BAD));
  RAW(raw(mq_getsetattr, q, NULL, NULL));
  RAW(raw(mq_getsetattr, -1, NULL, NULL));
  attr.mq_flags = O_APPEND;
  RAW(raw(mq_getsetattr, q, &attr, NULL));
  attr.mq_flags = 0;
  RAW(raw(mq_getsetattr, q, &attr, NULL));
  attributes(q);
  attr.mq_flags = O_NONBLOCK;
  RAW(raw(mq_getsetattr, q, &attr, &attr));
  printf("%lld\n", (long long)attr.mq_flags);
  close(q);
}

static void messages(void) {
  char buffer[128] = {0};
  unsigned priority = 77;
  int q = (int)raw(mq_open, name, O_RDWR | O_NONBLOCK, 0, NULL);
  RAW(raw(mq_timedreceive, q, buffer, 64, &priority, NULL));
  RAW(raw(mq_timedsend, q, "low", 3, 1, NULL));
  RAW(raw(mq_timedsend, q, "high", 4, 9, NULL));
  RAW(raw(mq_timedsend, q, "", 0, 5, NULL));
  RAW(raw(mq_timedsend, q, "x", 65, 5, NULL));
  RAW(raw(mq_timedsend, q, "x", (size_t)-1, 5, NULL));
  RAW(raw(mq_timedsend, q, "x", 1, 32768, NULL));
  RAW(raw(mq_timedsend, q, BAD, 1, 1, NULL));
  RAW(raw(mq_timedsend, q, NULL, 1, 1, NULL));
  RAW(raw(mq_timedsend, q, "x", 1, 1, BAD));
  RAW(raw(mq_timedsend, 1000, "x", 1, 1, NULL));
  RAW(raw(mq_timedsend, 1, "x", 1, 1, NULL));
  attributes(q);
  RAW(raw(mq_timedreceive, q, buffer, 63, &priority, NULL));
  RAW(raw(mq_timedreceive, q, buffer, sizeof buffer, &priority, NULL));
  printf("%s %u\n", buffer, priority);
  RAW(raw(mq_timedreceive, q, buffer, sizeof buffer, NULL, NULL));
  RAW(raw(mq_timedreceive, q, buffer, sizeof buffer, BAD, NULL));
  RAW(raw(mq_timedsend, q, "lost", 4, 1, NULL));
  RAW(raw(mq_timedreceive, q, BAD, 64, NULL, NULL));
  struct mq_attr attr = {0};
  RAW(raw(mq_getsetattr, q, &attr, NULL));
  struct timespec past = {.tv_sec = 1}, wrong = {.tv_nsec = -1};
  RAW(raw(mq_timedreceive, q, buffer, sizeof buffer, NULL, &past));
  RAW(raw(mq_timedreceive, q, buffer, sizeof buffer, NULL, &wrong));
  for (int i = 0; i < 4; i++) RAW(raw(mq_timedsend, q, "full", 4, i, NULL));
  RAW(raw(mq_timedsend, q, "full", 4, 1, &past));
  close(q);
}

static void notification(void) {
  char buffer[128], cookie[64] = "a cookie of thirty-two bytes....";
  int q = (int)raw(mq_open, name, O_RDWR | O_NONBLOCK, 0, NULL);
  while (raw(mq_timedreceive, q, buffer, sizeof buffer, NULL, NULL) >= 0)
    ;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  RAW(raw(mq_notify, q, BAD));
  RAW(raw(mq_notify, q, &event));
  RAW(raw(mq_notify, q, &event));
  RAW(raw(mq_notify, q, NULL));
  RAW(raw(mq_notify, 1, NULL));
  RAW(raw(mq_notify, 1000, &event));
  event.sigev_notify = 99;
  RAW(raw(mq_notify, q, &event));
  // A signal that does nothing unless it is handled.
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 1000;
  RAW(raw(mq_notify, q, &event));
  event.sigev_signo = SIGURG;
  VALUE(event, 42);
  RAW(raw(mq_notify, q, &event));
  RAW(raw(mq_timedsend, q, "wake", 4, 1, NULL));
  RAW(raw(mq_notify, q, &event));
  RAW(raw(mq_notify, q, NULL));
  // The kernel copies the cookie before it looks at the socket.
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_signo = 1000;
  VALUE(event, BAD);
  RAW(raw(mq_notify, q, &event));
  VALUE(event, 0);
  RAW(raw(mq_notify, q, &event));
  VALUE(event, cookie);
  RAW(raw(mq_notify, q, &event));
  event.sigev_signo = 1;
  RAW(raw(mq_notify, q, &event));
  close(q);
}

int main(void) {
  snprintf(name, sizeof name, "wali-test-%d", (int)getpid());
  opening();
  messages();
  notification();
  RAW(raw(mq_unlink, name));
  RAW(raw(mq_unlink, name));
  RAW(raw(mq_unlink, BAD));
  return 0;
}
