// Descriptors, files and directories: the kernel's calls under their C names.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

long long __result(long long raw) {
  if (raw < 0 && raw > -4096) {
    errno = (int)-raw;
    return -1;
  }
  return raw;
}

#define INT(call) (int)__result(wali_sys_##call)
#define LONG(call) __result(wali_sys_##call)

int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return INT(open(path, flags, mode));
}
int openat(int dirfd, const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return INT(openat(dirfd, path, flags, mode));
}
int creat(const char *path, mode_t mode) { return INT(creat(path, mode)); }
int close(int fd) { return INT(close(fd)); }
ssize_t read(int fd, void *buf, size_t n) { return INT(read(fd, buf, n)); }
ssize_t write(int fd, const void *buf, size_t n) { return INT(write(fd, buf, n)); }
ssize_t pread(int fd, void *buf, size_t n, off_t at) { return INT(pread64(fd, buf, n, at)); }
ssize_t pwrite(int fd, const void *buf, size_t n, off_t at) {
  return INT(pwrite64(fd, buf, n, at));
}
ssize_t readv(int fd, const struct iovec *iov, int n) { return INT(readv(fd, iov, n)); }
ssize_t writev(int fd, const struct iovec *iov, int n) { return INT(writev(fd, iov, n)); }
// The kernel takes an offset as two longs, of which a 64-bit one fills the first.
ssize_t preadv(int fd, const struct iovec *iov, int n, off_t at) {
  return INT(preadv(fd, iov, n, at, 0));
}
ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at) {
  return INT(pwritev(fd, iov, n, at, 0));
}
off_t lseek(int fd, off_t offset, int whence) { return LONG(lseek(fd, offset, whence)); }
int dup(int fd) { return INT(dup(fd)); }
int dup2(int from, int to) { return INT(dup2(from, to)); }
int dup3(int from, int to, int flags) { return INT(dup3(from, to, flags)); }
int pipe(int fds[2]) { return INT(pipe(fds)); }
int pipe2(int fds[2], int flags) { return INT(pipe2(fds, flags)); }
int fsync(int fd) { return INT(fsync(fd)); }
int fdatasync(int fd) { return INT(fdatasync(fd)); }
void sync(void) { wali_sys_sync(); }
int truncate(const char *path, off_t length) { return INT(truncate(path, length)); }
int ftruncate(int fd, off_t length) { return INT(ftruncate(fd, length)); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return INT(fallocate(fd, mode, offset, length));
}
int flock(int fd, int operation) { return INT(flock(fd, operation)); }

ssize_t sendfile(int out, int in, off_t *offset, size_t n) {
  return INT(sendfile(out, in, offset, n));
}
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t n,
                        unsigned flags) {
  return INT(copy_file_range(in, in_offset, out, out_offset, n, flags));
}
ssize_t splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t n, unsigned flags) {
  return INT(splice(in, in_offset, out, out_offset, n, flags));
}
ssize_t tee(int in, int out, size_t n, unsigned flags) { return INT(tee(in, out, n, flags)); }

int stat(const char *path, struct stat *st) { return INT(stat(path, st)); }
int lstat(const char *path, struct stat *st) { return INT(lstat(path, st)); }
int fstat(int fd, struct stat *st) { return INT(fstat(fd, st)); }
int fstatat(int dirfd, const char *path, struct stat *st, int flags) {
  return INT(newfstatat(dirfd, path, st, flags));
}
int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *st) {
  return INT(statx(dirfd, path, flags, mask, st));
}
int statfs(const char *path, struct statfs *st) { return INT(statfs(path, st)); }
int fstatfs(int fd, struct statfs *st) { return INT(fstatfs(fd, st)); }
int access(const char *path, int mode) { return INT(access(path, mode)); }
int faccessat(int dirfd, const char *path, int mode, int flags) {
  return flags ? INT(faccessat2(dirfd, path, mode, flags)) : INT(faccessat(dirfd, path, mode, 0));
}
int chmod(const char *path, mode_t mode) { return INT(chmod(path, mode)); }
int fchmod(int fd, mode_t mode) { return INT(fchmod(fd, mode)); }
int fchmodat(int dirfd, const char *path, mode_t mode, int flags) {
  // As glibc: the older call knows no flags.
  return flags ? (int)__result(-EOPNOTSUPP) : INT(fchmodat(dirfd, path, mode, 0));
}
int chown(const char *path, uid_t uid, gid_t gid) { return INT(chown(path, uid, gid)); }
int lchown(const char *path, uid_t uid, gid_t gid) { return INT(lchown(path, uid, gid)); }
int fchown(int fd, uid_t uid, gid_t gid) { return INT(fchown(fd, uid, gid)); }
int fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags) {
  return INT(fchownat(dirfd, path, uid, gid, flags));
}
mode_t umask(mode_t mask) { return (mode_t)wali_sys_umask(mask); }
int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags) {
  return INT(utimensat(dirfd, path, times, flags));
}
int futimens(int fd, const struct timespec times[2]) { return INT(utimensat(fd, 0, times, 0)); }

int mkdir(const char *path, mode_t mode) { return INT(mkdir(path, mode)); }
int mkdirat(int dirfd, const char *path, mode_t mode) { return INT(mkdirat(dirfd, path, mode)); }
int mknod(const char *path, mode_t mode, dev_t dev) {
  return INT(mknod(path, mode, (unsigned)dev));
}
int mkfifo(const char *path, mode_t mode) { return mknod(path, mode | S_IFIFO, 0); }
int rmdir(const char *path) { return INT(rmdir(path)); }
int link(const char *from, const char *to) { return INT(link(from, to)); }
int linkat(int fromfd, const char *from, int tofd, const char *to, int flags) {
  return INT(linkat(fromfd, from, tofd, to, flags));
}
int symlink(const char *target, const char *path) { return INT(symlink(target, path)); }
int symlinkat(const char *target, int dirfd, const char *path) {
  return INT(symlinkat(target, dirfd, path));
}
ssize_t readlink(const char *path, char *buf, size_t size) {
  return INT(readlink(path, buf, (int)size));
}
ssize_t readlinkat(int dirfd, const char *path, char *buf, size_t size) {
  return INT(readlinkat(dirfd, path, buf, (int)size));
}
int unlink(const char *path) { return INT(unlink(path)); }
int unlinkat(int dirfd, const char *path, int flags) { return INT(unlinkat(dirfd, path, flags)); }
int rename(const char *from, const char *to) { return INT(rename(from, to)); }
int renameat(int fromfd, const char *from, int tofd, const char *to) {
  return INT(renameat(fromfd, from, tofd, to));
}
int renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags) {
  return INT(renameat2(fromfd, from, tofd, to, flags));
}
int chdir(const char *path) { return INT(chdir(path)); }
int fchdir(int fd) { return INT(fchdir(fd)); }
char *getcwd(char *buf, size_t size) { return LONG(getcwd(buf, size)) < 0 ? NULL : buf; }
ssize_t getdents64(int fd, void *buf, size_t size) { return INT(getdents64(fd, buf, size)); }

int setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
  return INT(setxattr(path, name, value, size, flags));
}
int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
  return INT(fsetxattr(fd, name, value, size, flags));
}
ssize_t getxattr(const char *path, const char *name, void *value, size_t size) {
  return INT(getxattr(path, name, value, size));
}
ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size) {
  return INT(lgetxattr(path, name, value, size));
}
ssize_t fgetxattr(int fd, const char *name, void *value, size_t size) {
  return INT(fgetxattr(fd, name, value, size));
}
ssize_t listxattr(const char *path, char *list, size_t size) {
  return INT(listxattr(path, list, size));
}
ssize_t flistxattr(int fd, char *list, size_t size) { return INT(flistxattr(fd, list, size)); }
int removexattr(const char *path, const char *name) { return INT(removexattr(path, name)); }

int eventfd(unsigned initial, int flags) { return INT(eventfd2(initial, flags)); }
int timerfd_create(int clock, int flags) { return INT(timerfd_create(clock, flags)); }
int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
  return INT(timerfd_settime(fd, flags, value, old));
}
int timerfd_gettime(int fd, struct itimerspec *value) { return INT(timerfd_gettime(fd, value)); }
