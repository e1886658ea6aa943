/*
 * Lists what an overlay's upper folder holds, which needs extended attributes: `changes DIR`. For each entry below DIR, parents first: one
 * letter, mode in octal, size, and the path relative to DIR, each ended by NUL.
 *   f file   l symlink   d folder   D folder that hides the one below it   w whiteout: the entry below is gone   o anything else
 * The content is a guest's: nothing is opened, nothing is followed, and the number of entries is bounded.
 */
#include "cell.h"
#include <fts.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define ENTRIES_MAX 200000

static int opaque(const char *path) {
  char value;
  return (lgetxattr(path, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y') || (lgetxattr(path, "user.overlay.opaque", &value, 1) == 1 && value == 'y');
}

static char kind_of(const FTSENT *entry) {
  const struct stat *st = entry->fts_statp;
  switch (st->st_mode & S_IFMT) {
    case S_IFREG: return 'f';
    case S_IFLNK: return 'l';
    case S_IFDIR: return opaque(entry->fts_accpath) ? 'D' : 'd';
    case S_IFCHR: return st->st_rdev == makedev(0, 0) ? 'w' : 'o';
    default: return 'o';
  }
}

int changes_main(char *root) {
  char *roots[] = {root, NULL};
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_XDEV, NULL);
  size_t skip = strlen(root) + 1;
  unsigned count = 0;
  if (!walk) return fprintf(stderr, "cellos-changes: %s: %s\n", root, strerror(errno)), 1;
  errno = 0;
  for (FTSENT *entry; (entry = fts_read(walk)); errno = 0) {
    if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS) return fprintf(stderr, "cellos-changes: %s\n", strerror(entry->fts_errno)), 1;
    if (entry->fts_level == 0 || entry->fts_info == FTS_DP) continue;
    if (++count > ENTRIES_MAX) return fprintf(stderr, "cellos-changes: more than %d entries\n", ENTRIES_MAX), 2;
    printf("%c%c%o%c%lld%c%s%c", kind_of(entry), 0, entry->fts_statp->st_mode & 07777, 0, (long long)entry->fts_statp->st_size, 0, entry->fts_path + skip, 0);
  }
  return errno || fflush(stdout) ? 1 : 0;
}
