// Allocation over mmap, sorting, numbers.
#include <__lock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Blocks up to LARGE come from slabs, one size class for each power of two;
// larger ones are mappings of their own. Each block is preceded by its size.
enum { ALIGN = 16, SMALLEST = 5, LARGE = 16, SLAB = 256 * 1024 };

typedef union block {
  struct {
    size_t size;
  };
  union block *next;
  char align[ALIGN];
} block;

static block *free_lists[LARGE + 1];
static char *slab, *slab_end;

static void *map(size_t size) {
  void *got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return got == MAP_FAILED ? NULL : got;
}

static block *from_slab(int class) {
  block *b = free_lists[class];
  if (b) {
    free_lists[class] = b->next;
    return b;
  }
  size_t size = (size_t)1 << class;
  if ((size_t)(slab_end - slab) < size) {
    slab = map(SLAB);
    slab_end = slab ? slab + SLAB : NULL;
    if (!slab) return NULL;
  }
  b = (block *)slab;
  slab += size;
  return b;
}

void *malloc(size_t size) {
  if (size > (size_t)-1 / 2) return NULL;
  size += sizeof(block);
  block *b;
  if (size > (size_t)1 << LARGE) {
    b = map(size);
    if (!b) return NULL;
  } else {
    int class = SMALLEST;
    while ((size_t)1 << class < size) class++;
    size = (size_t)1 << class;
    __lock(&__heap_lock);
    b = from_slab(class);
    __unlock(&__heap_lock);
    if (!b) return NULL;
  }
  b->size = size;
  return b + 1;
}

void free(void *memory) {
  if (!memory) return;
  block *b = (block *)memory - 1;
  size_t size = b->size;
  if (size > (size_t)1 << LARGE) {
    munmap(b, size);
    return;
  }
  int class = __builtin_ctz(size);
  __lock(&__heap_lock);
  b->next = free_lists[class];
  free_lists[class] = b;
  __unlock(&__heap_lock);
}

void *calloc(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  void *got = malloc(total);
  return got ? memset(got, 0, total) : NULL;
}

void *realloc(void *old, size_t size) {
  if (!old) return malloc(size);
  size_t had = ((block *)old - 1)->size - sizeof(block);
  if (size <= had) return old;
  void *got = malloc(size);
  if (!got) return NULL;
  memcpy(got, old, had);
  free(old);
  return got;
}

static void swap(char *a, char *b, size_t size) {
  for (; size; size--, a++, b++) {
    char c = *a;
    *a = *b;
    *b = c;
  }
}

// Heap sort: no recursion and no bad inputs.
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *)) {
  char *items = base;
  for (size_t built = count / 2, end = count; end > 1;) {
    if (built)
      built--;
    else
      swap(items, items + --end * size, size);
    for (size_t at = built, child; (child = 2 * at + 1) < end; at = child) {
      if (child + 1 < end && compare(items + child * size, items + (child + 1) * size) < 0) child++;
      if (compare(items + at * size, items + child * size) >= 0) break;
      swap(items + at * size, items + child * size, size);
    }
  }
}

char *getenv(const char *name) {
  size_t length = strlen(name);
  for (char **e = environ; *e; e++)
    if (strncmp(*e, name, length) == 0 && (*e)[length] == '=') return *e + length + 1;
  return NULL;
}

long long strtoll(const char *text, char **end, int base) {
  while (*text == ' ' || (*text >= '\t' && *text <= '\r')) text++;
  int negative = *text == '-';
  if (*text == '-' || *text == '+') text++;
  if ((base == 0 || base == 16) && text[0] == '0' && (text[1] | 32) == 'x') text += 2, base = 16;
  if (base == 0) base = *text == '0' ? 8 : 10;
  unsigned long long value = 0;
  for (;; text++) {
    int digit = *text >= '0' && *text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10;
    if (digit < 0 || digit >= base || (digit >= 10 && ((*text | 32) < 'a'))) break;
    value = value * (unsigned)base + (unsigned)digit;
  }
  if (end) *end = (char *)text;
  return (long long)(negative ? -value : value);
}

int atoi(const char *text) { return (int)strtoll(text, NULL, 10); }
