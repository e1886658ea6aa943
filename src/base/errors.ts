/**
 * The one class of operational failure, and the closed table of its codes.
 *
 * Callers branch on `code`, never on the message. `docs/errors.md` is made from this table (`npm run docs`).
 * Invariants:
 *   E1  a code is in the table or it does not compile;
 *   E2  `facts` never hold a secret: values are plain JSON scalars or lists of them.
 */

export type Retry = 'never' | 'backoff' | 'operator';

export interface ErrorCodeInfo {
  /** Whether trying again can help, and who has to act first. */
  readonly retry: Retry;
  /** HTTP status an edge answers with. */
  readonly http: number;
  /** Exit code of the command line. */
  readonly exit: number;
  /** One sentence for `docs/errors.md`. */
  readonly about: string;
}

const row = (exit: number, http: number, retry: Retry, about: string): ErrorCodeInfo => ({ retry, http, exit, about });

/** Exit codes of our own (product.md, "Command line"). */
export const EXIT = {
  ok: 0,
  usage: 64,
  invalidDocument: 65,
  refused: 120,
  unsatisfiable: 121,
  residue: 122,
  evidence: 123,
  timeLimit: 124,
  failure: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

export const ERROR_CODES = {
  'usage.invalid': row(EXIT.usage, 400, 'never', 'The command line could not be understood'),
  'config.invalid': row(EXIT.usage, 500, 'operator', 'An environment variable or a configuration file holds a value that cannot be used'),
  'json.invalid': row(EXIT.invalidDocument, 400, 'never', 'The bytes are not one JSON value within the limits'),
  'json.number': row(EXIT.invalidDocument, 400, 'never', 'A number cannot be represented exactly or has no canonical form'),
  'yaml.invalid': row(EXIT.invalidDocument, 400, 'never', 'The text is not one YAML document within the limits'),
  'spec.invalid': row(EXIT.invalidDocument, 400, 'never', 'An ExecutionCell document breaks one or more rules; each is listed with its path and line'),
  'spec.unreadable': row(EXIT.invalidDocument, 400, 'operator', 'The document could not be read'),
  'document.invalid': row(EXIT.invalidDocument, 400, 'never', 'A document other than a spec does not have its declared shape'),
  'crypto.key': row(EXIT.failure, 400, 'never', 'A key has the wrong length, form or algorithm'),
  'event.invalid': row(EXIT.failure, 400, 'never', 'An event does not have the shape its type demands'),
  'signature.invalid': row(EXIT.failure, 400, 'never', 'A signed envelope does not verify'),
  'policy.refused': row(EXIT.refused, 403, 'never', 'Policy refuses the document'),
  'plan.unsatisfiable': row(EXIT.unsatisfiable, 422, 'operator', 'This host cannot enforce or provide what was asked'),
  'backend.failed': row(EXIT.failure, 500, 'backoff', 'The isolation backend could not start the cell'),
  'backend.protocol': row(EXIT.failure, 500, 'operator', 'The cell helper spoke something other than its protocol'),
  'cgroup.failed': row(EXIT.unsatisfiable, 500, 'operator', 'A resource limit could not be put in force'),
  'teardown.residue': row(EXIT.residue, 500, 'operator', 'Something of the cell was still there after teardown'),
  'evidence.unwritable': row(EXIT.evidence, 500, 'operator', 'Evidence could not be made durable'),
  'evidence.invalid': row(EXIT.failure, 400, 'never', 'An evidence bundle does not have the documented form'),
  'journal.corrupt': row(EXIT.evidence, 500, 'operator', 'The journal is damaged, or records it acknowledged are not there: it is opened for reading only'),
  'journal.busy': row(EXIT.failure, 409, 'backoff', 'Another process writes to the journal'),
  'journal.fenced': row(EXIT.evidence, 500, 'never', 'Another process has taken the journal over: this writer has stopped for good'),
  'journal.full': row(EXIT.evidence, 507, 'operator', 'There is no space for more records of the journal; its reserve takes urgent ones'),
  'journal.dropped': row(EXIT.failure, 410, 'never', 'The records that are asked for were dropped by the retention of the journal'),
  'signer.unavailable': row(EXIT.evidence, 500, 'operator', 'No usable signing key: nothing is run unsigned'),
  'secret.missing': row(EXIT.refused, 403, 'operator', 'A secret the document asks for is not there, or is empty'),
  'secret.broker': row(EXIT.failure, 502, 'backoff', 'A secret broker failed'),
  'file.refused': row(EXIT.failure, 422, 'never', 'A file of a cell could not be read, written, listed, made or removed; the fact errno says why'),
  'cell.closed': row(EXIT.failure, 409, 'never', 'The cell is over: closed, killed, lost, or at the end of its time to live'),
  'export.refused': row(EXIT.failure, 422, 'never', 'An artifact may not be copied out: not a plain file beneath the workspace, or over a limit'),
  'export.failed': row(EXIT.failure, 502, 'backoff', 'An artifact could not be delivered'),
  'workspace.unreadable': row(EXIT.failure, 422, 'never', 'The changes of a workspace could not be read'),
  'workspace.conflict': row(EXIT.failure, 409, 'operator', 'The folder is no longer what it was when the command ran: nothing was applied'),
  'workspace.failed': row(EXIT.failure, 500, 'operator', 'The changes of a workspace could not all be applied'),
  'run.unknown': row(EXIT.usage, 404, 'never', 'No run has this id'),
  'run.busy': row(EXIT.failure, 409, 'backoff', 'The run is still going on'),
  'result.unwritable': row(EXIT.failure, 500, 'operator', 'The result document of a run could not be written; its evidence could'),
  'state.unusable': row(EXIT.failure, 500, 'operator', 'The state folder cannot be used safely'),
  'cancelled': row(130, 499, 'never', 'The caller gave the work up'),
  'internal.bug': row(EXIT.failure, 500, 'operator', 'An invariant of CellOS itself does not hold'),
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

export type FactValue = string | number | boolean | null | readonly string[] | readonly number[];
export type Facts = Readonly<Record<string, FactValue>>;

/** An operational failure. Expected endings (refused, timed out …) are values, not errors. */
export class CellError extends Error {
  override readonly name = 'CellError';
  readonly code: ErrorCode;
  readonly facts: Facts;

  constructor(code: ErrorCode, message: string, options: { facts?: Facts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }

  get info(): ErrorCodeInfo {
    return ERROR_CODES[this.code];
  }
}

export function isCellError(value: unknown, code?: ErrorCode): value is CellError {
  return value instanceof CellError && (code === undefined || value.code === code);
}

/** Throws `internal.bug` when an invariant of ours is broken. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new CellError('internal.bug', `Broken invariant: ${invariant}`);
}

/** For the default branch of a switch over a closed union. */
export function unreachable(value: never, what: string): never {
  throw new CellError('internal.bug', `Unhandled ${what}: ${String(value)}`);
}

/** Names why an error is deliberately dropped. The only permitted empty handling. */
export function ignore(_error: unknown, _why: string): void {
  // Nothing: the call itself is the record of why.
}

/** The message of anything thrown, in one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `code` of a Node system error (`ENOENT` …), if it has one. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
