/** Disagreements of the two verifiers that are known, narrowly: the campaigns pass over them. When the first is mended, its cases go to the tables, and this file goes. */
import { editAt, edited, linesOf, set, type Table } from './cases.ts';
import { type Answers, differenceOf, type Question } from './differ.ts';
import { KEYS } from './drafts.ts';
import { isMap, type Json, readJson, Refusal } from './json.ts';
import { CHECKPOINT } from './log.ts';
import { DISPUTED } from './logged.ts';
import { EMPTY_ROOT } from './merkle.ts';
import { keyIdOf, readNote } from './note.ts';

export const KNOWN: Table = [
  ...DISPUTED,
  ...['notBefore', 'notAfter'].flatMap((member) => [
    edited(`an envelope with a ${member} that no signature covers`, editAt('envelope', 2, set([member], 'x')), 'tampered', { at: 2 }),
    edited(`an envelope with a ${member} that no signature covers, in a run without an end`, editAt('envelope', 2, set([member], 'x')), 'tampered', { at: 2, rest: { sealed: false, attested: false } }),
  ]),
];

function at(value: Json, ...path: readonly string[]): Json {
  return path.reduce((inner: Json, key) => (isMap(inner) ? (inner.get(key) ?? null) : null), value);
}

/** @returns null for what is no JSON */
function recordAt({ files = new Map() }: Question, seq: number): Json {
  try {
    return readJson(linesOf(files)[seq] ?? new Uint8Array());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return null;
  }
}

/** An envelope of a bundle with a bound of the reference, which says nothing here: exactly four members are allowed. */
function isBounded(question: Question, { second }: Answers): boolean {
  if (second.verdict !== 'tampered' || second.firstBad === undefined) return false;
  const envelope = at(recordAt(question, second.firstBad.seq), 'envelope');
  return ['notBefore', 'notAfter'].some((member) => typeof at(envelope, member) === 'string');
}

/** A genesis that names a log of size 0 with another root than that of no leaves. */
function isFalselyEmpty(question: Question, { second }: Answers): boolean {
  if (second.verdict !== 'tampered' || second.firstBad?.seq !== 0) return false;
  const log = at(recordAt(question, 0), 'envelope', 'event', 'data', 'log');
  return isMap(log) && log.get('size') === '0' && log.get('root') !== EMPTY_ROOT.toString('base64');
}

/** A checkpoint that several keys of the log signed, of which one counts: the first verifier asks that another of them does. */
function isSignedTwice({ files = new Map() }: Question, { first, second }: Answers): boolean {
  if (first.verdict !== 'untrusted-key' || first.firstBad !== undefined || !['complete', 'complete-with-declared-gaps', 'stale-trust'].includes(second.verdict)) return false;
  const { signatures } = readNote(files.get(CHECKPOINT) ?? new Uint8Array());
  return [KEYS.checkpoint, KEYS.checkpointNext].every((key) => signatures.some(({ name, keyId }) => keyIdOf(name, key.bytes).equals(keyId)));
}

export function isKnown(question: Question, answers: Answers): boolean {
  return differenceOf(answers) !== undefined && (isBounded(question, answers) || isFalselyEmpty(question, answers) || isSignedTwice(question, answers));
}
