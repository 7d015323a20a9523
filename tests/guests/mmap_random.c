// Random calls of the mmap family in an arena of pages, natively and here: after each one, every
// page must be the same: mapped or not, readable or not, with the same bytes in it. Plain are those
// that emulators do alike: no moving, no advice, no files that change their size, nothing that is
// writable alone, no protection of what is not there.
//
// cases:
//   one: { args: ["1", "1500"] }
//   two: { args: ["2", "1500"] }
//   three: { args: ["3", "1500"] }
//   four: { args: ["4", "1500"] }
//   plain: { args: ["5", "1500", plain] }
//   plain_too: { args: ["6", "1500", plain] }
#include <sys/mman.h>
#include <sys/wait.h>

#include "common.h"

#define PAGE 4096
#define PAGES 64
#define FILE_PAGES 24
#define YARD (64 << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *arena;
static uint64_t state;
static int file, ends[2], zero, depth, plain;

// What is known of each page: which mapping it belongs to and its place in it. Calls on ranges
// that must be one mapping are made on pages that surely are, since which neighbours the kernel
// has joined cannot be seen.
static struct {
  unsigned mapping, place, prot;
  char private, file;
} known[PAGES];
static unsigned mappings;

static uint64_t random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static unsigned below(unsigned n) { return (unsigned)((random64() >> 20) % n); }

static char *page(unsigned i) { return arena + i * PAGE; }

static unsigned long long hash;
static void mix(unsigned long long value) { hash = (hash ^ value) * 0x100000001b3ull; }

// What a page is: unmapped, not readable, or the bytes at both of its ends.
static void look(char *at, char *letter) {
  unsigned char resident;
  char bytes[16];
  int mapped = mincore(at, PAGE, &resident) == 0;
  int readable = write(ends[1], at, 8) == 8;
  if (readable) {
    if (write(ends[1], at + PAGE - 8, 8) != 8) die("write");
    if (read(ends[0], bytes, 16) != 16) die("read");
    for (int i = 0; i < 16; i++) mix((unsigned char)bytes[i]);
  }
  *letter = !mapped ? '.' : !readable ? '-' : bytes[0] ? 'a' + (unsigned char)bytes[0] % 26 : '0';
}

static void report(const char *what, long long result) {
  char letters[PAGES + 1] = {0};
  for (unsigned i = 0; i < PAGES; i++) look(page(i), &letters[i]);
  printf("%d %s = %s %s %016llx\n", depth, what, outcome(result), letters, hash);
}

// A result that is an address, as a page of the arena.
static long long place(long long result) {
  if (result < 0 && result > -4096) return result;
  uintptr_t at = (uintptr_t)result;
  if (at < (uintptr_t)arena || at >= (uintptr_t)arena + PAGES * PAGE) return 1000;
  return (long long)((at - (uintptr_t)arena) / PAGE);
}

#ifdef __wasm__
#define ADDRESS(p) ((uintptr_t)(p))
#define PLACE(result) place(result)
#else
#define ADDRESS(p) (p)
#define PLACE(result) place((long long)(result))
#endif

static void learn(unsigned at, unsigned n, unsigned prot, int private, int of_file) {
  mappings++;
  for (unsigned i = 0; i < n; i++) {
    known[at + i].mapping = mappings;
    known[at + i].place = i;
    known[at + i].prot = prot;
    known[at + i].private = (char)private;
    known[at + i].file = (char)of_file;
  }
}

static void forget(unsigned at, unsigned n) {
  for (unsigned i = 0; i < n; i++) known[at + i].mapping = 0;
}

// The length of the run of one mapping from here on.
static unsigned run(unsigned at) {
  unsigned n = 0;
  if (!known[at].mapping) return 0;
  while (at + n < PAGES && known[at + n].mapping == known[at].mapping &&
         known[at + n].place == known[at].place + n)
    n++;
  return n;
}

static unsigned free_run(unsigned at) {
  unsigned n = 0;
  while (at + n < PAGES && !known[at + n].mapping) n++;
  return n;
}

static unsigned some_protection(void) {
  static const unsigned all[] = {PROT_NONE, PROT_READ, RW, RW, RW, PROT_WRITE};
  unsigned prot = all[below(6)];
  return plain && prot == PROT_WRITE ? RW : prot;
}

static void do_map(unsigned at, unsigned n) {
  unsigned prot = some_protection();
  int kind = (int)below(4), no_replace = below(6) == 0 && !plain;
  int flags = no_replace ? MAP_FIXED_NOREPLACE : MAP_FIXED, fd = -1;
  off_t offset = 0;
  flags |= kind & 1 ? MAP_SHARED : MAP_PRIVATE;
  if (below(8) == 0) flags |= MAP_POPULATE;
  if (below(8) == 0) flags |= MAP_NORESERVE;
  if (kind & 2)
    fd = file, offset = below(FILE_PAGES) * PAGE;
  else
    flags |= MAP_ANONYMOUS;
  long long result = PLACE(raw(mmap, ADDRESS(page(at)), n * PAGE, prot, flags, fd, offset));
  char what[80];
  snprintf(what, sizeof what, "mmap %u+%u prot %u kind %d%s", at, n, prot, kind,
           no_replace ? " noreplace" : "");
  if (result == at) learn(at, n, prot, !(kind & 1), kind & 2);
  report(what, result);
}

static void do_remap(unsigned at, unsigned n) {
  unsigned to = below(PAGES), new_n = 1 + below(12);
  unsigned way = below(6);
  unsigned have = run(at);
  if (have == 0) {
    if (way) return;
    have = n = 1 + below(3);  // nothing there: the error
    if (known[at].mapping) return;
  }
  if (n > have) n = have;
  if (to + new_n > PAGES) new_n = PAGES - to;
  int flags = 0, private = known[at].private, of_file = known[at].file;
  unsigned prot = known[at].prot;
  char what[80];
  long long result;
  switch (way) {
    case 0:
    case 1:  // shrinks, or grows in place if there is room, or fails
      if (new_n > n) {
        // Growth within what is the same mapping, or over others, fails; whether a mapping may
        // grow at the end of the arena depends on what lies behind it.
        if (at + new_n > PAGES) return;
        if (private && of_file) return;
      }
      snprintf(what, sizeof what, "mremap %u+%u to %u", at, n, new_n);
      result = PLACE(raw(mremap, ADDRESS(page(at)), n * PAGE, new_n * PAGE, 0, ADDRESS(NULL)));
      if (result == at && new_n < n) forget(at + new_n, n - new_n);
      if (result == at && new_n > n) learn(at, new_n, prot, private, of_file);
      break;
    case 2:  // leaves an empty mapping behind
      new_n = n;
      if (to + n > PAGES) return;
      flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
      snprintf(what, sizeof what, "mremap %u+%u to %u, keeping", at, n, to);
      result = PLACE(
          raw(mremap, ADDRESS(page(at)), n * PAGE, n * PAGE, flags, ADDRESS(page(to))));
      if (result == to) {
        learn(at, n, prot, private, of_file);
        learn(to, n, prot, private, of_file);
      }
      break;
    case 3:  // a second mapping of shared pages
      flags = MREMAP_MAYMOVE | MREMAP_FIXED;
      if (to <= at && at < to + new_n) return;
      snprintf(what, sizeof what, "mremap %u+0 to %u+%u", at, to, new_n);
      result = PLACE(raw(mremap, ADDRESS(page(at)), 0, new_n * PAGE, flags, ADDRESS(page(to))));
      if (result == to) learn(to, new_n, prot, private, of_file);
      break;
    default:
      flags = MREMAP_MAYMOVE | MREMAP_FIXED;
      snprintf(what, sizeof what, "mremap %u+%u to %u+%u", at, n, to, new_n);
      result = PLACE(
          raw(mremap, ADDRESS(page(at)), n * PAGE, new_n * PAGE, flags, ADDRESS(page(to))));
      if (result == to) {
        forget(at, n);
        learn(to, new_n, prot, private, of_file);
      } else if (result == -EFAULT || result == -ENOMEM) {
        forget(to, new_n);
      }
  }
  report(what, result);
}

// Moves a run away, wherever that is, and back.
static void do_move(unsigned at) {
  unsigned n = run(at);
  if (n == 0 || at + n == PAGES) return;
  unsigned more = n + 1 + below(8);
  if (at + more > PAGES || free_run(at + n) > 0) return;
  long long away = raw(mremap, ADDRESS(page(at)), n * PAGE, more * PAGE, MREMAP_MAYMOVE, ADDRESS(NULL));
  if (away < 0 && away > -4096) {
    report("move", away);
    return;
  }
  char *there = (char *)(uintptr_t)away, letter;
  for (unsigned i = 0; i < more; i++) look(there + i * PAGE, &letter), mix((unsigned char)letter);
  int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
  long long back =
      PLACE(raw(mremap, ADDRESS(there), more * PAGE, more * PAGE, flags, ADDRESS(page(at))));
  char what[80];
  snprintf(what, sizeof what, "move %u+%u and back as %u", at, n, more);
  if (back == at) learn(at, more, known[at].prot, known[at].private, known[at].file);
  report(what, back);
}

static void do_protect(unsigned at, unsigned n) {
  unsigned prot = some_protection(), mapped = 0;
  while (mapped < n && known[at + mapped].mapping) mapped++;
  if (plain && mapped < n) return;
  int result = (int)raw(mprotect, ADDRESS(page(at)), n * PAGE, prot);
  for (unsigned i = at; i < at + n && known[i].mapping;) {
    unsigned same = 1;
    while (i + same < at + n && known[i + same].mapping == known[i].mapping &&
           known[i + same].place == known[i].place + same)
      same++;
    learn(i, same, prot, known[i].private, known[i].file);
    i += same;
  }
  char what[80];
  snprintf(what, sizeof what, "mprotect %u+%u %u", at, n, prot);
  report(what, result);
}

static void do_advise(unsigned at, unsigned n) {
  static const int advice[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_WILLNEED, MADV_REMOVE,
                               22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */};
  int chosen = advice[below(6)];
  int result = (int)raw(madvise, ADDRESS(page(at)), n * PAGE, chosen);
  char what[80];
  snprintf(what, sizeof what, "madvise %u+%u %d", at, n, chosen);
  report(what, result);
}

static void do_touch(unsigned at, unsigned n) {
  // The kernel writes, so that pages which may not be written are no trap.
  char text[8];
  for (int i = 0; i < 8; i++) text[i] = (char)(1 + below(255));
  unsigned done = 0;
  for (unsigned i = at; i < at + n; i++) {
    if (write(ends[1], text, 8) != 8) die("write");
    unsigned offset = below(2) ? PAGE - 8 : 0;
    if (read(ends[0], page(i) + offset, 8) == 8)
      done++;
    else if (read(ends[0], text, 8) != 8)
      die("drain");
  }
  char what[80];
  snprintf(what, sizeof what, "touch %u+%u", at, n);
  report(what, done);
}

static void do_file(void) {
  char what[80];
  int result;
  if (below(2) && !plain) {
    unsigned pages = 4 + below(FILE_PAGES);
    result = ftruncate(file, pages * PAGE - below(2) * 100);
    snprintf(what, sizeof what, "truncate to %u", pages);
  } else {
    unsigned at = below(FILE_PAGES);
    result = (int)pwrite(file, "\3\4\5", 3, at * PAGE);
    snprintf(what, sizeof what, "write to page %u", at);
  }
  report(what, result);
}

static void steps(unsigned count);

static void do_fork(void) {
  if (depth >= 3) return;
  fflush(stdout);
  int pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    depth++;
    steps(40);
    fflush(stdout);
    _exit(0);
  }
  int status;
  if (waitpid(pid, &status, 0) != pid) die("wait");
  random64();
  report("fork", status);
}

static void steps(unsigned count) {
  while (count--) {
    unsigned at = below(PAGES), n = 1 + below(12);
    if (at + n > PAGES) n = PAGES - at;
    int result;
    char what[80];
    unsigned kind = below(32);
    if (plain && ((kind >= 10 && kind <= 17) || kind == 21 || kind == 22 || kind == 30)) kind %= 10;
    switch (kind) {
      case 0 ... 6: do_map(at, n); break;
      case 7 ... 9:
        result = (int)raw(munmap, ADDRESS(page(at)), n * PAGE);
        forget(at, n);
        snprintf(what, sizeof what, "munmap %u+%u", at, n);
        report(what, result);
        break;
      case 10 ... 15: do_remap(at, n); break;
      case 16 ... 17: do_move(at); break;
      case 18 ... 20: do_protect(at, n); break;
      case 21 ... 22: do_advise(at, n); break;
      case 23 ... 28: do_touch(at, n); break;
      case 29: do_file(); break;
      case 30: {
        int flags = below(2) ? MS_SYNC : MS_ASYNC;
        snprintf(what, sizeof what, "msync %u+%u %d", at, n, flags);
        report(what, (int)raw(msync, ADDRESS(page(at)), n * PAGE, flags));
        break;
      }
      case 31:
        if (below(12) == 0) do_fork();
        break;
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  plain = argc > 3;
  state = 0x9e3779b97f4a7c15ull * (unsigned)atoi(argv[1]);
  for (int i = 0; i < 8; i++) random64();
  file = memfd_create("pages", 0);
  zero = open("/dev/zero", O_RDONLY);
  if (file < 0 || zero < 0 || pipe(ends) != 0) die("files");
  if (ftruncate(file, FILE_PAGES * PAGE) != 0) die("ftruncate");
  for (unsigned i = 0; i < FILE_PAGES; i++) {
    char byte = (char)('A' + i);
    if (pwrite(file, &byte, 1, i * PAGE) != 1) die("pwrite");
  }
  // At the end of a large hole where neither world looks first, so that what is placed by the
  // system is not in the arena. A page behind it keeps the arena from growing.
  char *hole = mmap(NULL, YARD, PROT_NONE, ANON, -1, 0);
  if (hole == MAP_FAILED) die("hole");
#ifdef __wasm__
  arena = hole + YARD - (PAGES + 1) * PAGE;
#else
  arena = hole;
#endif
  if (munmap(hole, YARD) != 0) die("arena");
  if (mmap(page(PAGES), PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0) != page(PAGES)) die("end");
  steps((unsigned)atoi(argv[2]));
  return 0;
}
