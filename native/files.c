/*
 * Files of a cell, read and written on behalf of the supervisor with the cell's own authority: what the workload could not open is not opened
 * for anybody, and nothing is reached through a symlink [I5 of init.c].
 */
#include "init.h"
#include <dirent.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define READS_MAX 16
#define LIST_MAX 4096

struct reading {
  int used, fd;
  uint32_t id;
  uint64_t credit, left;
};

static struct reading readings[READS_MAX];

static int open_plain(const char *path, uint64_t flags, uint64_t mode) {
  struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, .mode = mode, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static void file_error(uint32_t id, int error) { send_number(C_FILE_ERROR, id, (uint32_t)error); }

/* payload: u64 size limit, path, NUL */
void on_read(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size < 10 || data[size - 1] != 0) fail("malformed read");
  uint64_t limit = (uint64_t)get_u32(data) | (uint64_t)get_u32(data + 4) << 32;
  struct reading *slot = NULL;
  for (int i = 0; i < READS_MAX && !slot; i++)
    if (!readings[i].used) slot = &readings[i];
  if (!slot) return file_error(id, EMFILE);
  struct stat st;
  int fd = open_plain((const char *)data + 8, O_RDONLY, 0);
  if (fd < 0) return file_error(id, errno);
  int error = fstat(fd, &st) ? errno : S_ISDIR(st.st_mode) ? EISDIR : !S_ISREG(st.st_mode) ? EPERM : (uint64_t)st.st_size > limit ? EFBIG : 0;
  if (error) {
    close(fd);
    return file_error(id, error);
  }
  *slot = (struct reading){.used = 1, .fd = fd, .id = id, .left = limit};
}

static void end_reading(struct reading *r, int error) {
  close(r->fd);
  r->used = 0;
  if (error) file_error(r->id, error);
  else send_frame(C_FILE_END, r->id, NULL, 0);
}

static void pump_reading(struct reading *r) {
  static uint8_t chunk[CHUNK];
  ssize_t got = read(r->fd, chunk, r->credit < CHUNK ? (size_t)r->credit : CHUNK);
  if (got < 0) return end_reading(r, errno);
  if (got == 0) return end_reading(r, 0);
  if ((uint64_t)got > r->left) return end_reading(r, EFBIG); /* it grew while we read */
  r->left -= (uint64_t)got;
  r->credit -= (uint64_t)got;
  send_frame(C_FILE_DATA, r->id, chunk, (uint32_t)got);
}

/* payload: u8 flags (1 first, 2 last), path NUL, bytes. Written beside the target, renamed with the last piece. */
void on_write(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size < 3) fail("malformed write");
  const char *path = (const char *)data + 1;
  size_t length = strnlen(path, size - 1);
  if (length == size - 1) fail("malformed write");
  char temp[4096];
  if ((size_t)snprintf(temp, sizeof temp, "%s.cellos-part", path) >= sizeof temp) return file_error(id, ENAMETOOLONG);
  const uint8_t *bytes = data + 2 + length;
  size_t left = size - 2 - length;
  struct stat st;
  if (data[0] & 1 && lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) return file_error(id, S_ISLNK(st.st_mode) ? ELOOP : S_ISDIR(st.st_mode) ? EISDIR : EPERM);
  int fd = open_plain(temp, O_WRONLY | O_APPEND | (data[0] & 1 ? O_CREAT | O_TRUNC : 0), data[0] & 1 ? 0644 : 0);
  if (fd < 0) return file_error(id, errno);
  while (left > 0) {
    ssize_t wrote = write(fd, bytes, left);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      int error = errno;
      close(fd);
      unlink(temp);
      return file_error(id, error);
    }
    bytes += wrote;
    left -= (size_t)wrote;
  }
  close(fd);
  if (data[0] & 2 && rename(temp, path)) {
    int error = errno;
    unlink(temp);
    return file_error(id, error);
  }
  send_frame(C_FILE_END, id, NULL, 0);
}

/* Splits an absolute path: opens the folder of its last part, and points at that part. */
static int open_parent(char *path, char **name) {
  *name = strrchr(path, '/');
  if (!*name || !(*name)[1]) {
    errno = EINVAL;
    return -1;
  }
  *(*name)++ = 0;
  int fd = open_plain(*path ? path : "/", O_RDONLY | O_DIRECTORY, 0);
  int error = errno;
  (*name)[-1] = '/';
  errno = error;
  return fd;
}

/* Makes a folder and those above it; one that is there already is fine. Removes a file, a link or an empty folder. */
void on_change(uint8_t type, uint32_t id, uint8_t *data, uint32_t size) {
  if (size < 2 || data[size - 1] != 0) fail("malformed path");
  if (data[0] != '/') return file_error(id, EINVAL);
  char *path = (char *)data, *name;
  for (char *p = path + 1; type == H_MKDIR && *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    int parent = open_parent(path, &name);
    int made = parent < 0 ? -1 : mkdirat(parent, name, 0755), error = errno;
    if (parent >= 0) close(parent);
    *p = '/';
    if (made && error != EEXIST) return file_error(id, error);
  }
  struct stat st;
  int parent = open_parent(path, &name);
  if (parent < 0) return file_error(id, errno);
  int failed = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW), exists = !failed;
  if (type == H_MKDIR) {
    failed = exists ? !S_ISDIR(st.st_mode) : mkdirat(parent, name, 0755);
    if (exists && failed) errno = EEXIST;
  } else if (exists) failed = unlinkat(parent, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
  int error = errno;
  close(parent);
  if (failed) return file_error(id, error);
  send_frame(C_FILE_END, id, NULL, 0);
}

/* answer: for each entry u8 kind (f d l o), u64 size, name, NUL */
void on_list(uint32_t id, const uint8_t *data, uint32_t size) {
  if (size < 2 || data[size - 1] != 0) fail("malformed list");
  int fd = open_plain((const char *)data, O_RDONLY | O_DIRECTORY, 0);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (!dir) return file_error(id, errno);
  uint8_t *out = malloc(FRAME_MAX);
  if (!out) fail("memory");
  uint32_t used = 0, count = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    struct stat st;
    size_t length = strlen(entry->d_name) + 1;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW)) continue;
    if (++count > LIST_MAX || used + 9 + length > FRAME_MAX - 16) {
      free(out);
      closedir(dir);
      return file_error(id, E2BIG);
    }
    out[used] = S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : 'o';
    put_u64(out + used + 1, (uint64_t)st.st_size);
    memcpy(out + used + 9, entry->d_name, length);
    used += 9 + (uint32_t)length;
  }
  closedir(dir);
  send_frame(C_LIST, id, out, used);
  free(out);
}

static struct reading *reading_of(uint32_t id) {
  for (int i = 0; i < READS_MAX; i++)
    if (readings[i].used && readings[i].id == id) return &readings[i];
  return NULL;
}

void credit_reading(uint32_t id, uint32_t bytes) {
  struct reading *r = reading_of(id);
  if (r) r->credit += bytes;
}

void cancel_reading(uint32_t id) {
  struct reading *r = reading_of(id);
  if (r) end_reading(r, ECANCELED);
}

int readings_wait(void) {
  for (int i = 0; i < READS_MAX; i++)
    if (readings[i].used && readings[i].credit > 0) return 1;
  return 0;
}

void pump_readings(void) {
  for (int i = 0; i < READS_MAX; i++)
    if (readings[i].used && readings[i].credit > 0) pump_reading(&readings[i]);
}
