/* Chooses the personality. See cell.h. */
#include "cell.h"

int main(int argc, char **argv) {
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "";
  if (strcmp(name, "secret") == 0 || strcmp(name, "cellos-supervisor") == 0) return secret_main(argc, argv);
  if (argc == 4 && strcmp(argv[1], "launch") == 0) return launch_main(atoi(argv[2]), atoi(argv[3]));
  if ((argc == 3 || argc == 4) && strcmp(argv[1], "init") == 0) return init_main(atoi(argv[2]), argc == 4 ? atoi(argv[3]) & 0777 : 022);
  if (argc == 3 && strcmp(argv[1], "changes") == 0) return changes_main(argv[2]);
  if (argc == 2 && strcmp(argv[1], "--protocol") == 0) return printf("%d\n", CELL_PROTOCOL_VERSION) < 0;
  fprintf(stderr, "cellos-cell: a part of CellOS that is not started by hand\n");
  return 125;
}
