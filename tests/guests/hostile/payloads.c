// Addresses inside of payloads: taken for the host's they would let a guest read or write
// where it likes.
#include "hostile.h"

RAWEST(ioctl)
RAWEST(setsockopt)
RAWEST(getsockopt)
RAWEST(prctl)
RAWEST(fcntl)
RAWEST(keyctl)

// Places in a payload where an address might be, with a guest's address that must not change
// and a host's that cannot be there.
static unsigned long long payload[64];
static unsigned char target[64];

static void fill(unsigned long long address) {
  for (int i = 0; i < 64; i++) payload[i] = address;
  memset(target, 0x55, sizeof target);
}

static void untouched(const char *what) {
  for (unsigned i = 0; i < sizeof target; i++)
    if (target[i] != 0x55) broken = 1, printf("%s wrote at an address in its payload\n", what);
}

int main(void) {
  long long at = (long long)(unsigned)payload, place = (long long)(unsigned)target;
  int inet = raw(socket, 2, 1, 0), unix_socket = raw(socket, 1, 2, 0);
  int packet = raw(socket, 17, 3, 0);
  int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
  int fds[] = {0, inet, unix_socket, packet, null, zero};
  // Every request of the types that matter; those that are not known must not get through.
  for (unsigned type = 0x00; type < 0x100; type += 1) {
    if (type != 0x89 && type != 'f' && type != 0xAA && type != 'T' && type != 0x12 && type != 0xAE &&
        type != '"' && type != 0x94)
      continue;
    for (unsigned number = 0; number < 0x100; number++) {
      unsigned codes[] = {type << 8 | number, 0xc0000000 | 16 << 16 | type << 8 | number,
                          0xc0000000 | 104 << 16 | type << 8 | number};
      for (int c = 0; c < 3; c++) {
        // What changes the terminal or freezes file systems is for another day.
        if (type == 'T' && number < 0x80) continue;
        fill((unsigned long long)place);
        for (unsigned f = 1; f < sizeof fds / sizeof *fds; f++)
          if (fds[f] >= 0) rawest_ioctl(fds[f], codes[c], at, 0, 0, 0);
        // SIOCGIFCONF's address is the guest's, and may well be written to.
        if (codes[c] != 0x8912) untouched("ioctl");
      }
    }
  }
  // SIOCGIFCONF with a buffer outside of memory: as natively, and nothing is written.
  unsigned conf[2] = {4000, 0xfffff000};
  FAILS(rawest_ioctl(inet, 0x8912, (long long)(unsigned)conf, 0, 0, 0));

  // A filter that lies where the host has something, but no guest: from 0x400000 on lies the
  // program, 0x7fff00000000 is often the stack.
  unsigned long long hosts[] = {0x400000, 0x7fff00000000ull, 0x555555554000ull, 0xffffffff81000000ull};
  for (int i = 0; i < 4; i++) {
    struct { unsigned short len, pad[3]; unsigned long long filter; } program = {4, {0}, hosts[i]};
    FAILS(rawest_setsockopt(inet, 1, 26, (long long)(unsigned)&program, 16, 0) - 1);
    FAILS(rawest_setsockopt(unix_socket, 1, 51, (long long)(unsigned)&program, 16, 0) - 1);
  }
  // Every option that takes or gives addresses anywhere, with lengths that fit nothing.
  for (int level = 0; level < 300; level++) {
    if (level > 60 && level < 255) continue;
    for (int option = 0; option < 80; option++) {
      if (level == 1 && (option == 26 || option == 51)) continue;
      unsigned length = 64;
      fill((unsigned long long)place);
      rawest_setsockopt(inet, level, option, at, 64, 0);
      rawest_getsockopt(inet, level, option, at, (long long)(unsigned)&length, 0);
      untouched("socket option");
    }
  }

  // prctl: what would move the runtime's own memory or take its calls away.
  int refused[] = {35 /* PR_SET_MM */, 22 /* PR_SET_SECCOMP */, 59 /* PR_SET_SYSCALL_USER_DISPATCH */,
                   54 /* PR_PAC_RESET_KEYS */, 0x53564d41 /* PR_SET_VMA, garbage */};
  for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
    fill(0);
    for (int what = 1; what < 16; what++)
      FAILS(rawest_prctl(refused[i], what, place, place, 64, 0));
  }
  // PR_GET_TID_ADDRESS: the guest's address, not the runtime's.
  fill(0);
  MUST(raw(set_tid_address, 0x12345678), raw(gettid));
  MUST(rawest_prctl(40, place, 0, 0, 0, 0), 0);
  unsigned address;
  memcpy(&address, target, 4);
  HOLDS(address == 0x12345678 && target[4] == 0x55);
  MUST(raw(set_tid_address, 0), raw(gettid));
  // Still alive, and the calls still work.
  HOLDS(raw(getpid) > 0);
  for (int option = 1; option < 80; option++) {
    if (option == 1 || option == 4 || option == 22 || option == 24 || option == 28 || option == 38)
      continue;
    fill(0);
    rawest_prctl(option, 0x1000000, 0x2000000, 0x3000000, 0x4000000, 0);
  }
  // fcntl commands that do not exist.
  for (int command = 40; command < 1024; command++) FAILS(rawest_fcntl(null, command, place, 0, 0, 0));
  FAILS(rawest_keyctl(99, place, place, place, place, 0));
  return broken;
}
