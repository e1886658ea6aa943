/**
 * Disagreements of the two verifiers that are known, narrowly: the campaigns count them apart. Each has its smallest case in the test file, said
 * to fail; when the first verifier is mended that test turns red, and its entry here has to go.
 */
import { fitsEd25519 } from './crypto.ts';
import { type Answers, CRASHED, type Question } from './differ.ts';
import { linesOf } from './cases.ts';
import { KEYS } from './drafts.ts';
import { asReferenceReads } from './bare.ts';
import { canonical, isMap, type Json, readJson, Refusal } from './json.ts';

const EVENT_KEYS = [KEYS.event, KEYS.eventNext];

function readLoosely(event: Json | undefined): Json {
  try {
    return asReferenceReads(event);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return null;
  }
}

/** An event with members its signature does not cover, or without some of those it covers, is taken for the one that was signed. */
function isReadLoosely({ files }: Question, { second }: Answers): boolean {
  const line = linesOf(files ?? new Map())[second.firstBad?.seq ?? -1];
  if (line === undefined || second.verdict !== 'tampered') return false;
  const record = readJson(line);
  const envelope = isMap(record) ? record.get('envelope') : undefined;
  const signature = isMap(envelope) ? envelope.get('signature') : undefined;
  if (!isMap(envelope) || typeof signature !== 'string') return false;
  const [given, read] = [canonical(envelope.get('event') ?? null), canonical(readLoosely(envelope.get('event')))];
  return !given.equals(read) && EVENT_KEYS.some((key) => fitsEd25519(key.bytes, read, Buffer.from(signature, 'base64url')));
}

/** An object where a number or a run id has to be: the first verifier ends with a TypeError in the text of its finding. */
function isObjectInText({ first, second }: Answers): boolean {
  return first.verdict === CRASHED && first.crash === 'Cannot convert object to primitive value' && second.verdict === 'tampered';
}

export function isKnown(question: Question, answers: Answers): boolean {
  return isObjectInText(answers) || isReadLoosely(question, answers);
}
