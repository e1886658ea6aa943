/**
 * Secrets from this host: environment variables and files, as the reference names them (CELLOS_SECRET_<KEY>, CELLOS_SECRET_FILE_<KEY>), or as
 * the caller maps them one by one.
 *
 *   B1  the environment is handed in; a value is read when it is leased, and never logged;
 *   B2  a lease ends once: revoked or expired; after that it reads nothing;
 *   B3  a value is text: bytes that are none are refused, and not handed out as something else. Of a file, one newline at the end is the editor's.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { toHex, utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { Secret } from '../../base/secret.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { SecretBroker, SecretLease, SecretSource } from '../../ports/secret-broker.ts';

export interface HostBrokerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Explicit sources by reference, before the variables' names are tried. */
  readonly sources: ReadonlyMap<string, SecretSource>;
  readonly clock: Clock;
  readonly random: Random;
}

const NEWLINE = 10;
const PATH_PREFIX = 'CELLOS_SECRET_FILE_';

/** reference/03 §3.3: upper case, `-` becomes `_`. */
export function variableFor(prefix: string, ref: string): string {
  return `${prefix}${ref.toUpperCase().replaceAll('-', '_')}`;
}

function missing(ref: string, where: string): CellError {
  return new CellError('secret.missing', `Cannot get secret "${ref}": ${where}`, { facts: { ref } });
}

function readSecretFile(ref: string, path: string): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw missing(ref, errnoOf(error) === 'ELOOP' ? 'its file is a symlink' : `its file cannot be opened (${errnoOf(error) ?? messageOf(error)})`);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw missing(ref, 'its file is not a regular file');
    if (stat.size > LIMITS.secretSizeBytesMax) throw missing(ref, `its file has more than ${LIMITS.secretSizeBytesMax} bytes`);
    const bytes = readFileSync(fd);
    if (!isUtf8(bytes)) throw missing(ref, 'its file holds bytes that are no UTF-8 text'); // B3
    return bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
  } finally {
    closeSync(fd);
  }
}

function locate(ref: string, options: HostBrokerOptions): Uint8Array {
  const source = options.sources.get(ref);
  if (source?.broker === 'file') return readSecretFile(ref, source.path);
  const name = source === undefined ? variableFor('CELLOS_SECRET_', ref) : source.key;
  const value = options.env[name];
  if (value !== undefined && value !== '') {
    if (name.startsWith(PATH_PREFIX)) throw missing(ref, `${name} is where another secret has its path`);
    if (value.includes('\ufffd')) throw missing(ref, `the variable ${name} holds bytes that are no UTF-8 text`); // B3
    return utf8(value);
  }
  const file = source === undefined ? options.env[variableFor(PATH_PREFIX, ref)] : undefined;
  if (file !== undefined && file !== '') return readSecretFile(ref, file);
  throw missing(ref, `the variable ${name} is ${value === '' ? 'empty' : 'not set'}`);
}

class HostLease implements SecretLease {
  readonly leaseId: string;
  readonly ref: string;
  readonly #secret: Secret;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #ended: 'revoked' | 'expired' | undefined;

  constructor(input: { ref: string; secret: Secret; clock: Clock; ttlMs: number; leaseId: string }) {
    this.ref = input.ref;
    this.leaseId = input.leaseId;
    this.#secret = input.secret;
    this.#clock = input.clock;
    this.#deadlineMs = input.clock.monotonicMs() + input.ttlMs;
  }

  async read(options: { signal: AbortSignal }): Promise<Secret> {
    options.signal.throwIfAborted();
    if (this.#ended === undefined && this.#clock.monotonicMs() >= this.#deadlineMs) this.#end('expired');
    if (this.#ended !== undefined) throw new CellError('secret.broker', `Cannot read secret "${this.ref}": its lease is ${this.#ended}`, { facts: { ref: this.ref } });
    return new Secret(this.#secret.reveal());
  }

  #end(how: 'revoked' | 'expired'): void {
    this.#ended = how;
    this.#secret[Symbol.dispose]();
  }

  async revoke(): Promise<'revoked' | 'expired'> {
    if (this.#ended === undefined) this.#end('revoked');
    return this.#ended ?? 'revoked';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.revoke();
  }
}

export function createHostBroker(options: HostBrokerOptions): SecretBroker {
  return {
    name: 'env',
    async lease(ref, { ttlMs, signal }) {
      signal.throwIfAborted();
      const bytes = locate(ref, options);
      if (bytes.byteLength === 0) throw missing(ref, 'it is empty');
      return new HostLease({ ref, secret: new Secret(bytes), clock: options.clock, ttlMs, leaseId: `lease-${toHex(options.random.bytes(8))}` });
    },
  };
}
