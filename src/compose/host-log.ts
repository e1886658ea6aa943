/** The log of this host: where it is, whose keys speak for it, and which name it has. */
import { existsSync, readFileSync } from 'node:fs';
import { openHostLog } from '../adapters/log/host-log.ts';
import { logFilesIn } from '../adapters/log/log-files.ts';
import { privateFolder, writeFileAtomic } from '../adapters/os/durable-file.ts';
import { systemRandom } from '../adapters/os/random.ts';
import type { HostKeys } from '../adapters/signer/key-files.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import { type Bytes, toHex, tryDecodeUtf8, utf8 } from '../base/bytes.ts';
import { CellError, ignore, isCellError } from '../base/errors.ts';
import { hostLogOrigin } from '../core/evidence/checkpoint.ts';
import type { HostLog } from '../ports/host-log.ts';

const HOST_BYTES = 8;

/**
 * A log that begins anew is another log: its name is drawn, and kept with it.
 * @throws CellError `evidence.invalid` for a name that is none
 */
function originIn(folder: string): string {
  const path = `${folder}/origin`;
  if (!existsSync(path)) {
    privateFolder(folder);
    writeFileAtomic(path, utf8(`${hostLogOrigin({ host: toHex(systemRandom.bytes(HOST_BYTES)), epoch: 1 })}\n`), { exclusive: true });
  }
  const [, origin] = /^(cellos\.dev\/log\/[0-9a-z-]+\/[0-9]+)\n$/.exec(tryDecodeUtf8(readFileSync(path)) ?? '') ?? [];
  if (origin === undefined) throw new CellError('evidence.invalid', `Cannot use the host log in ${folder}: its file origin does not name it`, { facts: { path } });
  return origin;
}

/** Public keys of all checkpoint keys that this host has had. */
async function everyCheckpointKey(state: StateFolder): Promise<Bytes[]> {
  const { hostPin } = await import('./host-keys.ts');
  return [...(hostPin(state).known?.keys.values() ?? [])].filter(({ purpose }) => purpose === 'checkpoint').map(({ publicKey }) => publicKey);
}

/** @throws CellError as `openHostLog` */
export async function openLog(state: StateFolder, { checkpoint }: Pick<HostKeys, 'checkpoint'>): Promise<HostLog> {
  const folder = `${state.path}/log`;
  const origin = originIn(folder);
  const signer = { key: { name: origin, publicKey: checkpoint.publicKey }, sign: (message: Bytes) => checkpoint.sign(message) };
  const open = (keys: readonly Bytes[]): HostLog => openHostLog({ files: logFilesIn(folder), origin, signers: [signer], verifiers: keys.map((publicKey) => ({ name: origin, publicKey })) });
  try {
    return open([checkpoint.publicKey]);
  } catch (error) {
    if (!isCellError(error, 'evidence.invalid')) throw error;
    ignore(error, 'a rotation may have been in between: then the key before has signed it');
    return open(await everyCheckpointKey(state));
  }
}
