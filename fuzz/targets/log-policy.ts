/** Policies of logs and witnesses: whatever they say, all witnesses together are enough, and none of them is only for `none`. */
import { assert } from '../../src/base/errors.ts';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { parseLogPolicy, quorumMet } from '../../src/core/evidence/log-policy.ts';
import { type NoteAlgorithm, verifierKeyText } from '../../src/core/evidence/note-key.ts';

const vkey = (name: string, seed: number, algorithm: NoteAlgorithm): string => verifierKeyText({ name, algorithm, publicKey: ed25519SigningKey(new Uint8Array(32).fill(seed)).publicKey });
const witnesses = [1, 2, 3].map((n) => `witness w${n} ${vkey(`w${n}`, n, 'cosignature-v1')}\n`);

export const seeds = [
  `log ${vkey('o', 9, 'ed25519')} https://o.example\n${witnesses.join('')}group two 2 w1 w2\ngroup all all two w3\nquorum all\n`,
  `# nobody\n\nquorum none\n`,
  `${witnesses[0]}group g any w1\nquorum g\n`,
];

export default function logPolicy(bytes: Uint8Array): void {
  const policy = parseLogPolicy(bytes);
  assert(quorumMet(policy, new Set(policy.witnesses.keys())), 'all witnesses together are enough');
  assert(quorumMet(policy, new Set()) === (policy.quorum === 'none'), 'none of them is enough for no quorum but none');
}
