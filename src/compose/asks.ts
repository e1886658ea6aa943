/** What a caller names of this host — paths, secret sources — checked and resolved once, for the command line and the library alike. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { CellError, errnoOf } from '../base/errors.ts';
import { isPortableIdentifier } from '../base/ids.ts';
import type { AskedMount, RunAsks } from '../core/plan/asks.ts';
import { isReservedVariable } from '../core/spec/names.ts';
import type { SecretSource } from '../ports/secret-broker.ts';

const usage = (message: string): CellError => new CellError('usage.invalid', message);

/** @param option how the caller knows it: `--ro`, `workspace`. @throws CellError `usage.invalid` */
export function hostPath(option: string, path: string): NonNullable<RunAsks['workspace']> {
  try {
    const source = realpathSync(path);
    const { uid, gid } = statSync(source);
    return { source, owner: { uid, gid } };
  } catch (error) {
    throw usage(`Cannot use ${option} ${path}: ${errnoOf(error) === 'ENOENT' ? 'it does not exist' : (errnoOf(error) ?? 'it cannot be read')}`);
  }
}

const RESERVED = ['/', '/proc', '/dev', '/usr', '/etc', '/run', '/run/cellos', '/bin', '/sbin', '/lib', '/lib64', '/sys'];

/** @param text `PATH` or `PATH:TARGET`. @throws CellError `usage.invalid` */
export function askedMount(kind: 'ro' | 'rw', option: string, text: string): AskedMount {
  const [path = '', target] = text.split(/:(?=\/)/);
  const { source, owner } = hostPath(option, path);
  const at = target ?? resolve(path);
  if (!isAbsolute(at) || at.split('/').includes('..')) throw usage(`Cannot use ${option} ${text}: the place in the cell has to be an absolute path`);
  if (RESERVED.includes(at.replace(/(?<=.)\/$/, '')) || at.startsWith('/proc/') || at.startsWith('/run/cellos')) throw usage(`Cannot use ${option} ${text}: ${at} belongs to the cell itself; name another place with PATH:TARGET`);
  return { kind, source, target: at, owner };
}

/** @param source `env:VARIABLE` or `file:/path`; undefined: the variable of the same name. @throws CellError `usage.invalid` */
export function secretSource(option: string, name: string, source: string | undefined): SecretSource {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) || !isPortableIdentifier(name)) throw usage(`Cannot use ${option} ${JSON.stringify(name)}: a secret is named like a variable`);
  if (isReservedVariable(name)) throw usage(`Cannot use ${option} ${name}: the name is reserved, as it would change how programs are found or loaded`);
  if (source === undefined) return { broker: 'env', key: name };
  const [, broker, key = ''] = /^(env|file):(.+)$/.exec(source) ?? [];
  if (broker === undefined) throw usage(`Cannot use ${option} ${name}: a source is env:VARIABLE or file:/path, never the value itself`);
  return broker === 'env' ? { broker, key } : { broker: 'file', path: resolve(key) };
}
