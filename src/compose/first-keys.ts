/** The first keys of this host, and their first keyset. Apart from what reads and changes keys: a first run loads this and no more. */
import { systemClock } from '../adapters/os/clock.ts';
import { systemRandom } from '../adapters/os/random.ts';
import { type FirstKeys, makeKeys } from '../adapters/signer/key-making.ts';
import type { StateFolder } from '../adapters/store/state.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Signer } from '../ports/signer.ts';
import { ALGORITHM_OF, type KeyPurpose, type KeysetKey, makeKeyset } from '../core/signing/keyset.ts';
import { keysetFile } from '../core/signing/keyset-chain.ts';

export interface KeyOptions {
  readonly roots: number;
  readonly threshold: number;
  /** Where the root keys go; default: beside the online keys. */
  readonly rootFolder?: string;
}

function entry(purpose: KeyPurpose, { kid, publicKey }: Signer): KeysetKey {
  return { kid, algorithm: ALGORITHM_OF[purpose], purpose, publicKey, state: 'active' };
}

/** Makes the keys of this host. @returns the files of the root keys; undefined when there were keys already, which stay */
export function initKeys(state: StateFolder, options: KeyOptions): readonly string[] | undefined {
  const first = ({ roots, event, checkpoint, bundle }: FirstKeys): Bytes =>
    makeKeyset({
      keysetId: `host:${roots[0]?.kid ?? ''}`,
      epoch: 1,
      producedAt: systemClock.nowRfc3339(),
      threshold: options.threshold,
      keys: [...roots.map((root) => entry('root', root)), entry('event', event), entry('checkpoint', checkpoint), entry('bundle', bundle)],
      signers: roots,
    });
  return makeKeys(state.keys, { random: systemRandom, ...options, makeKeyset: first, keysetFile });
}
