// Calls that reach into memory by host addresses, or into other processes: with arguments that
// would do something.
#include "hostile.h"

#define ALL(X)                                                                                    \
  X(ptrace) X(process_vm_readv) X(process_vm_writev) X(process_madvise) X(process_mrelease)       \
  X(pidfd_getfd) X(userfaultfd) X(io_uring_setup) X(io_uring_enter) X(io_uring_register)          \
  X(io_setup) X(io_submit) X(io_getevents) X(io_destroy) X(bpf) X(perf_event_open)                \
  X(modify_ldt) X(arch_prctl) X(remap_file_pages) X(kexec_load) X(kexec_file_load)                \
  X(init_module) X(finit_module) X(delete_module) X(iopl) X(ioperm) X(map_shadow_stack)           \
  X(seccomp) X(set_robust_list) X(get_robust_list) X(rseq) X(pkey_alloc) X(pkey_free)             \
  X(pkey_mprotect) X(set_thread_area) X(get_thread_area) X(uselib)                 \
  X(rt_sigreturn)
ALL(RAWEST)

int main(void) {
  // The guest's own memory, as addresses of the host's would be: low, high, its own.
  static unsigned char target[256];
  long long address = (long long)(unsigned)target;
  memset(target, 0x55, sizeof target);
  long long self = getpid();
#define TRY(name)                                                                                 \
  if (strcmp(#name, "rt_sigreturn") != 0) {                                                       \
    FAILS(rawest_##name(0, 0, 0, 0, 0, 0));                                                       \
    FAILS(rawest_##name(self, address, 1, address, 1, 0));                                        \
    FAILS(rawest_##name(16, self, address, address, 0, 0));                                       \
    FAILS(rawest_##name(address, 24, address, 1, 0, 0));                                          \
    FAILS(rawest_##name(-1, -1, -1, -1, -1, -1));                                                 \
    FAILS(rawest_##name(1, address, 256, 0, 0, 0));                                               \
  }
  ALL(TRY)
  for (unsigned i = 0; i < sizeof target; i++) HOLDS(target[i] == 0x55);

  // The runtime has no threads of its own to be hit: every thread is the guest's.
  int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY), count = 0;
  char entries[2048];
  long long length = raw(getdents64, tasks, (void *)entries, sizeof entries);
  for (long long at = 0; at < length; at += *(unsigned short *)(entries + at + 16))
    if (entries[at + 19] != '.') count++;
  HOLDS(count == 1);
  return broken;
}
