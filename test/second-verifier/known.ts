/** Disagreements of the two verifiers that are known, narrowly: the campaigns pass over them. When the first is mended, its cases go to the tables, and this file goes. */
import { linesOf } from './cases.ts';
import { type Answers, differenceOf, type Question } from './differ.ts';
import { KEYS } from './drafts.ts';
import { isMap, type Json, readJson } from './json.ts';
import { CHECKPOINT } from './log.ts';
import { DISPUTED } from './logged.ts';
import { EMPTY_ROOT } from './merkle.ts';
import { keyIdOf, readNote } from './note.ts';

export const KNOWN = DISPUTED;

/** A genesis that names a log of size 0 with another root than that of no leaves. */
function isFalselyEmpty({ files = new Map() }: Question, { second }: Answers): boolean {
  if (second.verdict !== 'tampered' || second.firstBad?.seq !== 0) return false;
  const log = ['envelope', 'event', 'data', 'log'].reduce((inner: Json, key) => (isMap(inner) ? (inner.get(key) ?? null) : null), readJson(linesOf(files)[0]?.subarray(0, -1) ?? Buffer.from('null')));
  return isMap(log) && log.get('size') === '0' && log.get('root') !== EMPTY_ROOT.toString('base64');
}

/** A checkpoint that several keys of the log signed, of which one counts: the first verifier asks that another of them does. */
function isSignedTwice({ files = new Map() }: Question, { first, second }: Answers): boolean {
  if (first.verdict !== 'untrusted-key' || first.firstBad !== undefined || !['complete', 'complete-with-declared-gaps', 'stale-trust'].includes(second.verdict)) return false;
  const { signatures } = readNote(files.get(CHECKPOINT) ?? new Uint8Array());
  return [KEYS.checkpoint, KEYS.checkpointNext].every((key) => signatures.some(({ name, keyId }) => keyIdOf(name, key.bytes).equals(keyId)));
}

export function isKnown(question: Question, answers: Answers): boolean {
  return differenceOf(answers) !== undefined && (isFalselyEmpty(question, answers) || isSignedTwice(question, answers));
}
