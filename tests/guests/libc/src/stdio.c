// Buffered output and formatting.
#include <__lock.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct __file {
  int fd;
  size_t used;
  size_t size;
  char buffer[4096];
};

static struct __file out = {.fd = STDOUT_FILENO, .size = sizeof out.buffer};
// A size of zero means unbuffered.
static struct __file err = {.fd = STDERR_FILENO};
FILE *const stdout = &out;
FILE *const stderr = &err;

static int write_all(int fd, const char *data, size_t count) {
  while (count) {
    ssize_t done = write(fd, data, count);
    if (done <= 0) return EOF;
    data += done;
    count -= (size_t)done;
  }
  return 0;
}

static int flush(FILE *file) {
  int result = write_all(file->fd, file->buffer, file->used);
  file->used = 0;
  return result;
}

int fflush(FILE *file) {
  __lock(&__stdio_lock);
  int result = flush(file ? file : stdout);
  __unlock(&__stdio_lock);
  return result;
}

static int put(FILE *file, const char *data, size_t count) {
  int result = 0;
  __lock(&__stdio_lock);
  if (count > file->size - file->used && flush(file) != 0) {
    result = EOF;
  } else if (count > file->size) {
    result = write_all(file->fd, data, count);
  } else {
    memcpy(file->buffer + file->used, data, count);
    file->used += count;
  }
  __unlock(&__stdio_lock);
  return result;
}

int fputc(int c, FILE *file) {
  char byte = (char)c;
  return put(file, &byte, 1) == 0 ? (unsigned char)c : EOF;
}
int fputs(const char *text, FILE *file) { return put(file, text, strlen(text)); }
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
  return put(file, data, size * count) == 0 ? count : 0;
}
int putchar(int c) { return fputc(c, stdout); }
int puts(const char *text) { return fputs(text, stdout) == 0 ? putchar('\n') : EOF; }

// Where formatted text goes: a file, or a buffer of `size` bytes.
struct sink {
  FILE *file;
  char *buffer;
  size_t size;
  size_t written;
};

static void emit(struct sink *sink, const char *data, size_t count) {
  if (sink->file)
    put(sink->file, data, count);
  else
    for (size_t i = 0; i < count; i++)
      if (sink->written + i + 1 < sink->size) sink->buffer[sink->written + i] = data[i];
  sink->written += count;
}

static void repeat(struct sink *sink, char c, int count) {
  for (; count > 0; count--) emit(sink, &c, 1);
}

static void emit_padded(struct sink *sink, const char *prefix, const char *body, size_t length,
                        int width, int left, char fill) {
  int pad = width - (int)(strlen(prefix) + length);
  if (!left && fill == ' ') repeat(sink, ' ', pad);
  emit(sink, prefix, strlen(prefix));
  if (!left && fill == '0') repeat(sink, '0', pad);
  emit(sink, body, length);
  if (left) repeat(sink, ' ', pad);
}

// Writes the digits of `value` so that they end before `end`.
static char *digits(char *end, unsigned long long value, unsigned base, char ten) {
  do {
    unsigned digit = (unsigned)(value % base);
    *--end = (char)(digit < 10 ? '0' + digit : (unsigned)ten + digit - 10);
    value /= base;
  } while (value);
  return end;
}

static const char *number(const char *format, int *value, va_list *args) {
  *value = 0;
  if (*format == '*') {
    *value = va_arg(*args, int);
    return format + 1;
  }
  for (; *format >= '0' && *format <= '9'; format++) *value = *value * 10 + *format - '0';
  return format;
}

// d i u x X o c s p %, the flags - and 0, width, a precision for strings, and the
// lengths hh h l ll z j t.
static int format_into(struct sink *sink, const char *format, va_list *args) {
  for (; *format; format++) {
    if (*format != '%') {
      emit(sink, format, 1);
      continue;
    }
    int left = 0, width, precision = -1, wide = 0, size = 0, alternate = 0;
    char fill = ' ';
    for (format++; strchr("-0#", *format) && *format; format++) {
      left |= *format == '-';
      alternate |= *format == '#';
      if (*format == '0') fill = '0';
    }
    format = number(format, &width, args);
    if (*format == '.') format = number(format + 1, &precision, args);
    for (; *format == 'l'; format++) wide++;
    for (; *format == 'h'; format++) size++;
    if (*format == 'j') wide = 2, format++;
    if (*format == 'z' || *format == 't') wide = 0, format++;
    char scratch[32], *end = scratch + sizeof scratch, *text;
    const char *prefix = "";
    unsigned long long value;
    switch (*format) {
    case 'd':
    case 'i': {
      long long got = wide >= 2 ? va_arg(*args, long long) : va_arg(*args, int);
      if (size == 1) got = (short)got;
      if (size == 2) got = (signed char)got;
      if (got < 0) prefix = "-";
      value = got < 0 ? -(unsigned long long)got : (unsigned long long)got;
      text = digits(end, value, 10, 0);
      emit_padded(sink, prefix, text, (size_t)(end - text), width, left, fill);
      break;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      value = wide >= 2 ? va_arg(*args, unsigned long long) : va_arg(*args, unsigned);
      if (size == 1) value = (unsigned short)value;
      if (size == 2) value = (unsigned char)value;
      if (alternate && value) prefix = *format == 'o' ? "0" : *format == 'x' ? "0x" : "0X";
      text = digits(end, value, *format == 'u' ? 10 : *format == 'o' ? 8 : 16,
                    *format == 'X' ? 'A' : 'a');
      emit_padded(sink, *format == 'u' ? "" : prefix, text, (size_t)(end - text), width, left,
                  fill);
      break;
    case 'p':
      text = digits(end, (uintptr_t)va_arg(*args, void *), 16, 'a');
      emit_padded(sink, "0x", text, (size_t)(end - text), width, left, ' ');
      break;
    case 'c':
      scratch[0] = (char)va_arg(*args, int);
      emit_padded(sink, "", scratch, 1, width, left, ' ');
      break;
    case 's': {
      const char *got = va_arg(*args, const char *);
      if (!got) got = "(null)";
      const char *stop = precision < 0 ? NULL : memchr(got, 0, (size_t)precision);
      size_t length = stop ? (size_t)(stop - got) : precision < 0 ? strlen(got) : (size_t)precision;
      emit_padded(sink, "", got, length, width, left, ' ');
      break;
    }
    case '%':
      emit(sink, "%", 1);
      break;
    default:
      // A mistake in a test program: better loud than wrong.
      __builtin_trap();
    }
  }
  return (int)sink->written;
}

int vfprintf(FILE *file, const char *format, va_list args) {
  struct sink sink = {.file = file};
  va_list copy;
  va_copy(copy, args);
  int count = format_into(&sink, format, &copy);
  va_end(copy);
  return count;
}

int vsnprintf(char *buf, size_t size, const char *format, va_list args) {
  struct sink sink = {.buffer = buf, .size = size};
  va_list copy;
  va_copy(copy, args);
  int count = format_into(&sink, format, &copy);
  va_end(copy);
  if (size) buf[sink.written < size ? sink.written : size - 1] = 0;
  return count;
}

int printf(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int count = vfprintf(stdout, format, args);
  va_end(args);
  return count;
}

int fprintf(FILE *file, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int count = vfprintf(file, format, args);
  va_end(args);
  return count;
}

int snprintf(char *buf, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int count = vsnprintf(buf, size, format, args);
  va_end(args);
  return count;
}
