/** `cellos-supervisor --help`, and the line of `--version`. */
import { VERSION } from '../../version.ts';

/** The contract this program keeps: scripts of the reference look for exactly this line. Our own version stands in the help. */
export const CONTRACT_VERSION = '0.6.0-pre';

export const DEFAULT_SPEC_PATH = 'contracts/examples/execution-cell-minimal.valid.json';

export const USAGE_SECRET = 'cellos-supervisor secret get KEY';

export function helpText(): string {
  return `Usage: cellos-supervisor [--validate] [SPEC | -]
       ${USAGE_SECRET}

Runs the command of one ExecutionCell document (JSON), and tells it as the Rust CellOS ${CONTRACT_VERSION} does: same variables, same order, same
events. CellOS ${VERSION}; the sealed evidence of each run is kept besides, for cellos show and cellos verify.

  SPEC         the document; - is standard input; default ${DEFAULT_SPEC_PATH}
  --validate   read, check, print a summary; nothing is run
  --version    the version of the contract
  secret get   inside a run: print a secret that is delivered by socket

CELLOS_DEPLOYMENT_PROFILE chooses how it runs:
  hardened     (when unset) isolated cell, signed authority, JetStream, strict configuration
  airgapped    isolated cell, signed events, kept in a chain in CELLOS_SPOOL_DIR
  portable     no isolation but of processes: the host's files, and its network

Exit code 0 when the command ended with 0, 1 for everything else, 128 + n after signal n. Every variable: docs/supervisor.md
`;
}
