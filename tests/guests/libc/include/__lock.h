// What keeps threads apart inside of libc; held across a fork.
#pragma once

struct __lock {
  unsigned word;
};
extern struct __lock __heap_lock, __stdio_lock;
void __lock(struct __lock *lock);
void __unlock(struct __lock *lock);
