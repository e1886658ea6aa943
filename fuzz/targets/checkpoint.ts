/** Checkpoints and the notes around them: what is accepted was signed, and has one spelling. */
import { assert } from '../../src/base/errors.ts';
import { equalBytes, tryDecodeUtf8, utf8 } from '../../src/base/bytes.ts';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { checkpointText, parseCheckpoint, parseCheckpointText, signCheckpoint } from '../../src/core/evidence/checkpoint.ts';
import { parseLogPolicy, verifyCheckpoint } from '../../src/core/evidence/log-policy.ts';
import { leafHash } from '../../src/core/evidence/merkle.ts';
import { verifierKeyText } from '../../src/core/evidence/note-key.ts';
import { signatureLine, withSignature } from '../../src/core/evidence/signed-note.ts';

const [log, witness] = [7, 8].map((seed) => ed25519SigningKey(new Uint8Array(32).fill(seed))) as [ReturnType<typeof ed25519SigningKey>, ReturnType<typeof ed25519SigningKey>];
const head = { origin: 'o', size: 7n, root: leafHash(utf8('x')), extensions: [] };
const logKey = { name: 'o', publicKey: log.publicKey };
const witnessKey = { name: 'w', algorithm: 'cosignature-v1', publicKey: witness.publicKey } as const;
const text = checkpointText(head);
const [signed, cosigned] = [signatureLine(text, { key: logKey, sign: log.sign }), signatureLine(text, { key: witnessKey, timestamp: 1_700_000_000n, sign: witness.sign })];
const forms = [[signed], [signed, cosigned], [cosigned, signed]].map((lines) => lines.reduce(withSignature, utf8(`${text}\n`)));
const policy = parseLogPolicy(utf8(`log ${verifierKeyText(logKey)}\nwitness w ${verifierKeyText(witnessKey)}\nquorum w\n`));

assert(equalBytes(forms[0] as Uint8Array, signCheckpoint(head, [{ key: logKey, sign: log.sign }])), 'a checkpoint is its text and its signatures');
export const seeds = [...forms, text];

export default function checkpoint(bytes: Uint8Array): void {
  // Unsigned, so that the parser of the text is reached by what nobody signed.
  const unsigned = tryDecodeUtf8(bytes);
  if (unsigned !== undefined && !unsigned.includes('\n\n')) assert(checkpointText(parseCheckpointText(unsigned)) === unsigned, 'the text of a checkpoint has one spelling');
  const read = parseCheckpoint(bytes, [logKey, witnessKey]);
  assert(read.text === text, 'nothing is accepted but what was signed');
  assert(read.unknown > 0 || forms.some((form) => equalBytes(bytes, form)), 'a note has one form for each order of its signatures');
  verifyCheckpoint(bytes, policy);
}
