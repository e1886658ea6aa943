/*
 * Prepares everything that must be in force before bubblewrap starts, then becomes bubblewrap.
 *
 * The plan is a list of records on one descriptor: u8 kind, u8 field count, then each field as u32 length and bytes.
 *   N1  the first thing done is joining the cgroups: nothing of the cell ever runs outside them. A v2 group is entered by being forked into
 *       it, a v1 group by moving this one thread: both spare the kernel's global lock, whose grace period costs more than all the rest here;
 *   N2  every source is opened before anything is mounted over, and no source is followed through a symlink;
 *   N3  any failure is one line on stderr and exit 125, and nothing of the workload has run;
 *   N4  bubblewrap gets an empty environment, its arguments by descriptor, and no descriptor but those named;
 *   N5  a plan that is cut, or holds a record of another kind, is refused before anything is done.
 */
#include "cell.h"
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <linux/mount.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PLAN_BYTES_MAX (4u << 20)
#define RECORDS_MAX 512
#define FIELDS_MAX 8
#define ARGS_MAX 16
#define KEEP_MAX 32

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

enum kind { K_CGROUP = 1, K_MOUNT, K_OVERLAY, K_FILE, K_DIR, K_LINK, K_USER, K_STAGE, K_MEMFD, K_KEEP, K_EXEC, K_END };

struct field { const char *data; uint32_t size; };
struct record { uint8_t kind; uint8_t count; struct field field[FIELDS_MAX]; int tree; };

static struct record records[RECORDS_MAX];
static unsigned record_count;
static const char *stage_dir;
static char *exec_args[ARGS_MAX + 1];
static int keep[KEEP_MAX];
static unsigned keep_count;

static void die(const char *stage, const char *item) {
  int error = errno;
  dprintf(2, "cellos-launch: %s: %s: %s\n", stage, item, strerror(error));
  _exit(125);
}

static void die_plain(const char *stage, const char *item) {
  dprintf(2, "cellos-launch: %s: %s\n", stage, item);
  _exit(125);
}

/* Every field is followed by a NUL the reader adds, so text fields are C strings. */
static void read_plan(int fd) {
  uint8_t *raw = malloc(PLAN_BYTES_MAX);
  char *copy = malloc(PLAN_BYTES_MAX + RECORDS_MAX * FIELDS_MAX);
  if (!raw || !copy) die("plan", "memory");
  size_t size = 0;
  for (;;) {
    ssize_t got = read(fd, raw + size, PLAN_BYTES_MAX - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) die("plan", "read");
    if (got == 0) break;
    size += (size_t)got;
    if (size == PLAN_BYTES_MAX) die_plain("plan", "too large");
  }
  close(fd);
  size_t at = 0, out = 0;
  while (at < size) {
    if (record_count == RECORDS_MAX || size - at < 2 || (record_count > 0 && records[record_count - 1].kind == K_END)) die_plain("plan", "malformed");
    struct record *r = &records[record_count++];
    r->kind = raw[at];
    r->count = raw[at + 1];
    r->tree = -1;
    at += 2;
    if (r->count > FIELDS_MAX || r->kind < K_CGROUP || r->kind > K_END) die_plain("plan", "malformed");
    for (unsigned i = 0; i < r->count; i++) {
      if (size - at < 4) die_plain("plan", "malformed");
      uint32_t length = get_u32(raw + at);
      at += 4;
      if (length > size - at) die_plain("plan", "malformed");
      memcpy(copy + out, raw + at, length);
      copy[out + length] = 0;
      r->field[i].data = copy + out;
      r->field[i].size = length;
      out += length + 1;
      at += length;
    }
  }
  if (record_count == 0 || records[record_count - 1].kind != K_END) die_plain("plan", "cut"); /* N5 */
  free(raw);
}

static const char *text(const struct record *r, unsigned i) {
  if (i >= r->count || strlen(r->field[i].data) != r->field[i].size) die_plain("plan", "malformed text");
  return r->field[i].data;
}

static long number(const struct record *r, unsigned i) {
  char *end;
  const char *s = text(r, i);
  errno = 0;
  long value = strtol(s, &end, 10);
  if (errno || end == s || *end) die_plain("plan", "malformed number");
  return value;
}

/* What is left outside a v2 group: waits for the cell's bubblewrap, and ends as it ended. */
static void stand_by(pid_t child) {
  int status;
  syscall(SYS_close_range, 0u, ~0u, 0);
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) _exit(125);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* The death of `parent` is ours. A change of identity clears this, so it is set again then. */
static void die_with(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL)) die("death signal", "prctl");
  if (getppid() != parent) _exit(125);
}

/* cgroup: version path. Returns the process whose death is ours. */
static pid_t join_cgroups(pid_t parent) {
  int unified = -1;
  for (unsigned i = 0; i < record_count; i++) {
    if (records[i].kind != K_CGROUP || number(&records[i], 0) != 2) continue;
    if (unified >= 0) die_plain("cgroup", "more than one v2 group");
    unified = open(text(&records[i], 1), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (unified < 0) die("cgroup", text(&records[i], 1));
  }
  die_with(parent);
  if (unified >= 0) {
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)unified};
    pid_t self = getpid(), child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (child < 0) die("cgroup", "fork into the v2 group");
    if (child > 0) stand_by(child);
    close(unified);
    parent = self;
    die_with(parent);
  }
  for (unsigned i = 0; i < record_count; i++) {
    char path[4096];
    if (records[i].kind != K_CGROUP || number(&records[i], 0) != 1) continue;
    if ((size_t)snprintf(path, sizeof path, "%s/tasks", text(&records[i], 1)) >= sizeof path) die_plain("cgroup", "path too long");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) die("cgroup", path);
    close(fd);
  }
  return parent;
}

static void write_file(const char *path, const char *data, const char *what) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, data, strlen(data)) != (ssize_t)strlen(data)) die(what, path);
  close(fd);
}

/* Without root, mounting needs a user namespace in which this process is nobody else than itself. */
static void private_mounts(int privileged) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(privileged ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS)) die("unshare", privileged ? "mount namespace" : "user and mount namespace");
  if (!privileged) {
    char line[64];
    write_file("/proc/self/setgroups", "deny", "user namespace");
    snprintf(line, sizeof line, "%u %u 1", uid, uid);
    write_file("/proc/self/uid_map", line, "user namespace");
    snprintf(line, sizeof line, "%u %u 1", gid, gid);
    write_file("/proc/self/gid_map", line, "user namespace");
  }
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL)) die("mount", "/ as slave");
}

/* A user namespace whose map says which owner on disk is which user of this host: what an id-mapped mount is made from. */
static int map_namespace(long disk_uid, long disk_gid, long uid, long gid) {
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child < 0) die("id map", "user namespace");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  char path[64], line[160];
  /* The mounter (0) has to be somebody too, or overlayfs cannot make its work folder: an owner nothing else uses. */
  snprintf(path, sizeof path, "/proc/%d/uid_map", child);
  snprintf(line, sizeof line, "%ld %ld 1\n%ld 0 1\n", disk_uid, uid, disk_uid == 0 ? 65533L : 0L);
  write_file(path, line, "id map");
  snprintf(path, sizeof path, "/proc/%d/gid_map", child);
  snprintf(line, sizeof line, "%ld %ld 1\n%ld 0 1\n", disk_gid, gid, disk_gid == 0 ? 65533L : 0L);
  write_file(path, line, "id map");
  snprintf(path, sizeof path, "/proc/%d/ns/user", child);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("id map", path);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return fd;
}

static int open_source(const char *path, int recursive) {
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0));
  if (fd < 0) die("open", path);
  return fd;
}

static void set_attributes(int tree, const char *item, int read_only, int recursive, int map_fd) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0)};
  if (map_fd >= 0) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = (uint64_t)map_fd;
  }
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr)) {
    /* A file system without id maps still serves a read-only view: that is less than planned, never more. */
    if (map_fd >= 0 && read_only && (errno == EINVAL || errno == EOPNOTSUPP)) return set_attributes(tree, item, read_only, recursive, -1);
    die(map_fd >= 0 ? "id-mapped mount" : "mount flags", item);
  }
}

/* mount: mode(ro|rw) recursive(0|1) source name mapUid mapGid (-1: as it is) */
static void open_sources(long uid, long gid) {
  for (unsigned i = 0; i < record_count; i++) {
    struct record *r = &records[i];
    if (r->kind != K_MOUNT) continue;
    int recursive = number(r, 1) != 0;
    const char *source = text(r, 2);
    long disk_uid = number(r, 4), disk_gid = number(r, 5);
    r->tree = open_source(source, recursive);
    int map_fd = disk_uid < 0 ? -1 : map_namespace(disk_uid, disk_gid, uid, gid);
    set_attributes(r->tree, source, strcmp(text(r, 0), "rw") != 0, recursive, map_fd);
    if (map_fd >= 0) close(map_fd);
  }
}

static void make_parents(const char *path) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", path);
  for (char *p = copy + strlen(stage_dir) + 1; *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    if (mkdir(copy, 0755) && errno != EEXIST) die("stage", copy);
    *p = '/';
  }
}

static void stage_path(char *out, size_t size, const char *name) {
  if (strstr(name, "..") || (size_t)snprintf(out, size, "%s/%s", stage_dir, name) >= size) die_plain("stage", "bad name");
  make_parents(out);
}

static void attach(int tree, const char *name) {
  char path[4096];
  struct stat st;
  stage_path(path, sizeof path, name);
  if (fstat(tree, &st)) die("stage", name);
  if (S_ISDIR(st.st_mode)) {
    if (mkdir(path, 0755) && errno != EEXIST) die("stage", path);
  } else {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) die("stage", path);
    close(fd);
  }
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH)) die("stage mount", path);
  close(tree);
}

/* overlay: source scratch name mapUid mapGid; scratch holds the folders upper and work */
static void attach_overlay(const struct record *r, long uid, long gid, int privileged) {
  char lower[4096], scratch[4096], target[4096], options[3 * 4096 + 128];
  long disk_uid = number(r, 3), disk_gid = number(r, 4);
  char name[256];
  int map_fd = disk_uid < 0 ? -1 : map_namespace(disk_uid, disk_gid, uid, gid);
  int lower_tree = open_source(text(r, 0), !privileged), scratch_tree = open_source(text(r, 1), !privileged);
  set_attributes(lower_tree, text(r, 0), 0, !privileged, map_fd);
  set_attributes(scratch_tree, text(r, 1), 0, !privileged, map_fd);
  if (map_fd >= 0) close(map_fd);
  snprintf(name, sizeof name, "%s.lower", text(r, 2));
  stage_path(lower, sizeof lower, name);
  attach(lower_tree, name);
  snprintf(name, sizeof name, "%s.scratch", text(r, 2));
  stage_path(scratch, sizeof scratch, name);
  attach(scratch_tree, name);
  stage_path(target, sizeof target, text(r, 2));
  if (mkdir(target, 0755) && errno != EEXIST) die("stage", target);
  snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,%s", lower, scratch, scratch, privileged ? "redirect_dir=off,metacopy=off,index=off" : "userxattr");
  if (mount("overlay", target, "overlay", MS_NOSUID | MS_NODEV, options)) die("overlay", text(r, 0));
}

static void stage_everything(long uid, long gid, int privileged) {
  char path[4096];
  if (mount("cellos", stage_dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")) die("stage", stage_dir);
  for (unsigned i = 0; i < record_count; i++) {
    struct record *r = &records[i];
    switch (r->kind) {
      case K_MOUNT:
        attach(r->tree, text(r, 3));
        break;
      case K_OVERLAY:
        attach_overlay(r, uid, gid, privileged);
        break;
      case K_DIR:
        stage_path(path, sizeof path, text(r, 0));
        if (mkdir(path, 0755) && errno != EEXIST) die("stage", path);
        break;
      case K_LINK:
        stage_path(path, sizeof path, text(r, 0));
        if (symlink(text(r, 1), path)) die("stage", path);
        break;
      case K_FILE: {
        stage_path(path, sizeof path, text(r, 0));
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, r->field[1].data, r->field[1].size) != (ssize_t)r->field[1].size) die("stage", path);
        close(fd);
        break;
      }
      default:
        break;
    }
  }
}

/* memfd: number bytes — a sealed file at offset 0 under exactly that descriptor number. */
static void place_memfds(void) {
  for (unsigned i = 0; i < record_count; i++) {
    struct record *r = &records[i];
    if (r->kind != K_MEMFD) continue;
    int want = (int)number(r, 0), fd = memfd_create("cellos", 0);
    if (fd < 0 || write(fd, r->field[1].data, r->field[1].size) != (ssize_t)r->field[1].size || lseek(fd, 0, SEEK_SET)) die("memfd", "write");
    if (fd != want) {
      if (dup2(fd, want) < 0) die("memfd", "dup2");
      close(fd);
    }
    if (keep_count < KEEP_MAX) keep[keep_count++] = want;
  }
}

static void become(long uid, long gid, pid_t parent) {
  /* One byte, not none: the kernel hands cores to a program named in core_pattern whatever the limit is, but for exactly this value. */
  struct rlimit none = {1, 1};
  if (setrlimit(RLIMIT_CORE, &none)) die("limit", "core");
  if (uid >= 0) {
    for (int cap = 0; cap <= 63; cap++)
      if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EINVAL) die("capabilities", "bounding set");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL) die("capabilities", "ambient set");
    if (setgroups(0, NULL)) die("identity", "groups");
    if (setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid)) die("identity", "group");
    if (setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid)) die("identity", "user");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("no_new_privs", "prctl");
  die_with(parent);
}

static int is_kept(int fd) {
  for (unsigned i = 0; i < keep_count; i++)
    if (keep[i] == fd) return 1;
  return fd <= 2;
}

static void close_the_rest(void) {
  int top = 2;
  for (unsigned i = 0; i < keep_count; i++)
    if (keep[i] > top) top = keep[i];
  if (syscall(SYS_close_range, (unsigned)top + 1, ~0U, 0)) die("descriptors", "close_range");
  for (int fd = 3; fd <= top; fd++)
    if (!is_kept(fd)) close(fd);
    else if (fcntl(fd, F_SETFD, 0)) die("descriptors", "a descriptor to keep is not open");
}

int launch_main(int plan_fd, pid_t supervisor) {
  long uid = -1, gid = -1;
  unsigned args = 0;
  read_plan(plan_fd);
  pid_t parent = join_cgroups(supervisor); /* N1 */
  for (unsigned i = 0; i < record_count; i++) {
    struct record *r = &records[i];
    if (r->kind == K_USER) uid = number(r, 0), gid = number(r, 1);
    else if (r->kind == K_STAGE) stage_dir = text(r, 0);
    else if (r->kind == K_KEEP && keep_count < KEEP_MAX) keep[keep_count++] = (int)number(r, 0);
    else if (r->kind == K_EXEC && args < ARGS_MAX) exec_args[args++] = (char *)text(r, 0);
  }
  if (!stage_dir || args == 0) die_plain("plan", "incomplete");
  int privileged = uid >= 0;
  if (chdir("/")) die("chdir", "/");
  umask(022);
  private_mounts(privileged);
  open_sources(uid, gid); /* N2 */
  stage_everything(uid, gid, privileged);
  place_memfds();
  become(uid, gid, parent);
  close_the_rest();
  char *empty[] = {NULL};
  execve(exec_args[0], exec_args, empty); /* N4 */
  die("exec", exec_args[0]);
  return 125;
}
